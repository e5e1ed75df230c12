//! Sixty-four bases at a time: a word has one bit per base, that of the first base lowest.

use crate::dna;

/// Bases of a word.
pub(crate) const WORD: usize = 64;

/// Where each of the four bases is; none of them at an unknown base and beyond the end.
pub(crate) type Bases = [u64; 4];

/// The bits of up to 64 codes.
pub(crate) fn bases(codes: &[u8]) -> Bases {
    let mut whole = [dna::N; WORD];
    whole[..codes.len()].copy_from_slice(codes);
    let (mut low, mut high, mut unknown) = (0, 0, 0);
    for (i, eight) in whole.chunks_exact(8).enumerate() {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(eight);
        let eight = u64::from_le_bytes(bytes);
        // the highest bit of a byte for codes above 3
        let above = ((eight & 0x7f7f_7f7f_7f7f_7f7f) + 0x7c7c_7c7c_7c7c_7c7c) | eight;
        low |= lowest_bits(eight) << (8 * i);
        high |= lowest_bits(eight >> 1) << (8 * i);
        unknown |= lowest_bits(above >> 7) << (8 * i);
    }
    let (odd, high) = (low & !unknown, high & !unknown);
    [!(low | high | unknown), odd & !high, high & !low, odd & high]
}

/// The lowest bit of each byte, as a byte.
#[inline]
fn lowest_bits(bytes: u64) -> u64 {
    // each product that counts falls on a bit of its own among the upper eight
    (bytes & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Each bit moved on by some bases, below 64; those of the word before come in.
#[inline]
pub(crate) fn moved(word: u64, before: u64, by: u32) -> u64 {
    word << by | before >> (u64::BITS - by)
}

/// The bases of a word, each with the two before it.
pub(crate) struct Trail([Bases; 3]);

impl Trail {
    /// Of a word and the one before it.
    #[inline]
    pub(crate) fn new(now: &Bases, before: &Bases) -> Self {
        let mut trail = [*now; 3];
        for (back, bases) in trail.iter_mut().enumerate().skip(1) {
            for (base, bits) in bases.iter_mut().enumerate() {
                *bits = moved(now[base], before[base], back as u32);
            }
        }
        Trail(trail)
    }

    /// The bases of the word itself.
    #[inline]
    pub(crate) fn last(&self) -> &Bases {
        &self.0[0]
    }

    /// The last bases of all occurrences of a codon.
    #[inline]
    pub(crate) fn codon(&self, [a, b, c]: [u8; 3]) -> u64 {
        let [last, second, first] = &self.0;
        first[usize::from(a)] & second[usize::from(b)] & last[usize::from(c)]
    }

    /// The last bases of all occurrences of one codon or another.
    #[inline]
    pub(crate) fn codons(&self, codons: &[[u8; 3]]) -> u64 {
        codons.iter().fold(0, |bits, &codon| bits | self.codon(codon))
    }

    /// The last bases of all occurrences of two bases, `back` bases further on.
    #[inline]
    pub(crate) fn pair(&self, [a, b]: [u8; 2], back: usize) -> u64 {
        self.0[back + 1][usize::from(a)] & self.0[back][usize::from(b)]
    }

    /// The last bases of three known ones.
    #[inline]
    pub(crate) fn known(&self) -> u64 {
        self.0.iter().fold(u64::MAX, |all, [a, c, g, t]| all & (a | c | g | t))
    }
}

/// The places of the bits that are set, ascending.
#[inline]
pub(crate) fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = word.trailing_zeros();
        (word != 0).then(|| {
            word &= word - 1;
            place as usize
        })
    })
}

/// The codons, as codes, for which something holds.
pub(crate) fn codons_with(holds: impl Fn(u8, u8, u8) -> bool) -> Vec<[u8; 3]> {
    let all = (0..64u8).map(|codon| [codon / 16, codon / 4 % 4, codon % 4]);
    all.filter(|&[a, b, c]| holds(a, b, c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_word_is_its_bases(codes in prop::collection::vec(0..8u8, 0..=WORD), high in 0..256usize) {
            let mut codes = codes;
            if let Some(code) = codes.get_mut(high) {
                *code = high as u8 | 128;
            }
            for (base, bits) in bases(&codes).into_iter().enumerate() {
                let found: Vec<usize> = ones(bits).collect();
                let plain: Vec<usize> = (0..codes.len()).filter(|&i| usize::from(codes[i]) == base).collect();
                prop_assert_eq!(found, plain);
            }
        }

        #[test]
        fn codons_are_found_across_words(codes in prop::collection::vec(0..5u8, WORD + 1..=2 * WORD)) {
            let words = [bases(&codes[..WORD]), bases(&codes[WORD..])];
            let trails = [Trail::new(&words[0], &[0; 4]), Trail::new(&words[1], &words[0])];
            let bit = |words: [u64; 2], i: usize| words[i / WORD] >> (i % WORD) & 1 == 1;
            for i in 2..codes.len() {
                let codon = [codes[i - 2], codes[i - 1], codes[i]];
                let known = codon.iter().all(|&code| code < 4);
                prop_assert_eq!(bit([trails[0].known(), trails[1].known()], i), known);
                if known {
                    prop_assert!(bit([0, 1].map(|w| trails[w].codon(codon)), i));
                    prop_assert!(bit([0, 1].map(|w| trails[w].pair([codon[0], codon[1]], 1)), i));
                }
                let other = [2, 0, 3];
                prop_assert_eq!(bit([0, 1].map(|w| trails[w].codons(&[other])), i), codon == other);
            }
        }
    }
}
