//! DNA tokens: byte-pair encoding over A, C, G and T, in Hugging Face's `tokenizer.json`.
//!
//! [`Tokenizer`] reads and writes the file and encodes; [`Corpus`] and [`train`] make a new one,
//! [`expand`] makes one larger.
//! Encoding gives the ids of Hugging Face tokenizers in time linear in the sequence's length.

mod corpus;
mod encode;
mod expand;
mod json;
mod merges;
mod pairs;
mod train;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::Path;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::{files, Error, Result};
use merges::Merges;

pub use corpus::{Corpus, Genome};
pub use expand::{expand, ExpandOptions};
pub use train::{train, TrainOptions};

/// The special tokens of the gene language, in the order in which they are appended.
pub const GENE_LANGUAGE: [&str; 7] =
    ["<bos>", "<eos>", "<stop+>", "<stop->", "<acceptor>", "<donor>", "<start>"];

const PAD: [&str; 2] = ["[PAD]", "<pad>"];

/// Tokens of a sequence: ids of the vocabulary, and the base at which each starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoding {
    /// Ids of the vocabulary.
    pub ids: Vec<u32>,
    /// First base of each token, 0-based.
    pub starts: Vec<u32>,
}

/// A BPE vocabulary over DNA.
#[derive(Debug)]
pub struct Tokenizer {
    // the file as read, so that fields unknown to us survive
    value: Value,
    tokens: Vec<String>,
    ids: FxHashMap<String, u32>,
    special: Vec<u32>,
    merges: Merges,
    // ids of the tokens of DNA, by rank
    rank_ids: Vec<u32>,
    // ids of the ASCII characters that are no bases
    letter_ids: [u32; 128],
    unk_id: u32,
    pad_id: u32,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`, or the one inside a folder, exactly as it is.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Input`] when it is not BPE over DNA that
    /// encodes as Hugging Face tokenizers would.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let path = if path.is_dir() { path.join("tokenizer.json") } else { path.to_path_buf() };
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            let line = u64::try_from(error.line()).ok().filter(|&line| line > 0);
            Error::input(&path, line, format!("no tokenizer.json: not JSON at column {}", error.column()))
        })?;
        json::build(value).map_err(|message| Error::input(&path, None, message))
    }

    /// Reads a `tokenizer.json` and adds the gene language where the file lacks it, so that every
    /// vocabulary serves; see [`Tokenizer::with_gene_language`].
    ///
    /// # Errors
    /// As [`Tokenizer::read`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let tokenizer = Self::read(path)?;
        if tokenizer.has_gene_language() {
            return Ok(tokenizer);
        }
        json::build(tokenizer.value_with_gene_language()).map_err(|message| Error::input(path, None, message))
    }

    /// Reads the text of a `tokenizer.json`.
    pub fn from_json(text: &str) -> Result<Self> {
        let value = serde_json::from_str(text)
            .map_err(|error| Error::value(format!("tokenizer: no JSON: {error}")))?;
        json::build(value).map_err(|message| Error::value(format!("tokenizer: {message}")))
    }

    /// The text of a `tokenizer.json`; what was read from a file keeps its other fields.
    pub fn to_json(&self) -> String {
        format!("{:#}\n", self.value)
    }

    /// Writes `tokenizer.json` under a temporary name and renames it.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        files::write_atomic(path, |out| out.write_all(self.to_json().as_bytes()).map_err(Error::io(path)))
    }

    /// The same tokenizer with the special tokens of the gene language, and with `[PAD]` where no
    /// padding token is there; new ones get the next free ids, old ids stay.
    ///
    /// # Errors
    /// [`Error::Value`] when the result is no valid vocabulary.
    pub fn with_gene_language(&self) -> Result<Self> {
        json::build(self.value_with_gene_language())
            .map_err(|message| Error::value(format!("tokenizer: {message}")))
    }

    fn value_with_gene_language(&self) -> Value {
        let pad = PAD.iter().all(|name| self.token_id(name).is_none()).then_some(PAD[0]);
        let missing: Vec<&str> =
            pad.into_iter().chain(GENE_LANGUAGE).filter(|name| !self.is_special(name)).collect();
        json::with_special(&self.value, &self.tokens, &missing)
    }

    /// Whether all special tokens of the gene language, and one for padding, are there.
    pub fn has_gene_language(&self) -> bool {
        GENE_LANGUAGE.iter().all(|name| self.is_special(name))
            && PAD.iter().any(|name| self.ids.contains_key(*name))
    }

    /// Number of ids, special tokens included.
    pub fn vocab_size(&self) -> usize {
        self.tokens.len()
    }

    /// The texts of all tokens, by id.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Ids of the special tokens (`added_tokens`), ascending.
    pub fn special_ids(&self) -> &[u32] {
        &self.special
    }

    /// The id of a token's text.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// The id for padding (`[PAD]` or `<pad>`), the unknown one's where the vocabulary has none.
    pub fn pad_id(&self) -> u32 {
        self.pad_id
    }

    /// The id of letters that are no token.
    pub fn unk_id(&self) -> u32 {
        self.unk_id
    }

    /// Bases of each token that is made of A, C, G and T, in the order of ids.
    pub fn dna_lengths(&self) -> Vec<(u32, usize)> {
        let lengths = (0..self.merges.len()).map(|rank| self.merges.length(rank as u16));
        let mut out: Vec<_> = self.rank_ids.iter().copied().zip(lengths).collect();
        out.sort_unstable();
        out
    }

    /// Content hash of the vocabulary: xxh3 (128 bits, hex) of its tokens in the order of ids, its
    /// merges, its special tokens and its unknown token; the file's layout plays no part.
    pub fn hash(&self) -> String {
        let merges: Vec<[String; 2]> = json::merges_of(&self.value).unwrap_or_default();
        let canonical = serde_json::json!([self.tokens, merges, self.special, self.unk_id]);
        format!("{:032x}", xxhash_rust::xxh3::xxh3_128(canonical.to_string().as_bytes()))
    }

    fn is_special(&self, token: &str) -> bool {
        self.token_id(token).is_some_and(|id| self.special.binary_search(&id).is_ok())
    }

    /// The id of one letter that is no base.
    fn letter_id(&self, letter: u8) -> u32 {
        self.letter_ids.get(usize::from(letter.to_ascii_uppercase())).copied().unwrap_or(self.unk_id)
    }
}
