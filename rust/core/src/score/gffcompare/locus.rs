//! Loci: transcripts of one strand whose exons overlap.

use super::transcripts::Contig;
use crate::gene::Interval;

/// The left end of an exon is a transcript's.
pub(super) const FIRST: u8 = 1;
/// The right end of an exon is a transcript's.
pub(super) const LAST: u8 = 2;

/// An exon of a locus, with the flags of the transcript that brought it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exon {
    pub span: Interval,
    pub flags: u8,
}

/// A group of transcripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Locus {
    pub span: Interval,
    /// Ascending numbers of its transcripts.
    pub transcripts: Vec<u32>,
    /// Distinct exons, sorted.
    pub exons: Vec<Exon>,
    /// Distinct introns, sorted.
    pub introns: Vec<Interval>,
    /// Merged exons, sorted; two that share a single base may stay apart, as in the original.
    pub merged: Vec<Interval>,
    /// Transcripts with introns.
    pub chains: u32,
}

/// Adds to a sorted list what is not there yet.
fn insert(list: &mut Vec<Interval>, item: Interval) {
    // mostly new at the end
    if list.last().is_none_or(|last| *last < item) {
        list.push(item);
    } else if let Err(place) = list.binary_search(&item) {
        list.insert(place, item);
    }
}

/// Merges sorted stretches into sorted ones, if any overlap.
fn merge_into(merged: &mut Vec<Interval>, parts: &[Interval]) -> bool {
    let (mut i, mut j) = (0, 0);
    let mut hit = vec![false; parts.len()];
    while i < merged.len() && j < parts.len() {
        let part = parts[j];
        if merged[i].end <= part.start {
            i += 1;
            continue;
        }
        if part.end <= merged[i].start {
            j += 1;
            continue;
        }
        hit[j] = true;
        merged[i].start = merged[i].start.min(part.start);
        if part.end > merged[i].end {
            merged[i].end = part.end;
            swallow(merged, i);
        }
        j += 1;
    }
    if !hit.contains(&true) {
        return false;
    }
    for (part, _) in parts.iter().zip(hit).filter(|(_, hit)| !hit) {
        insert(merged, *part);
    }
    true
}

/// Lets a stretch that has grown swallow its successors; one shared base is not enough, and after
/// the first successor that reaches further no other is looked at.
fn swallow(merged: &mut Vec<Interval>, at: usize) {
    while at + 1 < merged.len() && merged[at].end > merged[at + 1].start + 1 {
        let next = merged.remove(at + 1);
        if next.end > merged[at].end {
            merged[at].end = next.end;
            break;
        }
    }
}

impl Locus {
    /// A locus of one transcript.
    fn new(number: u32, exons: &[Interval]) -> Self {
        let n = exons.len();
        let mut locus = Locus {
            span: Interval::new(exons[0].start, exons[n - 1].end),
            transcripts: vec![number],
            exons: Vec::with_capacity(n),
            introns: Vec::with_capacity(n - 1),
            merged: exons.to_vec(),
            chains: u32::from(n > 1),
        };
        locus.add_parts(exons);
        locus
    }

    /// Adds a transcript that shares a base of exons with the locus; whether it does.
    fn add(&mut self, number: u32, exons: &[Interval]) -> bool {
        if !merge_into(&mut self.merged, exons) {
            return false;
        }
        self.add_parts(exons);
        self.transcripts.push(number);
        self.span.end = self.span.end.max(exons[exons.len() - 1].end);
        self.chains += u32::from(exons.len() > 1);
        true
    }

    fn add_parts(&mut self, exons: &[Interval]) {
        let last = exons.len() - 1;
        for (i, &span) in exons.iter().enumerate() {
            let flags = if i == 0 { FIRST } else { 0 } | if i == last { LAST } else { 0 };
            self.add_exon(Exon { span, flags });
        }
        for pair in exons.windows(2) {
            insert(&mut self.introns, Interval::new(pair[0].end, pair[1].start));
        }
    }

    fn add_exon(&mut self, exon: Exon) {
        if self.exons.last().is_none_or(|last| last.span < exon.span) {
            self.exons.push(exon);
        } else if let Err(place) = self.exons.binary_search_by_key(&exon.span, |known| known.span) {
            self.exons.insert(place, exon);
        }
    }

    /// Takes over a locus; both hold the transcript `link` already.
    fn absorb(&mut self, other: Locus, link: u32, multi: impl Fn(u32) -> bool) {
        merge_into(&mut self.merged, &other.merged);
        other.exons.into_iter().for_each(|exon| self.add_exon(exon));
        other.introns.into_iter().for_each(|intron| insert(&mut self.introns, intron));
        for number in other.transcripts.into_iter().filter(|&number| number != link) {
            self.transcripts.push(number);
            self.chains += u32::from(multi(number));
        }
        self.transcripts.sort_unstable();
        self.span.start = self.span.start.min(other.span.start);
        self.span.end = self.span.end.max(other.span.end);
    }

    /// Whether the exons of two loci share a base.
    pub(super) fn overlaps(&self, other: &Locus) -> bool {
        let (mut i, mut j) = (0, 0);
        while i < self.merged.len() && j < other.merged.len() {
            if self.merged[i].end <= other.merged[j].start {
                i += 1;
            } else if other.merged[j].end <= self.merged[i].start {
                j += 1;
            } else {
                return true;
            }
        }
        false
    }

    /// Bases of its merged exons.
    pub(super) fn bases(&self) -> u64 {
        self.merged.iter().map(|part| u64::from(part.len())).sum()
    }
}

/// Groups sorted transcripts into loci, in order of their starts.
pub(super) fn cluster(contig: &Contig, transcripts: &[u32]) -> Vec<Locus> {
    let mut loci: Vec<Option<Locus>> = Vec::with_capacity(transcripts.len());
    // those that reach beyond the current start
    let mut open: Vec<usize> = Vec::new();
    for &number in transcripts {
        let exons = contig.exons(number);
        let start = exons[0].start;
        open.retain(|&at| loci[at].as_ref().is_some_and(|locus| locus.span.end > start));
        let mut homes = open
            .iter()
            .rev()
            .copied()
            .filter(|&at| loci[at].as_mut().is_some_and(|locus| locus.add(number, exons)))
            .collect::<Vec<_>>();
        let Some(home) = homes.pop() else {
            open.push(loci.len());
            loci.push(Some(Locus::new(number, exons)));
            continue;
        };
        for at in homes {
            let Some(other) = loci[at].take() else { continue };
            if let Some(locus) = &mut loci[home] {
                locus.absorb(other, number, |number| contig.exons(number).len() > 1);
            }
        }
    }
    loci.into_iter().flatten().collect()
}
