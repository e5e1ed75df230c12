//! One contig: strands, loci and counts.

use super::compare::{overlaps, Strand, Union};
use super::duplicates::Sources;
use super::locus::{cluster, Locus};
use super::stats::Counts;
use super::strands;
use super::transcripts::Contig;
use super::Options;
use crate::gene::Strand::{Minus, Plus};

/// Counts all of a contig; one of the sides may not have it.
pub(super) fn compare(
    reference: Option<Contig>,
    query: Option<Contig>,
    sources: &Sources,
    options: &Options,
) -> Counts {
    let mut counts = Counts::default();
    let mut reference_loci = [Vec::new(), Vec::new()];
    if let Some(contig) = &reference {
        reference_loci =
            [Plus, Minus].map(|strand| cluster(contig, &sources.reference(contig, contig.on(Some(strand)))));
    }
    let mut query_loci = [Vec::new(), Vec::new()];
    let mut unknown = Vec::new();
    if let Some(contig) = &query {
        let lists =
            [Some(Plus), Some(Minus), None].map(|strand| sources.query(contig, contig.on(strand), options));
        let known = reference.as_ref().map(|reference| (reference, &reference_loci));
        let [plus, minus, none] = strands::assign(contig, lists, known, options.strict);
        query_loci = [plus, minus].map(|list| cluster(contig, &list));
        unknown = cluster(contig, &none);
    }
    for locus in &unknown {
        counts.query.untouched(locus);
    }
    for (side, unknown) in [(0, &unknown[..]), (1, &[])] {
        let (ours, theirs) = (&query_loci[side], &reference_loci[side]);
        let pairs = overlaps(ours, theirs);
        counts.union_super_loci += union_super_loci(ours, theirs, &pairs, unknown);
        let (query, reference) = (query.unwrap_or_default(), reference.unwrap_or_default());
        Strand { query, reference, query_loci: ours, reference_loci: theirs, pairs: &pairs }
            .count(options, &mut counts);
    }
    counts
}

/// Groups of overlapping loci with at least one of the query; loci of unknown strand go with the
/// plus strand.
fn union_super_loci(query: &[Locus], reference: &[Locus], pairs: &[(u32, u32)], unknown: &[Locus]) -> u64 {
    let (q, u) = (query.len() as u32, unknown.len() as u32);
    let mut union = Union::new(query.len() + unknown.len() + reference.len());
    pairs.iter().for_each(|&(a, b)| union.join(a, q + u + b));
    overlaps(unknown, query).iter().for_each(|&(a, b)| union.join(q + a, b));
    overlaps(unknown, reference).iter().for_each(|&(a, b)| union.join(q + a, q + u + b));
    // the smallest member stands for its group: a query's wherever there is one
    (0..q + u).filter(|&at| union.root(at) == at).count() as u64
}
