//! Which tokens can follow each other: all pairs of a vocabulary, in a table that fits a core's cache.
//!
//! Most tokens behave like others on their right and on their left side: of the 4,091 tokens of
//! DNABERT-2's vocabulary there are 1,096 kinds of left and 1,153 kinds of right ones, so 158 kB say
//! what a table of all pairs says in 2 MiB.

use std::hash::Hash;

use rustc_hash::FxHashMap;

use super::merges::LETTERS;

const NONE: u16 = u16::MAX;

/// Whether BPE keeps a pair apart, by the kinds of its two tokens.
#[derive(Debug)]
pub(super) struct PairTable {
    /// Where the row of each left token begins.
    rows: Vec<u32>,
    /// The column of each right token.
    columns: Vec<u16>,
    /// Bit set: the pair merges into other tokens.
    joined: Vec<u64>,
}

impl PairTable {
    /// The table of tokens given as their left and right parts, letters first.
    pub(super) fn new(parts: &[(u16, u16)]) -> Self {
        let words = parts.len().div_ceil(64);
        let all = all_pairs(parts, words);
        let (row_kinds, rows) = kinds(all.chunks(words));
        let height = row_kinds.len().div_ceil(64);
        let mut turned = vec![0u64; parts.len() * height];
        for (place, row) in row_kinds.iter().enumerate() {
            for column in bits(row) {
                set(&mut turned[column * height..], place);
            }
        }
        let (column_kinds, columns) = kinds(turned.chunks(height));
        let width = column_kinds.len();
        let mut joined = vec![0u64; (row_kinds.len() * width).div_ceil(64)];
        for (column, kind) in column_kinds.iter().enumerate() {
            bits(kind).for_each(|row| set(&mut joined, row * width + column));
        }
        PairTable { rows: rows.iter().map(|&row| u32::from(row) * width as u32).collect(), columns, joined }
    }

    /// Whether BPE of the joined text of two tokens returns these two.
    #[inline]
    pub(super) fn valid(&self, left: u16, right: u16) -> bool {
        let place = self.rows[usize::from(left)] as usize + usize::from(self.columns[usize::from(right)]);
        self.joined[place / 64] >> (place % 64) & 1 == 0
    }
}

/// The pairs that merge, a row of bits for each left token.
///
/// Of the two tokens at a border, the merge that came later is undone first (of the same merge, the
/// right one), and what is then at the border must not merge before the merge undone; from there on
/// the pair is as valid as the one that is left. So each pair follows from one with a lower rank.
fn all_pairs(parts: &[(u16, u16)], words: usize) -> Vec<u64> {
    let tokens = parts.len();
    let mut merges_of: Vec<Vec<(usize, usize)>> = vec![Vec::new(); tokens];
    for (product, &(left, right)) in parts.iter().enumerate().skip(LETTERS) {
        merges_of[usize::from(left)].push((usize::from(right), product));
    }
    let mut table = vec![0u64; tokens * words];
    let mut product_with = vec![NONE; tokens];
    for left in 0..tokens {
        let (done, row) = table.split_at_mut(left * words);
        let row = &mut row[..words];
        if left >= LETTERS {
            let rest = usize::from(parts[left].1);
            let below = left.div_ceil(64);
            row[..below].copy_from_slice(&done[rest * words..][..below]);
            row[below - 1] &= u64::MAX >> (below * 64 - left);
            let earlier = merges_of[rest].iter().filter(|&&(right, product)| right.max(product) < left);
            earlier.for_each(|&(right, _)| set(row, right));
        }
        merges_of[left].iter().for_each(|&(right, product)| product_with[right] = product as u16);
        for right in left.max(LETTERS)..tokens {
            let rest = usize::from(parts[right].0);
            let joined =
                row[rest / 64] >> (rest % 64) & 1 | u64::from(usize::from(product_with[rest]) <= right);
            row[right / 64] |= joined << (right % 64);
        }
        merges_of[left].iter().for_each(|&(right, _)| product_with[right] = NONE);
    }
    for &(left, right) in &parts[LETTERS..] {
        set(&mut table[usize::from(left) * words..], usize::from(right));
    }
    table
}

/// The different items in order of appearance, and which of them each item is.
fn kinds<T: Hash + Eq + Copy>(items: impl Iterator<Item = T>) -> (Vec<T>, Vec<u16>) {
    let mut kinds = Vec::new();
    let mut known: FxHashMap<T, u16> = FxHashMap::default();
    let kind = |item| {
        *known.entry(item).or_insert_with(|| {
            kinds.push(item);
            (kinds.len() - 1) as u16
        })
    };
    let which = items.map(kind).collect();
    (kinds, which)
}

fn set(bits: &mut [u64], place: usize) {
    bits[place / 64] |= 1 << (place % 64);
}

/// The places of the bits that are set.
fn bits(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    words.iter().enumerate().flat_map(|(index, &word)| {
        std::iter::successors(Some(word).filter(|&word| word != 0), |&word| {
            Some(word & (word - 1)).filter(|&w| w != 0)
        })
        .map(move |word| index * 64 + word.trailing_zeros() as usize)
    })
}
