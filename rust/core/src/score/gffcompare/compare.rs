//! The loci of one strand of a contig, reference against query.

use std::borrow::Cow;

use super::locus::{Exon, Locus, FIRST, LAST};
use super::matching::{numbered, shared, Match};
use super::stats::Counts;
use super::transcripts::Contig;
use super::Options;
use crate::gene::Interval;

/// Pairs of loci whose exons overlap: query, reference.
pub(super) fn overlaps(query: &[Locus], reference: &[Locus]) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    let span = |locus: &Locus| locus.span;
    each_overlap(query, reference, span, |q, r| {
        if query[q].overlaps(&reference[r]) {
            pairs.push((q as u32, r as u32));
        }
    });
    pairs
}

/// Calls for every overlapping pair of two lists sorted by start.
fn each_overlap<T>(a: &[T], b: &[T], span: impl Fn(&T) -> Interval, mut call: impl FnMut(usize, usize)) {
    let mut low = 0;
    for (i, item) in a.iter().enumerate() {
        let here = span(item);
        while low < b.len() && span(&b[low]).end <= here.start {
            low += 1;
        }
        for (j, other) in b.iter().enumerate().skip(low) {
            let there = span(other);
            if here.end <= there.start {
                break;
            }
            if there.end > here.start {
                call(i, j);
            }
        }
    }
}

/// Sets that grow together.
#[derive(Debug)]
pub(super) struct Union(Vec<u32>);

impl Union {
    pub(super) fn new(n: usize) -> Self {
        Union((0..n as u32).collect())
    }

    /// The set of an item.
    pub(super) fn root(&mut self, mut at: u32) -> u32 {
        while self.0[at as usize] != at {
            self.0[at as usize] = self.0[self.0[at as usize] as usize];
            at = self.0[at as usize];
        }
        at
    }

    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b) as usize] = a.min(b);
    }
}

/// One strand of a contig.
pub(super) struct Strand<'a> {
    pub query: Contig<'a>,
    pub reference: Contig<'a>,
    pub query_loci: &'a [Locus],
    pub reference_loci: &'a [Locus],
    /// Pairs of loci that overlap.
    pub pairs: &'a [(u32, u32)],
}

impl Strand<'_> {
    /// Adds all counts of the strand.
    pub(super) fn count(&self, options: &Options, counts: &mut Counts) {
        let turned = |&(q, r): &(u32, u32)| (r, q);
        let partners = Partners::new(self.query_loci.len(), self.pairs.iter().copied());
        let backward = Partners::new(self.reference_loci.len(), self.pairs.iter().map(turned));
        for (at, locus) in self.query_loci.iter().enumerate() {
            if partners.of(at).is_empty() {
                counts.query.untouched(locus);
            }
        }
        for (at, locus) in self.reference_loci.iter().enumerate() {
            if backward.of(at).is_empty() {
                counts.reference.untouched(locus);
            }
        }
        let mut seen = (vec![false; self.query_loci.len()], vec![false; self.reference_loci.len()]);
        for start in 0..self.query_loci.len() {
            let mut super_locus = SuperLocus { strand: self, query: Vec::new(), reference: Vec::new() };
            let mut stack = vec![start];
            // depth first: the order of the reference loci counts below
            while let Some(at) = stack.pop() {
                if seen.0[at] || partners.of(at).is_empty() {
                    continue;
                }
                seen.0[at] = true;
                super_locus.query.push(&self.query_loci[at]);
                for &other in partners.of(at) {
                    if !std::mem::replace(&mut seen.1[other as usize], true) {
                        super_locus.reference.push(&self.reference_loci[other as usize]);
                        stack.extend(backward.of(other as usize).iter().map(|&at| at as usize));
                    }
                }
            }
            if !super_locus.query.is_empty() {
                super_locus.count(options, counts);
            }
        }
    }
}

/// The loci of the other side that each locus overlaps, ascending.
struct Partners {
    starts: Vec<u32>,
    others: Vec<u32>,
}

impl Partners {
    fn new(n: usize, pairs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut starts = vec![0; n + 1];
        pairs.clone().for_each(|(at, _)| starts[at as usize + 1] += 1);
        (0..n).for_each(|at| starts[at + 1] += starts[at]);
        let mut next = starts.clone();
        let mut others = vec![0; starts[n] as usize];
        for (at, other) in pairs {
            others[next[at as usize] as usize] = other;
            next[at as usize] += 1;
        }
        Partners { starts, others }
    }

    fn of(&self, at: usize) -> &[u32] {
        &self.others[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// Loci of both sides that overlap, directly or through others.
struct SuperLocus<'a> {
    strand: &'a Strand<'a>,
    query: Vec<&'a Locus>,
    reference: Vec<&'a Locus>,
}

/// What a list per locus is as one sorted list.
fn gather<'a, T: Copy, K: Ord>(
    loci: &[&'a Locus],
    list: fn(&Locus) -> &[T],
    key: fn(&T) -> K,
) -> Cow<'a, [T]> {
    if let [only] = loci {
        return Cow::Borrowed(list(only));
    }
    let mut all: Vec<T> = loci.iter().flat_map(|locus| list(locus)).copied().collect();
    all.sort_by_key(key);
    Cow::Owned(all)
}

impl SuperLocus<'_> {
    fn count(&self, options: &Options, counts: &mut Counts) {
        counts.super_loci += 1;
        self.query.iter().for_each(|locus| counts.query.add(locus));
        self.reference.iter().for_each(|locus| counts.reference.add(locus));
        self.bases(counts);
        self.exons(options.end_range, counts);
        self.introns(counts);
        self.transcripts(options, counts);
    }

    fn bases(&self, counts: &mut Counts) {
        let merged = |loci| gather(loci, |locus| &locus.merged, |part| *part);
        let (query, reference) = (merged(&self.query), merged(&self.reference));
        let (mut i, mut j) = (0, 0);
        while i < query.len() && j < reference.len() {
            counts.bases += u64::from(shared(query[i], reference[j]));
            if query[i].end < reference[j].end {
                i += 1;
            } else {
                j += 1;
            }
        }
    }

    fn exons(&self, range: u32, counts: &mut Counts) {
        let exons = |loci| gather(loci, |locus| &locus.exons, |exon: &Exon| exon.span);
        let (query, reference) = (exons(&self.query), exons(&self.reference));
        let mut marks = (vec![Mark::default(); query.len()], vec![Mark::default(); reference.len()]);
        each_overlap(
            &query,
            &reference,
            |exon| exon.span,
            |q, r| {
                marks.0[q].touch(exons_match(query[q], reference[r], range));
                marks.1[r].touch(exons_match(query[q], reference[r], range));
            },
        );
        let (query, reference) = (tally(&marks.0), tally(&marks.1));
        counts.query.exons_matched += query.0;
        counts.query.exons_untouched += query.1;
        counts.reference.exons_matched += reference.0;
        counts.reference.exons_untouched += reference.1;
    }

    fn introns(&self, counts: &mut Counts) {
        let query = gather(&self.query, |locus| &locus.introns, |intron| *intron);
        // the original does not sort these, and yet stops at the first that begins too late
        let reference: Cow<[Interval]> = match &self.reference[..] {
            [only] => Cow::Borrowed(&only.introns),
            several => several.iter().flat_map(|locus| &locus.introns).copied().collect(),
        };
        let mut marks = (vec![Mark::default(); query.len()], vec![Mark::default(); reference.len()]);
        let mut touch = |q: usize, r: usize| {
            marks.0[q].touch(query[q] == reference[r]);
            marks.1[r].touch(query[q] == reference[r]);
        };
        if self.reference.len() == 1 {
            each_overlap(&query, &reference, |intron| *intron, touch);
        } else {
            for (q, here) in query.iter().enumerate() {
                let reached = reference.iter().take_while(|there| here.end > there.start);
                reached
                    .enumerate()
                    .filter(|(_, there)| there.end > here.start)
                    .for_each(|(r, _)| touch(q, r));
            }
        }
        let (query, reference) = (tally(&marks.0), tally(&marks.1));
        counts.introns += query.0;
        counts.query.introns_untouched += query.1;
        counts.reference.introns_untouched += reference.1;
    }

    /// Pairs transcripts greedily in sorted order, and counts the loci with a pair.
    fn transcripts(&self, options: &Options, counts: &mut Counts) {
        let (query, reference) = (members(&self.query), members(&self.reference));
        let mut found = vec![None; reference.len()];
        let mut loci = (vec![false; self.query.len()], vec![false; self.reference.len()]);
        let range = if options.strict { options.end_range } else { 0 };
        let mut low = 0;
        for &(number, locus) in &query {
            let span = self.strand.query.span(number);
            let there = |at: usize| self.strand.reference.span(members_at(&reference, at));
            while low < reference.len() && there(low).end <= span.start {
                low += 1;
            }
            let several = self.strand.query.exons(number).len() > 1;
            for at in low..reference.len() {
                if there(at).start >= span.end {
                    break;
                }
                if found[at] == Some(Match::Full) || there(at).end <= span.start {
                    continue;
                }
                let other = members_at(&reference, at);
                let agreement = numbered(&self.strand.query, number, &self.strand.reference, other, range);
                let Some(agreement) = agreement else { continue };
                counts.chains += u64::from(several);
                if options.strict && agreement == Match::Inner {
                    found[at] = Some(Match::Inner);
                    continue;
                }
                counts.transcripts += 1;
                found[at] = Some(Match::Full);
                loci.0[locus as usize] = true;
                loci.1[reference[at].1 as usize] = true;
                break;
            }
        }
        counts.query.loci_matched += count_true(&loci.0);
        counts.reference.loci_matched += count_true(&loci.1);
    }
}

/// The transcripts of loci with their locus, sorted.
fn members<'a>(loci: &[&'a Locus]) -> Vec<(u32, u32)> {
    let of =
        |(at, locus): (usize, &&'a Locus)| locus.transcripts.iter().map(move |&number| (number, at as u32));
    let mut all: Vec<(u32, u32)> = loci.iter().enumerate().flat_map(of).collect();
    all.sort_unstable();
    all
}

fn members_at(members: &[(u32, u32)], at: usize) -> u32 {
    members[at].0
}

fn count_true(flags: &[bool]) -> u64 {
    flags.iter().filter(|&&flag| flag).count() as u64
}

/// What happened to an exon or intron.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    overlapped: bool,
    matched: bool,
}

impl Mark {
    fn touch(&mut self, matches: bool) {
        self.overlapped = true;
        self.matched |= matches;
    }
}

/// Matched ones, and those without any overlap.
fn tally(marks: &[Mark]) -> (u64, u64) {
    let matched = marks.iter().filter(|mark| mark.matched).count();
    let untouched = marks.iter().filter(|mark| !mark.overlapped).count();
    (matched as u64, untouched as u64)
}

/// Equal ends, but for the range at an end that is a transcript's on both sides.
fn exons_match(a: Exon, b: Exon, range: u32) -> bool {
    let both = a.flags & b.flags;
    let allowed = |flag: u8| if both & flag == 0 { 0 } else { range };
    a.span.start.abs_diff(b.span.start) <= allowed(FIRST) && a.span.end.abs_diff(b.span.end) <= allowed(LAST)
}
