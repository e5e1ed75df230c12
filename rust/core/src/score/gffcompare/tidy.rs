//! Tidy files, read already.

use super::transcripts::{is_tiny_cds, merge, Loaded, Transcript, CLOSE};
use super::{Feature, Options};
use crate::gene::Interval;
use crate::score::tidy::{Kind, Tidy};

impl Loaded {
    /// What [`Loaded::parse`] makes of the text of a tidy file.
    pub(in crate::score) fn of_tidy(tidy: &Tidy, options: &Options) -> Self {
        let cds_only = options.feature == Feature::Cds;
        let gap = if options.no_merge { 0 } else { CLOSE };
        // what is not used is never touched
        let mut exons = Vec::with_capacity(tidy.n_parts());
        let mut transcripts = Vec::with_capacity(tidy.n_transcripts());
        let mut names = Vec::with_capacity(tidy.n_transcripts());
        let mut sources = Sources::new(tidy, cds_only);
        let mut parts = Vec::new();
        for (chunk, gene, transcript) in tidy.transcripts() {
            let of_kind = chunk.parts(transcript).iter().filter(|part| !cds_only || part.kind == Kind::Cds);
            parts.clear();
            parts.extend(of_kind.clone().map(|part| Interval::new(part.start, part.end)));
            if !parts.is_sorted() {
                parts.sort_unstable();
            }
            let order = names.len() as u32;
            let mut level = u8::from(transcript.own_row);
            if cds_only {
                // the rows above are not looked at: a transcript begins with its first CDS
                let Some(first) = parts.first() else { continue };
                let end = parts.iter().map(|part| part.end).max().unwrap_or(first.end);
                level = 0;
                sources.meet(transcript.source);
                names.push(chunk.name(transcript));
                if is_tiny_cds(Interval::new(first.start, end), &parts) {
                    continue;
                }
            } else {
                names.push(chunk.name(transcript));
            }
            let from = exons.len();
            match parts.is_empty() {
                true => exons.push(Interval::new(transcript.start, transcript.end)),
                false => merge(parts.iter().copied(), gap, &mut exons),
            }
            transcripts.push(Transcript {
                span: Interval::new(exons[from].start, exons[exons.len() - 1].end),
                strand: Some(transcript.strand),
                coding: of_kind.clone().any(|part| matches!(part.kind, Kind::Cds | Kind::Codon)),
                order,
                source: sources.number[transcript.source as usize],
                contig: gene.contig,
                level,
                exons: (from as u32, exons.len() as u32),
            });
        }
        let id = |t: &Transcript| names[t.order as usize];
        Loaded::new(transcripts, exons, id, &tidy.contigs, sources.list.into_iter())
    }
}

/// Sources in order of the first record that has them.
struct Sources<'a> {
    tidy: &'a Tidy,
    list: Vec<Vec<u8>>,
    /// By the number in the file.
    number: Vec<u32>,
}

impl<'a> Sources<'a> {
    fn new(tidy: &'a Tidy, cds_only: bool) -> Self {
        let all = tidy.sources.len() as u32;
        match cds_only {
            true => Sources { tidy, list: Vec::new(), number: vec![u32::MAX; all as usize] },
            false => Sources {
                tidy,
                list: tidy.sources.iter().map(|name| name.to_vec()).collect(),
                number: (0..all).collect(),
            },
        }
    }

    fn meet(&mut self, source: u32) {
        let number = &mut self.number[source as usize];
        if *number == u32::MAX {
            *number = self.list.len() as u32;
            self.list.push(self.tidy.sources[source as usize].to_vec());
        }
    }
}
