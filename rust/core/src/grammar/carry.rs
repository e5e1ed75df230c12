//! What is carried from base to base while a coding sequence is read backwards: the bases of the
//! codon that is not complete yet, and whether that codon is the stop codon.
//!
//! A carry is a small number, a set of carries a `u64`:
//! 0 nothing; 1 + x one base x; 5 + 4x + y two bases x, y; the same + 21 inside the stop codon.

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
}

impl Codons {
    /// The steps of that code.
    pub fn new(code: &GeneticCode, table_starts: bool) -> Self {
        let mut codons = Codons { next: [[NONE; 4]; COUNT], follow: [0; 4], complete: [0; 4] };
        for base in 0..4u8 {
            for flag in [0, STOP] {
                codons.next[flag as usize][base as usize] = flag + 1 + base;
                for x in 0..4u8 {
                    codons.next[(flag + 1 + x) as usize][base as usize] = flag + 5 + 4 * base + x;
                }
            }
            for pair in 0..16u8 {
                let stop = code.is_stop(base, pair / 4, pair % 4);
                let start = !stop && code.is_start(base, pair / 4, pair % 4, table_starts);
                let complete = if stop { STOP + 5 + pair } else { 5 + pair };
                codons.next[complete as usize][base as usize] = 0;
                codons.follow[base as usize] |= 1 << complete;
                codons.complete[base as usize] |= u64::from(start) << (5 + pair);
            }
        }
        codons
    }

    /// The carry after reading `base` with `carry`, [`NONE`] when the codon must not be there.
    #[inline]
    pub fn next(&self, carry: u8, base: u8) -> u8 {
        self.next[carry as usize][base as usize]
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
}
