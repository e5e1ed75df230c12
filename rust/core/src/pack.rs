//! Packing windows into rows of a fixed token budget: best-fit decreasing (arXiv 2404.10830).

use crate::error::{Error, Result};
use crate::random::Random;

/// Fills rows of `row` tokens with items of the given lengths; each row lists item indices.
///
/// The longest items are placed first, each into the fullest row that still takes it (ties: the
/// item of lower index first, the row opened or filled last). The rows are then shuffled with the
/// seed, since best-fit decreasing leaves them sorted by length.
///
/// # Errors
/// [`Error::Value`] when an item is longer than a row.
///
/// ```
/// let mut rows = genet5_core::pack::best_fit_decreasing(&[3, 7, 2, 5], 10, 0).unwrap();
/// rows.sort();
/// assert_eq!(rows, [vec![1, 0], vec![3, 2]]);
/// ```
pub fn best_fit_decreasing(lengths: &[u32], row: u32, seed: u64) -> Result<Vec<Vec<u32>>> {
    if let Some((i, &length)) = lengths.iter().enumerate().find(|&(_, &length)| length > row) {
        return Err(Error::value(format!(
            "item {i} has {length} tokens and a row only {row}: use longer rows"
        )));
    }
    let mut rows: Vec<Vec<u32>> = Vec::new();
    let mut open = OpenRows::new(row);
    for item in longest_first(lengths, row) {
        let length = lengths[item as usize];
        let (index, space) = match open.take(length) {
            Some(found) => found,
            None => {
                rows.push(Vec::new());
                (rows.len() as u32 - 1, row)
            }
        };
        rows[index as usize].push(item);
        open.put(index, space - length);
    }
    Random::new(&[seed]).shuffle(&mut rows);
    Ok(rows)
}

/// Item indices by falling length, ties by rising index (a counting sort).
fn longest_first(lengths: &[u32], row: u32) -> Vec<u32> {
    let mut first = vec![0u32; row as usize + 2];
    for &length in lengths {
        first[(row - length) as usize + 1] += 1;
    }
    for i in 1..first.len() {
        first[i] += first[i - 1];
    }
    let mut order = vec![0u32; lengths.len()];
    for (item, &length) in lengths.iter().enumerate() {
        let slot = &mut first[(row - length) as usize];
        order[*slot as usize] = item as u32;
        *slot += 1;
    }
    order
}

const NONE: u32 = u32::MAX;

/// Rows by remaining space: a stack per space and a bit tree that finds the smallest space at
/// least as large as asked.
struct OpenRows {
    /// Level 0 has a bit per space; a bit of a higher level covers a word of the one below.
    levels: Vec<Vec<u64>>,
    /// The row on top of each space's stack.
    top: Vec<u32>,
    /// The row under each row in its stack.
    under: Vec<u32>,
}

impl OpenRows {
    fn new(row: u32) -> Self {
        let mut levels = Vec::new();
        let mut bits = row as usize + 1;
        loop {
            bits = bits.div_ceil(64);
            levels.push(vec![0u64; bits]);
            if bits == 1 {
                break;
            }
        }
        OpenRows { levels, top: vec![NONE; row as usize + 1], under: Vec::new() }
    }

    fn put(&mut self, index: u32, space: u32) {
        if self.under.len() <= index as usize {
            self.under.resize(index as usize + 1, NONE);
        }
        self.under[index as usize] = std::mem::replace(&mut self.top[space as usize], index);
        let mut at = space as usize;
        for level in &mut self.levels {
            level[at / 64] |= 1 << (at % 64);
            at /= 64;
        }
    }

    /// Removes and returns the fullest row with at least `length` tokens left, and that space.
    fn take(&mut self, length: u32) -> Option<(u32, u32)> {
        let space = self.at_least(length as usize)?;
        let index = self.top[space];
        self.top[space] = self.under[index as usize];
        if self.top[space] == NONE {
            let mut at = space;
            for level in &mut self.levels {
                level[at / 64] &= !(1 << (at % 64));
                if level[at / 64] != 0 {
                    break;
                }
                at /= 64;
            }
        }
        Some((index, space as u32))
    }

    fn at_least(&self, space: usize) -> Option<usize> {
        let mut at = space;
        for (height, level) in self.levels.iter().enumerate() {
            let (word, bit) = (at / 64, at % 64);
            let rest = level.get(word).map_or(0, |w| w >> bit << bit);
            if rest != 0 {
                let mut found = word * 64 + rest.trailing_zeros() as usize;
                for lower in self.levels[..height].iter().rev() {
                    found = found * 64 + lower[found].trailing_zeros() as usize;
                }
                return Some(found);
            }
            at = word + 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Best-fit decreasing by looking at every row, for comparison.
    fn plain(lengths: &[u32], row: u32) -> Vec<u32> {
        let mut sorted = lengths.to_vec();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let mut spaces: Vec<u32> = Vec::new();
        for length in sorted {
            match spaces.iter_mut().filter(|space| **space >= length).min_by_key(|space| **space) {
                Some(space) => *space -= length,
                None => spaces.push(row - length),
            }
        }
        spaces.sort_unstable();
        spaces
    }

    fn spaces(rows: &[Vec<u32>], lengths: &[u32], row: u32) -> Vec<u32> {
        let mut left: Vec<u32> =
            rows.iter().map(|items| row - items.iter().map(|&i| lengths[i as usize]).sum::<u32>()).collect();
        left.sort_unstable();
        left
    }

    proptest! {
        #[test]
        fn every_item_lies_in_one_row_and_rows_fill_as_the_plain_algorithm_fills_them(
            row in 1u32..5000, parts in prop::collection::vec(0.0f64..=1.0, 0..200), seed: u64
        ) {
            let lengths: Vec<u32> = parts.iter().map(|p| (p * p * f64::from(row)) as u32).collect();
            let rows = best_fit_decreasing(&lengths, row, seed).expect("all fit");
            let mut seen: Vec<u32> = rows.iter().flatten().copied().collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..lengths.len() as u32).collect::<Vec<_>>());
            prop_assert_eq!(spaces(&rows, &lengths, row), plain(&lengths, row));
            prop_assert_eq!(&rows, &best_fit_decreasing(&lengths, row, seed).expect("again"));
        }
    }

    #[test]
    fn an_item_as_long_as_a_row_fits_and_a_longer_one_is_an_error() {
        assert_eq!(best_fit_decreasing(&[10], 10, 0).expect("fits"), [[0]]);
        let message = best_fit_decreasing(&[3, 11], 10, 0).expect_err("too long").to_string();
        assert!(message.contains("item 1 has 11 tokens"), "{message}");
    }

    #[test]
    fn nothing_empty_and_equal_items_are_no_special_cases() {
        assert!(best_fit_decreasing(&[], 10, 0).expect("none").is_empty());
        assert_eq!(best_fit_decreasing(&[0, 0], 0, 0).expect("zeros"), [[0, 1]]);
        assert_eq!(best_fit_decreasing(&[4; 6], 8, 0).expect("equal").len(), 3);
    }

    #[test]
    fn the_seed_decides_the_order_of_rows_alone() {
        let lengths: Vec<u32> = (0..200).map(|i| 300 + i).collect();
        let [mut a, mut b] = [1, 2].map(|seed| best_fit_decreasing(&lengths, 1000, seed).expect("fit"));
        assert_ne!(a, b);
        a.sort();
        b.sort();
        assert_eq!(a, b);
    }

    #[test]
    fn rows_of_any_length_are_nearly_full() {
        let mut random = Random::new(&[1]);
        for row in [8192u32, 8191, 5000] {
            let lengths: Vec<u32> = (0..20_000).map(|_| 1 + random.below(4000) as u32).collect();
            let total: u64 = lengths.iter().map(|&x| u64::from(x)).sum();
            let bound = total.div_ceil(u64::from(row));
            let rows = best_fit_decreasing(&lengths, row, 0).expect("fit").len() as u64;
            assert!(rows as f64 <= bound as f64 * 1.002 + 1.0, "row {row}: {rows} rows, bound {bound}");
        }
    }
}
