//! Segmentation labels: what each base is, read off the gene models.

use crate::gene::{GeneModel, Interval, Strand};

/// Outside every coding sequence.
pub const INTERGENIC: u8 = 0;
/// First codon position on the plus strand; the second and third follow.
pub const CODON_PLUS: u8 = 1;
/// First codon position on the minus strand; the second and third follow.
pub const CODON_MINUS: u8 = 4;
/// Between two coding segments of a gene on the plus strand.
pub const INTRON_PLUS: u8 = 7;
/// Between two coding segments of a gene on the minus strand.
pub const INTRON_MINUS: u8 = 8;
/// Not known or not unique; ignored in training.
pub const UNKNOWN: u8 = 255;
/// Number of classes without [`UNKNOWN`].
pub const CLASSES: usize = 9;

/// Writes a gene's labels into those of a window that begins at base `origin`; where another
/// gene's label differs the base becomes [`UNKNOWN`].
pub fn paint(labels: &mut [u8], origin: u32, gene: &GeneModel) {
    let (codon, intron) = match gene.strand {
        Strand::Plus => (CODON_PLUS, INTRON_PLUS),
        Strand::Minus => (CODON_MINUS, INTRON_MINUS),
    };
    let total = gene.cds_len();
    let mut before = 0;
    let mut last_end = None;
    for segment in &gene.segments {
        if let Some(end) = last_end {
            put(labels, origin, Interval::new(end, segment.start), |_| intron);
        }
        put(labels, origin, *segment, |base| {
            let read = before + (base - segment.start);
            let step = match gene.strand {
                Strand::Plus => read,
                Strand::Minus => total - 1 - read,
            };
            codon + (step % 3) as u8
        });
        before += segment.len();
        last_end = Some(segment.end);
    }
}

/// The labels of a stretch of `length` bases that begins at base `origin`, from the genes that touch it.
///
/// ```
/// use genet5_core::gene::{GeneModel, Interval, Strand};
/// let gene = GeneModel { strand: Strand::Plus, segments: vec![Interval::new(2, 5), Interval::new(7, 10)] };
/// assert_eq!(genet5_core::labels::of_genes(3, 8, &[gene]), [2, 3, 7, 7, 1, 2, 3, 0]);
/// ```
pub fn of_genes(origin: u32, length: usize, genes: &[GeneModel]) -> Vec<u8> {
    let mut labels = vec![INTERGENIC; length];
    genes.iter().for_each(|gene| paint(&mut labels, origin, gene));
    labels
}

/// Makes every base of a window from a gene's start to its end [`UNKNOWN`].
pub fn blot(labels: &mut [u8], origin: u32, gene: &GeneModel) {
    let inside = clip(Interval::new(gene.start(), gene.end()), origin, labels.len());
    labels[(inside.start - origin) as usize..(inside.end - origin) as usize].fill(UNKNOWN);
}

fn put(labels: &mut [u8], origin: u32, bases: Interval, label: impl Fn(u32) -> u8) {
    let inside = clip(bases, origin, labels.len());
    for base in inside.start..inside.end {
        let old = &mut labels[(base - origin) as usize];
        let new = label(base);
        *old = if *old == INTERGENIC || *old == new { new } else { UNKNOWN };
    }
}

/// The part of `bases` that lies in a window.
fn clip(bases: Interval, origin: u32, length: usize) -> Interval {
    let start = bases.start.max(origin);
    Interval::new(start, bases.end.min(origin.saturating_add(length as u32)).max(start).max(origin))
}

/// The labels of the reverse complement.
pub fn reverse_complement(labels: &[u8]) -> Vec<u8> {
    labels.iter().rev().map(|&label| opposite(label)).collect()
}

/// The label of the same base seen from the other strand.
fn opposite(label: u8) -> u8 {
    match label {
        1..=3 => label + 3,
        4..=6 => label - 3,
        7 => 8,
        8 => 7,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gene(strand: Strand, segments: &[(u32, u32)]) -> GeneModel {
        GeneModel { strand, segments: segments.iter().map(|&(s, e)| Interval::new(s, e)).collect() }
    }

    #[test]
    fn codon_positions_run_through_introns() {
        let mut labels = vec![0; 14];
        paint(&mut labels, 0, &gene(Strand::Plus, &[(1, 5), (8, 13)]));
        assert_eq!(labels, [0, 1, 2, 3, 1, 7, 7, 7, 2, 3, 1, 2, 3, 0]);
        let mut minus = vec![0; 14];
        paint(&mut minus, 0, &gene(Strand::Plus, &[(1, 5), (8, 13)]).mirror(14));
        assert_eq!(minus, reverse_complement(&labels));
        assert_eq!(reverse_complement(&minus), labels);
    }

    #[test]
    fn a_gene_over_the_edge_labels_what_lies_inside() {
        let gene = gene(Strand::Minus, &[(1, 5), (8, 13)]);
        let mut whole = vec![0; 20];
        paint(&mut whole, 0, &gene);
        for (start, end) in [(0, 4), (3, 9), (6, 8), (10, 20), (13, 20)] {
            let mut part = vec![0; end - start];
            paint(&mut part, start as u32, &gene);
            assert_eq!(part, whole[start..end]);
            blot(&mut part, start as u32, &gene);
            let inside = |base: usize| (1..13).contains(&base);
            assert!((start..end).all(|base| (part[base - start] == UNKNOWN) == inside(base)));
        }
    }

    #[test]
    fn bases_of_two_genes_that_disagree_are_unknown() {
        let mut labels = vec![0; 10];
        paint(&mut labels, 0, &gene(Strand::Plus, &[(0, 6)]));
        paint(&mut labels, 0, &gene(Strand::Plus, &[(3, 9)]));
        assert_eq!(labels, [1, 2, 3, 1, 2, 3, 1, 2, 3, 0]);
        paint(&mut labels, 0, &gene(Strand::Minus, &[(4, 10)]));
        assert_eq!(labels, [1, 2, 3, 1, 255, 255, 255, 255, 255, 4]);
        blot(&mut labels, 0, &gene(Strand::Minus, &[(0, 1), (2, 3)]));
        assert_eq!(labels[..4], [255, 255, 255, 1]);
    }
}
