//! Counts at the levels of nucleotides, exons and genes.

use std::hash::Hash;

use rustc_hash::FxHashSet;

use super::Located;
use crate::gene::{GeneModel, Strand};

/// True positives and the size of both sides, in unique keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Keys on both sides.
    pub tp: u64,
    /// Keys of the reference.
    pub n_reference: u64,
    /// Keys of the prediction.
    pub n_prediction: u64,
}

impl Counts {
    /// Predicted keys that the reference lacks.
    pub fn fp(&self) -> u64 {
        self.n_prediction - self.tp
    }

    /// Reference keys that the prediction lacks.
    pub fn fn_(&self) -> u64 {
        self.n_reference - self.tp
    }

    /// Found share of the reference; none when the reference is empty.
    pub fn sensitivity(&self) -> Option<f64> {
        share(self.tp, self.n_reference)
    }

    /// Right share of the prediction; none when the prediction is empty.
    pub fn precision(&self) -> Option<f64> {
        share(self.tp, self.n_prediction)
    }

    /// 2 TP / (2 TP + FP + FN); none when both sides are empty.
    pub fn f1(&self) -> Option<f64> {
        share(2 * self.tp, self.n_reference + self.n_prediction)
    }

    fn of_sets<K: Hash + Eq>(reference: &FxHashSet<K>, prediction: &FxHashSet<K>) -> Self {
        Counts {
            tp: prediction.iter().filter(|key| reference.contains(key)).count() as u64,
            n_reference: reference.len() as u64,
            n_prediction: prediction.len() as u64,
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The counts at each level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Levels {
    /// Bases inside CDS, once per strand.
    pub nucleotide: Counts,
    /// CDS segments: contig, strand, both ends.
    pub exon: Counts,
    /// Whole CDS chains.
    pub gene: Counts,
}

impl Levels {
    /// Counts all levels.
    pub fn count(reference: &[Located], prediction: &[Located]) -> Self {
        Levels {
            nucleotide: nucleotides(reference, prediction),
            exon: Counts::of_sets(&exons(reference), &exons(prediction)),
            gene: Counts::of_sets(&genes(reference), &genes(prediction)),
        }
    }

    /// The levels by name, in the order in which they are printed.
    pub fn named(&self) -> [(&'static str, Counts); 3] {
        [("nucleotide", self.nucleotide), ("exon", self.exon), ("gene", self.gene)]
    }
}

/// One stretch of one strand of one contig.
type Stretch = (u32, Strand, u32, u32);

fn stretches(genes: &[Located]) -> impl Iterator<Item = Stretch> + '_ {
    genes
        .iter()
        .flat_map(|(contig, gene)| gene.segments.iter().map(move |s| (*contig, gene.strand, s.start, s.end)))
}

fn exons(genes: &[Located]) -> FxHashSet<Stretch> {
    stretches(genes).collect()
}

fn genes(genes: &[Located]) -> FxHashSet<(u32, &GeneModel)> {
    genes.iter().map(|(contig, gene)| (*contig, gene)).collect()
}

fn nucleotides(reference: &[Located], prediction: &[Located]) -> Counts {
    let (reference, prediction) = (union(reference), union(prediction));
    Counts {
        tp: common(&reference, &prediction),
        n_reference: size(&reference),
        n_prediction: size(&prediction),
    }
}

/// The coding bases as sorted stretches that neither overlap nor touch.
fn union(genes: &[Located]) -> Vec<Stretch> {
    let mut sorted: Vec<Stretch> = stretches(genes).filter(|s| s.2 < s.3).collect();
    sorted.sort_unstable();
    let mut merged: Vec<Stretch> = Vec::with_capacity(sorted.len());
    for next in sorted {
        match merged.last_mut() {
            Some(last) if (last.0, last.1) == (next.0, next.1) && next.2 <= last.3 => {
                last.3 = last.3.max(next.3);
            }
            _ => merged.push(next),
        }
    }
    merged
}

fn size(stretches: &[Stretch]) -> u64 {
    stretches.iter().map(|s| u64::from(s.3 - s.2)).sum()
}

/// Bases in both of two unions.
fn common(a: &[Stretch], b: &[Stretch]) -> u64 {
    let (mut i, mut j, mut bases) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        if (x.0, x.1) == (y.0, y.1) {
            bases += u64::from(x.3.min(y.3).saturating_sub(x.2.max(y.2)));
        }
        // the one that ends first can meet nothing more
        if (x.0, x.1, x.3) <= (y.0, y.1, y.3) {
            i += 1;
        } else {
            j += 1;
        }
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gene::Interval;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn gene(strand: Strand, segments: &[(u32, u32)]) -> GeneModel {
        GeneModel { strand, segments: segments.iter().map(|s| Interval::new(s.0, s.1)).collect() }
    }

    #[test]
    fn nothing_against_nothing_has_no_score() {
        let levels = Levels::count(&[], &[]);
        for (_, counts) in levels.named() {
            assert_eq!((counts.sensitivity(), counts.precision(), counts.f1()), (None, None, None));
        }
    }

    #[test]
    fn an_empty_prediction_has_no_precision_and_f1_zero() {
        let reference = [(0, gene(Strand::Plus, &[(0, 9)]))];
        let counts = Levels::count(&reference, &[]).gene;
        assert_eq!((counts.sensitivity(), counts.precision(), counts.f1()), (Some(0.0), None, Some(0.0)));
    }

    #[test]
    fn the_strand_is_part_of_every_key() {
        let reference = [(0, gene(Strand::Plus, &[(0, 9)]))];
        let prediction = [(0, gene(Strand::Minus, &[(0, 9)]))];
        let levels = Levels::count(&reference, &prediction);
        assert!(levels
            .named()
            .iter()
            .all(|(_, counts)| counts.tp == 0 && counts.fp() == counts.n_prediction));
    }

    #[test]
    fn repeated_genes_count_once() {
        let reference = [(0, gene(Strand::Plus, &[(0, 9), (20, 29)]))];
        let prediction = [reference[0].clone(), reference[0].clone()];
        let levels = Levels::count(&reference, &prediction);
        assert!(levels.named().iter().all(|(_, counts)| counts.f1() == Some(1.0)));
        assert_eq!(levels.nucleotide.n_prediction, 18);
    }

    prop_compose! {
        fn any_gene()(contig in 0u32..3, plus: bool, cuts in prop::collection::btree_set(0u32..60, 2..7))
            -> Located {
            let cuts: Vec<u32> = cuts.into_iter().collect();
            let segments: Vec<(u32, u32)> = cuts.chunks_exact(2).map(|c| (c[0], c[1])).collect();
            (contig, gene(if plus { Strand::Plus } else { Strand::Minus }, &segments))
        }
    }

    proptest! {
        #[test]
        fn nucleotides_equal_plain_sets_of_bases(
            reference in prop::collection::vec(any_gene(), 0..8),
            prediction in prop::collection::vec(any_gene(), 0..8),
        ) {
            let bases = |genes: &[Located]| -> BTreeSet<(u32, Strand, u32)> {
                stretches(genes).flat_map(|s| (s.2..s.3).map(move |x| (s.0, s.1, x))).collect()
            };
            let (a, b) = (bases(&reference), bases(&prediction));
            let counts = Levels::count(&reference, &prediction).nucleotide;
            prop_assert_eq!(counts.tp, a.intersection(&b).count() as u64);
            prop_assert_eq!(counts.n_reference, a.len() as u64);
            prop_assert_eq!(counts.n_prediction, b.len() as u64);
        }
    }
}
