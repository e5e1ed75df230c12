//! Redundant transcripts: which of two stays.
//!
//! The original meets the transcripts in the file's order, looks each up among those kept so far,
//! from the last start down to the first, and drops it or the one it found. Only transcripts that
//! share their introns, or single exons that overlap, can meet; all others are kept unseen.

use rustc_hash::FxHashMap;

use super::matching::{covered, numbered, Match};
use super::transcripts::{Contig, Loaded};
use super::Options;

/// The look-up gives up at a transcript that ends before and starts so far before.
const REACH: u32 = 30_000;

/// What makes a transcript redundant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Equal, or the same introns within the other's bounds.
    Reference,
    /// The same introns.
    Query,
}

/// Numbers of the sources of both files in order of first appearance, reference first.
#[derive(Debug, Default)]
pub(super) struct Sources {
    reference: Vec<u32>,
    query: Vec<u32>,
}

/// Numbers the sources of both files.
pub(super) fn source_order(reference: &Loaded, query: &Loaded) -> Sources {
    let mut numbers: FxHashMap<Vec<u8>, u32> = FxHashMap::default();
    let mut number = |file: &Loaded| {
        let number = |name: &Vec<u8>| {
            let next = numbers.len() as u32;
            *numbers.entry(name.clone()).or_insert(next)
        };
        file.sources.iter().map(number).collect()
    };
    Sources { reference: number(reference), query: number(query) }
}

impl Sources {
    /// The strand's transcripts of a reference contig without the redundant ones.
    pub(super) fn reference(&self, contig: &Contig, list: Vec<u32>) -> Vec<u32> {
        Kept::new(contig, list, Rule::Reference, &self.reference).run()
    }

    /// The strand's transcripts of a query contig, without the redundant ones if so asked.
    pub(super) fn query(&self, contig: &Contig, list: Vec<u32>, options: &Options) -> Vec<u32> {
        if !options.drop_duplicates {
            return list;
        }
        Kept::new(contig, list, Rule::Query, &self.query).run()
    }
}

/// The transcripts of one strand while redundant ones are dropped; all places are places in `list`.
struct Kept<'a> {
    contig: &'a Contig<'a>,
    list: Vec<u32>,
    rule: Rule,
    sources: &'a [u32],
    alive: Vec<bool>,
}

impl<'a> Kept<'a> {
    fn new(contig: &'a Contig<'a>, list: Vec<u32>, rule: Rule, sources: &'a [u32]) -> Self {
        let alive = vec![true; list.len()];
        Kept { contig, list, rule, sources, alive }
    }

    fn run(mut self) -> Vec<u32> {
        let groups = self.groups();
        let mut members: Vec<(u32, usize, usize)> = Vec::new();
        for (number, group) in groups.iter().enumerate() {
            members.extend(group.iter().map(|&place| (self.order(place), place, number)));
        }
        members.sort_unstable();
        for (_, place, group) in members {
            if let Some(other) = self.find(place, &groups[group]) {
                let dropped = if self.better(other, place) { place } else { other };
                self.alive[dropped] = false;
            }
        }
        let mut alive = self.alive.iter();
        self.list.retain(|_| alive.next() == Some(&true));
        self.list
    }

    fn order(&self, place: usize) -> u32 {
        self.contig.transcripts[self.list[place] as usize].order
    }

    /// Groups of two and more transcripts that may be redundant, in order of their places.
    fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups = Vec::new();
        let (mut chains, mut cluster, mut end) = (Vec::new(), Vec::new(), 0);
        for (place, &number) in self.list.iter().enumerate() {
            let exons = self.contig.exons(number);
            if exons.len() > 1 {
                let n = exons.len();
                chains.push(((exons[0].end, exons[1].start, exons[n - 2].end, exons[n - 1].start, n), place));
                continue;
            }
            if exons[0].start >= end {
                groups.push(std::mem::take(&mut cluster));
            }
            cluster.push(place);
            end = end.max(exons[0].end);
        }
        groups.push(cluster);
        chains.sort_unstable();
        let places = |group: &[(_, usize)]| group.iter().map(|&(_, place)| place).collect();
        groups.extend(chains.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1).map(places));
        groups.retain(|group| group.len() > 1);
        groups
    }

    /// The kept transcript that the new one at `place` is redundant with.
    fn find(&self, place: usize, group: &[usize]) -> Option<usize> {
        let number = self.list[place];
        let span = self.contig.span(number);
        let mut before = group.iter().rev().filter(|&&other| self.is_there(other, place));
        let found = *before.find(|&&other| {
            let outer = self.contig.span(self.list[other]);
            match numbered(self.contig, number, self.contig, self.list[other], 0) {
                None => false,
                Some(Match::Full) => true,
                Some(Match::Inner) => {
                    self.rule == Rule::Query || (outer.start <= span.start && outer.end >= span.end)
                }
            }
        })?;
        (!self.out_of_reach(found, place)).then_some(found)
    }

    /// Whether a transcript is among those kept when the one at `place` comes.
    fn is_there(&self, other: usize, place: usize) -> bool {
        self.alive[other] && self.order(other) < self.order(place)
    }

    /// Whether the look-up gives up before it comes to `found`.
    fn out_of_reach(&self, found: usize, place: usize) -> bool {
        let start = self.contig.span(self.list[place]).start;
        let far = |other: usize| self.contig.span(self.list[other]).start.saturating_add(REACH) < start;
        let ends_before = |other: usize| self.contig.span(self.list[other]).end <= start;
        (found + 1..place)
            .take_while(|&other| far(other))
            .any(|other| ends_before(other) && self.is_there(other, place))
    }

    /// Whether the kept one stays.
    fn better(&self, kept: usize, new: usize) -> bool {
        let [kept, new] = [kept, new].map(|place| self.list[place]);
        let [a, b] = [kept, new].map(|number| &self.contig.transcripts[number as usize]);
        if a.coding != b.coding {
            return a.coding;
        }
        let [bases, new_bases] = [kept, new].map(|number| covered(self.contig.exons(number)));
        if bases != new_bases {
            return bases > new_bases;
        }
        self.sources[a.source as usize] < self.sources[b.source as usize]
    }
}
