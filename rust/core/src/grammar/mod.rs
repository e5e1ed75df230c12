//! The gene language and its grammar: which sites may come next, given a window's bases and the
//! sites written so far.
//!
//! A gene is written backwards in its own direction, from its stop codon to its start codon:
//!
//! ```text
//! annotation := gene* <eos>
//! gene       := (<stop+> | <stop->) (<acceptor> <donor>)* <start>
//! ```
//!
//! Each [`Site`] is one base: the last base of the stop codon (the gene's anchor), the first base
//! of a segment after an acceptor, the last base of a segment before a donor, the first base of
//! the start codon. Anchors increase strictly along the window, whatever the strand.
//!
//! [`Grammar::window`] makes exact tables of what can still be finished inside the window, so
//! that [`WindowGrammar::allowed`] never offers a dead end. The minus strand is the same machine
//! on the reverse complement, positions mirrored. Training ([`WindowGrammar::replay`]) and
//! decoding go through the same function.
//!
//! ```
//! use genet5_core::{dna, grammar::{self, Grammar, GrammarConfig}};
//! let grammar = Grammar::new(&GrammarConfig::default()).unwrap();
//! let window = grammar.window(&dna::encode(b"CCATGAAATAGCC"));
//! let mut state = window.begin();
//! for site in grammar::parse_text("<stop+>10 <start>2 <eos>").unwrap() {
//!     assert!(window.allowed(&state).contains(&site));
//!     window.advance(&mut state, site).unwrap();
//! }
//! assert_eq!((window.genes(&state)[0].start(), window.genes(&state)[0].end()), (2, 11));
//! ```

mod carry;
mod reach;
mod replay;
mod site;
mod state;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod writer;

pub use replay::{replay_batch, Replay};
pub use site::{decode_sites, encode_genes, Site, SiteType};
pub use state::{SiteList, WindowGrammar, WriterState};
pub use text::{parse_text, to_text};
pub use writer::Writer;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::genetic_code::GeneticCode;

/// What counts as a gene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrammarConfig {
    /// NCBI's number of the genetic code.
    pub genetic_code: u8,
    /// Whether the table's other start codons count beside ATG.
    pub table_starts: bool,
    /// Shortest intron in bases, at least 4: the two splice dinucleotides.
    pub min_intron: u32,
    /// Longest intron in bases; 0 = no limit.
    pub max_intron: u32,
}

impl Default for GrammarConfig {
    fn default() -> Self {
        GrammarConfig { genetic_code: 1, table_starts: false, min_intron: 10, max_intron: 0 }
    }
}

impl GrammarConfig {
    /// Whether an intron of that many bases may be written.
    #[inline]
    pub fn intron_fits(&self, length: u32) -> bool {
        length >= self.min_intron && (self.max_intron == 0 || length <= self.max_intron)
    }

    /// The genetic code, after a check of all values.
    ///
    /// # Errors
    /// [`Error::Value`] for an unknown genetic code or impossible intron lengths.
    pub fn checked_code(&self) -> Result<GeneticCode> {
        if self.min_intron < 4 {
            return Err(Error::value(format!(
                "min_intron is {}; it must be at least 4, the two splice dinucleotides",
                self.min_intron
            )));
        }
        if self.max_intron != 0 && self.max_intron < self.min_intron {
            return Err(Error::value(format!(
                "max_intron is {} and min_intron {}; it must be 0 (no limit) or at least min_intron",
                self.max_intron, self.min_intron
            )));
        }
        GeneticCode::ncbi(self.genetic_code)
    }
}

/// The grammar of one configuration; makes the tables of windows.
#[derive(Clone, Debug)]
pub struct Grammar {
    config: GrammarConfig,
    codons: Arc<carry::Codons>,
}

impl Grammar {
    /// The grammar of that configuration.
    ///
    /// # Errors
    /// [`Error::Value`] for an unknown genetic code or impossible intron lengths.
    pub fn new(config: &GrammarConfig) -> Result<Self> {
        let code = config.checked_code()?;
        let codons = Arc::new(carry::Codons::new(&code, config.table_starts));
        Ok(Grammar { config: config.clone(), codons })
    }

    /// The configuration it was made from.
    pub fn config(&self) -> &GrammarConfig {
        &self.config
    }

    /// The tables of one window, given as base codes; linear in its length.
    pub fn window(&self, codes: &[u8]) -> WindowGrammar {
        WindowGrammar::new(codes, self.codons.clone(), self.config.clone())
    }

    /// Reads the true sites of a window against the grammar, step by step.
    ///
    /// # Errors
    /// [`Error::Value`] when the sites are no annotation at all, see [`decode_sites`].
    pub fn replay(&self, codes: &[u8], sites: &[Site]) -> Result<Replay> {
        self.window(codes).replay(sites)
    }
}
