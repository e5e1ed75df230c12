//! One window of DNA with what is known about it, and the ways to change it.

use crate::dna;
use crate::error::{Error, Result};
use crate::gene::{GeneModel, Interval};
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
    /// Whether its targets fit its letters.
    ///
    /// # Errors
    /// [`Error::Value`] for no letters, another number of labels, or a gene that is not inside.
    pub fn check(&self) -> Result<()> {
        let (name, length) = (&self.name, self.letters.len());
        if length == 0 {
            return Err(Error::value(format!("window {name} is empty")));
        }
        let Some(truth) = &self.truth else { return Ok(()) };
        if truth.labels.len() != length {
            let labels = truth.labels.len();
            return Err(Error::value(format!("window {name} has {length} bases and {labels} labels")));
        }
        match truth.genes.iter().find(|gene| !lies_inside(gene, length)) {
            Some(gene) => Err(Error::value(format!(
                "window {name}: gene segments {:?} are not ascending inside the window",
                gene.segments
            ))),
            None => Ok(()),
        }
    }

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

fn lies_inside(gene: &GeneModel, length: usize) -> bool {
    let ascending = gene.segments.windows(2).all(|pair| pair[0].end <= pair[1].start);
    ascending && !gene.segments.iter().any(Interval::is_empty) && gene.end() as usize <= length
}

/// The reverse complement of letters; what is not A, C, G or T becomes N.
pub fn reverse_complement(letters: &[u8]) -> Vec<u8> {
    letters.iter().rev().map(|&letter| b"ACGTN"[dna::complement(dna::code(letter)) as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gene::Strand;
    use proptest::prelude::*;

    fn window() -> impl Strategy<Value = Window> {
        (prop::collection::vec(0usize..5, 20..60), prop::collection::vec((0u32..14, any::<bool>()), 0..4))
            .prop_map(|(letters, genes)| {
                let mut labels = vec![labels::INTERGENIC; letters.len()];
                let genes: Vec<GeneModel> = genes
                    .into_iter()
                    .map(|(start, plus)| GeneModel {
                        strand: if plus { Strand::Plus } else { Strand::Minus },
                        segments: vec![Interval::new(start, start + 3), Interval::new(start + 4, start + 6)],
                    })
                    .collect();
                genes.iter().for_each(|gene| labels::paint(&mut labels, 0, gene));
                let letters = letters.into_iter().map(|code| b"ACGTN"[code]).collect();
                let truth = Some(Truth { genes, labels });
                Window { name: "w".into(), start: 7, letters, genetic_code: 1, truth }
            })
    }

    proptest! {
        #[test]
        fn turning_twice_changes_nothing(window in window()) {
            prop_assert_eq!(window.reverse_complement().reverse_complement(), window);
        }

        #[test]
        fn a_turned_window_has_the_labels_of_its_turned_genes(window in window()) {
            let turned = window.reverse_complement().truth.expect("targets");
            let mut painted = vec![labels::INTERGENIC; turned.labels.len()];
            turned.genes.iter().for_each(|gene| labels::paint(&mut painted, 0, gene));
            prop_assert_eq!(painted, turned.labels);
        }

        #[test]
        fn a_part_holds_whole_genes_alone(window in window(), a in 0usize..20, b in 0usize..20) {
            let (start, end) = (a.min(b), a.max(b));
            let part = window.crop(start, end);
            let (whole, truth) = (window.truth.expect("targets"), part.truth.expect("targets"));
            prop_assert_eq!(&part.letters[..], &window.letters[start..end]);
            prop_assert_eq!(&truth.labels[..], &whole.labels[start..end]);
            prop_assert_eq!(part.start, 7 + start as u64);
            let inside = |gene: &&GeneModel| gene.start() as usize >= start && gene.end() as usize <= end;
            let wanted: Vec<_> = whole.genes.iter().filter(inside).map(|g| g.shift(-(start as i64))).collect();
            prop_assert_eq!(truth.genes, wanted);
        }
    }
}
