//! The gene automaton: which state may follow which, given the bases.
//!
//! State 0 is intergenic. The other states say where in a codon a base lies and what its codon may
//! still become; they are the minimal ones that tell start codons from other first codons and keep
//! stop codons out of frame. Minus-strand states are the plus ones, left to right the automaton
//! runs backwards through them: the minus strand is the exact mirror image of the plus strand.
//! An intron carries the coding state of the base before it, in the gene's own direction.

use std::collections::BTreeSet;

use crate::dna::N;
use crate::genetic_code::GeneticCode;

/// Upper bound of the number of coding states on one strand, over all genetic codes.
pub(super) const MAX_CODING: usize = 16;
/// Upper bound of the number of states, introns left out.
pub(super) const MAX_STATES: usize = 1 + 2 * MAX_CODING;
/// The base beyond an open end: it may be any.
pub(super) const UNSEEN: u8 = 5;
/// Columns of the potentials.
pub(super) const COLUMNS: usize = 17;
/// Intron groups: strand × (GT-AG and GC-AG, AT-AC).
pub(super) const GROUPS: usize = 4;

/// The columns of the potentials at a strand's intron edges, left to right.
pub(super) const LEFT_SITE: [usize; 2] = [11, 16];
pub(super) const RIGHT_SITE: [usize; 2] = [12, 15];

/// Which column the other strand uses for the same thing.
pub(super) const MIRROR: [usize; COLUMNS] = [0, 4, 5, 6, 1, 2, 3, 8, 7, 13, 14, 15, 16, 9, 10, 11, 12];

/// Pairs of states.
pub(super) type Edges = Vec<(u8, u8)>;

/// How the bases of a gene are read in its own direction.
struct Reading {
    position: Vec<u8>,
    next: Vec<[Option<u8>; 4]>,
    begin: [Option<u8>; 4],
}

/// The automaton of one genetic code.
#[derive(Debug)]
pub(super) struct Automaton {
    /// Coding states of one strand.
    pub coding: usize,
    /// Column of the label potential of each state.
    pub label: [u8; MAX_STATES],
    /// Column of the site potential paid in each state, [`COLUMNS`] for none.
    pub site: [u8; MAX_STATES],
    /// State before and state after, by the base before and the base after.
    pub edges: [[Edges; 5]; 5],
    /// States that a gene's leftmost base may have, by the base.
    pub begin: [Vec<u8>; 5],
    /// States that a gene's rightmost base has.
    pub end: Vec<u8>,
    /// Coding states that a base may have.
    pub present: [Vec<u8>; 5],
    /// State before an intron and what the intron carries, by strand and the base before it.
    pub enter: [[Edges; 5]; 2],
    /// What the intron carries and the state after it, by strand and the base after it.
    pub leave: [[Edges; 5]; 2],
    /// Groups (as bits) whose introns may begin with two bases.
    pub left_motif: [[u8; 6]; 6],
    /// Groups (as bits) whose introns may end with two bases.
    pub right_motif: [[u8; 6]; 6],
}

impl Automaton {
    /// The automaton of a genetic code.
    pub fn new(code: &GeneticCode, table_starts: bool) -> Self {
        let reading = Reading::new(code, table_starts);
        let coding = reading.position.len();
        let (mut label, mut site) = ([0u8; MAX_STATES], [COLUMNS as u8; MAX_STATES]);
        let starts: BTreeSet<u8> = reading.begin.iter().flatten().copied().collect();
        for s in 0..coding {
            label[1 + s] = reading.position[s];
            label[1 + coding + s] = 3 + reading.position[s];
        }
        for &s in &starts {
            site[1 + s as usize] = 9;
            site[1 + coding + s as usize] = 13;
        }
        site[coding] = 10;
        site[2 * coding] = 14;
        let mut automaton = Automaton {
            coding,
            label,
            site,
            edges: Default::default(),
            begin: Default::default(),
            end: std::iter::once(coding as u8).chain(starts.iter().map(|s| 1 + coding as u8 + s)).collect(),
            present: Default::default(),
            enter: Default::default(),
            leave: Default::default(),
            left_motif: motifs(&[(b"GT", 0), (b"GC", 0), (b"AT", 1), (b"CT", 2), (b"GT", 3)]),
            right_motif: motifs(&[(b"AG", 0), (b"AC", 1), (b"AC", 2), (b"GC", 2), (b"AT", 3)]),
        };
        (0..N).for_each(|base| automaton.connect(&reading, base));
        automaton
    }

    /// States without introns.
    pub fn states(&self) -> usize {
        1 + 2 * self.coding
    }

    /// The same state on the other strand.
    #[inline]
    pub fn swapped(&self, state: usize) -> usize {
        match state {
            0 => 0,
            s if s <= self.coding => s + self.coding,
            s => s - self.coding,
        }
    }

    /// Adds everything that depends on `base` as the later base on the plus strand and as the
    /// earlier one on the minus strand.
    fn connect(&mut self, reading: &Reading, base: u8) {
        let coding = self.coding as u8;
        let (plus, minus) = (|s: u8| 1 + s, |s: u8| 1 + coding + s);
        let (here, mirrored) = (base as usize, 3 - base as usize);
        let stop = coding - 1;
        for s in 0..coding {
            if reading.present(s, base) {
                self.present[here].push(plus(s));
                self.present[mirrored].push(minus(s));
            }
            if s != stop {
                self.enter[0][here].push((plus(s), s));
                if reading.present(s, base) {
                    self.leave[1][mirrored].push((s, minus(s)));
                }
            }
            if let Some(t) = reading.next[s as usize][here] {
                for other in 0..N {
                    self.edges[other as usize][here].push((plus(s), plus(t)));
                    if reading.present(s, other) {
                        self.edges[mirrored][3 - other as usize].push((minus(t), minus(s)));
                    }
                }
                self.leave[0][here].push((s, plus(t)));
                self.enter[1][mirrored].push((minus(t), s));
            }
        }
        if let Some(s) = reading.begin[here] {
            self.begin[here].push(plus(s));
        }
        if reading.present(stop, base) {
            self.begin[mirrored].push(minus(stop));
        }
    }
}

impl Reading {
    /// The states, a completed stop codon last.
    fn new(code: &GeneticCode, table_starts: bool) -> Self {
        let starts =
            Completions::new(|a, b, c| code.is_start(a, b, c, table_starts) && !code.is_stop(a, b, c));
        let stops = Completions::new(|a, b, c| code.is_stop(a, b, c));
        let start_1: Vec<u16> = starts.after_one().filter(|&rest| rest != 0).collect();
        let start_2: Vec<u16> = starts.after_two().filter(|&rest| rest != 0).collect();
        let inner_1: Vec<u16> = stops.after_one().collect();
        let inner_2: Vec<u16> = stops.after_two().collect();
        let base = |counts: &[usize]| counts.iter().sum::<usize>() as u8;
        let (s2, i1) = (base(&[start_1.len()]), base(&[start_1.len(), start_2.len()]));
        let i2 = i1 + inner_1.len() as u8;
        let full = i2 + inner_2.len() as u8;
        let find = |list: &[u16], rest: u16| list.iter().position(|&r| r == rest).map(|i| i as u8);

        let mut position = Vec::new();
        let mut next = Vec::new();
        let mut add = |at: u8, row: [Option<u8>; 4]| {
            position.push(at);
            next.push(row);
        };
        for &rest in &start_1 {
            add(1, std::array::from_fn(|b| find(&start_2, rest >> (4 * b) & 15).map(|i| s2 + i)));
        }
        for &rest in &start_2 {
            add(2, std::array::from_fn(|c| (rest >> c & 1 == 1).then_some(full)));
        }
        for &rest in &inner_1 {
            add(1, std::array::from_fn(|b| find(&inner_2, rest >> (4 * b) & 15).map(|i| i2 + i)));
        }
        for &rest in &inner_2 {
            add(2, std::array::from_fn(|c| Some(full + (rest >> c & 1) as u8)));
        }
        add(3, std::array::from_fn(|a| find(&inner_1, stops.rest[a]).map(|i| i1 + i)));
        add(3, [None; 4]);
        Reading { position, next, begin: std::array::from_fn(|a| find(&start_1, starts.rest[a])) }
    }

    /// Whether a base may be read into a state.
    fn present(&self, state: u8, base: u8) -> bool {
        self.begin[base as usize] == Some(state)
            || self.next.iter().any(|row| row[base as usize] == Some(state))
    }
}

/// For each first base, which two bases complete a codon of a set: bit 4 × second + third.
struct Completions {
    rest: [u16; 4],
}

impl Completions {
    fn new(holds: impl Fn(u8, u8, u8) -> bool) -> Self {
        let bits = |a: usize| (0..16).filter(|&i| holds(a as u8, i / 4, i % 4)).map(|i| 1u16 << i).sum();
        Completions { rest: std::array::from_fn(bits) }
    }

    /// What may be missing after one base, each possibility once.
    fn after_one(&self) -> impl Iterator<Item = u16> {
        BTreeSet::from(self.rest).into_iter()
    }

    /// What may be missing after two bases, each possibility once.
    fn after_two(&self) -> impl Iterator<Item = u16> + '_ {
        let set: BTreeSet<u16> =
            self.rest.iter().flat_map(|&r| (0..4).map(move |b| r >> (4 * b) & 15)).collect();
        set.into_iter()
    }
}

/// Bits of the groups that two bases allow; a base that is not seen may be any.
fn motifs(list: &[(&[u8; 2], u8)]) -> [[u8; 6]; 6] {
    let matches =
        |seen: usize, wanted: u8| seen == UNSEEN as usize || seen == crate::dna::code(wanted) as usize;
    std::array::from_fn(|a| {
        std::array::from_fn(|b| {
            list.iter()
                .filter(|(pair, _)| matches(a, pair[0]) && matches(b, pair[1]))
                .fold(0, |bits, &(_, group)| bits | 1 << group)
        })
    })
}
