//! What counts at each level of preset `genet5`: sorted, unique keys of one side, and their matches.

use super::contigs::Located;
use super::nearly;
use super::set::ChainRef;
use super::Row;
use crate::gene::{Interval, Strand};

/// The levels in the order in which they are printed.
pub const LEVELS: [&str; 8] =
    ["nucleotide", "exon", "intron", "intron_chain", "start", "stop", "transcript", "gene"];

/// Strand and contig, start, end.
type Stretch = (u32, u32, u32);
/// A stretch and what lies in it.
type Chain<'a> = (u32, u32, u32, &'a [Interval]);

/// The keys of one side; the strand is part of each.
#[derive(Debug, Default)]
pub struct Keys<'a> {
    /// Coding bases, as stretches that neither overlap nor touch.
    nucleotide: Vec<Stretch>,
    exon: Vec<Stretch>,
    intron: Vec<Stretch>,
    intron_chain: Vec<Chain<'a>>,
    start: Vec<Stretch>,
    stop: Vec<Stretch>,
    transcript: Vec<Chain<'a>>,
    gene: Genes,
}

/// Genes by the places of their chains in the list of different chains.
#[derive(Debug, Default)]
struct Genes {
    /// Places, sorted and different within each gene.
    chains: Vec<u32>,
    /// Where each gene's places begin and end.
    ranges: Vec<[u32; 2]>,
    /// The first of the genes with the same chains, by these.
    different: Vec<u32>,
}

impl Genes {
    fn chains(&self, gene: u32) -> &[u32] {
        let [from, to] = self.ranges[gene as usize];
        &self.chains[from as usize..to as usize]
    }
}

impl<'a> Keys<'a> {
    /// The keys of these genes.
    pub fn new(genes: &[Located<'a>]) -> Self {
        let mut keys = Keys::default();
        let mut chains: Vec<(Chain, u32)> = Vec::with_capacity(genes.len());
        let mut from = 0;
        for located in genes {
            keys.gene.ranges.push([from, from]);
            from += located.gene.chains().len() as u32;
        }
        // the strand comes first in each key: strand by strand the lists are mostly sorted already
        let (mut order, minus): (Vec<u32>, Vec<u32>) =
            (0..genes.len() as u32).partition(|&number| genes[number as usize].gene.strand() == Strand::Plus);
        order.extend(minus);
        for &number in &order {
            let located = &genes[number as usize];
            let place = located.place();
            for chain in located.gene.chains() {
                chains.push(((place, chain.start(), chain.end(), chain.segments), number));
                keys.add(place, located.gene.strand(), &chain);
            }
        }
        keys.exon = sorted(keys.exon);
        keys.nucleotide = union(&keys.exon);
        keys.intron = sorted(keys.intron);
        keys.intron_chain = sorted(keys.intron_chain);
        keys.start = sorted(keys.start);
        keys.stop = sorted(keys.stop);
        keys.number(chains, order);
        keys
    }

    fn add(&mut self, place: u32, strand: Strand, chain: &ChainRef<'a>) {
        self.exon.extend(chain.segments.iter().map(|s| (place, s.start, s.end)));
        self.intron.extend(chain.introns.iter().map(|s| (place, s.start, s.end)));
        if let (Some(first), Some(last)) = (chain.introns.first(), chain.introns.last()) {
            self.intron_chain.push((place, first.start, last.end, chain.introns));
        }
        let (left, right) = ((place, chain.start(), chain.start()), (place, chain.end(), chain.end()));
        let (start, stop) = if strand == Strand::Plus { (left, right) } else { (right, left) };
        self.start.push(start);
        self.stop.push(stop);
    }

    /// Lists the different chains, and the genes by the places of their chains in that list; `different` are all
    /// genes, strand by strand.
    fn number(&mut self, mut chains: Vec<(Chain<'a>, u32)>, mut different: Vec<u32>) {
        nearly::sort(&mut chains);
        let genes = &mut self.gene;
        genes.chains = vec![0; chains.len()];
        for (chain, gene) in chains {
            if self.transcript.last() != Some(&chain) {
                self.transcript.push(chain);
            }
            let last = self.transcript.len() as u32 - 1;
            let [from, to] = &mut genes.ranges[gene as usize];
            if from == to || genes.chains[*to as usize - 1] != last {
                genes.chains[*to as usize] = last;
                *to += 1;
            }
        }
        nearly::sort_by(&mut different, |&a, &b| genes.chains(a).cmp(genes.chains(b)));
        different.dedup_by_key(|gene| genes.chains(*gene));
        genes.different = different;
    }

    /// For each different chain whether the other side has it.
    pub(super) fn hits(&self, other: &Keys) -> Vec<bool> {
        matches(&self.transcript, &other.transcript)
    }

    /// The different genes, and whether one of their chains is hit.
    pub(super) fn genes<'b>(&'b self, hits: &'b [bool]) -> impl Iterator<Item = (usize, bool)> + 'b {
        let is_hit = |gene: u32| self.gene.chains(gene).iter().any(|&chain| hits[chain as usize]);
        self.gene.different.iter().map(move |&gene| (gene as usize, is_hit(gene)))
    }

    /// The chains of a gene, sorted and different.
    pub(super) fn chains_of(&self, gene: usize) -> impl Iterator<Item = &'a [Interval]> + '_ {
        self.gene.chains(gene as u32).iter().map(|&chain| self.transcript[chain as usize].3)
    }

    /// Keys of each level, and how many of them the other side has too.
    fn found_in(&self, other: &Keys, hits: &[bool]) -> [(u64, u64); 8] {
        [
            (common_bases(&self.nucleotide, &other.nucleotide), bases(&self.nucleotide)),
            shared(&self.exon, &other.exon),
            shared(&self.intron, &other.intron),
            shared(&self.intron_chain, &other.intron_chain),
            shared(&self.start, &other.start),
            shared(&self.stop, &other.stop),
            (hits.iter().filter(|&&hit| hit).count() as u64, hits.len() as u64),
            (self.genes(hits).filter(|gene| gene.1).count() as u64, self.gene.different.len() as u64),
        ]
    }

    /// Whether a chain is among the keys.
    pub(super) fn has(&self, place: u32, segments: &[Interval]) -> bool {
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return false };
        self.transcript.binary_search(&(place, first.start, last.end, segments)).is_ok()
    }
}

/// One row a level: the keys of some genes of each side, found anywhere on the other side.
pub fn rows(part: [&Keys; 2], whole: [&Keys; 2]) -> [Row; 8] {
    rows_of_hits(part, whole, [&part[0].hits(whole[1]), &part[1].hits(whole[0])])
}

/// As [`rows`], with each side's hits.
pub(super) fn rows_of_hits(part: [&Keys; 2], whole: [&Keys; 2], hits: [&[bool]; 2]) -> [Row; 8] {
    let (reference, prediction) = (part[0].found_in(whole[1], hits[0]), part[1].found_in(whole[0], hits[1]));
    std::array::from_fn(|i| Row {
        level: LEVELS[i],
        tp_reference: reference[i].0,
        tp_prediction: prediction[i].0,
        n_reference: reference[i].1,
        n_prediction: prediction[i].1,
    })
}

fn sorted<T: Ord>(mut keys: Vec<T>) -> Vec<T> {
    nearly::sort(&mut keys);
    keys.dedup();
    keys
}

/// For each of some sorted keys whether it is among other sorted keys.
fn matches<T: Ord>(keys: &[T], others: &[T]) -> Vec<bool> {
    let mut at = 0;
    keys.iter()
        .map(|key| {
            while others.get(at).is_some_and(|other| other < key) {
                at += 1;
            }
            others.get(at) == Some(key)
        })
        .collect()
}

fn shared<T: Ord>(keys: &[T], others: &[T]) -> (u64, u64) {
    (matches(keys, others).into_iter().filter(|&hit| hit).count() as u64, keys.len() as u64)
}

/// Sorted stretches as sorted ones that neither overlap nor touch.
fn union(sorted: &[Stretch]) -> Vec<Stretch> {
    let mut merged: Vec<Stretch> = Vec::with_capacity(sorted.len());
    for &next in sorted.iter().filter(|s| s.1 < s.2) {
        match merged.last_mut() {
            Some(last) if last.0 == next.0 && next.1 <= last.2 => last.2 = last.2.max(next.2),
            _ => merged.push(next),
        }
    }
    merged
}

fn bases(stretches: &[Stretch]) -> u64 {
    stretches.iter().map(|s| u64::from(s.2 - s.1)).sum()
}

/// Bases in both of two unions.
fn common_bases(a: &[Stretch], b: &[Stretch]) -> u64 {
    let (mut i, mut j, mut bases) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let (x, y) = (a[i], b[j]);
        if x.0 == y.0 {
            bases += u64::from(x.2.min(y.2).saturating_sub(x.1.max(y.1)));
        }
        // the one that ends first can meet nothing more
        if (x.0, x.2) <= (y.0, y.2) {
            i += 1;
        } else {
            j += 1;
        }
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::super::contigs::Contigs;
    use super::super::set::GeneSet;
    use super::*;
    use crate::gene::GeneModel;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn count(reference: &GeneSet, prediction: &GeneSet) -> [Row; 8] {
        let mut contigs = Contigs::default();
        let sides = [contigs.locate(reference), contigs.locate(prediction)];
        let keys = [Keys::new(&sides[0]), Keys::new(&sides[1])];
        rows([&keys[0], &keys[1]], [&keys[0], &keys[1]])
    }

    fn set(genes: Vec<Vec<(u32, GeneModel)>>) -> GeneSet {
        let mut set = GeneSet::default();
        set.contigs = vec!["a".into(), "b".into()];
        for isoforms in genes {
            let (contig, strand) = (isoforms[0].0, isoforms[0].1.strand);
            isoforms.into_iter().for_each(|(_, chain)| set.add_chain(chain.segments));
            set.add_gene("g", contig, strand);
        }
        set
    }

    #[test]
    fn nothing_against_nothing_has_no_score() {
        for row in count(&GeneSet::default(), &GeneSet::default()) {
            assert_eq!((row.sensitivity(), row.precision(), row.f1()), (None, None, None));
        }
    }

    #[test]
    fn a_gene_is_found_by_any_of_its_transcripts() {
        let chain = |end| (0, GeneModel { strand: Strand::Plus, segments: vec![Interval::new(0, end)] });
        let rows = count(&set(vec![vec![chain(9), chain(12)]]), &set(vec![vec![chain(12), chain(15)]]));
        let [transcript, gene] = [&rows[6], &rows[7]];
        assert_eq!((transcript.tp_reference, transcript.n_reference, transcript.n_prediction), (1, 2, 2));
        assert_eq!((gene.tp_reference, gene.n_reference, gene.n_prediction), (1, 1, 1));
    }

    #[test]
    fn segments_that_touch_have_no_intron_between_them() {
        let segments = vec![Interval::new(0, 9), Interval::new(9, 12), Interval::new(13, 15)];
        let model = (0, GeneModel { strand: Strand::Plus, segments });
        let rows = count(&set(vec![vec![model]]), &GeneSet::default());
        assert_eq!((rows[2].n_reference, rows[3].n_reference), (1, 1));
    }

    prop_compose! {
        fn any_isoforms()(
            contig in 0u32..2, plus: bool,
            cuts in prop::collection::vec(prop::collection::btree_set(0u32..24, 2..7), 1..3),
        ) -> Vec<(u32, GeneModel)> {
            let strand = if plus { Strand::Plus } else { Strand::Minus };
            cuts.into_iter()
                .map(|cuts| {
                    let cuts: Vec<u32> = cuts.into_iter().collect();
                    let segments = cuts.chunks_exact(2).map(|c| Interval::new(c[0], c[1])).collect();
                    (contig, GeneModel { strand, segments })
                })
                .collect()
        }
    }

    type Words = BTreeSet<String>;

    /// The keys of every level but the last, spelt out as words.
    fn words(genes: &[Vec<(u32, GeneModel)>]) -> [Words; 7] {
        let mut all: [Words; 7] = Default::default();
        for (contig, chain) in genes.iter().flatten() {
            let head = format!("{contig}{:?}", chain.strand);
            let minus = chain.strand == Strand::Minus;
            for s in &chain.segments {
                all[0].extend((s.start..s.end).map(|base| format!("{head}{base}")));
                all[1].insert(format!("{head}{s:?}"));
            }
            let gaps: Vec<_> = chain.segments.windows(2).map(|p| (p[0].end, p[1].start)).collect();
            all[2].extend(gaps.iter().map(|gap| format!("{head}{gap:?}")));
            all[3].extend((!gaps.is_empty()).then(|| format!("{head}{gaps:?}")));
            let ends = (chain.start(), chain.end());
            all[4].insert(format!("{head}{}", if minus { ends.1 } else { ends.0 }));
            all[5].insert(format!("{head}{}", if minus { ends.0 } else { ends.1 }));
            all[6].insert(format!("{head}{:?}", chain.segments));
        }
        all
    }

    fn genes(genes: &[Vec<(u32, GeneModel)>]) -> BTreeSet<Vec<(u32, GeneModel)>> {
        genes.iter().map(|gene| BTreeSet::from_iter(gene.iter().cloned()).into_iter().collect()).collect()
    }

    proptest! {
        #[test]
        fn counts_equal_those_of_plain_sets(
            reference in prop::collection::vec(any_isoforms(), 0..6),
            extra in prop::collection::vec(any_isoforms(), 0..4),
            kept in prop::collection::vec(any::<bool>(), 6),
        ) {
            let mut prediction = extra;
            prediction.extend(reference.iter().zip(kept).filter(|pair| pair.1).map(|pair| pair.0.clone()));
            let rows = count(&set(reference.clone()), &set(prediction.clone()));
            let [r, p] = [words(&reference), words(&prediction)];
            for i in 0..7 {
                let both = r[i].intersection(&p[i]).count() as u64;
                prop_assert_eq!(rows[i], Row::paired(LEVELS[i], both, r[i].len() as u64, p[i].len() as u64));
            }
            let [r, p] = [genes(&reference), genes(&prediction)];
            let right = |gene: &&Vec<(u32, GeneModel)>, others: &BTreeSet<Vec<(u32, GeneModel)>>| {
                gene.iter().any(|chain| others.iter().flatten().any(|other| other == chain))
            };
            prop_assert_eq!(rows[7].tp_reference, r.iter().filter(|gene| right(gene, &p)).count() as u64);
            prop_assert_eq!(rows[7].tp_prediction, p.iter().filter(|gene| right(gene, &r)).count() as u64);
            prop_assert_eq!((rows[7].n_reference, rows[7].n_prediction), (r.len() as u64, p.len() as u64));
        }
    }
}
