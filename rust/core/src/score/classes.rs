//! What went wrong with each gene that was not found exactly.

use rustc_hash::FxHashSet;

use super::Located;
use crate::gene::{GeneModel, Interval, Strand};

/// Every gene of the reference in one class, and the predicted genes that meet none.
///
/// Genes found exactly are set aside on both sides first; two genes meet when they share a coding
/// base on the same strand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Classes {
    /// The same chain is predicted.
    pub exact: u64,
    /// Meets no prediction.
    pub missed: u64,
    /// Meets one prediction, which differs in the start only.
    pub wrong_start: u64,
    /// Meets one prediction, which differs in the stop only.
    pub wrong_stop: u64,
    /// Meets one prediction, which differs in the introns only.
    pub wrong_splice_site: u64,
    /// Meets one prediction, which differs in several of these.
    pub several: u64,
    /// Meets several predictions, none of which meets another gene.
    pub split: u64,
    /// Meets a prediction that meets another gene as well.
    pub fused: u64,
    /// Predicted genes that meet no gene of the reference but those found exactly.
    pub extra: u64,
}

impl Classes {
    /// The classes by name, in the order in which they are printed.
    pub fn named(&self) -> [(&'static str, u64); 9] {
        [
            ("exact", self.exact),
            ("missed", self.missed),
            ("wrong_start", self.wrong_start),
            ("wrong_stop", self.wrong_stop),
            ("wrong_splice_site", self.wrong_splice_site),
            ("several", self.several),
            ("split", self.split),
            ("fused", self.fused),
            ("extra", self.extra),
        ]
    }
}

/// Puts every gene in its class; equal genes count once.
pub fn classify(reference: &[Located], prediction: &[Located]) -> Classes {
    let (all_reference, all_prediction) = (unique(reference), unique(prediction));
    let exact: FxHashSet<&Located> =
        all_reference.iter().filter(|gene| all_prediction.contains(*gene)).copied().collect();
    let (reference, prediction) = (without(&all_reference, &exact), without(&all_prediction, &exact));
    let met_by_reference = meetings(&reference, &prediction);
    let mut met_by_prediction = vec![0u32; prediction.len()];
    met_by_reference.iter().flatten().for_each(|&p| met_by_prediction[p] += 1);

    let mut classes = Classes { exact: exact.len() as u64, ..Classes::default() };
    for (gene, met) in reference.iter().zip(&met_by_reference) {
        let class = match met.as_slice() {
            [] => &mut classes.missed,
            met if met.iter().any(|&p| met_by_prediction[p] > 1) => &mut classes.fused,
            [one] => classes.of_pair(gene.model, prediction[*one].model),
            _ => &mut classes.split,
        };
        *class += 1;
    }
    classes.extra = met_by_prediction.iter().filter(|&&met| met == 0).count() as u64;
    classes
}

impl Classes {
    /// The class of a gene whose only partner is this prediction.
    fn of_pair(&mut self, reference: &GeneModel, prediction: &GeneModel) -> &mut u64 {
        let (start, stop) = match reference.strand {
            Strand::Plus => (reference.start() == prediction.start(), reference.end() == prediction.end()),
            Strand::Minus => (reference.end() == prediction.end(), reference.start() == prediction.start()),
        };
        match (start, stop, introns(reference).eq(introns(prediction))) {
            (false, true, true) => &mut self.wrong_start,
            (true, false, true) => &mut self.wrong_stop,
            (true, true, false) => &mut self.wrong_splice_site,
            _ => &mut self.several,
        }
    }
}

fn introns(gene: &GeneModel) -> impl Iterator<Item = Interval> + '_ {
    gene.segments.windows(2).map(|pair| Interval::new(pair[0].end, pair[1].start))
}

fn unique(genes: &[Located]) -> FxHashSet<&Located> {
    genes.iter().collect()
}

/// The genes that are not among the exact ones, by place.
fn without<'a>(genes: &FxHashSet<&'a Located>, exact: &FxHashSet<&'a Located>) -> Vec<GeneAt<'a>> {
    let mut rest: Vec<GeneAt> = genes.difference(exact).map(|gene| GeneAt::new(gene)).collect();
    rest.sort_unstable_by_key(GeneAt::order);
    rest
}

/// A gene and where it lies.
struct GeneAt<'a> {
    contig: u32,
    model: &'a GeneModel,
}

impl<'a> GeneAt<'a> {
    fn new(gene: &'a Located) -> Self {
        GeneAt { contig: gene.0, model: &gene.1 }
    }

    fn order(&self) -> (u32, Strand, u32, u32) {
        (self.contig, self.model.strand, self.model.start(), self.model.end())
    }

    /// Whether both read the same strand of the same contig.
    fn place(&self) -> (u32, Strand) {
        (self.contig, self.model.strand)
    }
}

/// For each gene of a sorted list the genes of another sorted list that share a coding base.
fn meetings(genes: &[GeneAt], others: &[GeneAt]) -> Vec<Vec<usize>> {
    // the longest gene bounds how far back a partner may start
    let longest = others.iter().map(|g| g.model.end() - g.model.start()).max().unwrap_or(0);
    genes
        .iter()
        .map(|gene| {
            let reach = gene.model.start().saturating_sub(longest);
            let from = others.partition_point(|o| (o.place(), o.model.start()) < (gene.place(), reach));
            others[from..]
                .iter()
                .take_while(|o| o.place() == gene.place() && o.model.start() < gene.model.end())
                .zip(from..)
                .filter(|(other, _)| share_a_base(gene.model, other.model))
                .map(|(_, i)| i)
                .collect()
        })
        .collect()
}

fn share_a_base(a: &GeneModel, b: &GeneModel) -> bool {
    let (mut i, mut j) = (0, 0);
    while i < a.segments.len() && j < b.segments.len() {
        let (x, y) = (a.segments[i], b.segments[j]);
        if x.start.max(y.start) < x.end.min(y.end) {
            return true;
        }
        if x.end <= y.end {
            i += 1;
        } else {
            j += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gene(strand: Strand, segments: &[(u32, u32)]) -> Located {
        (0, GeneModel { strand, segments: segments.iter().map(|s| Interval::new(s.0, s.1)).collect() })
    }

    fn plus(segments: &[(u32, u32)]) -> Located {
        gene(Strand::Plus, segments)
    }

    /// The only class that is not zero, with its count.
    fn only(reference: &[Located], prediction: &[Located]) -> (&'static str, u64) {
        let named = classify(reference, prediction).named();
        let mut counted = named.into_iter().filter(|class| class.1 > 0);
        let first = counted.next().expect("a class");
        assert_eq!(counted.next(), None);
        first
    }

    #[test]
    fn each_kind_of_error_has_its_class() {
        let two = [plus(&[(10, 40), (60, 90)])];
        assert_eq!(only(&two, &two), ("exact", 1));
        assert_eq!(only(&two, &[]), ("missed", 1));
        assert_eq!(only(&[], &two), ("extra", 1));
        assert_eq!(only(&two, &[plus(&[(13, 40), (60, 90)])]), ("wrong_start", 1));
        assert_eq!(only(&two, &[plus(&[(10, 40), (60, 93)])]), ("wrong_stop", 1));
        assert_eq!(only(&two, &[plus(&[(10, 43), (60, 90)])]), ("wrong_splice_site", 1));
        assert_eq!(only(&two, &[plus(&[(10, 90)])]), ("wrong_splice_site", 1));
        assert_eq!(only(&two, &[plus(&[(13, 43), (60, 90)])]), ("several", 1));
        assert_eq!(only(&two, &[plus(&[(10, 40)]), plus(&[(60, 90)])]), ("split", 1));
        assert_eq!(only(&[plus(&[(10, 40)]), plus(&[(60, 90)])], &two), ("fused", 2));
    }

    #[test]
    fn start_and_stop_follow_the_strand() {
        let reference = [gene(Strand::Minus, &[(10, 40)])];
        assert_eq!(only(&reference, &[gene(Strand::Minus, &[(10, 43)])]), ("wrong_start", 1));
        assert_eq!(only(&reference, &[gene(Strand::Minus, &[(13, 40)])]), ("wrong_stop", 1));
    }

    #[test]
    fn the_other_strand_and_introns_do_not_meet() {
        let reference = [plus(&[(10, 40), (60, 90)])];
        for prediction in [gene(Strand::Minus, &[(10, 40), (60, 90)]), plus(&[(43, 58)])] {
            let classes = classify(&reference, &[prediction]);
            assert_eq!((classes.missed, classes.extra), (1, 1));
        }
    }

    #[test]
    fn a_gene_beside_one_found_exactly_is_missed_and_not_fused() {
        let reference = [plus(&[(10, 40)]), plus(&[(30, 60)])];
        let classes = classify(&reference, &reference[..1]);
        assert_eq!((classes.exact, classes.missed, classes.fused), (1, 1, 0));
    }
}
