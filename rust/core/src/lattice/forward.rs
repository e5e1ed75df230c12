//! The forward sums, one base at a time, in log space.

use std::collections::VecDeque;

use super::automaton::{Automaton, GROUPS, LEFT_SITE, MAX_CODING, MAX_STATES, RIGHT_SITE, UNSEEN};
use super::view::Weights;
use crate::dna::N;

/// A number per coding state that an intron may carry.
pub(super) type Carried = [f64; MAX_CODING];

const ZERO: f64 = f64::NEG_INFINITY;

/// log(exp(a) + exp(b)).
#[inline]
pub(super) fn add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    let difference = high - low;
    // also false when both are minus infinity
    if difference < 40.0 {
        high + (-difference).exp().ln_1p()
    } else {
        high
    }
}

/// How a path may begin and end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// Anywhere: inside codons and introns too.
    Open,
    /// Between genes only.
    Closed,
}

/// An intron that is still too short to be left.
#[derive(Debug, Clone)]
struct Young {
    ready: usize,
    group: usize,
    sums: Carried,
}

/// The introns that end at a base, as sums over all paths up to it.
#[derive(Debug, Clone)]
pub(super) struct Exit {
    /// The base after the intron.
    pub after: usize,
    /// Strand and kind of the intron.
    pub group: usize,
    /// Sums by what the intron carries.
    pub sums: Carried,
}

/// Sums over all paths up to the bases read so far.
///
/// Sums of introns are kept relative to the potential of intron from the first base to the last
/// one, so a base inside an intron costs nothing; an intron joins `ripe` when it may be left.
#[derive(Debug, Clone)]
pub(super) struct Forward {
    /// By state, the last base included.
    pub row: [f64; MAX_STATES],
    /// Paths that are between genes after the last base.
    pub gap: f64,
    ends: Ends,
    min_intron: usize,
    count: usize,
    before_last: u8,
    last: u8,
    left_site: [f64; 2],
    travelled: [f64; 2],
    ripe: [Carried; GROUPS],
    young: [VecDeque<Young>; 2],
}

impl Forward {
    /// Before the first base.
    pub fn new(ends: Ends, min_intron: u32) -> Self {
        let ripe = if ends == Ends::Open { 0.0 } else { ZERO };
        Forward {
            row: [ZERO; MAX_STATES],
            gap: 0.0,
            ends,
            min_intron: min_intron as usize,
            count: 0,
            before_last: UNSEEN,
            last: UNSEEN,
            left_site: [ZERO; 2],
            travelled: [0.0; 2],
            ripe: [[ripe; MAX_CODING]; GROUPS],
            young: Default::default(),
        }
    }

    /// Reads one base, knowing the `next` one.
    pub fn step(
        &mut self,
        automaton: &Automaton,
        base: u8,
        next: u8,
        weights: &Weights,
        exits: Option<&mut Vec<Exit>>,
    ) {
        let mut row = [ZERO; MAX_STATES];
        row[0] = self.gap;
        for &s in &automaton.begin[base as usize] {
            row[s as usize] = self.gap;
        }
        if self.count == 0 && self.ends == Ends::Open {
            automaton.present[base as usize].iter().for_each(|&s| row[s as usize] = 0.0);
        }
        for &(from, to) in &automaton.edges[self.last.min(N) as usize][base as usize] {
            let sum = self.row[from as usize];
            if sum > ZERO {
                row[to as usize] = add(row[to as usize], sum);
            }
        }
        if self.count > 0 {
            self.leave_introns(automaton, base, weights, &mut row, exits);
            self.enter_introns(automaton, base, next);
        }
        for s in 0..automaton.states() {
            if row[s] > ZERO {
                row[s] += weights[automaton.label[s] as usize] + weights[automaton.site[s] as usize];
            }
        }
        self.pass_introns(automaton, weights);
        self.gap = automaton.end.iter().fold(row[0], |sum, &s| add(sum, row[s as usize]));
        self.row = row;
        self.left_site = LEFT_SITE.map(|c| weights[c]);
        self.before_last = self.last;
        self.last = base;
        self.count += 1;
    }

    /// The sum over all whole paths, where the last base read is the last one.
    pub fn total(&self, automaton: &Automaton) -> f64 {
        self.total_at(automaton, self.ends)
    }

    /// The same with another kind of end there.
    pub fn total_at(&self, automaton: &Automaton, ends: Ends) -> f64 {
        match ends {
            Ends::Closed => self.gap,
            Ends::Open => {
                let introns = add(self.introns(automaton, 0), self.introns(automaton, 1));
                self.row[..automaton.states()].iter().fold(introns, |sum, &x| add(sum, x))
            }
        }
    }

    /// The sum over all paths that are in an intron of that strand at the last base.
    pub fn introns(&self, automaton: &Automaton, strand: usize) -> f64 {
        let carried = automaton.coding - 1;
        let ripe = self.ripe[2 * strand..2 * strand + 2].iter();
        let all = ripe.chain(self.young[strand].iter().map(|young| &young.sums));
        all.flat_map(|sums| &sums[..carried]).fold(ZERO, |sum, &x| add(sum, x)) + self.travelled[strand]
    }

    /// Adds to `row` the paths whose intron ended at the base before.
    fn leave_introns(
        &self,
        automaton: &Automaton,
        base: u8,
        weights: &Weights,
        row: &mut [f64; MAX_STATES],
        mut exits: Option<&mut Vec<Exit>>,
    ) {
        let motif = automaton.right_motif[self.before_last as usize][self.last as usize];
        for group in (0..GROUPS).filter(|group| motif >> group & 1 == 1) {
            let strand = group / 2;
            let sums = self.ripe[group].map(|sum| sum + self.travelled[strand]);
            for &(carried, to) in &automaton.leave[strand][base as usize] {
                let sum = sums[carried as usize] + weights[RIGHT_SITE[strand]];
                row[to as usize] = add(row[to as usize], sum);
            }
            if let Some(exits) = exits.as_deref_mut() {
                exits.push(Exit { after: self.count, group, sums });
            }
        }
    }

    /// Begins introns at this base.
    fn enter_introns(&mut self, automaton: &Automaton, base: u8, next: u8) {
        let motif = automaton.left_motif[base as usize][next as usize];
        for group in (0..GROUPS).filter(|group| motif >> group & 1 == 1) {
            let strand = group / 2;
            let mut sums = [ZERO; MAX_CODING];
            let toll = self.left_site[strand] - self.travelled[strand];
            for &(from, carried) in &automaton.enter[strand][self.last as usize] {
                sums[carried as usize] = self.row[from as usize] + toll;
            }
            self.young[strand].push_back(Young { ready: self.count + self.min_intron - 1, group, sums });
        }
    }

    /// Takes introns over this base, those that may be left after it among the ripe ones.
    fn pass_introns(&mut self, automaton: &Automaton, weights: &Weights) {
        let carried = automaton.coding - 1;
        for strand in 0..2 {
            let weight = weights[7 + strand];
            if weight == ZERO {
                self.ripe[2 * strand] = [ZERO; MAX_CODING];
                self.ripe[2 * strand + 1] = [ZERO; MAX_CODING];
                self.young[strand].clear();
                continue;
            }
            self.travelled[strand] += weight;
            while let Some(young) = self.young[strand].front().filter(|young| young.ready == self.count) {
                for (sum, new) in self.ripe[young.group].iter_mut().zip(young.sums).take(carried) {
                    *sum = add(*sum, new);
                }
                self.young[strand].pop_front();
            }
        }
    }
}
