//! NCBI genetic codes.

use crate::dna;
use crate::error::{Error, Result};

/// Table number, amino acids and start codons, both in NCBI's order (first, second, third base
/// over T, C, A, G). Tables 27, 28 and 31 read every stop codon as an amino acid too, depending
/// on the context, so no reading frame ends for certain: they are left out.
const TABLES: &[(u8, &str, &str)] = &[
    (
        1,
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "---M---------------M---------------M----------------------------",
    ),
    (
        2,
        "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSS**VVVVAAAADDEEGGGG",
        "--------------------------------MMMM---------------M------------",
    ),
    (
        3,
        "FFLLSSSSYY**CCWWTTTTPPPPHHQQRRRRIIMMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "----------------------------------MM---------------M------------",
    ),
    (
        4,
        "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "--MM---------------M------------MMMM---------------M------------",
    ),
    (
        5,
        "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSSSSVVVVAAAADDEEGGGG",
        "---M----------------------------MMMM---------------M------------",
    ),
    (
        6,
        "FFLLSSSSYYQQCC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "-----------------------------------M----------------------------",
    ),
    (
        9,
        "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIIMTTTTNNNKSSSSVVVVAAAADDEEGGGG",
        "-----------------------------------M---------------M------------",
    ),
    (
        10,
        "FFLLSSSSYY**CCCWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "-----------------------------------M----------------------------",
    ),
    (
        11,
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "---M---------------M------------MMMM---------------M------------",
    ),
    (
        12,
        "FFLLSSSSYY**CC*WLLLSPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "-------------------M---------------M----------------------------",
    ),
    (
        13,
        "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNKKSSGGVVVVAAAADDEEGGGG",
        "---M------------------------------MM---------------M------------",
    ),
    (
        14,
        "FFLLSSSSYYY*CCWWLLLLPPPPHHQQRRRRIIIMTTTTNNNKSSSSVVVVAAAADDEEGGGG",
        "-----------------------------------M----------------------------",
    ),
    (
        15,
        "FFLLSSSSYY*QCC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "-----------------------------------M----------------------------",
    ),
    (
        16,
        "FFLLSSSSYY*LCC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "-----------------------------------M----------------------------",
    ),
    (
        21,
        "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIMMTTTTNNNKSSSSVVVVAAAADDEEGGGG",
        "-----------------------------------M---------------M------------",
    ),
    (
        22,
        "FFLLSS*SYY*LCC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "-----------------------------------M----------------------------",
    ),
    (
        23,
        "FF*LSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "--------------------------------M--M---------------M------------",
    ),
    (
        24,
        "FFLLSSSSYY**CCWWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSSKVVVVAAAADDEEGGGG",
        "---M---------------M---------------M---------------M------------",
    ),
    (
        25,
        "FFLLSSSSYY**CCGWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "---M-------------------------------M---------------M------------",
    ),
    (
        26,
        "FFLLSSSSYY**CC*WLLLAPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "-------------------M---------------M----------------------------",
    ),
    (
        29,
        "FFLLSSSSYYYYCC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "-----------------------------------M----------------------------",
    ),
    (
        30,
        "FFLLSSSSYYEECC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "-----------------------------------M----------------------------",
    ),
    (
        32,
        "FFLLSSSSYY*WCC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        "---M---------------M------------MMMM---------------M------------",
    ),
    (
        33,
        "FFLLSSSSYYY*CCWWLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSSKVVVVAAAADDEEGGGG",
        "---M---------------M---------------M---------------M------------",
    ),
];

/// One NCBI genetic code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneticCode {
    table: u8,
    amino: [u8; 64],
    start: [bool; 64],
}

impl GeneticCode {
    /// The NCBI table of that number.
    ///
    /// # Errors
    /// [`Error::Value`] when there is none, or its stop codons depend on the context.
    ///
    /// ```
    /// use genet5_core::{dna, genetic_code::GeneticCode};
    /// let candida = GeneticCode::ncbi(12).unwrap();
    /// assert_eq!(candida.translate(&dna::encode(b"ATGCTGTAA")), "MS*");
    /// ```
    pub fn ncbi(table: u8) -> Result<Self> {
        let Some((_, amino_tcag, start_tcag)) = TABLES.iter().find(|row| row.0 == table) else {
            let known: Vec<String> = TABLES.iter().map(|row| row.0.to_string()).collect();
            return Err(Error::value(format!(
                "genetic code {table} is not supported; NCBI tables {} are",
                known.join(", ")
            )));
        };
        let mut amino = [b'X'; 64];
        let mut start = [false; 64];
        // position of A, C, G, T in NCBI's order T, C, A, G
        let rank = [2usize, 1, 3, 0];
        for a in 0..4 {
            for b in 0..4 {
                for c in 0..4 {
                    let theirs = rank[a] * 16 + rank[b] * 4 + rank[c];
                    amino[a * 16 + b * 4 + c] = amino_tcag.as_bytes()[theirs];
                    start[a * 16 + b * 4 + c] = start_tcag.as_bytes()[theirs] == b'M';
                }
            }
        }
        Ok(GeneticCode { table, amino, start })
    }

    /// NCBI's number of the table.
    pub fn table(&self) -> u8 {
        self.table
    }

    /// Whether three base codes are a stop codon; never when one is N.
    #[inline]
    pub fn is_stop(&self, a: u8, b: u8, c: u8) -> bool {
        index(a, b, c).is_some_and(|i| self.amino[i] == b'*')
    }

    /// Whether three base codes are ATG or, with `table_starts`, any start codon of the table.
    #[inline]
    pub fn is_start(&self, a: u8, b: u8, c: u8, table_starts: bool) -> bool {
        index(a, b, c).is_some_and(|i| i == 14 || (table_starts && self.start[i]))
    }

    /// The protein of a coding sequence in base codes: `*` for a stop, `X` for a codon with N;
    /// an incomplete last codon is left out.
    pub fn translate(&self, cds: &[u8]) -> String {
        cds.chunks_exact(3).map(|c| index(c[0], c[1], c[2]).map_or(b'X', |i| self.amino[i]) as char).collect()
    }

    /// The protein of a coding sequence in letters of either case; an ambiguous codon is
    /// translated where all that it may be means the same. Otherwise as [`Self::translate`].
    ///
    /// ```
    /// let code = genet5_core::genetic_code::GeneticCode::ncbi(1).unwrap();
    /// assert_eq!(code.translate_letters(b"atgGCNMGRCANTARTT"), b"MARX*");
    /// ```
    pub fn translate_letters(&self, cds: &[u8]) -> Vec<u8> {
        // codons over A, C, G, T and anything else, which is looked at more closely
        const CLOSER: u8 = 0;
        let mut amino = [CLOSER; 125];
        for (i, &meaning) in self.amino.iter().enumerate() {
            amino[i / 16 * 25 + i / 4 % 4 * 5 + i % 4] = meaning;
        }
        let place = |[a, b, c]: [u8; 3]| usize::from(dna::code(a) * 25 + dna::code(b) * 5 + dna::code(c));
        let meaning = |codon: &[u8]| {
            let codon = [codon[0], codon[1], codon[2]];
            match amino[place(codon)] {
                CLOSER => self.ambiguous(codon),
                meaning => meaning,
            }
        };
        // codons of plain letters, by two bits of each: A 0, C 1, T 2, G 3
        let mut plain = [0; 64];
        let bits = |letter: u8| usize::from((letter >> 1) & 3);
        for (i, &meaning) in self.amino.iter().enumerate() {
            let codon = [b"ACGT"[i / 16], b"ACGT"[i / 4 % 4], b"ACGT"[i % 4]].map(bits);
            plain[codon[0] * 16 + codon[1] * 4 + codon[2]] = meaning;
        }
        let mut protein = Vec::with_capacity(cds.len() / 3);
        for block in cds.chunks(dna::BLOCK) {
            let codons = block.chunks_exact(3);
            if dna::is_acgt(block) {
                protein.extend(codons.map(|c| plain[bits(c[0]) * 16 + bits(c[1]) * 4 + bits(c[2])]));
            } else {
                protein.extend(codons.map(meaning));
            }
        }
        protein
    }

    /// What every reading of an ambiguous codon means, else X.
    fn ambiguous(&self, codon: [u8; 3]) -> u8 {
        let [a, b, c] = codon.map(dna::bases_of);
        let has = |bases: u8, base: usize| (bases >> base) & 1 == 1;
        let is_reading = |&i: &usize| has(a, i / 16) && has(b, i / 4 % 4) && has(c, i % 4);
        let mut readings = (0..64).filter(is_reading).map(|i| self.amino[i]);
        let first = readings.next().unwrap_or(b'X');
        if readings.all(|amino| amino == first) {
            first
        } else {
            b'X'
        }
    }
}

/// Index of a codon in A, C, G, T order, none when a base is unknown.
#[inline]
fn index(a: u8, b: u8, c: u8) -> Option<usize> {
    (a < dna::N && b < dna::N && c < dna::N).then(|| a as usize * 16 + b as usize * 4 + c as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn letters_are_translated_codon_by_codon(cds in "[ACGTacgt]{0,200}[ACGTUNRYacgtn]{0,20}[ACGT]{0,200}") {
            let code = GeneticCode::ncbi(1).expect("table 1");
            let expected: Vec<u8> =
                cds.as_bytes().chunks_exact(3).map(|c| code.ambiguous([c[0], c[1], c[2]])).collect();
            prop_assert_eq!(code.translate_letters(cds.as_bytes()), expected);
        }
    }

    #[test]
    fn the_standard_code_has_three_stops_and_one_plain_start() {
        let code = GeneticCode::ncbi(1).expect("table 1");
        let codons = || (0..64u8).map(|i| (i / 16, i / 4 % 4, i % 4));
        let stops: Vec<_> = codons().filter(|&(a, b, c)| code.is_stop(a, b, c)).collect();
        assert_eq!(stops, [(3, 0, 0), (3, 0, 2), (3, 2, 0)]);
        assert_eq!(codons().filter(|&(a, b, c)| code.is_start(a, b, c, false)).count(), 1);
        assert_eq!(codons().filter(|&(a, b, c)| code.is_start(a, b, c, true)).count(), 3);
    }

    #[test]
    fn unknown_tables_are_refused_by_number() {
        let message = GeneticCode::ncbi(27).expect_err("context-dependent").to_string();
        assert!(message.contains("27"), "{message}");
    }
}
