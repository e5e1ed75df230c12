//! How well a prediction agrees with a reference, on exact coordinates of coding sequence.
//!
//! Preset `genet5`: one transcript per gene (the longest CDS), strand in every key, phases and
//! UTRs ignored. Every gene of the reference counts, also those that the grammar cannot write.
//!
//! The presets of other tools, number for number, are modules of their own: [`cie`] and
//! [`gt_eval`].

pub mod cie;
mod classes;
pub mod gt_eval;
mod key;
mod levels;
mod row;
mod set;

pub use classes::{classify, Classes};
pub use levels::{Counts, Levels};
pub use row::Row;
pub(crate) use set::refuse_unknown;
pub use set::GeneSet;

use std::path::Path;

use crate::gene::{GeneModel, Strand};
use crate::Result;

/// A gene model on a contig that goes by number.
pub type Located = (u32, GeneModel);

/// All that is said about one prediction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Counts by level.
    pub levels: Levels,
    /// What became of the genes.
    pub classes: Classes,
    /// Contigs with genes in the reference only.
    pub only_reference: Vec<String>,
    /// Contigs with genes in the prediction only.
    pub only_prediction: Vec<String>,
    /// Unmatched predicted genes that would match with the stop end moved by one codon.
    pub stop_shifted: u64,
}

/// Compares two sets of genes; contigs go by name.
pub fn compare(reference: &GeneSet, prediction: &GeneSet) -> Comparison {
    let (names, reference_genes, prediction_genes) = set::number(reference, prediction);
    let levels = Levels::count(&reference_genes, &prediction_genes);
    Comparison {
        levels,
        classes: classify(&reference_genes, &prediction_genes),
        only_reference: set::only_in(&names, &reference_genes, &prediction_genes),
        only_prediction: set::only_in(&names, &prediction_genes, &reference_genes),
        stop_shifted: stop_shifted(&reference_genes, &prediction_genes),
    }
}

/// Compares prediction files with a reference file, on the chosen contigs or on all.
///
/// # Errors
/// What the annotation reader complains about; a contig that no file knows.
pub fn compare_files(
    reference: &Path,
    predictions: &[impl AsRef<Path>],
    contigs: Option<&[String]>,
) -> Result<Vec<Comparison>> {
    let mut reference = GeneSet::read(reference)?;
    let mut predictions = predictions.iter().map(GeneSet::read).collect::<Result<Vec<_>>>()?;
    if let Some(contigs) = contigs {
        let known = |name: &str| reference.knows(name) || predictions.iter().any(|p| p.knows(name));
        refuse_unknown(contigs, known)?;
        reference.keep(contigs);
        predictions.iter_mut().for_each(|p| p.keep(contigs));
    }
    Ok(predictions.iter().map(|prediction| compare(&reference, prediction)).collect())
}

/// How many predicted genes miss a reference gene by exactly the stop codon, as they do when one
/// of the two files counts it in the CDS and the other does not.
fn stop_shifted(reference: &[Located], prediction: &[Located]) -> u64 {
    let known: rustc_hash::FxHashSet<&Located> = reference.iter().collect();
    let matches = |(contig, model): &Located, bases: i64| {
        moved_stop(model, bases).is_some_and(|moved| known.contains(&(*contig, moved)))
    };
    prediction.iter().filter(|gene| !known.contains(gene) && (matches(gene, 3) || matches(gene, -3))).count()
        as u64
}

/// The gene with its stop end moved outwards by that many bases, where that leaves a gene.
fn moved_stop(model: &GeneModel, bases: i64) -> Option<GeneModel> {
    let mut moved = model.clone();
    let segment = match model.strand {
        Strand::Plus => moved.segments.last_mut()?,
        Strand::Minus => moved.segments.first_mut()?,
    };
    match model.strand {
        Strand::Plus => segment.end = u32::try_from(i64::from(segment.end) + bases).ok()?,
        Strand::Minus => segment.start = u32::try_from(i64::from(segment.start) - bases).ok()?,
    }
    (segment.start < segment.end).then_some(moved)
}
