//! The best path (Viterbi), base by base, with as much of its history as is undecided.

use std::collections::VecDeque;

use super::automaton::{Automaton, COLUMNS, GROUPS, LEFT_SITE, MAX_CODING, MAX_STATES, RIGHT_SITE, UNSEEN};
use super::view::Weights;
use crate::dna::N;
use crate::gene::{GeneModel, Interval, Strand};

const NONE: f64 = f64::NEG_INFINITY;
/// the state before came out of an intron
const INTRON: u8 = 255;
/// no state before
const START: u8 = 254;

/// The best way into an intron.
#[derive(Debug, Clone, Copy)]
struct Entry {
    score: f64,
    /// first base of the intron
    first: usize,
    /// state before it
    from: u8,
}

/// An intron that is still too short to be left.
#[derive(Debug)]
struct Young {
    ready: usize,
    group: usize,
    entries: [Entry; MAX_CODING],
}

/// A step of a path over a whole intron.
#[derive(Debug)]
struct Jump {
    after: usize,
    to: u8,
    entry: Entry,
}

/// The best paths up to the bases read so far; positions count from the contig's start.
#[derive(Debug)]
pub(super) struct Best {
    min_intron: usize,
    max_intron: usize,
    count: usize,
    row: [f64; MAX_STATES],
    gap: f64,
    gap_state: u8,
    before_last: u8,
    last: u8,
    left_site: [f64; 2],
    travelled: [f64; 2],
    ripe: Vec<VecDeque<Entry>>,
    young: [VecDeque<Young>; 2],
    /// first base of the history
    origin: usize,
    previous: Vec<u8>,
    jumps: VecDeque<Jump>,
    /// score between genes after the base before the origin, then after each base of the history
    gaps: Vec<f64>,
}

/// A gene of the best path and the sum of its potentials.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scored {
    pub model: GeneModel,
    pub score: f64,
}

impl Best {
    /// Before a contig's first base; `max_intron` 0 = no limit.
    pub fn new(min_intron: u32, max_intron: u32) -> Self {
        Best {
            min_intron: min_intron as usize,
            max_intron: if max_intron == 0 { usize::MAX } else { max_intron as usize },
            count: 0,
            row: [NONE; MAX_STATES],
            gap: 0.0,
            gap_state: START,
            before_last: UNSEEN,
            last: UNSEEN,
            left_site: [NONE; 2],
            travelled: [0.0; 2],
            ripe: vec![VecDeque::new(); GROUPS * MAX_CODING],
            young: Default::default(),
            origin: 0,
            previous: Vec::new(),
            jumps: VecDeque::new(),
            gaps: vec![0.0],
        }
    }

    /// Bases in the history.
    pub fn undecided(&self) -> usize {
        self.count - self.origin
    }

    /// First base of the history.
    pub fn origin(&self) -> usize {
        self.origin
    }

    /// Whether any annotation of the bases so far is possible.
    pub fn possible(&self) -> bool {
        self.gap > NONE
    }

    /// Reads one base, knowing the `next` one.
    pub fn step(&mut self, automaton: &Automaton, base: u8, next: u8, weights: &Weights) {
        let states = automaton.states();
        let mut row = [NONE; MAX_STATES];
        let mut previous = [START; MAX_STATES];
        for &s in std::iter::once(&0).chain(&automaton.begin[base as usize]) {
            row[s as usize] = self.gap;
            previous[s as usize] = self.gap_state;
        }
        for &(from, to) in &automaton.edges[self.last.min(N) as usize][base as usize] {
            if self.row[from as usize] > row[to as usize] {
                row[to as usize] = self.row[from as usize];
                previous[to as usize] = from;
            }
        }
        if self.count > 0 {
            self.leave_introns(automaton, base, weights, &mut row, &mut previous);
            self.enter_introns(automaton, base, next);
        }
        for s in 0..states {
            row[s] += weights[automaton.label[s] as usize] + weights[automaton.site[s] as usize];
        }
        self.pass_introns(automaton, weights);
        (self.gap, self.gap_state) = (row[0], 0);
        for &s in &automaton.end {
            if row[s as usize] > self.gap {
                (self.gap, self.gap_state) = (row[s as usize], s);
            }
        }
        self.row = row;
        self.previous.extend_from_slice(&previous[..states]);
        self.gaps.push(self.gap);
        self.left_site = LEFT_SITE.map(|c| weights[c]);
        self.before_last = self.last;
        self.last = base;
        self.count += 1;
    }

    fn leave_introns(
        &mut self,
        automaton: &Automaton,
        base: u8,
        weights: &Weights,
        row: &mut [f64; MAX_STATES],
        previous: &mut [u8; MAX_STATES],
    ) {
        let motif = automaton.right_motif[self.before_last as usize][self.last as usize];
        for group in (0..GROUPS).filter(|group| motif >> group & 1 == 1) {
            let strand = group / 2;
            let toll = self.travelled[strand] + weights[RIGHT_SITE[strand]];
            for &(carried, to) in &automaton.leave[strand][base as usize] {
                let ripe = &mut self.ripe[group * MAX_CODING + carried as usize];
                while ripe.front().is_some_and(|entry| self.count - entry.first > self.max_intron) {
                    ripe.pop_front();
                }
                let Some(&entry) = ripe.front() else { continue };
                if entry.score + toll > row[to as usize] {
                    row[to as usize] = entry.score + toll;
                    previous[to as usize] = INTRON;
                    self.jumps.push_back(Jump { after: self.count, to, entry });
                }
            }
        }
    }

    fn enter_introns(&mut self, automaton: &Automaton, base: u8, next: u8) {
        let motif = automaton.left_motif[base as usize][next as usize];
        for group in (0..GROUPS).filter(|group| motif >> group & 1 == 1) {
            let strand = group / 2;
            let toll = self.left_site[strand] - self.travelled[strand];
            let mut entries = [Entry { score: NONE, first: self.count, from: START }; MAX_CODING];
            for &(from, carried) in &automaton.enter[strand][self.last as usize] {
                entries[carried as usize].score = self.row[from as usize] + toll;
                entries[carried as usize].from = from;
            }
            self.young[strand].push_back(Young { ready: self.count + self.min_intron - 1, group, entries });
        }
    }

    fn pass_introns(&mut self, automaton: &Automaton, weights: &Weights) {
        for strand in 0..2 {
            let weight = weights[7 + strand];
            let own = 2 * strand * MAX_CODING..(2 * strand + 2) * MAX_CODING;
            if weight == NONE {
                self.ripe[own].iter_mut().for_each(VecDeque::clear);
                self.young[strand].clear();
                continue;
            }
            self.travelled[strand] += weight;
            while let Some(young) = self.young[strand].front().filter(|young| young.ready == self.count) {
                for (carried, &entry) in young.entries.iter().enumerate().take(automaton.coding - 1) {
                    if entry.score > NONE {
                        let ripe = &mut self.ripe[young.group * MAX_CODING + carried];
                        keep(ripe, entry, self.max_intron == usize::MAX);
                    }
                }
                self.young[strand].pop_front();
            }
        }
    }

    /// Takes a step back along a path: one past the position, and the state; (0, 0) at the start.
    fn back(&self, states: usize, after: usize, state: u8) -> (usize, u8) {
        let at = after - 1;
        match self.previous[(at - self.origin) * states + state as usize] {
            START => (0, 0),
            INTRON => match self.jump(at, state) {
                Some(entry) => (entry.first, entry.from),
                None => (0, 0),
            },
            previous => (at, previous),
        }
    }

    /// The intron before a state; a later jump to it was a better one.
    fn jump(&self, after: usize, to: u8) -> Option<Entry> {
        let from = self.jumps.partition_point(|jump| jump.after < after);
        let here = self.jumps.range(from..).take_while(|jump| jump.after == after);
        here.filter(|jump| jump.to == to).last().map(|jump| jump.entry)
    }

    /// The last point that all paths share: one past the position, and the state.
    fn ancestor(&self, automaton: &Automaton) -> Option<(usize, u8)> {
        let states = automaton.states();
        // states that paths pass after the base before the origin, then after each base
        let mut marks = vec![0u64; self.count - self.origin + 1];
        let mut open = 0usize;
        let mark = |marks: &mut [u64], open: &mut usize, after: usize, state: u8| {
            let slot = &mut marks[after.saturating_sub(self.origin)];
            *open += usize::from(*slot >> state & 1 == 0);
            *slot |= 1 << state;
        };
        let live = (0..states as u8).filter(|&s| self.row[s as usize] > NONE);
        live.for_each(|s| mark(&mut marks, &mut open, self.count, s));
        let young = self.young.iter().flatten().flat_map(|young| young.entries);
        for entry in self.ripe.iter().flatten().copied().chain(young).filter(|e| e.score > NONE) {
            mark(&mut marks, &mut open, entry.first, entry.from);
        }
        for after in (self.origin + 1..=self.count).rev() {
            let mut states_here = marks[after - self.origin];
            if open == 1 && states_here != 0 {
                return Some((after, states_here.trailing_zeros() as u8));
            }
            while states_here != 0 {
                let state = states_here.trailing_zeros() as u8;
                states_here &= states_here - 1;
                open -= 1;
                let (before, previous) = self.back(states, after, state);
                mark(&mut marks, &mut open, before, previous);
            }
        }
        None
    }

    /// Takes out the genes that no later base can change, in ascending order, and forgets their past.
    pub fn decide(&mut self, automaton: &Automaton) -> Vec<Scored> {
        match self.ancestor(automaton) {
            Some((after, state)) => self.release(automaton, after, state),
            None => Vec::new(),
        }
    }

    /// Takes out all genes left when the contig has ended.
    pub fn finish(&mut self, automaton: &Automaton) -> Vec<Scored> {
        if self.count == self.origin {
            return Vec::new();
        }
        self.release(automaton, self.count, self.gap_state)
    }

    /// The whole genes on the path to a point; the history is forgotten up to the last base on it
    /// that is between genes.
    fn release(&mut self, automaton: &Automaton, after: usize, state: u8) -> Vec<Scored> {
        let states = automaton.states();
        let mut genes = Vec::new();
        let mut cut = None;
        let mut segments: Vec<Interval> = Vec::new();
        let (mut after, mut state) = (after, state);
        let mut right = after;
        while after > self.origin {
            let ends = state == 0 || automaton.end.contains(&state);
            if ends {
                cut.get_or_insert(after);
                right = after;
            }
            let (before, previous) = self.back(states, after, state);
            let begins = state != 0 && matches!(automaton.site[state as usize], 9 | 14);
            if cut.is_some() && state != 0 && (begins || before + 1 < after) {
                segments.push(Interval::new(after as u32 - 1, right as u32));
                right = before;
            }
            if begins && cut.is_some() {
                genes.push(self.gene(automaton, state, std::mem::take(&mut segments)));
            }
            (after, state) = (before, previous);
        }
        if let Some(cut) = cut {
            self.forget(states, cut);
        }
        genes.reverse();
        genes
    }

    /// The gene of segments in descending order.
    fn gene(&self, automaton: &Automaton, state: u8, mut segments: Vec<Interval>) -> Scored {
        segments.reverse();
        let strand = if state as usize <= automaton.coding { Strand::Plus } else { Strand::Minus };
        let model = GeneModel { strand, segments };
        let gap = |after: u32| self.gaps[after as usize - self.origin];
        Scored { score: gap(model.end()) - gap(model.start()), model }
    }

    fn forget(&mut self, states: usize, cut: usize) {
        let bases = cut - self.origin;
        self.previous.drain(..bases * states);
        self.gaps.drain(..bases);
        while self.jumps.front().is_some_and(|jump| jump.after < cut) {
            self.jumps.pop_front();
        }
        self.origin = cut;
    }
}

/// Adds a younger entry, dropping those that it makes useless; of equal ones the youngest stays, so
/// that paths meet soon.
fn keep(ripe: &mut VecDeque<Entry>, entry: Entry, unlimited: bool) {
    if unlimited && ripe.front().is_some_and(|old| old.score > entry.score) {
        return;
    }
    while ripe.back().is_some_and(|old| old.score <= entry.score) {
        ripe.pop_back();
    }
    ripe.push_back(entry);
}

const _: () = assert!(MAX_STATES <= 64 && COLUMNS < START as usize);
