//! The tables of one strand of one window, read left to right in the gene's own direction.

use super::carry::{Codons, COUNT};
use super::GrammarConfig;
use crate::dna;

/// Kinds of splice sites that pair: GT or GC with AG, AT with AC.
const CLASSES: usize = 2;

/// What can still be finished to the left of each base.
#[derive(Debug)]
pub struct StrandTables {
    /// base codes in the gene's own direction
    pub codes: Vec<u8>,
    /// bit c: with carry c this base can be the next one of a segment
    pub open: Vec<u64>,
    /// bit c: this base is after an acceptor and with carry c (this base read) some donor fits
    pub acceptor: Vec<u64>,
    /// last bases of segments before a donor, by class, ascending
    donors: [Vec<u32>; CLASSES],
}

/// One base of a segment, read backwards.
pub struct Stride {
    /// The base.
    pub position: u32,
    /// The carry after it.
    pub carry: u8,
    /// Whether an acceptor may be written here.
    pub acceptor: bool,
    /// Whether the start may be written here.
    pub start: bool,
}

impl StrandTables {
    /// The tables of that sequence, every code below 5.
    pub fn new(codes: Vec<u8>, codons: &Codons, config: &GrammarConfig) -> Self {
        let length = codes.len();
        let mut open = vec![0u64; length];
        let mut acceptor = vec![0u64; length];
        let mut donors: [Vec<u32>; CLASSES] = Default::default();
        let mut reach: [Reach; CLASSES] = Default::default();
        let gap = config.min_intron as usize + 1;
        for p in 0..length {
            if p >= gap {
                let d = p - gap;
                if let Some(class) = donor_class(&codes, d).filter(|_| open[d] != 0) {
                    donors[class].push(d as u32);
                    reach[class].add(d as u32, open[d], config.max_intron);
                }
            }
            if let Some(class) = acceptor_class(&codes, p) {
                acceptor[p] = reach[class].carries(p as u32, config.max_intron);
            }
            if codes[p] < dna::N {
                let left = if p == 0 { 0 } else { open[p - 1] };
                open[p] = codons.before(codes[p], left | acceptor[p]);
            }
        }
        StrandTables { codes, open, acceptor, donors }
    }

    /// Reads a segment backwards from its last base, as long as a gene can still be finished.
    pub fn walk<'a>(
        &'a self,
        right: u32,
        carry: u8,
        codons: &'a Codons,
    ) -> impl Iterator<Item = Stride> + 'a {
        let mut carry = carry;
        (0..=right).rev().map_while(move |position| {
            let p = position as usize;
            if self.open[p] >> carry & 1 == 0 {
                return None;
            }
            let start = codons.completes_start(carry, self.codes[p]);
            carry = codons.next(carry, self.codes[p]);
            Some(Stride { position, carry, acceptor: self.acceptor[p] >> carry & 1 == 1, start })
        })
    }

    /// The donors, ascending, that may follow an acceptor written with that carry.
    pub fn donors<'a>(
        &'a self,
        acceptor: u32,
        carry: u8,
        config: &GrammarConfig,
    ) -> impl DoubleEndedIterator<Item = u32> + 'a {
        let all = acceptor_class(&self.codes, acceptor as usize).map_or(&[][..], |c| &self.donors[c][..]);
        let too_far = |&d: &u32| config.max_intron != 0 && acceptor - d - 1 > config.max_intron;
        let near_end = all.partition_point(|&d| acceptor.saturating_sub(d + 1) >= config.min_intron);
        let far_end = all[..near_end].partition_point(too_far);
        all[far_end..near_end].iter().copied().filter(move |&d| self.open[d as usize] >> carry & 1 == 1)
    }
}

/// The donors of one class that have been passed, by the carry that they can take up.
struct Reach {
    carries: u64,
    /// one past the last donor of each carry
    last: [u32; COUNT],
}

impl Default for Reach {
    fn default() -> Self {
        Reach { carries: 0, last: [0; COUNT] }
    }
}

impl Reach {
    fn add(&mut self, donor: u32, open: u64, max_intron: u32) {
        self.carries |= open;
        if max_intron != 0 {
            for (c, last) in self.last.iter_mut().enumerate() {
                if open >> c & 1 == 1 {
                    *last = donor + 1;
                }
            }
        }
    }

    /// The carries that some donor near enough can take up from an acceptor's segment.
    fn carries(&self, acceptor: u32, max_intron: u32) -> u64 {
        if max_intron == 0 {
            return self.carries;
        }
        let near = |last: u32| last != 0 && last.saturating_add(max_intron) >= acceptor;
        self.last.iter().enumerate().fold(0, |set, (c, &last)| set | u64::from(near(last)) << c)
    }
}

/// The class of the donor right of a base.
fn donor_class(codes: &[u8], last: usize) -> Option<usize> {
    match codes.get(last + 1..last + 3)? {
        [2, 3] | [2, 1] => Some(0),
        [0, 3] => Some(1),
        _ => None,
    }
}

/// The class of the acceptor left of a base.
fn acceptor_class(codes: &[u8], first: usize) -> Option<usize> {
    match codes.get(first.checked_sub(2)?..first)? {
        [0, 2] => Some(0),
        [0, 1] => Some(1),
        _ => None,
    }
}
