//! Files to compare: read, chosen from and renamed.

use std::path::Path;

use super::names;
use super::set::{GeneSet, Selection};
use crate::{Error, Result};

/// A reference and several predictions as the user chose and named them.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    /// What is true.
    pub reference: GeneSet,
    /// What was predicted, one set a file.
    pub predictions: Vec<GeneSet>,
}

impl Sides {
    /// Reads a reference and its predictions, each once; `alias` gives contigs of the predictions
    /// the reference's names.
    ///
    /// # Errors
    /// What the readers complain about; a prediction that shares no contig with the reference; a
    /// chosen contig that no file knows.
    pub fn read(
        reference: &Path,
        predictions: &[impl AsRef<Path> + Sync],
        selection: &Selection,
        alias: Option<&Path>,
    ) -> Result<Self> {
        let (reference_set, prediction_sets) = rayon::join(
            || GeneSet::read(reference, selection),
            || predictions.iter().map(|path| GeneSet::read(path, selection)).collect::<Result<Vec<_>>>(),
        );
        let mut sides = Sides { reference: reference_set?, predictions: prediction_sets? };
        if let Some(alias) = alias {
            let table = names::read_alias(alias)?;
            sides.predictions.iter_mut().try_for_each(|set| set.rename(&table))?;
        }
        for (path, set) in predictions.iter().zip(&sides.predictions) {
            names::refuse_strangers(reference, &sides.reference.contigs, path.as_ref(), &set.contigs)?;
        }
        let known =
            |name: &str| sides.reference.knows(name) || sides.predictions.iter().any(|p| p.knows(name));
        refuse_unknown(selection.contigs.as_deref().unwrap_or_default(), known)?;
        for (name, _) in &selection.regions {
            refuse_unknown(std::slice::from_ref(name), known)?;
        }
        sides.reference.select(selection);
        sides.predictions.iter_mut().for_each(|set| set.select(selection));
        Ok(sides)
    }
}

/// Refuses a choice of contigs that names one nobody knows.
pub(crate) fn refuse_unknown(contigs: &[String], known: impl Fn(&str) -> bool) -> Result<()> {
    match contigs.iter().find(|name| !known(name)) {
        Some(name) => Err(Error::value(format!("there is no contig {name} in these files; check the names"))),
        None => Ok(()),
    }
}
