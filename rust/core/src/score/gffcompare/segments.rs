//! CDS rows that hang on a gene whose V, D, J or C segments are its transcripts.

use rustc_hash::{FxHashMap, FxHashSet};

use super::objects::{Objects, NONE};
use super::transcripts::merge;
use crate::gene::Interval;

/// One CDS: its rows (by number) under one ID.
struct Chain<'a> {
    id: &'a [u8],
    span: Interval,
    rows: Vec<u32>,
}

impl Objects<'_> {
    /// Moves each such CDS to the gene segment that fits it most closely; a gene left with nothing
    /// is no transcript.
    pub(super) fn distribute_gene_cds(&mut self) {
        if !self.list.iter().any(|object| object.gene_segment) {
            return;
        }
        let coding: FxHashSet<u32> = self.segments.iter().filter(|s| s.coding).map(|s| s.object).collect();
        let mut children: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for (number, object) in self.list.iter().enumerate() {
            let number = number as u32;
            if object.gene_segment && object.parent != NONE && !coding.contains(&number) {
                children.entry(object.parent).or_default().push(number);
            }
        }
        let exons = self.exons_of(children.values().flatten().copied().collect());
        let mut rows: Vec<_> = std::mem::take(&mut self.gene_cds)
            .into_iter()
            .map(|(row, id)| (self.segments[row as usize].object, self.segments[row as usize].span, row, id))
            .collect();
        rows.sort_unstable();
        for group in rows.chunk_by(|a, b| a.0 == b.0) {
            let gene = group[0].0;
            let Some(mut free) = children.remove(&gene) else { continue };
            for chain in chains(group) {
                let spare = |&(_, child): &(usize, &u32)| {
                    spare_bases(&chain, self.list[*child as usize].span, &exons[child])
                };
                let best = free.iter().enumerate().filter_map(|pair| Some((spare(&pair)?, pair.0))).min();
                if let Some((_, place)) = best {
                    let child = free.remove(place);
                    chain.rows.iter().for_each(|&row| self.segments[row as usize].object = child);
                }
            }
            let left = self.segments.iter().any(|segment| segment.object == gene);
            self.list[gene as usize].transcript &= left;
        }
    }

    /// The merged exons of some records.
    fn exons_of(&self, records: FxHashSet<u32>) -> FxHashMap<u32, Vec<Interval>> {
        let mut exons: FxHashMap<u32, Vec<Interval>> = records.into_iter().map(|r| (r, Vec::new())).collect();
        for segment in &self.segments {
            if let Some(list) = exons.get_mut(&segment.object) {
                list.push(segment.span);
            }
        }
        for list in exons.values_mut() {
            list.sort_unstable();
            let mut merged = Vec::new();
            merge(list.iter().copied(), 0, &mut merged);
            *list = merged;
        }
        exons
    }
}

/// The CDS of one gene (gene, stretch, number, ID) by ID, in order of their first rows.
fn chains<'a>(rows: &[(u32, Interval, u32, &'a [u8])]) -> Vec<Chain<'a>> {
    let mut chains: Vec<Chain> = Vec::new();
    for &(_, span, row, id) in rows {
        match chains.iter_mut().find(|chain| chain.id == id) {
            None => chains.push(Chain { id, span, rows: vec![row] }),
            Some(chain) => {
                chain.span.end = chain.span.end.max(span.end);
                chain.rows.push(row);
            }
        }
    }
    chains
}

/// Bases of a gene segment that a CDS leaves free, as the original counts them; none if the CDS
/// is not within it.
fn spare_bases(chain: &Chain, span: Interval, exons: &[Interval]) -> Option<i64> {
    let span = match exons {
        [] => span,
        [first, .., last] => Interval::new(first.start, last.end),
        [only] => *only,
    };
    let within = |inner: Interval, outer: Interval| inner.start >= outer.start && inner.end <= outer.end;
    if !within(chain.span, span) {
        return None;
    }
    if exons.len() > 1 && chain.rows.len() > 1 {
        return Some(-1);
    }
    if exons.len() > 1 && !exons.iter().any(|&exon| within(chain.span, exon)) {
        return None;
    }
    let bases: i64 =
        if exons.is_empty() { span.len().into() } else { exons.iter().map(|e| i64::from(e.len())).sum() };
    Some(bases - i64::from(chain.span.len()))
}
