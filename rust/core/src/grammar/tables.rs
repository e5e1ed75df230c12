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
    /// The tables of a sequence, every code below 5, and of its reverse complement.
    ///
    /// Each base waits for the one before it, so both strands are read in one loop: one is worked
    /// on while the other waits.
    pub fn both(codes: Vec<u8>, codons: &Codons, config: &GrammarConfig) -> [Self; 2] {
        let minus = dna::reverse_complement(&codes);
        let [mut plus, mut minus] = [codes, minus].map(|codes| Pass::new(codes, config));
        for p in 0..plus.tables.codes.len() {
            plus.read(p, codons);
            minus.read(p, codons);
        }
        [plus.finish(), minus.finish()]
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

/// One strand being read.
struct Pass {
    tables: StrandTables,
    /// which splice sites the bases p and p + 1 are, by p
    motifs: Vec<u8>,
    /// donors found so far; those of `tables` have room for all
    found: [usize; CLASSES],
    /// carries that a donor passed so far can take up
    reach: [u64; CLASSES],
    /// how far the last such donors reach, where introns have a longest length
    limits: Option<[Reach; CLASSES]>,
    max_intron: u32,
    /// from a donor's last base to the first acceptor's first base
    gap: usize,
}

impl Pass {
    fn new(codes: Vec<u8>, config: &GrammarConfig) -> Self {
        let length = codes.len();
        let kind = |pair: &[u8]| MOTIFS[usize::from(pair[0]) << 3 | usize::from(pair[1] & 7)];
        Pass {
            motifs: codes.windows(2).map(kind).collect(),
            // two sites of one class cannot share a base
            tables: StrandTables {
                codes,
                open: vec![0; length],
                acceptor: vec![0; length],
                donors: [vec![0; length / 2 + 2], vec![0; length / 2 + 2]],
            },
            found: [0; CLASSES],
            reach: [0; CLASSES],
            limits: (config.max_intron != 0).then(Default::default),
            max_intron: config.max_intron,
            gap: config.min_intron as usize + 1,
        }
    }

    /// Reads base `p`. Splice sites are everywhere and cannot be foreseen, so there is no branch on
    /// them.
    #[inline(always)]
    fn read(&mut self, p: usize, codons: &Codons) {
        if p >= self.gap {
            let d = p - self.gap;
            let (motif, open) = (self.motifs[d + 1], self.tables.open[d]);
            for class in 0..CLASSES {
                let taken = motif >> class & 1;
                self.reach[class] |= open & mask(taken);
                let donors = &mut self.tables.donors[class];
                donors[self.found[class]] = d as u32;
                self.found[class] += usize::from(taken & u8::from(open != 0));
            }
            if let Some(limits) = &mut self.limits {
                (0..CLASSES).filter(|class| motif >> class & 1 == 1).for_each(|class| limits[class].add(d, open));
            }
        }
        let motif = if p < 2 { 0 } else { self.motifs[p - 2] } >> CLASSES;
        let mut reach = self.reach;
        if let Some(limits) = self.limits.as_ref().filter(|_| motif != 0) {
            reach = limits.each_ref().map(|limit| limit.carries(p, self.max_intron));
        }
        let acceptor = reach[0] & mask(motif & 1) | reach[1] & mask(motif >> 1);
        self.tables.acceptor[p] = acceptor;
        let code = self.tables.codes[p];
        if code < dna::N {
            let left = if p == 0 { 0 } else { self.tables.open[p - 1] };
            self.tables.open[p] = codons.before(code, left | acceptor);
        }
    }

    fn finish(mut self) -> StrandTables {
        for (donors, found) in self.tables.donors.iter_mut().zip(self.found) {
            donors.truncate(found);
        }
        self.tables
    }
}

/// All bits or none.
#[inline]
fn mask(bit: u8) -> u64 {
    0u64.wrapping_sub(u64::from(bit))
}

/// The last donors of one class, by the carry that they can take up.
struct Reach {
    /// one past the last donor of each carry
    last: [u32; COUNT],
}

impl Default for Reach {
    fn default() -> Self {
        Reach { last: [0; COUNT] }
    }
}

impl Reach {
    fn add(&mut self, donor: usize, open: u64) {
        for (c, last) in self.last.iter_mut().enumerate() {
            if open >> c & 1 == 1 {
                *last = donor as u32 + 1;
            }
        }
    }

    /// The carries that some donor near enough can take up from an acceptor's segment.
    fn carries(&self, acceptor: usize, max_intron: u32) -> u64 {
        let near = |last: u32| last != 0 && last.saturating_add(max_intron) >= acceptor as u32;
        self.last.iter().enumerate().fold(0, |set, (c, &last)| set | u64::from(near(last)) << c)
    }
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
