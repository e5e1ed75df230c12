//! Genes and mRNAs: equal when their ranges are and all that is in them.

use super::stats::Tally;
use super::tree::{Kind, Tree};
use super::{Loaded, Pair};
use crate::gene::Strand;

/// What became of the genes, or of the mRNAs.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Equal in their `exon` rows, and in their `CDS` rows.
    pub equal: [Tally; 2],
    /// Features of the reference that no prediction hits.
    pub missing: u64,
    /// Predictions that hit no feature of the reference.
    pub wrong: u64,
}

/// Whether a predicted feature and one of the reference, of the same range, are equal in a kind.
pub(super) type Equal = fn(&Pair, u32, u32, Kind) -> bool;

/// Two mRNAs are equal when the sorted ranges below them are.
pub(super) fn mrnas_are_equal(pair: &Pair, prediction: u32, reference: u32, kind: Kind) -> bool {
    let (a, b) = (&pair.prediction.tree, &pair.reference.tree);
    if a.is_flat(prediction) && b.is_flat(reference) {
        return ranges(a, prediction, kind).eq(ranges(b, reference, kind));
    }
    a.ranges_below(prediction, kind) == b.ranges_below(reference, kind)
}

/// Ranges of the children of a kind, in order.
fn ranges(tree: &Tree, at: u32, kind: Kind) -> impl Iterator<Item = (u32, u32)> + '_ {
    tree.children_of_kind(at, kind).map(|child| tree.node(child).range())
}

/// Two genes are equal when the ranges right below them are, and their mRNAs one by one.
pub(super) fn genes_are_equal(pair: &Pair, prediction: u32, reference: u32, kind: Kind) -> bool {
    let (a, b) = (&pair.prediction.tree, &pair.reference.tree);
    if !ranges(a, prediction, kind).eq(ranges(b, reference, kind)) {
        return false;
    }
    let mrnas_a = a.children_of_kind(prediction, Kind::Mrna);
    let mrnas_b = b.children_of_kind(reference, Kind::Mrna);
    if mrnas_a.clone().count() != mrnas_b.clone().count() {
        // the original does not look at mRNAs that are not as many on both sides
        return pair.as_original;
    }
    mrnas_a.zip(mrnas_b).all(|(p, r)| mrnas_are_equal(pair, p, r, kind))
}

/// Compares the predicted genes, or mRNAs, with those of the reference.
pub(super) fn compare(pair: &Pair, reference: &[u32], prediction: &[u32], equal: Equal) -> Found {
    let index = Index::new(pair.reference, reference);
    let mut hit = vec![false; index.order.len()];
    let mut taken = [hit.clone(), hit.clone()];
    let mut found = Found::default();
    let mut predicted = 0;
    for &at in prediction {
        let node = pair.prediction.tree.node(at);
        let contig = pair.number[node.contig as usize];
        let known = pair.knows(contig);
        if !known && pair.as_original {
            continue;
        }
        predicted += 1;
        let Some(strand) = node.strand else { continue };
        let here = if known { index.on(contig, strand) } else { 0..0 };
        let same = index.same_range(here.clone(), node.range());
        if same.is_empty() {
            let overlapping = index.overlapping(here, node.range(), |i| hit[i] = true);
            found.wrong += u64::from(overlapping == 0);
        }
        same.iter().for_each(|&i| hit[i] = true);
        for (level, kind) in [Kind::Exon, Kind::Cds].into_iter().enumerate() {
            let free = |i: &&usize| !taken[level][**i] && equal(pair, at, index.order[**i], kind);
            if let Some(&i) = same.iter().find(free) {
                taken[level][i] = true;
                found.equal[level].tp += 1;
            }
        }
    }
    found.missing = hit.iter().filter(|&&hit| !hit).count() as u64;
    for tally in &mut found.equal {
        (tally.reference, tally.prediction) = (index.order.len() as u64, predicted);
    }
    found
}

/// Features of the reference in order of contig, strand, start and end.
struct Index<'t> {
    tree: &'t Tree,
    order: Vec<u32>,
    /// Where each contig and strand begins in `order`, and one more.
    first: Vec<usize>,
    /// Furthest end of each feature and those before it on its contig and strand.
    reach: Vec<u32>,
}

impl<'t> Index<'t> {
    fn new(side: &'t Loaded, features: &[u32]) -> Self {
        let tree = &side.tree;
        let stranded = features.iter().copied().filter(|&at| tree.node(at).strand.is_some());
        let mut order: Vec<u32> = stranded.collect();
        let group = |at: u32| group(tree.node(at).contig, tree.node(at).strand == Some(Strand::Minus));
        order.sort_by_key(|&at| (group(at), tree.node(at).range()));
        let mut first = vec![0; 2 * side.contigs.len() + 1];
        order.iter().for_each(|&at| first[group(at) + 1] += 1);
        for i in 1..first.len() {
            first[i] += first[i - 1];
        }
        let mut reach: Vec<u32> = order.iter().map(|&at| tree.node(at).end).collect();
        for i in 1..order.len() {
            if group(order[i]) == group(order[i - 1]) {
                reach[i] = reach[i].max(reach[i - 1]);
            }
        }
        Index { tree, order, first, reach }
    }

    fn on(&self, contig: u32, strand: Strand) -> std::ops::Range<usize> {
        let group = group(contig, strand == Strand::Minus);
        self.first[group]..self.first[group + 1]
    }

    fn range(&self, i: usize) -> (u32, u32) {
        self.tree.node(self.order[i]).range()
    }

    /// Features of a range in the order in which the original's binary search comes upon them:
    /// the one it hits, then those to its left, then those to its right. The order matters
    /// where equality is not transitive, as it is for genes.
    fn same_range(&self, here: std::ops::Range<usize>, wanted: (u32, u32)) -> Vec<usize> {
        let (mut from, mut limit) = (here.start, here.len());
        while limit > 0 {
            let at = from + limit / 2;
            match wanted.cmp(&self.range(at)) {
                std::cmp::Ordering::Equal => {
                    let equal = |i: &usize| self.range(*i) == wanted;
                    let left = (here.start..at).rev().take_while(equal);
                    let right = (at + 1..here.end).take_while(equal);
                    return std::iter::once(at).chain(left).chain(right).collect();
                }
                std::cmp::Ordering::Greater => {
                    from = at + 1;
                    limit -= 1;
                }
                std::cmp::Ordering::Less => {}
            }
            limit /= 2;
        }
        Vec::new()
    }

    /// Calls `found` with all features that overlap a range; says how many there are.
    fn overlapping(
        &self,
        here: std::ops::Range<usize>,
        (start, end): (u32, u32),
        mut found: impl FnMut(usize),
    ) -> usize {
        let first = here.start + self.reach[here.clone()].partition_point(|&reach| reach <= start);
        let candidates = (first..here.end).take_while(|&i| self.range(i).0 < end);
        candidates.filter(|&i| self.range(i).1 > start).map(&mut found).count()
    }
}

fn group(contig: u32, minus: bool) -> usize {
    2 * contig as usize + usize::from(minus)
}
