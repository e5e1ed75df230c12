//! What went wrong with each gene that was not found exactly.

use super::contigs::Located;
use super::keys::Keys;
use super::set::ChainRef;
use crate::gene::{Interval, Strand};

/// What became of one gene.
///
/// Genes found exactly are set aside on both sides first; two genes meet when transcripts of theirs
/// share a coding base on the same strand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// One of its chains is predicted.
    Exact,
    /// Meets no prediction.
    Missed,
    /// Meets one prediction, which differs in the start only.
    WrongStart,
    /// Meets one prediction, which differs in the stop only.
    WrongStop,
    /// Meets one prediction, which differs in the introns only.
    WrongSpliceSite,
    /// Meets one prediction, which differs in several of these.
    Several,
    /// Meets several predictions, none of which meets another gene.
    Split,
    /// Meets a prediction that meets another gene as well.
    Fused,
    /// A predicted gene that meets no gene of the reference but those found exactly.
    Extra,
}

impl Class {
    /// Every class, in the order in which they are printed.
    pub const ALL: [Class; 9] = [
        Class::Exact,
        Class::Missed,
        Class::WrongStart,
        Class::WrongStop,
        Class::WrongSpliceSite,
        Class::Several,
        Class::Split,
        Class::Fused,
        Class::Extra,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Class::Exact => "exact",
            Class::Missed => "missed",
            Class::WrongStart => "wrong_start",
            Class::WrongStop => "wrong_stop",
            Class::WrongSpliceSite => "wrong_splice_site",
            Class::Several => "several",
            Class::Split => "split",
            Class::Fused => "fused",
            Class::Extra => "extra",
        }
    }
}

/// A gene of the reference and its class, or a predicted gene that is extra.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Index of the gene on its side.
    pub gene: usize,
    /// What became of it.
    pub class: Class,
    /// Indices of the predicted genes that it meets; none for an exact or extra one.
    pub met: Vec<usize>,
}

/// Puts every gene in its class; genes with equal transcripts count once.
pub(super) fn classify(
    reference: &[Located],
    prediction: &[Located],
    keys: [&Keys; 2],
    hits: [&[bool]; 2],
) -> Vec<Verdict> {
    let plain = |gene, class| Verdict { gene, class, met: Vec::new() };
    let exact = keys[0].genes(hits[0]).filter(|gene| gene.1);
    let mut verdicts: Vec<Verdict> = exact.map(|gene| plain(gene.0, Class::Exact)).collect();
    let (reference, prediction) = (missed(reference, keys[0], hits[0]), missed(prediction, keys[1], hits[1]));
    let met_by_reference = meetings(&reference, &prediction);
    let mut met_by_prediction = vec![0u32; prediction.len()];
    met_by_reference.iter().flatten().for_each(|&p| met_by_prediction[p] += 1);

    for (gene, met) in reference.iter().zip(&met_by_reference) {
        let class = match met.as_slice() {
            [] => Class::Missed,
            met if met.iter().any(|&p| met_by_prediction[p] > 1) => Class::Fused,
            [one] => of_pair(gene, &prediction[*one]),
            _ => Class::Split,
        };
        let met = met.iter().map(|&p| prediction[p].index).collect();
        verdicts.push(Verdict { gene: gene.index, class, met });
    }
    let extra = prediction.iter().zip(met_by_prediction).filter(|(_, met)| *met == 0);
    verdicts.extend(extra.map(|(gene, _)| plain(gene.index, Class::Extra)));
    verdicts
}

/// The class of a gene whose only partner is this prediction: that of their closest transcripts.
fn of_pair(reference: &Unit, prediction: &Unit) -> Class {
    let pairs = reference.chains.iter().flat_map(|a| prediction.chains.iter().map(move |b| (a, b)));
    pairs.map(|(a, b)| of_chains(reference.strand, a, b)).min().unwrap_or(Class::Several)
}

fn of_chains(strand: Strand, reference: &ChainRef, prediction: &ChainRef) -> Class {
    let (left, right) = (reference.start() == prediction.start(), reference.end() == prediction.end());
    let (start, stop) = if strand == Strand::Plus { (left, right) } else { (right, left) };
    match (start, stop, reference.introns == prediction.introns) {
        (false, true, true) => Class::WrongStart,
        (true, false, true) => Class::WrongStop,
        (true, true, false) => Class::WrongSpliceSite,
        _ => Class::Several,
    }
}

/// A different gene of a side that was not found.
struct Unit<'a> {
    index: usize,
    place: u32,
    strand: Strand,
    start: u32,
    end: u32,
    chains: Vec<ChainRef<'a>>,
}

/// The different genes of which no chain is hit, by place.
fn missed<'a>(genes: &[Located<'a>], keys: &Keys, hits: &[bool]) -> Vec<Unit<'a>> {
    let unit = |index: usize| {
        let Located { gene, .. } = genes[index];
        let (start, end) = gene.range();
        Unit {
            index,
            place: genes[index].place(),
            strand: gene.strand(),
            start,
            end,
            chains: gene.chains().collect(),
        }
    };
    let mut units: Vec<Unit> = keys.genes(hits).filter(|gene| !gene.1).map(|gene| unit(gene.0)).collect();
    units.sort_by_key(|unit| (unit.place, unit.start, unit.end));
    units
}

/// For each gene of a sorted list the genes of another sorted list that share a coding base.
fn meetings(genes: &[Unit], others: &[Unit]) -> Vec<Vec<usize>> {
    // the longest gene bounds how far back a partner may start
    let longest = others.iter().map(|other| other.end - other.start).max().unwrap_or(0);
    genes
        .iter()
        .map(|gene| {
            let reach = gene.start.saturating_sub(longest);
            let from = others.partition_point(|o| (o.place, o.start) < (gene.place, reach));
            others[from..]
                .iter()
                .take_while(|o| o.place == gene.place && o.start < gene.end)
                .zip(from..)
                .filter(|(other, _)| other.end > gene.start && meet(gene, other))
                .map(|(_, i)| i)
                .collect()
        })
        .collect()
}

fn meet(a: &Unit, b: &Unit) -> bool {
    a.chains.iter().any(|x| b.chains.iter().any(|y| share_a_base(x.segments, y.segments)))
}

/// Whether two ascending chains overlap.
fn share_a_base(a: &[Interval], b: &[Interval]) -> bool {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
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
    use super::super::compare;
    use super::super::set::GeneSet;
    use super::*;

    /// A gene: its strand and the segments of its transcripts.
    type Gene<'a> = (Strand, Vec<&'a [(u32, u32)]>);

    fn minus(segments: &[(u32, u32)]) -> Gene<'_> {
        (Strand::Minus, vec![segments])
    }

    fn plus(segments: &[(u32, u32)]) -> Gene<'_> {
        (Strand::Plus, vec![segments])
    }

    fn set(genes: &[Gene]) -> GeneSet {
        let mut set = GeneSet::default();
        set.contigs = vec!["a".into()];
        for (strand, chains) in genes {
            chains.iter().for_each(|chain| set.add_chain(chain.iter().map(|s| Interval::new(s.0, s.1))));
            set.add_gene("g", 0, *strand);
        }
        set
    }

    /// The classes that are not zero, with their counts.
    fn classes(reference: &[Gene], prediction: &[Gene]) -> Vec<(&'static str, u64)> {
        let compared = compare(&set(reference), &set(prediction));
        compared.classes().into_iter().filter(|class| class.1 > 0).collect()
    }

    #[test]
    fn each_kind_of_error_has_its_class() {
        let two = [plus(&[(10, 40), (60, 90)])];
        let halves = [plus(&[(10, 40)]), plus(&[(60, 90)])];
        assert_eq!(classes(&two, &two), [("exact", 1)]);
        assert_eq!(classes(&two, &[]), [("missed", 1)]);
        assert_eq!(classes(&[], &two), [("extra", 1)]);
        assert_eq!(classes(&two, &[plus(&[(13, 40), (60, 90)])]), [("wrong_start", 1)]);
        assert_eq!(classes(&two, &[plus(&[(10, 40), (60, 93)])]), [("wrong_stop", 1)]);
        assert_eq!(classes(&two, &[plus(&[(10, 43), (60, 90)])]), [("wrong_splice_site", 1)]);
        assert_eq!(classes(&two, &[plus(&[(10, 90)])]), [("wrong_splice_site", 1)]);
        assert_eq!(classes(&two, &[plus(&[(13, 43), (60, 90)])]), [("several", 1)]);
        assert_eq!(classes(&two, &halves), [("split", 1)]);
        assert_eq!(classes(&halves, &two), [("fused", 2)]);
    }

    #[test]
    fn start_and_stop_follow_the_strand() {
        let reference = [minus(&[(10, 40)])];
        assert_eq!(classes(&reference, &[minus(&[(10, 43)])]), [("wrong_start", 1)]);
        assert_eq!(classes(&reference, &[minus(&[(13, 40)])]), [("wrong_stop", 1)]);
    }

    #[test]
    fn the_other_strand_and_introns_do_not_meet() {
        let reference = [plus(&[(10, 40), (60, 90)])];
        for prediction in [minus(&[(10, 40), (60, 90)]), plus(&[(43, 58)])] {
            assert_eq!(classes(&reference, &[prediction]), [("missed", 1), ("extra", 1)]);
        }
    }

    #[test]
    fn a_gene_beside_one_found_exactly_is_missed_and_not_fused() {
        let reference = [plus(&[(10, 40)]), plus(&[(30, 60)])];
        assert_eq!(classes(&reference, &reference[..1]), [("exact", 1), ("missed", 1)]);
    }

    #[test]
    fn the_closest_transcripts_decide() {
        let reference: Gene = (Strand::Plus, vec![&[(10, 40), (60, 90)], &[(70, 90)]]);
        assert_eq!(
            classes(std::slice::from_ref(&reference), &[plus(&[(13, 40), (60, 90)])]),
            [("wrong_start", 1)]
        );
        assert_eq!(classes(&[reference], &[plus(&[(70, 90)])]), [("exact", 1)]);
    }
}
