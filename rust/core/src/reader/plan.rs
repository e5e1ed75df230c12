//! One epoch: which part of which window, on which strand, in which row of which batch.

use std::ops::Range;

use rayon::prelude::*;

use super::dataset::Dataset;
use crate::batch::{reverse_complement, Window};
use crate::dna;
use crate::error::{Error, Result};
use crate::pack;
use crate::random::Random;

/// What an epoch is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Every window once: a random part of at most `crop` bases, on a random strand if asked.
    Augmented {
        /// Tokens of a row.
        row_tokens: u32,
        /// Bases of a part, none for whole windows.
        crop: Option<u32>,
        /// Whether half the windows are read from the other strand.
        reverse_complement: bool,
    },
    /// Every base as it lies: windows tiled into parts of at most `crop` bases.
    Plain {
        /// Tokens of a row.
        row_tokens: u32,
        /// Bases of a part, none for whole windows.
        crop: Option<u32>,
    },
}

/// A part of a window on one strand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Index of the window in the dataset.
    pub sample: u32,
    /// First base of the part.
    pub offset: u32,
    /// Its bases.
    pub bases: u32,
    /// Read from the other strand.
    pub flip: bool,
    /// Tokens it is packed by: those of the longer strand, if both may be read.
    pub tokens: u32,
}

/// The plan of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    items: Vec<Item>,
    rows: Vec<Vec<u32>>,
    /// Where each global batch ends among the rows.
    ends: Vec<usize>,
    /// Whether it is a training epoch.
    shuffled: bool,
}

impl Plan {
    /// Plans an epoch from (epoch, seed) alone: the same on every rank and after every resume.
    /// Global batches get equally many rows, to one.
    ///
    /// # Errors
    /// [`Error::Value`] when a part is longer than a row.
    pub fn new(
        dataset: &Dataset,
        wanted: &Wanted,
        rows_per_batch: usize,
        epoch: u64,
        seed: u64,
    ) -> Result<Self> {
        let (items, row_tokens, order) = match *wanted {
            Wanted::Augmented { row_tokens, crop, reverse_complement } => {
                let draw = |sample| {
                    let item = augmented(dataset, sample, crop, reverse_complement, epoch, seed);
                    fit(dataset, item, row_tokens, reverse_complement)
                };
                let items = (0..dataset.len()).into_par_iter().map(draw).collect();
                (items, row_tokens, Random::new(&[seed, epoch, 3]).next())
            }
            Wanted::Plain { row_tokens, crop } => (plain(dataset, crop, row_tokens), row_tokens, 0),
        };
        check(&items, dataset, row_tokens)?;
        let lengths: Vec<u32> = items.iter().map(|item: &Item| item.tokens).collect();
        let rows = pack::best_fit_decreasing(&lengths, row_tokens, order)?;
        let batches = rows.len().div_ceil(rows_per_batch);
        let ends = (1..=batches).map(|batch| batch * rows.len() / batches).collect();
        Ok(Plan { items, rows, ends, shuffled: matches!(wanted, Wanted::Augmented { .. }) })
    }

    /// Number of global batches.
    pub fn batches(&self) -> usize {
        self.ends.len()
    }

    /// The parts of windows that the epoch reads.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// All rows of a global batch as indices of items.
    pub fn batch(&self, batch: usize) -> &[Vec<u32>] {
        let first = if batch == 0 { 0 } else { self.ends[batch - 1] };
        &self.rows[first..self.ends[batch]]
    }

    /// One rank's rows of a global batch. In training, rows are cut in two when there are fewer
    /// than ranks, since every rank must have something to learn from.
    ///
    /// # Errors
    /// [`Error::Value`] when a training batch has fewer windows than there are ranks.
    pub fn rows(&self, batch: usize, rank: usize, world: usize) -> Result<Vec<Vec<u32>>> {
        let mut rows = self.batch(batch).to_vec();
        while self.shuffled && rows.len() < world {
            let fullest = (0..rows.len()).max_by_key(|&row| (rows[row].len(), row)).unwrap_or(0);
            if rows[fullest].len() < 2 {
                return Err(Error::value(format!(
                    "batch {batch} has {} windows, too few for {world} processes: bake more or start fewer",
                    rows.len()
                )));
            }
            let half = rows[fullest].len() / 2;
            let rest = rows[fullest].split_off(half);
            rows.insert(fullest + 1, rest);
        }
        let share: Range<usize> = rank * rows.len() / world..(rank + 1) * rows.len() / world;
        Ok(rows[share].to_vec())
    }

    /// The window of an item, cut and turned.
    ///
    /// # Errors
    /// [`Error::Input`] for a damaged shard.
    pub fn window(&self, dataset: &Dataset, item: u32) -> Result<Window> {
        let item = &self.items[item as usize];
        let window = dataset.window(item.sample as usize)?;
        let part = match item.bases as usize {
            whole if whole == window.letters.len() => window,
            bases => window.crop(item.offset as usize, item.offset as usize + bases),
        };
        Ok(if item.flip { part.reverse_complement() } else { part })
    }
}

fn augmented(dataset: &Dataset, sample: usize, crop: Option<u32>, both: bool, epoch: u64, seed: u64) -> Item {
    let entry = dataset.entry(sample);
    let mut random = Random::new(&[seed, epoch, 4, sample as u64]);
    let flip = random.below(2) == 1 && both;
    let bases = crop.unwrap_or(entry.bases).min(entry.bases);
    let offset = random.below(u64::from(entry.bases - bases) + 1) as u32;
    Item { sample: sample as u32, offset, bases, flip, tokens: 0 }
}

fn plain(dataset: &Dataset, crop: Option<u32>, row_tokens: u32) -> Vec<Item> {
    let mut items = Vec::new();
    for sample in 0..dataset.len() {
        let length = dataset.entry(sample).bases;
        let crop = crop.unwrap_or(length).max(1);
        for offset in (0..length).step_by(crop as usize) {
            let bases = crop.min(length - offset);
            items.push(Item { sample: sample as u32, offset, bases, flip: false, tokens: 0 });
        }
    }
    items.into_par_iter().map(|item| fit(dataset, item, row_tokens, false)).collect()
}

/// Counts the tokens of a part. An unknown base is a token of its own, so a part with many of them
/// is cut short until it fits into a row; one that is too long without them is left to [`check`].
fn fit(dataset: &Dataset, mut item: Item, row_tokens: u32, both: bool) -> Item {
    item.tokens = tokens(dataset, &item, both);
    while item.tokens > row_tokens && item.bases > 1 {
        let unknown =
            letters(dataset, &item).iter().filter(|&&letter| dna::code(letter) == dna::N).count() as u32;
        if item.tokens - unknown > row_tokens {
            break;
        }
        // a base is at most one token, so this never cuts too much
        item.bases = item.bases.saturating_sub(item.tokens - row_tokens).max(1);
        item.tokens = tokens(dataset, &item, both);
    }
    item
}

fn letters<'a>(dataset: &'a Dataset, item: &Item) -> &'a [u8] {
    &dataset.letters(item.sample as usize)[item.offset as usize..(item.offset + item.bases) as usize]
}

/// Tokens of the part, of its longer strand if asked.
fn tokens(dataset: &Dataset, item: &Item, both: bool) -> u32 {
    let entry = dataset.entry(item.sample as usize);
    let [forward, reverse] = match dataset.counted() && item.bases == entry.bases {
        true => [entry.tokens, entry.reverse_tokens],
        false => {
            let letters = letters(dataset, item);
            let count = |letters: &[u8]| dataset.tokenizer().encode(letters).ids.len() as u32;
            [count(letters), if both { count(&reverse_complement(letters)) } else { 0 }]
        }
    };
    if both {
        forward.max(reverse)
    } else {
        forward
    }
}

fn check(items: &[Item], dataset: &Dataset, row_tokens: u32) -> Result<()> {
    match items.iter().find(|item| item.tokens > row_tokens) {
        Some(item) => Err(Error::value(format!(
            "window {} has {} tokens in {} bases and a row only {row_tokens}: use longer rows or crop windows to \
             fewer bases",
            dataset.entry(item.sample as usize).key,
            item.tokens,
            item.bases
        ))),
        None => Ok(()),
    }
}
