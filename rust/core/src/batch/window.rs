//! One window of DNA with what is known about it, and the ways to change it.

use crate::dna;
use crate::gene::GeneModel;
use crate::labels;

/// A window as the model will read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// What reports call it.
    pub name: String,
    /// Its first base in the contig.
    pub start: u64,
    /// Upper-case letters.
    pub letters: Vec<u8>,
    /// NCBI number of the genetic code.
    pub genetic_code: u8,
    /// What is to be learned, none for inference.
    pub truth: Option<Truth>,
}

/// The targets of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Genes that lie whole in the window, in window coordinates.
    pub genes: Vec<GeneModel>,
    /// One segmentation label per base.
    pub labels: Vec<u8>,
}

impl Window {
    /// The part from `start` up to `end`: labels are cut, genes that are cut are dropped.
    pub fn crop(&self, start: usize, end: usize) -> Window {
        Window {
            name: self.name.clone(),
            start: self.start + start as u64,
            letters: self.letters[start..end].to_vec(),
            genetic_code: self.genetic_code,
            truth: self.truth.as_ref().map(|truth| Truth {
                genes: truth
                    .genes
                    .iter()
                    .filter(|gene| gene.start() as usize >= start && gene.end() as usize <= end)
                    .map(|gene| gene.shift(-(start as i64)))
                    .collect(),
                labels: truth.labels[start..end].to_vec(),
            }),
        }
    }

    /// The window seen from the other strand; `start` stays that of the plus strand.
    pub fn reverse_complement(&self) -> Window {
        let length = self.letters.len() as u32;
        Window {
            name: self.name.clone(),
            start: self.start,
            letters: reverse_complement(&self.letters),
            genetic_code: self.genetic_code,
            truth: self.truth.as_ref().map(|truth| Truth {
                genes: truth.genes.iter().rev().map(|gene| gene.mirror(length)).collect(),
                labels: labels::reverse_complement(&truth.labels),
            }),
        }
    }
}

/// The reverse complement of letters; what is not A, C, G or T becomes N.
pub fn reverse_complement(letters: &[u8]) -> Vec<u8> {
    letters.iter().rev().map(|&letter| b"ACGTN"[dna::complement(dna::code(letter)) as usize]).collect()
}
