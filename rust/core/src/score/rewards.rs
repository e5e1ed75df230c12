//! Rewards of many decoded windows in one call: no allocation per window.

use rayon::prelude::*;

use crate::threads::pool;
use crate::{Error, Result};

/// Genes of many windows as arrays with offsets.
#[derive(Debug, Clone, Copy)]
pub struct Windows<'a> {
    /// First gene of each window, and the number of genes at the end.
    pub window_genes: &'a [i64],
    /// Strand of each gene: 0 plus, 1 minus.
    pub gene_minus: &'a [u8],
    /// First segment of each gene, and the number of segments at the end.
    pub gene_segments: &'a [i64],
    /// Start and end of each segment in turn, 0-based and half-open, not negative.
    pub segments: &'a [i32],
}

/// One number a window and measure, 0 to 1.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rewards {
    /// F1 of coding bases of a strand.
    pub nucleotide_f1: Vec<f32>,
    /// F1 of segments with both ends and their strand.
    pub exon_f1: Vec<f32>,
    /// F1 of whole chains.
    pub gene_f1: Vec<f32>,
    /// Share of the predicted genes that are well formed; 1 where nothing is predicted.
    pub validity: Vec<f32>,
    /// F1 of starts, stops, donors and acceptors with their strand; empty where not asked for.
    pub site_f1: Vec<f32>,
}

impl<'a> Windows<'a> {
    /// Number of windows.
    pub fn len(&self) -> usize {
        self.window_genes.len().saturating_sub(1)
    }

    /// Whether there is no window.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check(&self, side: &str) -> Result<()> {
        offsets(side, "window_genes", self.window_genes, self.gene_minus.len())?;
        offsets(side, "gene_segments", self.gene_segments, self.segments.len() / 2)?;
        if self.gene_segments.len() != self.gene_minus.len() + 1 {
            return Err(Error::value(format!(
                "{side}: gene_segments must have one entry more than there are genes"
            )));
        }
        if self.gene_minus.iter().any(|&minus| minus > 1) {
            return Err(Error::value(format!("{side}: a strand is 0 (plus) or 1 (minus)")));
        }
        if self.segments.iter().any(|&position| position < 0) {
            return Err(Error::value(format!("{side}: a segment has a negative position")));
        }
        Ok(())
    }

    fn genes(&self, window: usize) -> std::ops::Range<usize> {
        self.window_genes[window] as usize..self.window_genes[window + 1] as usize
    }

    /// The genes of a window, those of the plus strand first: mostly in the order of their keys.
    fn by_strand(&self, window: usize) -> impl Iterator<Item = usize> + 'a {
        let (genes, minus) = (self.genes(window), self.gene_minus);
        let of = move |strand| genes.clone().filter(move |&gene| minus[gene] == strand);
        of(0).chain(of(1))
    }

    /// Strand, and starts and ends in turn.
    fn gene(&self, gene: usize) -> (u8, &'a [i32]) {
        let range = 2 * self.gene_segments[gene] as usize..2 * self.gene_segments[gene + 1] as usize;
        (self.gene_minus[gene], &self.segments[range])
    }
}

fn offsets(side: &str, name: &str, offsets: &[i64], length: usize) -> Result<()> {
    let ends = offsets.first() == Some(&0) && offsets.last() == Some(&(length as i64));
    if !ends || offsets.windows(2).any(|pair| pair[0] > pair[1]) {
        return Err(Error::value(format!(
            "{side}: {name} must ascend from 0 to {length}, the length of its array"
        )));
    }
    Ok(())
}

/// Scores each window of `predictions` against the same window of `references`.
///
/// A predicted gene is well formed when its segments are not empty, ascend without overlap, and add up
/// to a whole number of codons; and, where `valid` has a flag for each predicted gene, when that is not
/// 0. A gene, segment or site that is there twice counts once. F1 is 1 where both sides are empty.
///
/// # Errors
/// [`Error::Value`] when arrays do not fit together.
pub fn rewards(
    predictions: &Windows,
    references: &Windows,
    valid: Option<&[u8]>,
    sites: bool,
    threads: usize,
) -> Result<Rewards> {
    predictions.check("predictions")?;
    references.check("references")?;
    if predictions.len() != references.len() {
        let (p, r) = (predictions.len(), references.len());
        return Err(Error::value(format!("{p} windows of predictions and {r} of references")));
    }
    if valid.is_some_and(|flags| flags.len() != predictions.gene_minus.len()) {
        return Err(Error::value("valid must have one flag for each predicted gene"));
    }
    let n = predictions.len();
    let mut all = Rewards {
        nucleotide_f1: vec![0.0; n],
        exon_f1: vec![0.0; n],
        gene_f1: vec![0.0; n],
        validity: vec![0.0; n],
        site_f1: vec![0.0; n * usize::from(sites)],
    };
    if threads == 1 {
        fill(&mut Scratch::default(), all.chunks(n.max(1)).next(), predictions, references, valid);
        return Ok(all);
    }
    pool(threads)?.install(|| {
        let parts: Vec<Part> = all.chunks(4096).collect();
        parts.into_par_iter().for_each_init(Scratch::default, |scratch, part| {
            fill(scratch, Some(part), predictions, references, valid);
        });
    });
    Ok(all)
}

/// The results of neighbouring windows.
struct Part<'a> {
    first: usize,
    nucleotide: &'a mut [f32],
    exon: &'a mut [f32],
    gene: &'a mut [f32],
    validity: &'a mut [f32],
    site: Option<&'a mut [f32]>,
}

impl Rewards {
    fn chunks(&mut self, size: usize) -> impl Iterator<Item = Part<'_>> {
        self.nucleotide_f1
            .chunks_mut(size)
            .zip(self.exon_f1.chunks_mut(size))
            .zip(self.gene_f1.chunks_mut(size))
            .zip(self.validity.chunks_mut(size))
            // as many parts without sites
            .zip(self.site_f1.chunks_mut(size).map(Some).chain(std::iter::repeat_with(|| None)))
            .enumerate()
            .map(move |(i, ((((nucleotide, exon), gene), validity), site))| Part {
                first: i * size,
                nucleotide,
                exon,
                gene,
                validity,
                site,
            })
    }
}

/// Space that is used again for every window.
#[derive(Default)]
struct Scratch {
    exons: [Vec<u64>; 2],
    genes: [Vec<u32>; 2],
}

fn fill(
    scratch: &mut Scratch,
    part: Option<Part>,
    predictions: &Windows,
    references: &Windows,
    valid: Option<&[u8]>,
) {
    let Some(mut part) = part else { return };
    for i in 0..part.gene.len() {
        let window = part.first + i;
        let [exons, other_exons] = &mut scratch.exons;
        collect(exons, predictions, window);
        collect(other_exons, references, window);
        part.nucleotide[i] = nucleotide_f1(exons, other_exons);
        let tp = common(exons, other_exons, u64::cmp);
        part.exon[i] = f1(tp, exons.len(), other_exons.len());
        part.gene[i] = gene_f1(&mut scratch.genes, predictions, references, window);
        part.validity[i] = validity(predictions, window, valid);
        if let Some(site) = &mut part.site {
            // the space of the exons serves once more
            let [sites, other_sites] = &mut scratch.exons;
            collect_sites(sites, predictions, window);
            collect_sites(other_sites, references, window);
            site[i] = f1(common(sites, other_sites, u64::cmp), sites.len(), other_sites.len());
        }
    }
}

/// 2 TP / (keys of both sides); 1 where there are none.
fn f1(tp: usize, a: usize, b: usize) -> f32 {
    if a + b == 0 {
        1.0
    } else {
        (2.0 * tp as f64 / (a + b) as f64) as f32
    }
}

/// The window's segments, each once, sorted, with strand, start and end in one number.
fn collect(exons: &mut Vec<u64>, windows: &Windows, window: usize) {
    exons.clear();
    for gene in windows.by_strand(window) {
        let (minus, segments) = windows.gene(gene);
        let strand = u64::from(minus) << 63;
        exons.extend(segments.chunks_exact(2).map(|s| strand | (s[0] as u64) << 32 | s[1] as u64));
    }
    if !exons.is_sorted() {
        exons.sort_unstable();
    }
    exons.dedup();
}

/// The window's signals, each once, sorted, with strand, kind and position in one number: the outer ends of a gene are
/// its start and stop, the inner ones splice sites.
fn collect_sites(sites: &mut Vec<u64>, windows: &Windows, window: usize) {
    sites.clear();
    for gene in windows.by_strand(window) {
        let (minus, ends) = windows.gene(gene);
        let strand = u64::from(minus) << 63;
        sites.extend(ends.iter().enumerate().map(|(i, &position)| {
            let (right, inner) = (i & 1, usize::from(i > 0 && i + 1 < ends.len()));
            strand | ((2 * inner + right) as u64) << 32 | position as u64
        }));
    }
    sites.sort_unstable();
    sites.dedup();
}

/// Keys in both of two sorted lists without repetition.
fn common<T>(a: &[T], b: &[T], order: impl Fn(&T, &T) -> std::cmp::Ordering) -> usize {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let order = order(&a[i], &b[j]);
        both += usize::from(order.is_eq());
        i += usize::from(order.is_le());
        j += usize::from(order.is_ge());
    }
    both
}

/// Strand, first base and end of what is left of a union of sorted segments.
struct Union<'a> {
    exons: &'a [u64],
    at: usize,
}

impl Iterator for Union<'_> {
    type Item = (u64, u64, u64);

    fn next(&mut self) -> Option<Self::Item> {
        let split = |key: u64| (key >> 63, key >> 32 & 0x7fff_ffff, key & 0xffff_ffff);
        loop {
            let (strand, start, mut end) = split(*self.exons.get(self.at)?);
            self.at += 1;
            if start >= end {
                continue;
            }
            while let Some((_, _, next_end)) = self
                .exons
                .get(self.at)
                .map(|&key| split(key))
                .filter(|next| next.0 == strand && next.1 <= end)
            {
                end = end.max(next_end);
                self.at += 1;
            }
            return Some((strand, start, end));
        }
    }
}

fn nucleotide_f1(exons: &[u64], others: &[u64]) -> f32 {
    let (mut ours, mut theirs) = (Union { exons, at: 0 }, Union { exons: others, at: 0 });
    let (mut x, mut y) = (ours.next(), theirs.next());
    let (mut tp, mut a, mut b) = (0, 0, 0);
    loop {
        let ours_first = match (x, y) {
            (None, None) => return f1(tp, a, b),
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(x), Some(y)) => {
                if x.0 == y.0 {
                    tp += x.2.min(y.2).saturating_sub(x.1.max(y.1)) as usize;
                }
                (x.0, x.2) <= (y.0, y.2)
            }
        };
        // the one that ends first can meet nothing more
        let (done, size, from) =
            if ours_first { (&mut x, &mut a, &mut ours) } else { (&mut y, &mut b, &mut theirs) };
        *size += done.map_or(0, |s| (s.2 - s.1) as usize);
        *done = from.next();
    }
}

fn gene_f1(genes: &mut [Vec<u32>; 2], predictions: &Windows, references: &Windows, window: usize) -> f32 {
    let [ours, theirs] = genes;
    for (list, windows) in [(&mut *ours, predictions), (&mut *theirs, references)] {
        list.clear();
        list.extend(windows.by_strand(window).map(|gene| gene as u32));
        if !list.is_sorted_by_key(|&gene| windows.gene(gene as usize)) {
            list.sort_unstable_by_key(|&gene| windows.gene(gene as usize));
        }
        list.dedup_by_key(|gene| windows.gene(*gene as usize));
    }
    let order = |a: &u32, b: &u32| predictions.gene(*a as usize).cmp(&references.gene(*b as usize));
    f1(common(ours, theirs, order), ours.len(), theirs.len())
}

fn validity(predictions: &Windows, window: usize, valid: Option<&[u8]>) -> f32 {
    let genes = predictions.genes(window);
    let n = genes.len();
    let good = genes
        .filter(|&gene| valid.is_none_or(|flags| flags[gene] != 0) && well_formed(predictions.gene(gene).1))
        .count();
    if n == 0 {
        1.0
    } else {
        (good as f64 / n as f64) as f32
    }
}

fn well_formed(segments: &[i32]) -> bool {
    let pairs = || segments.chunks_exact(2);
    let bases: i64 = pairs().map(|s| i64::from(s[1]) - i64::from(s[0])).sum();
    !segments.is_empty() && bases % 3 == 0 && pairs().all(|s| s[0] < s[1]) && segments.is_sorted()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: Windows = Windows {
        window_genes: &[0, 2, 2, 3],
        gene_minus: &[0, 1, 0],
        gene_segments: &[0, 2, 3, 4],
        segments: &[0, 30, 60, 90, 10, 40, 0, 9],
    };

    #[test]
    fn a_batch_against_itself_is_perfect() {
        let ones = vec![1.0; 3];
        let all = Rewards {
            nucleotide_f1: ones.clone(),
            exon_f1: ones.clone(),
            gene_f1: ones.clone(),
            validity: ones.clone(),
            site_f1: ones,
        };
        for threads in [1, 2] {
            assert_eq!(rewards(&REFERENCE, &REFERENCE, None, true, threads).expect("scored"), all);
        }
    }

    #[test]
    fn half_a_gene_costs_what_it_should() {
        let prediction = Windows {
            window_genes: &[0, 2, 3, 3],
            gene_minus: &[0, 1, 0],
            gene_segments: &[0, 1, 2, 3],
            segments: &[0, 30, 10, 40, 5, 9],
        };
        let found = rewards(&prediction, &REFERENCE, Some(&[1, 0, 1]), true, 1).expect("scored");
        assert_eq!(found.nucleotide_f1, [0.8, 0.0, 0.0]);
        assert_eq!(found.exon_f1, [0.8, 0.0, 0.0]);
        assert_eq!(found.gene_f1, [0.5, 0.0, 0.0]);
        assert_eq!(found.validity, [0.5, 0.0, 1.0]);
        // the first gene lost its second exon: its start is right, and its end is no stop but a donor
        assert_eq!(found.site_f1, [0.6, 0.0, 0.0]);
        let fewer = rewards(&prediction, &REFERENCE, Some(&[1, 0, 1]), false, 1).expect("scored");
        assert_eq!(fewer, Rewards { site_f1: vec![], ..found });
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused() {
        let bad = [
            Windows { window_genes: &[0, 2, 1, 3], ..REFERENCE },
            Windows { window_genes: &[], ..REFERENCE },
            Windows { gene_segments: &[0, 2, 3], ..REFERENCE },
            Windows { gene_minus: &[0, 2, 0], ..REFERENCE },
            Windows { segments: &[0, 30, 60, 90, -1, 40, 0, 9], ..REFERENCE },
            Windows { window_genes: &[0, 3], ..REFERENCE },
        ];
        for windows in bad {
            assert!(rewards(&windows, &REFERENCE, None, true, 1).is_err());
        }
        assert!(rewards(&REFERENCE, &REFERENCE, Some(&[1]), true, 1).is_err());
    }
}
