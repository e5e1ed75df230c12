//! Finished transcripts, sorted, by contig.

use std::ops::Range;

use super::objects::{Object, Objects, Segment};
use crate::gene::{Interval, Strand};
use crate::score::nearly;

/// Longer transcripts are dropped, as the original drops them.
pub(in crate::score) const LONGEST: u32 = 6_999_500;
/// Exons with at most so many bases between them are one.
pub(super) const CLOSE: u32 = 4;
/// Records made by their own only part and no longer than this are no transcripts.
const TINY: u32 = 10;

/// One transcript; its exons are kept by its [`Loaded`].
#[derive(Debug, Clone)]
pub(super) struct Transcript {
    pub span: Interval,
    pub strand: Option<Strand>,
    /// It has CDS or codon rows.
    pub coding: bool,
    /// Place in the order in which the file's records began.
    pub order: u32,
    /// Number of its source (column 2).
    pub source: u32,
    pub contig: u32,
    pub level: u8,
    pub exons: (u32, u32),
}

/// The transcripts of one GFF3 or GTF file as gffcompare sees them.
#[derive(Debug, Default)]
pub struct Loaded {
    names: Vec<String>,
    /// Transcripts of each contig.
    ranges: Vec<Range<usize>>,
    /// Sorted by contig, start, level, end and name.
    transcripts: Vec<Transcript>,
    exons: Vec<Interval>,
    pub(super) sources: Vec<Vec<u8>>,
}

/// The transcripts of one contig.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Contig<'a> {
    pub transcripts: &'a [Transcript],
    exons: &'a [Interval],
}

impl<'a> Contig<'a> {
    /// The exons of a transcript, ascending and apart.
    pub(super) fn exons(&self, transcript: u32) -> &'a [Interval] {
        let (from, to) = self.transcripts[transcript as usize].exons;
        &self.exons[from as usize..to as usize]
    }

    /// Where a transcript lies.
    pub(super) fn span(&self, transcript: u32) -> Interval {
        self.transcripts[transcript as usize].span
    }

    /// Numbers of the transcripts of a strand, in order.
    pub(super) fn on(&self, strand: Option<Strand>) -> Vec<u32> {
        let numbers = 0..self.transcripts.len() as u32;
        numbers.filter(|&number| self.transcripts[number as usize].strand == strand).collect()
    }
}

impl Loaded {
    /// Names of the contigs that have transcripts.
    pub fn contigs(&self) -> impl ExactSizeIterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Gives the contigs other names, for files that name them differently.
    pub fn rename(&mut self, mut name: impl FnMut(&str) -> String) {
        self.names.iter_mut().for_each(|old| *old = name(old));
    }

    /// Drops all other contigs.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        let (names, ranges) = (std::mem::take(&mut self.names), std::mem::take(&mut self.ranges));
        (self.names, self.ranges) = names.into_iter().zip(ranges).filter(|(name, _)| keep(name)).unzip();
    }

    /// The transcripts of a contig.
    pub(super) fn contig(&self, number: usize) -> Contig<'_> {
        Contig { transcripts: &self.transcripts[self.ranges[number].clone()], exons: &self.exons }
    }
}

/// Merges sorted stretches that overlap or have at most `gap` bases between them.
pub(super) fn merge(parts: impl IntoIterator<Item = Interval>, gap: u32, out: &mut Vec<Interval>) {
    let from = out.len();
    for part in parts {
        match out[from..].last_mut() {
            Some(last) if part.start <= last.end.saturating_add(gap) => last.end = last.end.max(part.end),
            _ => out.push(part),
        }
    }
}

/// A record made by its own part and so short that it cannot be a transcript.
fn is_tiny(object: &Object, parts: &[Segment]) -> bool {
    let spans = |coding: bool| parts.iter().filter(move |part| part.coding == coding).map(|part| part.span);
    object.by_part && object.span.len() <= TINY && is_one(spans(false)) && is_one(spans(true))
}

/// Sorted CDS rows alone that are too short for a transcript.
pub(super) fn is_tiny_cds(span: Interval, cds: &[Interval]) -> bool {
    span.len() <= TINY && is_one(cds.iter().copied())
}

/// Whether sorted stretches merge into one, if there are any.
fn is_one(parts: impl Iterator<Item = Interval>) -> bool {
    let mut out = Vec::new();
    merge(parts, 0, &mut out);
    out.len() <= 1
}

/// The stretches sorted by record, and where each record's begin.
fn by_object(segments: &[Segment], objects: usize) -> (Vec<Segment>, Vec<u32>) {
    let mut starts = vec![0u32; objects + 1];
    segments.iter().for_each(|segment| starts[segment.object as usize + 1] += 1);
    (0..objects).for_each(|object| starts[object + 1] += starts[object]);
    let mut next = starts.clone();
    let nowhere = Segment { object: 0, span: Interval::new(0, 0), coding: false };
    let mut sorted = vec![nowhere; segments.len()];
    for segment in segments {
        let at = &mut next[segment.object as usize];
        sorted[*at as usize] = *segment;
        *at += 1;
    }
    (sorted, starts)
}

impl Objects<'_> {
    /// The transcripts among the records, with their exons.
    pub(super) fn finish(mut self, merge_close: bool) -> Loaded {
        self.distribute_gene_cds();
        let gap = if merge_close { CLOSE } else { 0 };
        let (mut segments, starts) = by_object(&self.segments, self.list.len());
        let mut transcripts = Vec::new();
        let mut exons = Vec::with_capacity(segments.len());
        for (number, object) in self.list.iter().enumerate() {
            let parts = &mut segments[starts[number] as usize..starts[number + 1] as usize];
            if object.discarded || !object.transcript {
                continue;
            }
            parts.sort_unstable_by_key(|part| part.span);
            if is_tiny(object, parts) {
                continue;
            }
            let from = exons.len();
            match parts.is_empty() {
                true => exons.push(object.span),
                false => merge(parts.iter().map(|part| part.span), gap, &mut exons),
            }
            let span = Interval::new(exons[from].start, exons[exons.len() - 1].end);
            if span.len() > LONGEST {
                exons.truncate(from);
                continue;
            }
            transcripts.push(Transcript {
                span,
                strand: object.strand,
                coding: parts.iter().any(|part| part.coding),
                order: number as u32,
                source: object.source,
                contig: object.contig,
                level: object.level,
                exons: (from as u32, exons.len() as u32),
            });
        }
        let id = |t: &Transcript| self.list[t.order as usize].id;
        Loaded::new(transcripts, exons, id, &self.contigs, self.sources.iter().map(|name| name.to_vec()))
    }
}

impl Loaded {
    /// Sorts transcripts, lays their exons in the same order and finds the ranges of the contigs.
    pub(super) fn new<'a>(
        transcripts: Vec<Transcript>,
        exons: Vec<Interval>,
        id: impl Fn(&Transcript) -> &'a [u8],
        contigs: &[impl AsRef<[u8]>],
        sources: impl Iterator<Item = Vec<u8>>,
    ) -> Self {
        let (transcripts, exons) = sort(transcripts, exons, id);
        let mut loaded = Loaded { exons, sources: sources.collect(), ..Loaded::default() };
        let mut from = 0;
        for group in transcripts.chunk_by(|a, b| a.contig == b.contig) {
            let name = contigs[group[0].contig as usize].as_ref();
            loaded.names.push(String::from_utf8_lossy(name).into_owned());
            loaded.ranges.push(from..from + group.len());
            from += group.len();
        }
        loaded.transcripts = transcripts;
        loaded
    }
}

/// Sorts transcripts and lays their exons in the same order.
fn sort<'a>(
    mut transcripts: Vec<Transcript>,
    exons: Vec<Interval>,
    id: impl Fn(&Transcript) -> &'a [u8],
) -> (Vec<Transcript>, Vec<Interval>) {
    let key = |t: &Transcript| (t.contig, t.span.start, t.level, t.span.end);
    let in_order = |a: &Transcript, b: &Transcript| key(a).cmp(&key(b)).then_with(|| id(a).cmp(id(b)));
    if transcripts.is_sorted_by(|a, b| in_order(a, b).is_le()) {
        return (transcripts, exons);
    }
    nearly::sort_by(&mut transcripts, in_order);
    let mut sorted = Vec::with_capacity(exons.len());
    for transcript in &mut transcripts {
        let from = sorted.len() as u32;
        let (old_from, old_to) = transcript.exons;
        sorted.extend_from_slice(&exons[old_from as usize..old_to as usize]);
        transcript.exons = (from, sorted.len() as u32);
    }
    (transcripts, sorted)
}
