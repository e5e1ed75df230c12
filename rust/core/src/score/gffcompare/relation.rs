//! How a query transcript lies to a reference transcript: the rank of its class code.

use super::matching::{same_introns, shared, single_exons, Match};
use super::strands::overlap;
use crate::gene::Interval;

/// Ranks below this mean shared exons: classes `= ~ c k m n j e o`.
pub(super) const OVERLAP: u8 = 14;
const EQUAL: u8 = 0;
const SAME_INTRONS: u8 = 1;
const CONTAINED: u8 = 4;
const JUNCTION: u8 = 6;
const OTHER: u8 = 12;
const IN_INTRON: u8 = 20;
const AROUND: u8 = 30;
/// An end may reach so far, less one, into the other's intron.
const POKE: u32 = 4;

/// The best class code by its rank, and what decides between equal ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Relation {
    pub rank: u8,
    /// Shared bases, as far as the original counts them for the class.
    pub bases: i64,
    /// Splice sites in common.
    pub junctions: u32,
}

fn relation(rank: u8, bases: u32) -> Relation {
    Relation { rank, bases: i64::from(bases), junctions: 0 }
}

/// The relation of two transcripts whose spans overlap.
pub(super) fn relate(query: &[Interval], reference: &[Interval], strict: bool) -> Relation {
    match (query, reference) {
        ([query], [reference]) => singles(*query, *reference, strict),
        ([query], _) => single_to_chain(*query, reference),
        (_, [reference]) => chain_to_single(query, *reference),
        _ => chains(query, reference, strict),
    }
}

fn rank_of(agreement: Match, strict: bool) -> u8 {
    if strict && agreement == Match::Inner {
        SAME_INTRONS
    } else {
        EQUAL
    }
}

fn singles(query: Interval, reference: Interval, strict: bool) -> Relation {
    let bases = shared(query, reference);
    if let Some(agreement) = single_exons(query, reference, 0) {
        return relation(rank_of(agreement, strict), bases);
    }
    let shorter = query.len().min(reference.len());
    relation(if f64::from(bases) >= f64::from(shorter) * 0.8 { CONTAINED } else { OTHER }, bases)
}

/// Whether a stretch lies in an exon, give or take three bases.
fn nearly_in(inner: Interval, exon: Interval) -> bool {
    inner.start + POKE > exon.start && inner.end < exon.end + POKE
}

/// Whether a stretch lies within the gap of two exons.
fn between(span: Interval, pair: &[Interval]) -> bool {
    span.start >= pair[0].end && span.end <= pair[1].start
}

fn single_to_chain(query: Interval, reference: &[Interval]) -> Relation {
    let (first, last) = (reference[0], reference[reference.len() - 1]);
    if query.start < first.end && query.end > last.start {
        return Relation { rank: JUNCTION, bases: spanning_bases(query, reference), junctions: 0 };
    }
    let mut bases = 0;
    for (at, &exon) in reference.iter().enumerate() {
        let here = shared(query, exon);
        bases += here;
        if here > 0 && nearly_in(query, exon) {
            return relation(CONTAINED, bases);
        }
        let Some(pair) = reference.get(at..at + 2) else { break };
        if query.start + 1 < pair[0].end && query.end > pair[1].start + 1 {
            return relation(JUNCTION, bases);
        }
        if between(query, pair) {
            return relation(IN_INTRON, bases);
        }
    }
    relation(OTHER, bases)
}

/// The original's odd count for a single exon that spans all introns.
fn spanning_bases(query: Interval, reference: &[Interval]) -> i64 {
    let (first, last) = (reference[0], reference[reference.len() - 1]);
    let length: i64 = reference.iter().map(|exon| i64::from(exon.len())).sum();
    let from = (i64::from(query.start) - i64::from(first.start) + 1).max(1);
    let to = if last.end < query.end { length } else { i64::from(last.end) - i64::from(query.end) + 1 };
    to - from + 1
}

fn chain_to_single(query: &[Interval], reference: Interval) -> Relation {
    let mut bases = 0;
    for (at, &exon) in query.iter().enumerate() {
        let here = shared(exon, reference);
        bases += here;
        if here > 0 && nearly_in(reference, exon) {
            return relation(CONTAINED, bases);
        }
        if query.get(at..at + 2).is_some_and(|pair| between(reference, pair)) {
            return relation(AROUND, bases);
        }
    }
    relation(OTHER, bases)
}

fn chains(query: &[Interval], reference: &[Interval], strict: bool) -> Relation {
    let (q, r) = (query.len() - 1, reference.len() - 1);
    let span = Interval::new(query[0].start, query[q].end);
    if reference.windows(2).any(|pair| between(span, pair)) {
        return relation(IN_INTRON, 0);
    }
    // one chain of introns ends before the other begins
    if query[q].start + 1 < reference[0].end {
        return beside(query, reference, query[q], reference[0], &reference[..2]);
    }
    if reference[r].start + 1 < query[0].end {
        return beside(query, reference, query[0], reference[r], &reference[r - 1..]);
    }
    let found = Introns::walk(query, reference);
    let bases = overlap(query, reference);
    let rank = if same_introns(query, reference) {
        let full = span == Interval::new(reference[0].start, reference[r].end);
        rank_of(if full { Match::Full } else { Match::Inner }, strict)
    } else if found.is_part(query, reference) {
        CONTAINED
    } else if found.retained || found.junctions > 0 {
        JUNCTION
    } else if bases > 4 {
        OTHER
    } else if span.start > reference[0].start && span.end < reference[r].end {
        IN_INTRON
    } else {
        AROUND
    };
    Relation { rank, bases: i64::from(bases), junctions: found.junctions }
}

/// Only terminal exons can overlap; one that covers the other's outermost intron retains it.
fn beside(
    query: &[Interval],
    reference: &[Interval],
    exon: Interval,
    other: Interval,
    intron: &[Interval],
) -> Relation {
    if exon.start < intron[0].end && exon.end > intron[1].start {
        relation(JUNCTION, overlap(query, reference))
    } else {
        relation(OTHER, shared(exon, other))
    }
}

/// What a walk along two chains of introns finds. Introns go by the exon to their right.
#[derive(Debug, Default)]
struct Introns {
    junctions: u32,
    /// A query exon covers an intron of the reference.
    retained: bool,
    /// The equal introns follow each other on both sides without another overlapping one.
    unbroken: bool,
    /// First and last of them, query and reference.
    first: (usize, usize),
    last: (usize, usize),
}

impl Introns {
    fn walk(query: &[Interval], reference: &[Interval]) -> Self {
        let mut found = Introns::default();
        let (mut i, mut j, mut overlapped) = (1, 1, false);
        while i < query.len() && j < reference.len() {
            // the last base before an intron and the first after it, both as bases
            let (qs, qe) = (query[i - 1].end - 1, query[i].start);
            let (rs, re) = (reference[j - 1].end - 1, reference[j].start);
            let covers = |exon: Interval| rs >= exon.start && re < exon.end;
            if re < qs || rs > qe {
                let before = re < qs;
                found.retained |= covers(query[if before { i - 1 } else { i }]);
                found.unbroken &= !overlapped;
                (i, j) = if before { (i, j + 1) } else { (i + 1, j) };
                continue;
            }
            overlapped = true;
            found.junctions += u32::from(qs == rs) + u32::from(qe == re);
            if qs == rs && qe == re {
                found.matched(i, j);
                (i, j) = (i + 1, j + 1);
            } else {
                found.unbroken = false;
                (i, j) = if qe > re { (i, j + 1) } else { (i + 1, j) };
            }
        }
        found
    }

    fn matched(&mut self, i: usize, j: usize) {
        if self.first == (0, 0) {
            self.unbroken = true;
            self.first = (i, j);
        }
        if self.unbroken {
            self.last = (i, j);
        }
    }

    /// Whether all introns of one are a run of the other's, and its ends stay out of the others.
    fn is_part(&self, query: &[Interval], reference: &[Interval]) -> bool {
        if !self.unbroken {
            return false;
        }
        if self.first.0 == 1 && self.last.0 == query.len() - 1 {
            return ends_fit(query, reference, self.first.1, self.last.1);
        }
        self.first.1 == 1
            && self.last.1 == reference.len() - 1
            && ends_fit(reference, query, self.first.0, self.last.0)
    }
}

/// Whether the ends of `inner` reach less than four bases into introns of `outer` left of its
/// intron `first` and right of its intron `last`.
fn ends_fit(inner: &[Interval], outer: &[Interval], first: usize, last: usize) -> bool {
    let (start, end) = (inner[0].start, inner[inner.len() - 1].end);
    let left = outer[first - 1].start.saturating_sub(start);
    let right = end.saturating_sub(outer[last].end);
    let free_left = first == 1 || left < POKE;
    let free_right = last == outer.len() - 1 || right < POKE;
    free_left && free_right
}
