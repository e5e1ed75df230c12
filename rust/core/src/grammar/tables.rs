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
    /// bases after an acceptor, ascending; bit c: with carry c (this base read) some donor fits
    acceptors: Vec<(u32, u64)>,
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
        // two sites of one class cannot share a base
        let mut acceptors = Sites::new(length / 2);
        let mut donors = [Sites::new(length / 2), Sites::new(length / 2)];
        let mut reach = Reach::new(config.max_intron);
        // splice sites at the bases p and p + 1, by p
        let motifs: Vec<u8> =
            codes.windows(2).map(|pair| MOTIFS[usize::from(pair[0] << 3 | pair[1] & 7)]).collect();
        let gap = config.min_intron as usize + 1;
        let mut left = 0;
        for (p, &code) in codes.iter().enumerate() {
            if p >= gap {
                let d = p - gap;
                let motif = if open[d] == 0 { 0 } else { motifs[d + 1] };
                reach.add(d as u32, motif, open[d]);
                donors[0].push(d as u32, motif & 1);
                donors[1].push(d as u32, motif >> 1 & 1);
            }
            let motif = if p < 2 { 0 } else { motifs[p - 2] >> CLASSES };
            let acceptor = reach.carries(p as u32, motif);
            acceptors.push((p as u32, acceptor), u8::from(acceptor != 0));
            left = if code < dna::N { codons.before(code, left | acceptor) } else { 0 };
            open[p] = left;
        }
        StrandTables { codes, open, acceptors: acceptors.finish(), donors: donors.map(Sites::finish) }
    }

    /// Reads a segment backwards from its last base, as long as a gene can still be finished.
    pub fn walk<'a>(
        &'a self,
        right: u32,
        carry: u8,
        codons: &'a Codons,
    ) -> impl Iterator<Item = Stride> + 'a {
        let mut carry = carry;
        let mut acceptors = &self.acceptors[..self.acceptors.partition_point(|&(p, _)| p <= right)];
        (0..=right).rev().map_while(move |position| {
            let p = position as usize;
            if self.open[p] >> carry & 1 == 0 {
                return None;
            }
            let start = codons.completes_start(carry, self.codes[p]);
            carry = codons.next(carry, self.codes[p]);
            let here = acceptors.last().filter(|&&(p, _)| p == position);
            acceptors = &acceptors[..acceptors.len() - usize::from(here.is_some())];
            Some(Stride {
                position,
                carry,
                acceptor: here.is_some_and(|(_, open)| open >> carry & 1 == 1),
                start,
            })
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

/// A list that is written to at every base, since sites cannot be foreseen and a wrong guess costs
/// more than a write; only those that count stay.
struct Sites<T> {
    items: Vec<T>,
    count: usize,
}

impl<T: Copy + Default> Sites<T> {
    fn new(most: usize) -> Self {
        Sites { items: vec![T::default(); most + 2], count: 0 }
    }

    #[inline]
    fn push(&mut self, item: T, counts: u8) {
        self.items[self.count] = item;
        self.count += usize::from(counts);
    }

    fn finish(mut self) -> Vec<T> {
        self.items.truncate(self.count);
        self.items.shrink_to_fit();
        self.items
    }
}

/// The donors that have been passed, by class and by the carry that they can take up.
struct Reach {
    carries: [u64; CLASSES],
    /// one past the last donor of each carry, where introns have a longest length
    last: [[u32; COUNT]; CLASSES],
    max_intron: u32,
}

impl Reach {
    fn new(max_intron: u32) -> Self {
        Reach { carries: [0; CLASSES], last: [[0; COUNT]; CLASSES], max_intron }
    }

    #[inline]
    fn add(&mut self, donor: u32, motif: u8, open: u64) {
        for class in 0..CLASSES {
            self.carries[class] |= open & mask(motif >> class & 1);
        }
        if self.max_intron != 0 {
            for class in (0..CLASSES).filter(|class| motif >> class & 1 == 1) {
                let lasts = self.last[class].iter_mut().enumerate();
                lasts.filter(|(c, _)| open >> c & 1 == 1).for_each(|(_, last)| *last = donor + 1);
            }
        }
    }

    /// The carries that some donor near enough can take up from an acceptor's segment.
    #[inline]
    fn carries(&self, acceptor: u32, motif: u8) -> u64 {
        let near = match self.max_intron {
            0 => self.carries,
            _ if motif == 0 => [0; CLASSES],
            longest => self.last.map(|last| {
                let near = |last: u32| last != 0 && last.saturating_add(longest) >= acceptor;
                last.iter().enumerate().fold(0, |set, (c, &last)| set | u64::from(near(last)) << c)
            }),
        };
        near[0] & mask(motif & 1) | near[1] & mask(motif >> 1 & 1)
    }
}

/// All bits or none.
#[inline]
fn mask(bit: u8) -> u64 {
    0u64.wrapping_sub(u64::from(bit))
}

/// Splice sites of two bases, number 8 x first + second: the donor of each class, then the acceptor
/// of each class.
const MOTIFS: [u8; 64] = {
    let mut motifs = [0; 64];
    motifs[8 * 2 + 3] = 1;
    motifs[8 * 2 + 1] = 1;
    motifs[3] = 2;
    motifs[2] = 1 << CLASSES;
    motifs[1] = 2 << CLASSES;
    motifs
};

/// The class of the acceptor left of a base.
fn acceptor_class(codes: &[u8], first: usize) -> Option<usize> {
    match codes.get(first.checked_sub(2)?..first)? {
        [0, 2] => Some(0),
        [0, 1] => Some(1),
        _ => None,
    }
}
