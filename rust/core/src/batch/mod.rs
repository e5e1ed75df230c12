//! Batches for the model: windows packed into rows, as flat arrays, for training and inference.
//!
//! [`Window`] is the unit; [`Rules`] holds a grammar per genetic code; [`assemble`] makes the
//! arrays. Between two windows of a row the base stream has a gap, so that no convolution sees
//! over a window's edge; the token stream has none.

mod arrays;
mod prepare;
mod window;

pub use arrays::{BatchArrays, Targets};
pub use window::{reverse_complement, Truth, Window};

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::genetic_code::GeneticCode;
use crate::grammar::{Grammar, GrammarConfig};
use crate::pack;
use crate::tokenizer::Tokenizer;

/// Padding in a row's base stream, in the place of a base code.
pub const NO_BASE: u8 = 5;
/// Padding in the place of a site type.
pub const NO_SITE: u8 = 255;
/// Rows are filled up to a multiple of this many tokens and bases.
pub const MULTIPLE: usize = 64;

/// The grammars of the genetic codes that occur.
pub struct Rules {
    by_code: BTreeMap<u8, (Grammar, GeneticCode)>,
}

impl Rules {
    /// Grammars that differ from `config` in the genetic code alone.
    ///
    /// # Errors
    /// [`Error::Value`] for an unknown genetic code or an impossible grammar.
    pub fn new(config: &GrammarConfig, genetic_codes: &[u8]) -> Result<Self> {
        let mut by_code = BTreeMap::new();
        for &genetic_code in genetic_codes {
            let grammar = Grammar::new(&GrammarConfig { genetic_code, ..config.clone() })?;
            by_code.insert(genetic_code, (grammar, GeneticCode::ncbi(genetic_code)?));
        }
        Ok(Rules { by_code })
    }

    /// The grammar and the codon table of one genetic code.
    ///
    /// # Errors
    /// [`Error::Value`] when the code was not named to [`Rules::new`].
    pub fn get(&self, genetic_code: u8) -> Result<&(Grammar, GeneticCode)> {
        self.by_code
            .get(&genetic_code)
            .ok_or_else(|| Error::value(format!("no grammar was made for genetic code {genetic_code}")))
    }
}

/// How windows are laid into rows.
pub enum Rows<'a> {
    /// The window indices of each row; every window occurs once.
    Given(&'a [Vec<usize>]),
    /// As few rows of at most this many tokens as best-fit decreasing finds.
    Packed(u32),
}

/// Makes the arrays of a batch; call it inside the thread pool that is to do the work.
///
/// # Errors
/// [`Error::Value`] when the rows do not name every window once, a window is longer than a row,
/// only some windows have targets, or a label array has the wrong length.
pub fn assemble(
    windows: &[Window],
    rows: &Rows,
    tokenizer: &Tokenizer,
    rules: &Rules,
    gap: usize,
) -> Result<BatchArrays> {
    check(windows)?;
    let prepared = windows
        .par_iter()
        .map(|window| prepare::prepare(window, tokenizer, rules.get(window.genetic_code)?))
        .collect::<Result<Vec<_>>>()?;
    let packed;
    let rows = match rows {
        Rows::Given(rows) => *rows,
        Rows::Packed(row_tokens) => {
            packed = pack_rows(&prepared, *row_tokens)?;
            &packed
        }
    };
    check_rows(rows, windows.len())?;
    Ok(arrays::fill(windows, &prepared, rows, gap, tokenizer.pad_id()))
}

fn check(windows: &[Window]) -> Result<()> {
    let with_truth = windows.iter().filter(|window| window.truth.is_some()).count();
    if with_truth != 0 && with_truth != windows.len() {
        return Err(Error::value("either all windows of a batch have targets or none"));
    }
    windows.iter().try_for_each(Window::check)
}

fn pack_rows(prepared: &[prepare::Prepared], row_tokens: u32) -> Result<Vec<Vec<usize>>> {
    let lengths: Vec<u32> = prepared.iter().map(|window| window.ids.len() as u32).collect();
    let rows = pack::best_fit_decreasing(&lengths, row_tokens, 0)?;
    Ok(rows.into_iter().map(|row| row.into_iter().map(|index| index as usize).collect()).collect())
}

fn check_rows(rows: &[Vec<usize>], windows: usize) -> Result<()> {
    let mut seen = vec![false; windows];
    for &index in rows.iter().flatten() {
        match seen.get_mut(index) {
            Some(flag) if !*flag => *flag = true,
            _ => return Err(Error::value(format!("rows name window {index} twice or without need"))),
        }
    }
    match seen.iter().position(|&flag| !flag) {
        Some(index) => Err(Error::value(format!("rows do not name window {index}"))),
        None => Ok(()),
    }
}
