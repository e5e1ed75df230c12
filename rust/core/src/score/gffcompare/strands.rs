//! Query transcripts without a strand get that of what they overlap.

use std::cmp::Ordering;

use super::locus::Locus;
use super::matching::{covered, shared};
use super::relation::{relate, Relation, OVERLAP};
use super::transcripts::Contig;
use crate::gene::Interval;
use crate::gene::Strand::{self, Minus, Plus};

/// The lists of the plus strand, the minus strand and of none, once every transcript of the last
/// has gone to the strand of its best reference transcript, else to that of the query's own
/// transcripts that it shares more bases with.
pub(super) fn assign(
    query: &Contig,
    lists: [Vec<u32>; 3],
    reference: Option<(&Contig, &[Vec<Locus>; 2])>,
    strict: bool,
) -> [Vec<u32>; 3] {
    let [mut plus, mut minus, none] = lists;
    let mut left = Vec::new();
    for number in none {
        match reference.and_then(|(contig, loci)| by_reference(query, number, contig, loci, strict)) {
            Some(Plus) => plus.push(number),
            Some(Minus) => minus.push(number),
            None => left.push(number),
        }
    }
    plus.sort_unstable();
    minus.sort_unstable();
    let longest = longest([&plus, &minus].into_iter().flatten(), |&&number| query.span(number));
    let longest = longest.max(self::longest(left.iter(), |&&number| query.span(number)));
    let mut none = Vec::new();
    for number in left {
        let [forward, backward] = [&plus, &minus].map(|list| {
            let near = near(list, |&other| query.span(other), longest, query.span(number));
            near.iter().map(|&other| shared_exons(query, number, other)).max().unwrap_or(0)
        });
        let list = match forward.cmp(&backward) {
            Ordering::Greater => &mut plus,
            Ordering::Less => &mut minus,
            Ordering::Equal => &mut none,
        };
        let place = list.partition_point(|&other| other < number);
        list.insert(place, number);
    }
    [plus, minus, none]
}

/// Length of the longest.
fn longest<T>(items: impl Iterator<Item = T>, span: impl Fn(&T) -> Interval) -> u32 {
    items.map(|item| span(&item).len()).max().unwrap_or(0)
}

/// The part of a sorted list that may overlap a stretch.
fn near<T>(list: &[T], span: impl Fn(&T) -> Interval, longest: u32, here: Interval) -> &[T] {
    let from = list.partition_point(|item| span(item).start.saturating_add(longest) < here.start);
    let to = list.partition_point(|item| span(item).start < here.end);
    &list[from.min(to)..to]
}

/// Bases that the exons of two transcripts share.
fn shared_exons(contig: &Contig, a: u32, b: u32) -> u32 {
    if shared(contig.span(a), contig.span(b)) == 0 {
        return 0;
    }
    overlap(contig.exons(a), contig.exons(b))
}

/// Bases that two chains of exons share.
pub(super) fn overlap(a: &[Interval], b: &[Interval]) -> u32 {
    let (mut i, mut j, mut bases) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        bases += shared(a[i], b[j]);
        if a[i].end < b[j].end {
            i += 1;
        } else {
            j += 1;
        }
    }
    bases
}

/// A reference transcript and what it has to do with the query's.
struct Candidate<'a> {
    relation: Relation,
    exons: &'a [Interval],
    coding: bool,
    number: u32,
    strand: Strand,
}

/// The strand of the reference transcript that fits best, where it shares bases.
fn by_reference(
    query: &Contig,
    number: u32,
    reference: &Contig,
    loci: &[Vec<Locus>; 2],
    strict: bool,
) -> Option<Strand> {
    let (span, exons) = (query.span(number), query.exons(number));
    let mut best: Option<Candidate> = None;
    for (strand, loci) in [Plus, Minus].into_iter().zip(loci) {
        let near = near(loci, |locus| locus.span, longest(loci.iter(), |locus| locus.span), span);
        for &other in near.iter().flat_map(|locus| &locus.transcripts) {
            if shared(reference.span(other), span) == 0 {
                continue;
            }
            let candidate = Candidate {
                relation: relate(exons, reference.exons(other), strict),
                exons: reference.exons(other),
                coding: reference.transcripts[other as usize].coding,
                number: other,
                strand,
            };
            if best.as_ref().is_none_or(|best| candidate.is_better(best, exons.len())) {
                best = Some(candidate);
            }
        }
    }
    best.filter(|best| best.relation.bases > 0).map(|best| best.strand)
}

impl Candidate<'_> {
    /// Whether it comes before another for a query of so many exons.
    fn is_better(&self, other: &Candidate, exons: usize) -> bool {
        let (a, b) = (&self.relation, &other.relation);
        if a.rank != b.rank {
            return a.rank < b.rank;
        }
        let (mine, theirs) = (self.exons.len(), other.exons.len());
        if exons == 1 && mine != theirs && (mine == 1 || theirs == 1) {
            return mine == 1;
        }
        if exons > 1 && a.junctions != b.junctions {
            return a.junctions > b.junctions;
        }
        if a.bases != b.bases {
            return a.bases > b.bases;
        }
        if mine != theirs {
            let off = |n: usize| n as i64 - exons.min(255) as i64;
            let (mine_off, theirs_off) = (off(mine), off(theirs));
            return match a.rank < OVERLAP {
                true if mine_off.abs() == theirs_off.abs() => mine_off < theirs_off,
                true => mine_off.abs() < theirs_off.abs(),
                false => mine > theirs,
            };
        }
        let bases = [self, other].map(|candidate| covered(candidate.exons));
        if self.coding != other.coding {
            self.coding
        } else if bases[0] != bases[1] {
            bases[0] > bases[1]
        } else {
            self.number < other.number
        }
    }
}
