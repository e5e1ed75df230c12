//! From the rows of one gene to its transcripts: grouping, stop codons, phases.

use rustc_hash::FxHashMap;

use super::attributes::{decode, Attributes};
use super::repairs::Repairs;
use super::rows::Row;
use super::{Cds, Gene, Transcript};
use crate::gene::{Interval, Strand};

/// One CDS or stop_codon row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'a> {
    pub line: u64,
    pub start: u32,
    pub end: u32,
    pub phase: Option<u8>,
    pub strand: Option<Strand>,
    /// The row's own ID, which the rows of one discontinuous CDS share.
    pub id: Option<&'a [u8]>,
}

impl<'a> Part<'a> {
    pub(super) fn new(row: &Row<'a>, id: Option<&'a [u8]>) -> Self {
        Part { line: row.line, start: row.start, end: row.end, phase: row.phase, strand: row.strand, id }
    }
}

/// What the attributes of a gene's rows say about its completeness.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    open_left: bool,
    open_right: bool,
    open_start: bool,
    open_end: bool,
    exception: Option<String>,
}

impl Marks {
    pub(super) fn add(&mut self, attributes: &Attributes) {
        let (left, right) = attributes.open_ends();
        self.open_left |= left;
        self.open_right |= right;
        self.open_start |= attributes.start_not_found;
        self.open_end |= attributes.end_not_found;
        if self.exception.is_none() {
            self.exception = attributes.exception.map(decode);
        }
    }

    /// Takes over what a transcript's or gene's own row says.
    pub(super) fn merge(&mut self, other: &Marks) {
        self.open_left |= other.open_left;
        self.open_right |= other.open_right;
        self.open_start |= other.open_start;
        self.open_end |= other.open_end;
        if self.exception.is_none() {
            self.exception.clone_from(&other.exception);
        }
    }
}

/// The rows of one transcript.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub id: String,
    pub cds: Vec<Part<'a>>,
    pub stops: Vec<Part<'a>>,
    pub exons: Vec<Interval>,
    pub implicit: bool,
    pub marks: Marks,
    /// The strand of the transcript's or gene's own row.
    pub strand: Option<Strand>,
}

/// The rows of one gene.
#[derive(Debug)]
pub(super) struct DraftGene<'a> {
    pub id: String,
    pub contig: String,
    pub line: u64,
    pub pseudo: bool,
    pub row: Option<Interval>,
    pub transcripts: Vec<Draft<'a>>,
}

/// The gene of its rows; none when no transcript has a CDS.
pub(super) fn finish(draft: DraftGene, repairs: &mut Repairs) -> Option<Gene> {
    let coding = || draft.transcripts.iter().filter(|t| !t.cds.is_empty());
    let known = coding().flat_map(|t| t.cds.iter().map(|p| p.strand)).flatten().next();
    let strand = known.or_else(|| coding().find_map(|t| t.strand)).unwrap_or(Strand::Plus);
    let mut transcripts = Vec::with_capacity(draft.transcripts.len());
    for transcript in draft.transcripts {
        build(transcript, strand, &mut transcripts, repairs);
    }
    (!transcripts.is_empty()).then_some(Gene {
        id: draft.id,
        contig: draft.contig,
        strand,
        transcripts,
        pseudo: draft.pseudo,
        row: draft.row,
        line: draft.line,
    })
}

/// Appends the transcripts that the rows of one make.
fn build(mut draft: Draft, strand: Strand, transcripts: &mut Vec<Transcript>, repairs: &mut Repairs) {
    let rows = std::mem::take(&mut draft.cds);
    if rows.iter().all(|part| part.id == rows[0].id) {
        if !rows.is_empty() {
            let id = std::mem::take(&mut draft.id);
            transcripts.push(transcript(&draft, id, rows, strand, false, repairs));
        }
        return;
    }
    let chains = chains(rows, repairs);
    let several = chains.len() > 1;
    if several {
        repairs.add("several_cds_in_transcript", 1, chains[1][0].line);
    }
    for (i, chain) in chains.into_iter().enumerate() {
        let id = match chain[0].id {
            Some(cds) if i > 0 => format!("{}.{}", draft.id, decode(cds)),
            _ => draft.id.clone(),
        };
        transcripts.push(transcript(&draft, id, chain, strand, several, repairs));
    }
}

/// The transcript of the rows of one CDS; `several` where the draft holds others too.
fn transcript(
    draft: &Draft,
    id: String,
    mut chain: Vec<Part>,
    strand: Strand,
    several: bool,
    repairs: &mut Repairs,
) -> Transcript {
    let mixed_strands = settle_strand(&chain, draft, strand, repairs);
    chain.sort_by_key(|part| (part.start, part.end));
    chain.dedup_by(|again, part| {
        let same = (part.start, part.end) == (again.start, again.end);
        repairs.add("duplicate_row", u64::from(same), again.line);
        same
    });
    if !mixed_strands {
        merge_stop(&mut chain, &draft.stops, strand, several, repairs);
    }
    let marks = &draft.marks;
    let (left, right) = match strand {
        Strand::Plus => (marks.open_left, marks.open_right),
        Strand::Minus => (marks.open_right, marks.open_left),
    };
    Transcript {
        id,
        exons: exons(&draft.exons, &chain),
        cds: with_phases(&chain, strand, repairs),
        implicit: draft.implicit,
        partial_start: marks.open_start || left,
        partial_end: marks.open_end || right,
        mixed_strands,
        exception: marks.exception.clone(),
    }
}

/// Exon and UTR rows and the CDS joined where they touch; nothing where there are no such rows.
fn exons(rows: &[Interval], chain: &[Part]) -> Vec<Interval> {
    if rows.is_empty() {
        return Vec::new();
    }
    let cds = chain.iter().map(|part| Interval::new(part.start, part.end));
    Interval::join(rows.iter().copied().chain(cds).collect())
}

/// The rows of each CDS, of rows with several IDs: by ID where rows share one, all together where every
/// row has its own.
fn chains<'a>(parts: Vec<Part<'a>>, repairs: &mut Repairs) -> Vec<Vec<Part<'a>>> {
    let mut chains: Vec<Vec<Part>> = Vec::new();
    let mut chain_of: FxHashMap<Option<&[u8]>, usize> = FxHashMap::default();
    for &part in &parts {
        let i = *chain_of.entry(part.id).or_insert(chains.len());
        if i == chains.len() {
            chains.push(Vec::new());
        }
        chains[i].push(part);
    }
    if chains.len() > 1 && chains.len() == parts.len() && !overlap(&parts) {
        repairs.add("cds_id_per_row", 1, parts[1].line);
        return vec![parts];
    }
    chains
}

/// Whether two rows share more than the two bases of a programmed frameshift.
fn overlap(parts: &[Part]) -> bool {
    let mut sorted: Vec<_> = parts.iter().map(|part| (part.start, part.end)).collect();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| pair[1].0.saturating_add(2) < pair[0].1)
}

/// Whether the rows contradict the strand of their gene.
fn settle_strand(chain: &[Part], draft: &Draft, strand: Strand, repairs: &mut Repairs) -> bool {
    for part in chain.iter().filter(|part| part.strand.is_none()) {
        repairs.add("strand_missing", 1, part.line);
    }
    let known = chain.iter().any(|part| part.strand.is_some()) || draft.strand.is_some();
    let other = chain.iter().find(|part| part.strand.or(draft.strand).is_some_and(|s| s != strand));
    let odd = if known { other } else { chain.first() };
    repairs.add("mixed_strands", u64::from(odd.is_some()), odd.map_or(0, |part| part.line));
    odd.is_some()
}

/// Adds the bases of stop_codon rows that lie 3' of the CDS; those inside it change nothing.
fn merge_stop(chain: &mut Vec<Part>, stops: &[Part], strand: Strand, several: bool, repairs: &mut Repairs) {
    let (first, last) = (chain[0].start, chain[chain.len() - 1].end);
    let mut beyond: Vec<(u32, u32)> = stops
        .iter()
        .map(|stop| match strand {
            Strand::Plus => (stop.start.max(last), stop.end),
            Strand::Minus => (stop.start, stop.end.min(first)),
        })
        .filter(|(start, end)| start < end)
        .collect();
    beyond.sort_unstable();
    beyond.dedup();
    let bases: u64 = beyond.iter().map(|(start, end)| u64::from(end - start)).sum();
    let touches = beyond.iter().any(|&(start, end)| start == last || end == first);
    if bases == 0 {
        return;
    }
    let line = stops.iter().map(|stop| stop.line).min().unwrap_or(0);
    if bases > 3 || (several && !touches) {
        repairs.add("stop_codon_ignored", 1, line);
        return;
    }
    repairs.add("stop_codon_merged", 1, line);
    for (start, end) in beyond {
        if let Some(part) = chain.iter_mut().find(|part| part.end == start && strand == Strand::Plus) {
            part.end = end;
        } else if let Some(part) = chain.iter_mut().find(|part| part.start == end && strand == Strand::Minus)
        {
            part.start = start;
        } else {
            chain.push(Part { line, start, end, phase: Some(NEW), strand: Some(strand), id: None });
        }
    }
    chain.sort_by_key(|part| (part.start, part.end));
}

/// Phase of a segment that the file does not have: no vote, and no repair of its own.
const NEW: u8 = 3;

/// Phases that follow from one reading frame: the file's where its rows agree, else frame 0 for a
/// whole number of codons and the first row's own phase for the rest.
fn with_phases(chain: &[Part], strand: Strand, repairs: &mut Repairs) -> Vec<Cds> {
    let last = chain.len() - 1;
    let at = |step| match strand {
        Strand::Plus => step,
        Strand::Minus => last - step,
    };
    // until the frame is known, `phase` counts the bases before a segment, modulo 3
    let mut cds: Vec<Cds> =
        chain.iter().map(|part| Cds { start: part.start, end: part.end, phase: 0 }).collect();
    let (mut sum, mut first, mut agree) = (0u32, None, true);
    for i in (0..=last).map(at) {
        let before = (sum % 3) as u8;
        cds[i].phase = before;
        sum += (chain[i].end - chain[i].start) % 3;
        if let Some(phase) = chain[i].phase.filter(|&phase| phase < NEW) {
            let vote = (phase + before) % 3;
            agree &= *first.get_or_insert(vote) == vote;
        }
    }
    let frame = match first {
        None => 0,
        Some(frame) if agree => frame,
        Some(_) if sum % 3 == 0 => 0,
        Some(_) => chain[at(0)].phase.filter(|&phase| phase < NEW).unwrap_or(0),
    };
    for (part, cds) in chain.iter().zip(&mut cds) {
        cds.phase = (frame + 3 - cds.phase) % 3;
        match part.phase {
            None => repairs.add("phase_missing", 1, part.line),
            Some(old) => repairs.add("phase_wrong", u64::from(old < NEW && old != cds.phase), part.line),
        }
    }
    cds
}
