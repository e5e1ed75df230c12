//! What is carried from base to base while a coding sequence is read backwards: the bases of the
//! codon that is not complete yet, and whether that codon is the stop codon.
//!
//! A carry is a small number, a set of carries a `u64`:
//! 0 nothing; 1 + x one base x; 5 + 4x + y two bases x, y; the same + 21 inside the stop codon.

use crate::bits;
use crate::dna;
use crate::genetic_code::GeneticCode;

/// Number of carries.
pub const COUNT: usize = 42;
/// The carry at the anchor: nothing read yet, the stop codon comes.
pub const STOP: u8 = 21;
/// No carry: the codon that the base completes is not allowed.
pub const NONE: u8 = 255;

const ONE: u32 = 1;
const TWO: u32 = 5;
/// A carry inside the stop codon and the same one outside.
const BOTH: u64 = 1 | 1 << STOP;

/// The codons of one genetic code as steps between carries.
#[derive(Debug)]
pub struct Codons {
    /// carry after reading a base with a carry
    next: [[u8; 4]; COUNT],
    /// carries with which a base completes a codon that something must follow
    follow: [u64; 4],
    /// carries with which a base completes a start codon
    complete: [u64; 4],
    /// codons that end a gene
    pub stops: Vec<[u8; 3]>,
    /// codons that may begin one
    pub starts: Vec<[u8; 3]>,
    /// carries with which some base of some sequence may be read
    pub possible: u64,
}

impl Codons {
    /// The steps of that code.
    pub fn new(code: &GeneticCode, table_starts: bool) -> Self {
        let is_start = |a, b, c| !code.is_stop(a, b, c) && code.is_start(a, b, c, table_starts);
        let mut codons = Codons {
            next: [[NONE; 4]; COUNT],
            follow: [0; 4],
            complete: [0; 4],
            stops: bits::codons_with(|a, b, c| code.is_stop(a, b, c)),
            starts: bits::codons_with(is_start),
            possible: 1,
        };
        for base in 0..4u8 {
            for flag in [0, STOP] {
                codons.next[flag as usize][base as usize] = flag + 1 + base;
                for x in 0..4u8 {
                    codons.next[(flag + 1 + x) as usize][base as usize] = flag + 5 + 4 * base + x;
                }
            }
            for pair in 0..16u8 {
                let stop = code.is_stop(base, pair / 4, pair % 4);
                let complete = if stop { STOP + 5 + pair } else { 5 + pair };
                codons.next[complete as usize][base as usize] = 0;
                codons.follow[base as usize] |= 1 << complete;
                codons.complete[base as usize] |= u64::from(is_start(base, pair / 4, pair % 4)) << (5 + pair);
            }
        }
        // from a whole codon by way of two bases and of one back to none
        for _ in 0..3 {
            codons.possible |= (0..4).fold(0, |set, base| set | codons.before(base, codons.possible));
        }
        codons
    }

    /// The carry after reading `base` with `carry`, [`NONE`] when the codon must not be there.
    #[inline]
    pub fn next(&self, carry: u8, base: u8) -> u8 {
        self.next[carry as usize][base as usize]
    }

    /// Whether a carry is one base, in the stop codon or outside.
    pub fn is_one_base(carry: u8) -> bool {
        (ONE..TWO).contains(&(u32::from(carry) % u32::from(STOP)))
    }

    /// Whether `base` completes a start codon.
    #[inline]
    pub fn completes_start(&self, carry: u8, base: u8) -> bool {
        self.complete[base as usize] >> carry & 1 == 1
    }

    /// The carries with which `base` may be read when the carries `after` it may go on; a carry
    /// that completes a start codon needs no going on.
    #[inline]
    pub fn before(&self, base: u8, after: u64) -> u64 {
        let b = u32::from(base);
        let (follow, complete) = (self.follow[base as usize], self.complete[base as usize]);
        // the same inside and outside of the stop codon
        let one = after >> (ONE + b) & BOTH;
        let two = (after >> (TWO + 4 * b) & (15 * BOTH)) << ONE;
        one | two | follow & 0u64.wrapping_sub(after & 1) | complete
    }

    /// The bases that complete a codon begun with two bases: those that something must follow, and
    /// those that may begin a gene, all bits or none by base; none for other carries.
    pub fn completing(&self, carry: u8) -> [[u64; 4]; 2] {
        [self.follow, self.complete].map(|sets| sets.map(|set| 0u64.wrapping_sub(set >> carry & 1)))
    }

    /// With which of the carries something is left of the codon under way, once `base` before
    /// `after` has been read: nothing, that base, both bases; that base and both of a stop codon.
    #[inline]
    pub fn splits(&self, carries: u64, base: u8, after: u8) -> [u64; 5] {
        let one = ONE + u32::from(base);
        let two = TWO + 4 * u32::from(base) + u32::from(after);
        let (base, pair) = (u64::from(base < dna::N), u64::from(base < dna::N && after < dna::N));
        let stop = u32::from(STOP);
        [
            carries & 1,
            carries >> one & base,
            carries >> two & pair,
            carries >> (stop + one) & base,
            carries >> (stop + two) & pair,
        ]
    }
}
