//! What a window needs on its own before it is laid into a row: the parallel part of a batch.

use super::Window;
use crate::channels::frame_channels;
use crate::dna;
use crate::error::Result;
use crate::genetic_code::GeneticCode;
use crate::grammar::{self, Grammar, Replay, Site};
use crate::tokenizer::Tokenizer;

/// A window in numbers.
pub(super) struct Prepared {
    /// Base codes.
    pub codes: Vec<u8>,
    /// Token ids.
    pub ids: Vec<u32>,
    /// First base of each token.
    pub starts: Vec<u32>,
    /// Reading-frame channels of every base.
    pub channels: Vec<f32>,
    /// The steps to be learned and the choices at each, none without targets.
    pub steps: Option<(Vec<Site>, Replay)>,
}

/// Turns a window into numbers.
pub(super) fn prepare(
    window: &Window,
    tokenizer: &Tokenizer,
    (grammar, code): &(Grammar, GeneticCode),
) -> Result<Prepared> {
    let codes = dna::encode(&window.letters);
    let encoding = tokenizer.encode(&window.letters);
    let channels = frame_channels(&codes, code);
    let steps = match &window.truth {
        Some(truth) => {
            let sites = grammar::encode_genes(&truth.genes);
            let replay = grammar.window(&codes).replay(&sites)?;
            Some((sites, replay))
        }
        None => None,
    };
    Ok(Prepared { codes, ids: encoding.ids, starts: encoding.starts, channels, steps })
}
