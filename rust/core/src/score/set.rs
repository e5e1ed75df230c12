//! Sets of gene models on named contigs.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Located;
use crate::annotation;
use crate::gene::GeneModel;
use crate::{Error, Result};

/// Gene models, one per gene, on named contigs.
#[derive(Debug, Clone, Default)]
pub struct GeneSet {
    /// Contigs that the source mentions, with or without genes.
    pub contigs: Vec<String>,
    /// Contig and chain of each gene.
    pub genes: Vec<(String, GeneModel)>,
}

impl GeneSet {
    /// The canonical transcript (longest CDS) of every gene of a GFF3 or GTF file.
    ///
    /// # Errors
    /// What the annotation reader complains about.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let annotation = annotation::read(path.as_ref())?;
        let genes =
            annotation.genes.iter().filter_map(|gene| Some((gene.contig.clone(), gene.model()?))).collect();
        Ok(GeneSet { contigs: annotation.contigs, genes })
    }

    /// Whether the source mentions the contig.
    pub fn knows(&self, contig: &str) -> bool {
        self.contigs.iter().any(|name| name == contig)
    }

    /// Drops the genes of all other contigs.
    pub fn keep(&mut self, contigs: &[String]) {
        self.contigs.retain(|name| contigs.contains(name));
        self.genes.retain(|(name, _)| contigs.contains(name));
    }
}

/// Refuses a choice of contigs that names one nobody knows.
pub(crate) fn refuse_unknown(contigs: &[String], known: impl Fn(&str) -> bool) -> Result<()> {
    match contigs.iter().find(|name| !known(name)) {
        Some(name) => Err(Error::value(format!("there is no contig {name} in these files; check the names"))),
        None => Ok(()),
    }
}

/// The contigs' names in order of first appearance, and both sides with contigs by number.
pub(super) fn number(a: &GeneSet, b: &GeneSet) -> (Vec<String>, Vec<Located>, Vec<Located>) {
    let mut names: Vec<String> = Vec::new();
    let mut numbers: FxHashMap<String, u32> = FxHashMap::default();
    let mut located = |set: &GeneSet| -> Vec<Located> {
        let number = |(contig, model): &(String, GeneModel)| {
            let next = names.len() as u32;
            let number = *numbers.entry(contig.clone()).or_insert(next);
            if number == next {
                names.push(contig.clone());
            }
            (number, model.clone())
        };
        set.genes.iter().map(number).collect()
    };
    let (a, b) = (located(a), located(b));
    (names, a, b)
}

/// Names of the contigs that have genes on the first side and none on the other.
pub(super) fn only_in(names: &[String], here: &[Located], there: &[Located]) -> Vec<String> {
    let numbers = |genes: &[Located]| genes.iter().map(|gene| gene.0).collect::<FxHashSet<u32>>();
    let (here, there) = (numbers(here), numbers(there));
    let alone = |i: &u32| here.contains(i) && !there.contains(i);
    (0..names.len() as u32).filter(alone).map(|i| names[i as usize].clone()).collect()
}
