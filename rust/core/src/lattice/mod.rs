//! The gene lattice: a linear-chain CRF over an exact gene automaton.
//!
//! A path gives each base of a stretch one label (intergenic, codon position 1–3 on either strand,
//! intron on either strand) such that the labels are whole genes by the grammar: at any base at most
//! one gene, start and stop codons of the genetic code, no stop codon in frame, GT-AG, GC-AG and
//! AT-AC introns of a minimum length, codons read across introns. Potentials are log scores, 17 per
//! base: columns 0–8 paid by every base of that label, columns 9–16 (start, stop, donor, acceptor on
//! the plus strand, then on the minus strand) paid once by the site at that base. The probability of
//! a path is exp(its sum) over that of all paths.
//!
//! Ends are open in [`Lattice::loss`] and [`Lattice::label_marginals`], where a window may cut genes:
//! a path may begin and end in any state, in codons and introns too, and bases beyond the window may
//! be any. They are closed in [`Decoder`]: only complete genes. A maximum intron length holds in
//! the decoder's best path; sums over paths include longer introns.

mod automaton;
mod best;
mod decoder;
mod forward;
mod loss;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod view;
mod windows;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::grammar::GrammarConfig;
use automaton::{Automaton, COLUMNS};
use forward::Ends;
use view::View;

pub use decoder::{DecodedGene, Decoder};
pub use windows::WindowBatch;

/// Potentials per base.
pub const POTENTIALS: usize = COLUMNS;
/// Labels per base, their potentials come first.
pub const LABELS: usize = 9;

/// The gene lattice of one configuration; cheap to clone.
#[derive(Debug, Clone)]
pub struct Lattice {
    automaton: Arc<Automaton>,
    min_intron: u32,
    max_intron: u32,
}

/// Negative log likelihood of a window's labels and its gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// log Z of all paths − log Z of the paths that have the labels.
    pub nll: f64,
    /// Derivative of `nll` by each potential, [`POTENTIALS`] per base.
    pub gradient: Vec<f32>,
}

impl Lattice {
    /// The lattice of a configuration.
    ///
    /// # Errors
    /// [`Error::Value`] for an unknown genetic code or impossible intron lengths.
    pub fn new(config: &GrammarConfig) -> Result<Self> {
        let code = config.checked_code()?;
        Ok(Lattice {
            automaton: Arc::new(Automaton::new(&code, config.table_starts)),
            min_intron: config.min_intron,
            max_intron: config.max_intron,
        })
    }

    /// The loss of a window's potentials against its labels (255 = any), with open ends; none when
    /// no path has the labels.
    ///
    /// # Errors
    /// [`Error::Value`] when lengths do not match or a potential is NaN or plus infinity.
    pub fn loss(&self, codes: &[u8], potentials: &[f32], labels: &[u8]) -> Result<Option<Loss>> {
        check(codes, potentials)?;
        if labels.len() != codes.len() {
            return Err(Error::value(format!("{} labels for {} bases", labels.len(), codes.len())));
        }
        let view = View { codes, potentials, labels: Some(labels), mirrored: false };
        let result = loss::loss(&self.automaton, view, self.min_intron);
        Ok(result.map(|(nll, gradient)| Loss { nll, gradient }))
    }

    /// The probability of each label at each base, [`LABELS`] per base, with open ends.
    ///
    /// # Errors
    /// [`Error::Value`] when lengths do not match, a potential is NaN or plus infinity, or minus
    /// infinities leave no path.
    pub fn label_marginals(&self, codes: &[u8], potentials: &[f32]) -> Result<Vec<f32>> {
        check(codes, potentials)?;
        let view = View { codes, potentials, labels: None, mirrored: false };
        let Some((_, expected)) = loss::marginals(&self.automaton, view, Ends::Open, self.min_intron) else {
            return Err(Error::value("the potentials leave no path: minus infinity on all labels of a base"));
        };
        Ok(expected.chunks_exact(COLUMNS).flat_map(|row| &row[..LABELS]).map(|&p| p as f32).collect())
    }

    /// A decoder for one contig.
    pub fn decoder(&self) -> Decoder {
        Decoder::new(self.clone(), decoder::TILE, decoder::MARGIN)
    }
}

/// Refuses potentials that no sum can be made of.
fn check(codes: &[u8], potentials: &[f32]) -> Result<()> {
    if potentials.len() != codes.len() * COLUMNS {
        return Err(Error::value(format!(
            "{} potentials for {} bases; there must be {COLUMNS} per base",
            potentials.len(),
            codes.len()
        )));
    }
    match potentials.iter().position(|p| p.is_nan() || *p == f32::INFINITY) {
        Some(at) => Err(Error::value(format!(
            "the potential in column {} of base {} is {}; it must be a number or minus infinity",
            at % COLUMNS,
            at / COLUMNS,
            potentials[at]
        ))),
        None => Ok(()),
    }
}
