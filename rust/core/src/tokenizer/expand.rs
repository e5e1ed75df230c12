//! More merges for a vocabulary that is already in use.
//!
//! The corpus is cut into the old tokens first and training goes on from there, so the new merges
//! come after the old ones and change no old token. New pieces take the next free ids, wherever
//! the special tokens lie.

use std::sync::atomic::AtomicBool;

use super::corpus::{Corpus, BREAK};
use super::merges::{LETTERS, MAX_RANKS};
use super::train::{learn, Limits, INSIDE};
use super::{json, Tokenizer};
use crate::{Error, Result};

/// What to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpandOptions {
    /// Number of new tokens; fewer where pairs run out.
    pub add: usize,
    /// Most bases of a new token.
    pub max_token_length: usize,
    /// A pair seen less often does not merge.
    pub min_count: u64,
}

impl Default for ExpandOptions {
    fn default() -> Self {
        ExpandOptions { add: 4096, max_token_length: 32, min_count: 2 }
    }
}

/// Learns further merges on top of `base`; `progress` is told (merges made, merges wanted).
///
/// ```
/// use std::sync::atomic::AtomicBool;
/// use genet5_core::tokenizer::{expand, train, Corpus, ExpandOptions, TrainOptions};
///
/// let corpus = || {
///     let mut corpus = Corpus::new(1000).unwrap();
///     corpus.add(&b"ACGTTGCA".repeat(50)).unwrap();
///     corpus
/// };
/// let (quiet, stop) = (&mut |_, _| {}, AtomicBool::new(false));
/// let base = train(corpus(), &TrainOptions { vocab_size: 15, ..Default::default() }, quiet, &stop).unwrap();
/// let more = expand(&base, corpus(), &ExpandOptions { add: 3, ..Default::default() }, quiet, &stop).unwrap();
/// assert_eq!(more.tokens()[..15], *base.tokens());
/// assert_eq!(more.vocab_size(), 18);
/// ```
///
/// # Errors
/// [`Error::Value`] when there is nothing to learn from or the vocabulary becomes too large;
/// [`Error::Interrupted`] when `stop` is set.
pub fn expand(
    base: &Tokenizer,
    corpus: Corpus,
    options: &ExpandOptions,
    progress: &mut dyn FnMut(usize, usize),
    stop: &AtomicBool,
) -> Result<Tokenizer> {
    let texts = base.texts_by_rank();
    if options.add > MAX_RANKS - texts.len() {
        return Err(Error::value(format!(
            "{} new tokens are too many: this vocabulary has room for {}",
            options.add,
            MAX_RANKS - texts.len()
        )));
    }
    if corpus.bases() == 0 {
        return Err(Error::value("there is no sequence of A, C, G and T to learn from"));
    }
    let floor = corpus.bases() / (texts.len() + options.add) as u64 / 64;
    let limits = Limits { floor, min_count: options.min_count, longest: options.max_token_length };
    let merges = learn(base.cut(corpus.symbols), texts, &limits, options.add, progress, stop)?;
    json::build(json::with_merges(&base.value, base.tokens.len(), &merges)).map_err(Error::Value)
}

impl Tokenizer {
    /// The texts of the tokens of DNA: letters, then what each merge makes.
    fn texts_by_rank(&self) -> Vec<String> {
        self.rank_ids.iter().map(|&id| self.tokens[id as usize].clone()).collect()
    }

    /// A corpus of letters as one of tokens: the rank of each at its first and last base.
    fn cut(&self, mut symbols: Vec<u16>) -> Vec<u16> {
        let mut rank_of_id = vec![0; self.tokens.len()];
        for (rank, &id) in (0..).zip(&self.rank_ids) {
            rank_of_id[id as usize] = rank;
        }
        let mut codes = Vec::new();
        for piece in symbols.split_mut(|&symbol| symbol == BREAK) {
            codes.clear();
            codes.extend(piece.iter().map(|&letter| letter as u8));
            debug_assert!(codes.iter().all(|&code| usize::from(code) < LETTERS));
            let encoding = self.encode_codes(&codes);
            let ends = encoding.starts.iter().skip(1).map(|&start| start as usize).chain([piece.len()]);
            for ((&id, &start), end) in encoding.ids.iter().zip(&encoding.starts).zip(ends) {
                let rank = rank_of_id[id as usize];
                piece[start as usize..end].fill(INSIDE);
                piece[start as usize] = rank;
                piece[end - 1] = rank;
            }
        }
        symbols
    }
}
