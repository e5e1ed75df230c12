//! Bases as small numbers: A 0, C 1, G 2, T 3, anything else [`N`].

/// The code of an unknown or ambiguous base.
pub const N: u8 = 4;

const CODES: [u8; 256] = {
    let mut table = [N; 256];
    let mut i = 0;
    while i < 4 {
        table[b"ACGT"[i] as usize] = i as u8;
        table[b"acgt"[i] as usize] = i as u8;
        i += 1;
    }
    table[b'U' as usize] = 3;
    table[b'u' as usize] = 3;
    table
};

/// The code of one letter.
#[inline]
pub fn code(letter: u8) -> u8 {
    CODES[letter as usize]
}

/// The codes of a sequence of letters in either case.
///
/// ```
/// assert_eq!(genet5_core::dna::encode(b"ACgtN"), [0, 1, 2, 3, 4]);
/// ```
pub fn encode(letters: &[u8]) -> Vec<u8> {
    letters.iter().map(|&b| code(b)).collect()
}

/// The upper-case letters of a sequence of codes.
pub fn decode(codes: &[u8]) -> Vec<u8> {
    codes.iter().map(|&c| b"ACGTN"[c.min(N) as usize]).collect()
}

/// The complement of one code.
#[inline]
pub fn complement(code: u8) -> u8 {
    if code < N {
        3 - code
    } else {
        N
    }
}

const COMPLEMENTS: [u8; 256] = {
    let (from, to) = (b"ACGTURYSWKMBDHV", b"TGCAAYRSWMKVHDB");
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = i as u8;
        i += 1;
    }
    let mut i = 0;
    while i < from.len() {
        table[from[i] as usize] = to[i];
        table[from[i].to_ascii_lowercase() as usize] = to[i].to_ascii_lowercase();
        i += 1;
    }
    table
};

/// Reverses and complements letters in place: IUPAC codes and the case are kept.
///
/// ```
/// let mut letters = *b"AACgRN";
/// genet5_core::dna::reverse_complement_letters(&mut letters);
/// assert_eq!(&letters, b"NYcGTT");
/// ```
pub fn reverse_complement_letters(letters: &mut [u8]) {
    letters.reverse();
    for block in letters.chunks_mut(BLOCK) {
        if is_acgt(block) {
            // A and T, C and G differ in these bits; without a table, many letters are changed at once
            block.iter_mut().for_each(|letter| *letter ^= if *letter & 2 == 0 { 0x15 } else { 0x04 });
        } else {
            block.iter_mut().for_each(|letter| *letter = COMPLEMENTS[*letter as usize]);
        }
    }
}

/// Letters that are looked at together, whole codons.
pub(crate) const BLOCK: usize = 96;

/// Whether the letters are A, C, G and T alone, in either case.
pub(crate) fn is_acgt(letters: &[u8]) -> bool {
    let is_one = |letter: u8| {
        let letter = letter | 0x20;
        (letter == b'a') | (letter == b'c') | (letter == b'g') | (letter == b't')
    };
    // to the end, which is many letters at once
    letters.iter().fold(true, |all, &letter| all & is_one(letter))
}

/// The bases that a letter stands for, as bits: A 1, C 2, G 4, T 8; all of them for N and X.
pub fn bases_of(letter: u8) -> u8 {
    match letter.to_ascii_uppercase() {
        b'A' => 1,
        b'C' => 2,
        b'G' => 4,
        b'T' | b'U' => 8,
        b'R' => 5,
        b'Y' => 10,
        b'S' => 6,
        b'W' => 9,
        b'K' => 12,
        b'M' => 3,
        b'B' => 14,
        b'D' => 13,
        b'H' => 11,
        b'V' => 7,
        _ => 15,
    }
}

/// The reverse complement of a sequence of codes.
///
/// ```
/// use genet5_core::dna;
/// assert_eq!(dna::decode(&dna::reverse_complement(&dna::encode(b"AACGN"))), b"NCGTT");
/// ```
pub fn reverse_complement(codes: &[u8]) -> Vec<u8> {
    codes.iter().rev().map(|&c| complement(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn letters_are_complemented_one_by_one(letters in "[ACGTacgt]{0,200}[ACGTUNRYacgtn*]{0,20}[ACGT]{0,200}") {
            let expected: Vec<u8> = letters.bytes().rev().map(|letter| COMPLEMENTS[letter as usize]).collect();
            let mut found = letters.into_bytes();
            reverse_complement_letters(&mut found);
            prop_assert_eq!(found, expected);
        }
    }
}
