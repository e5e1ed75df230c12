//! Rules about lines, columns, names and order.

use rustc_hash::{FxHashMap, FxHashSet};

use super::rows::{text, File, Row};
use super::rules::{Findings, Rule};
use crate::annotation::attributes::decode;
use crate::fasta::Contig;

/// Looks at every row by itself and at its neighbours.
pub(super) fn check(file: &File, genome: Option<&[Contig]>, findings: &mut Findings) {
    let lengths = regions(file, genome, findings);
    file.rows.iter().for_each(|row| columns(row, findings));
    names(file, genome, findings);
    inside(file, &lengths, findings);
    ids(file, findings);
    parents(file, findings);
    order(file, genome, findings);
}

/// Names and lengths of the sequences, from the genome where there is one.
fn regions(file: &File, genome: Option<&[Contig]>, findings: &mut Findings) -> FxHashMap<String, u64> {
    let mut found: FxHashMap<String, u64> = FxHashMap::default();
    for &(line, name, end) in &file.regions {
        if found.insert(decode(name), end).is_some() {
            findings.add(Rule::SequenceRegion, line, || format!("{} again", decode(name)));
        }
    }
    let Some(genome) = genome else {
        let mut missing: FxHashSet<&[u8]> = FxHashSet::default();
        for row in &file.rows {
            if !found.contains_key(&decode(row.seqid)) && missing.insert(row.seqid) {
                findings.add(Rule::SequenceRegion, row.line, || format!("{} has none", decode(row.seqid)));
            }
        }
        return found;
    };
    for contig in genome.iter().filter(|contig| !contig.sequence.is_empty()) {
        let length = contig.sequence.len() as u64;
        match found.get(&contig.name) {
            Some(&end) if end == length => {}
            Some(end) => findings.add(Rule::SequenceRegion, 0, || {
                format!("{} ends at {end} and has {length} bases", contig.name)
            }),
            None => findings.add(Rule::SequenceRegion, 0, || format!("{} has none", contig.name)),
        }
    }
    genome.iter().map(|contig| (contig.name.clone(), contig.sequence.len() as u64)).collect()
}

fn columns(row: &Row, findings: &mut Findings) {
    if row.source.is_empty() || row.source == b"." {
        findings.add(Rule::Source, row.line, || row.name());
    }
    let number = std::str::from_utf8(row.score).ok().and_then(|score| score.parse::<f64>().ok());
    if row.score != b"." && !number.is_some_and(f64::is_finite) {
        findings.add(Rule::Score, row.line, || format!("'{}'", text(row.score)));
    }
    let stranded = matches!(row.strand, b'+' | b'-');
    if !stranded && (row.is_model() || !matches!(row.strand, b'.' | b'?')) {
        findings.add(Rule::Strand, row.line, || format!("{} on '{}'", row.name(), row.strand as char));
    }
    let right = if row.is("CDS") { matches!(row.phase, b"0" | b"1" | b"2") } else { row.phase == b"." };
    if !right {
        findings.add(Rule::PhaseColumn, row.line, || format!("{}: '{}'", row.name(), text(row.phase)));
    }
}

fn names(file: &File, genome: Option<&[Contig]>, findings: &mut Findings) {
    let known: Option<FxHashSet<&str>> =
        genome.map(|contigs| contigs.iter().map(|c| c.name.as_str()).collect());
    let mut seen: FxHashSet<&[u8]> = FxHashSet::default();
    for row in file.rows.iter().filter(|row| seen.insert(row.seqid)) {
        let plain = row.seqid.iter().all(|b| b.is_ascii_alphanumeric() || b".:^*$@!+_?-|%".contains(b));
        if !plain {
            findings.add(Rule::SequenceName, row.line, || format!("'{}' needs escapes", text(row.seqid)));
        }
        let name = decode(row.seqid);
        if known.as_ref().is_some_and(|known| !known.contains(name.as_str())) {
            findings.add(Rule::SequenceName, row.line, || format!("{name} is not in the genome"));
        }
    }
}

fn inside(file: &File, lengths: &FxHashMap<String, u64>, findings: &mut Findings) {
    let circular = file.circular();
    // rows of one sequence mostly stand together
    let mut last: (&[u8], Option<u64>) = (&[], None);
    for row in file.rows.iter().filter(|row| !circular.contains(row.seqid)) {
        if row.seqid != last.0 {
            last = (row.seqid, lengths.get(&decode(row.seqid)).copied());
        }
        if let Some(length) = last.1.filter(|&length| row.end > length) {
            findings.add(Rule::InsideSequence, row.line, || format!("{}, of {length} bases", row.name()));
        }
    }
}

fn ids(file: &File, findings: &mut Findings) {
    for row in &file.rows {
        if let Some(id) = row.id().filter(|id| !is_plain(id)) {
            findings.add(Rule::PlainIds, row.line, || format!("'{}'", text(id)));
        }
    }
    let mut repeated: Vec<&Vec<usize>> = file.by_id.values().filter(|rows| rows.len() > 1).collect();
    repeated.sort_unstable();
    for rows in repeated {
        let first = &file.rows[rows[0]];
        let one_feature = |row: &Row| {
            row.is("CDS")
                && (row.kind, row.seqid, row.attributes.parent)
                    == (first.kind, first.seqid, first.attributes.parent)
        };
        for &i in &rows[1..] {
            let row = &file.rows[i];
            if !one_feature(row) {
                findings.add(Rule::UniqueIds, row.line, || {
                    format!("{}, also in line {}", row.name(), first.line)
                });
            }
        }
    }
}

/// Whether an ID trips no reader: no blanks, quotes or pipes, no `:start-end` at its end.
fn is_plain(id: &[u8]) -> bool {
    let decoded = decode(id);
    let range = decoded.rsplit_once(':').and_then(|(_, range)| range.split_once('-'));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_range = range.is_some_and(|(a, b)| digits(a) && digits(b));
    !is_range && !decoded.chars().any(|c| c.is_whitespace() || c.is_control() || "\"'|".contains(c))
}

fn parents(file: &File, findings: &mut Findings) {
    for (i, row) in file.rows.iter().enumerate() {
        let needs = row.is("mRNA") || row.is("exon") || row.is("CDS");
        if needs && row.parents().next().is_none() {
            findings.add(Rule::Parents, row.line, || format!("{} has none", row.name()));
        }
        for id in row.parents() {
            let Some(&first) = file.named(id).first() else {
                findings
                    .add(Rule::Parents, row.line, || format!("{}: {} is not there", row.name(), decode(id)));
                continue;
            };
            let parent = &file.rows[first];
            if first > i {
                findings
                    .add(Rule::Parents, row.line, || format!("{} comes before {}", row.name(), decode(id)));
            }
            if parent.seqid != row.seqid || row.start < parent.start || row.end > parent.end {
                findings.add(Rule::Parents, row.line, || format!("{} leaves {}", row.name(), parent.name()));
            }
            if parent.strand != row.strand && matches!(row.strand, b'+' | b'-') {
                findings.add(Rule::Strand, row.line, || {
                    format!("{} is not on that of {}", row.name(), decode(id))
                });
            }
        }
    }
}

/// Genes in order, each closed before the next one.
fn order(file: &File, genome: Option<&[Contig]>, findings: &mut Findings) {
    let mut rank: FxHashMap<String, usize> = FxHashMap::default();
    if let Some(genome) = genome {
        rank.extend(genome.iter().enumerate().map(|(i, contig)| (contig.name.clone(), i)));
    }
    let mut last = None;
    let mut open: Option<&Row> = None;
    for (row, &closed) in file.rows.iter().zip(&file.closed_before) {
        if closed {
            open = None;
        }
        let top = row.attributes.parent.is_none();
        if let Some(gene) = open.filter(|_| top) {
            findings.add(Rule::Closed, row.line, || format!("no ### after {}", gene.name()));
        }
        if top {
            open = row.is_gene().then_some(row);
        }
        if !row.is_gene() {
            continue;
        }
        let next = rank.len();
        let place = *rank.entry(decode(row.seqid)).or_insert(next);
        let key = (place, row.start, std::cmp::Reverse(row.end));
        if last.is_some_and(|last| last > key) {
            findings.add(Rule::Sorted, row.line, || row.name());
        }
        last = Some(key);
    }
    if let Some(gene) = open.filter(|_| !file.closed_at_end) {
        findings.add(Rule::Closed, gene.line, || format!("no ### after {}", gene.name()));
    }
}
