//! BPE training over DNA: exact counts, one list of places per frequent pair.
//!
//! The most frequent pair of neighbours merges first; of equally frequent pairs the one with the
//! smallest (left, right), A < C < G < T < merges in their order. That is Hugging Face's rule, so
//! the same pieces give the same merges.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::FxHashMap;

use super::corpus::{Corpus, BREAK};
use super::merges::{LETTERS, MAX_RANKS};
use super::{json, Tokenizer, GENE_LANGUAGE};
use crate::{interrupt, Error, Result};

/// Stands between the first and the last base of a token.
pub(super) const INSIDE: u16 = BREAK - 1;

/// Tokens of our own vocabularies that are no product of a merge: `[UNK]`, `[PAD]`, four letters
/// and the gene language.
const FIXED: usize = 2 + LETTERS + GENE_LANGUAGE.len();

/// What to learn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainOptions {
    /// Number of ids, special tokens included.
    pub vocab_size: usize,
    /// Most bases of a token.
    pub max_token_length: usize,
    /// A pair seen less often does not merge; the vocabulary stays smaller then.
    pub min_count: u64,
}

impl Default for TrainOptions {
    fn default() -> Self {
        TrainOptions { vocab_size: 4096, max_token_length: 32, min_count: 2 }
    }
}

impl TrainOptions {
    fn merges(&self) -> Result<usize> {
        let most = FIXED - LETTERS + MAX_RANKS;
        match self.vocab_size.checked_sub(FIXED) {
            Some(merges) if self.vocab_size <= most => Ok(merges),
            _ => Err(Error::value(format!(
                "the vocabulary size must be {FIXED} to {most}, not {}",
                self.vocab_size
            ))),
        }
    }
}

/// Learns a tokenizer with the gene language in it; `progress` is told (merges made, merges wanted).
pub fn train(
    corpus: Corpus,
    options: &TrainOptions,
    progress: &mut dyn FnMut(usize, usize),
    stop: &AtomicBool,
) -> Result<Tokenizer> {
    let wanted = options.merges()?;
    if corpus.bases() == 0 {
        return Err(Error::value("there is no sequence of A, C, G and T to train on"));
    }
    let floor = corpus.bases() / options.vocab_size as u64 / 16;
    let limits = Limits { floor, min_count: options.min_count, longest: options.max_token_length };
    let letters = ["A", "C", "G", "T"].map(String::from).to_vec();
    let merges = learn(corpus.symbols, letters, &limits, wanted, progress, stop)?;
    json::build(json::new_file(&merges)).map_err(Error::Value)
}

/// Places between two looks at the flag of Ctrl-C.
const OFTEN: usize = 1 << 16;

/// Which pairs may merge.
pub(super) struct Limits {
    /// Pairs below this count are looked for only when the others have run out.
    pub floor: u64,
    /// A pair seen less often does not merge.
    pub min_count: u64,
    /// Most bases of a token.
    pub longest: usize,
}

/// The next `wanted` merges, or as many as there are, of a corpus cut into the tokens `texts`.
///
/// `symbols` holds the rank of each token at its first and at its last base, BREAK between pieces.
pub(super) fn learn(
    symbols: Vec<u16>,
    mut texts: Vec<String>,
    limits: &Limits,
    wanted: usize,
    progress: &mut dyn FnMut(usize, usize),
    stop: &AtomicBool,
) -> Result<Vec<[String; 2]>> {
    let lengths = texts.iter().map(|text| text.len() as u32).collect();
    let mut trainer = Trainer::new(symbols, lengths, limits);
    let mut merges = Vec::with_capacity(wanted);
    while merges.len() < wanted {
        let next = trainer.next();
        // what the trainer left unfinished is not looked at any more
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let Some(pair) = next else { break };
        trainer.merge(pair);
        let parts = [texts[usize::from(pair.0)].clone(), texts[usize::from(pair.1)].clone()];
        texts.push(parts.concat());
        merges.push(parts);
        progress(merges.len(), wanted);
    }
    Ok(merges)
}

/// A pair that is frequent enough to be listed.
struct Listed {
    count: u64,
    // starts of the left token, ascending; some are out of date
    places: Vec<u32>,
}

struct Trainer {
    // rank at the first and at the last base of each token, INSIDE between
    symbols: Vec<u16>,
    lengths: Vec<u32>,
    listed: FxHashMap<(u16, u16), Listed>,
    // counts in here may be out of date, but never too low
    heap: BinaryHeap<(u64, Reverse<(u16, u16)>)>,
    // pairs below this count are not listed: counts only fall, so they cannot come first
    floor: u64,
    min_count: u64,
    longest: u32,
    before: Neighbours,
    after: Neighbours,
}

impl Trainer {
    fn new(symbols: Vec<u16>, lengths: Vec<u32>, limits: &Limits) -> Self {
        let min_count = limits.min_count.max(1);
        let mut trainer = Trainer {
            symbols,
            lengths,
            listed: FxHashMap::default(),
            heap: BinaryHeap::new(),
            floor: limits.floor.max(min_count),
            min_count,
            longest: u32::try_from(limits.longest).unwrap_or(u32::MAX),
            before: Neighbours::default(),
            after: Neighbours::default(),
        };
        trainer.scan();
        trainer
    }

    /// The pair that merges next.
    fn next(&mut self) -> Option<(u16, u16)> {
        loop {
            match self.heap.pop() {
                Some((count, Reverse(pair))) => match self.listed.get(&pair) {
                    Some(listed) if listed.count == count => return Some(pair),
                    Some(listed) => self.heap.push((listed.count, Reverse(pair))),
                    None => {}
                },
                None if self.floor > self.min_count => {
                    self.floor = (self.floor / 8).max(self.min_count);
                    self.scan();
                }
                None => return None,
            }
        }
    }

    /// Replaces every (left, right) by a new token, from left to right.
    fn merge(&mut self, (left, right): (u16, u16)) {
        let Some(listed) = self.listed.remove(&(left, right)) else { return };
        let new = self.lengths.len() as u16;
        let (left_length, right_length) = (self.length(left), self.length(right));
        self.lengths.push((left_length + right_length) as u32);
        self.before.grow(self.lengths.len());
        self.after.grow(self.lengths.len());
        for (number, place) in listed.places.into_iter().enumerate() {
            if number % OFTEN == 0 && interrupt::check().is_err() {
                return;
            }
            let start = place as usize;
            let middle = start + left_length;
            if self.symbols[start] != left || self.symbols[middle] != right {
                continue;
            }
            let end = middle + right_length;
            let (x, y) = (self.symbols[start - 1], self.symbols[end]);
            if x == new {
                // the token before was made just now and counted (new, left)
                self.after.stale[usize::from(left)] += 1;
                self.after.push(new, (start - left_length - right_length) as u32);
            } else if x != BREAK {
                self.before.push(x, (start - self.length(x)) as u32);
            }
            if y != BREAK {
                self.after.push(y, place);
            }
            self.symbols[middle - 1] = INSIDE;
            self.symbols[middle] = INSIDE;
            self.symbols[start] = new;
            self.symbols[end - 1] = new;
        }
        self.count_before(left, new);
        self.count_after(right, new);
    }

    // (x, left) became (x, new)
    fn count_before(&mut self, left: u16, new: u16) {
        let mut before = std::mem::take(&mut self.before);
        for x in before.touched.drain(..) {
            let places = &mut before.places[usize::from(x)];
            self.lose((x, left), places.len() as u64);
            self.gain((x, new), places.len() as u64, places);
        }
        self.before = before;
    }

    // (right, y) became (new, y)
    fn count_after(&mut self, right: u16, new: u16) {
        let mut after = std::mem::take(&mut self.after);
        for y in after.touched.drain(..) {
            let places = &mut after.places[usize::from(y)];
            if y != new {
                self.lose((right, y), places.len() as u64);
            }
            let stale = std::mem::take(&mut after.stale[usize::from(y)]);
            self.gain((new, y), places.len() as u64 - stale, places);
        }
        self.after = after;
    }

    fn lose(&mut self, pair: (u16, u16), count: u64) {
        if let Some(listed) = self.listed.get_mut(&pair) {
            listed.count = listed.count.saturating_sub(count);
            if listed.count < self.floor {
                self.listed.remove(&pair);
            }
        }
    }

    fn gain(&mut self, pair: (u16, u16), count: u64, places: &mut Vec<u32>) {
        if count >= self.floor && self.allowed(pair) {
            self.listed.insert(pair, Listed { count, places: std::mem::take(places) });
            self.heap.push((count, Reverse(pair)));
        } else {
            places.clear();
        }
    }

    /// Lists all pairs at or above the floor anew.
    fn scan(&mut self) {
        let mut counts: FxHashMap<(u16, u16), u64> = FxHashMap::default();
        self.each_pair(|pair, _| *counts.entry(pair).or_default() += 1);
        let frequent = counts.into_iter().filter(|&(pair, count)| count >= self.floor && self.allowed(pair));
        let mut listed: FxHashMap<(u16, u16), Listed> =
            frequent.map(|(pair, count)| (pair, Listed { count, places: Vec::new() })).collect();
        self.each_pair(|pair, place| {
            if let Some(listed) = listed.get_mut(&pair) {
                listed.places.push(place);
            }
        });
        self.heap = listed.iter().map(|(&pair, listed)| (listed.count, Reverse(pair))).collect();
        self.listed = listed;
    }

    fn each_pair(&self, mut visit: impl FnMut((u16, u16), u32)) {
        let (mut place, mut number) = (1, 0usize);
        while place < self.symbols.len() {
            number += 1;
            if number % OFTEN == 0 && interrupt::check().is_err() {
                return;
            }
            let left = self.symbols[place];
            if left == BREAK {
                place += 1;
                continue;
            }
            let next = place + self.length(left);
            if self.symbols[next] != BREAK {
                visit((left, self.symbols[next]), place as u32);
            }
            place = next;
        }
    }

    fn allowed(&self, (left, right): (u16, u16)) -> bool {
        self.lengths[usize::from(left)] + self.lengths[usize::from(right)] <= self.longest
    }

    fn length(&self, rank: u16) -> usize {
        self.lengths[usize::from(rank)] as usize
    }
}

/// Places of the pairs that one merge makes on one side, by the neighbour's rank.
#[derive(Default)]
struct Neighbours {
    places: Vec<Vec<u32>>,
    stale: Vec<u64>,
    touched: Vec<u16>,
}

impl Neighbours {
    fn grow(&mut self, ranks: usize) {
        self.places.resize_with(ranks, Vec::new);
        self.stale.resize(ranks, 0);
    }

    fn push(&mut self, neighbour: u16, place: u32) {
        let places = &mut self.places[usize::from(neighbour)];
        if places.is_empty() {
            self.touched.push(neighbour);
        }
        places.push(place);
    }
}
