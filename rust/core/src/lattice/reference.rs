//! All genes of a short sequence by naive enumeration, and sums over all annotations from them.

use crate::dna;
use crate::gene::{GeneModel, Interval, Strand};
use crate::genetic_code::GeneticCode;
use crate::grammar::GrammarConfig;

use super::POTENTIALS;

/// Every gene that the grammar lets through.
pub(super) fn all_genes(codes: &[u8], config: &GrammarConfig) -> Vec<GeneModel> {
    let mut genes = plus_genes(codes, config);
    let mirrored = plus_genes(&dna::reverse_complement(codes), config);
    genes.extend(mirrored.iter().map(|gene| gene.mirror(codes.len() as u32)));
    genes
}

fn plus_genes(codes: &[u8], config: &GrammarConfig) -> Vec<GeneModel> {
    let mut genes = Vec::new();
    for start in 0..codes.len() as u32 {
        extend(codes, config, &mut vec![Interval::new(start, start + 1)], &mut genes);
    }
    genes
}

/// Tries the chain as a gene, one base longer, and followed by an intron.
fn extend(codes: &[u8], config: &GrammarConfig, chain: &mut Vec<Interval>, genes: &mut Vec<GeneModel>) {
    let end = chain[chain.len() - 1].end;
    if end as usize > codes.len() {
        return;
    }
    let gene = GeneModel { strand: Strand::Plus, segments: chain.clone() };
    if is_gene(&gene, codes, config) {
        genes.push(gene);
    }
    let last = chain.len() - 1;
    chain[last].end += 1;
    extend(codes, config, chain, genes);
    chain[last].end -= 1;
    for start in end + 1..codes.len() as u32 {
        if is_intron(&codes[end as usize..start as usize], config) {
            chain.push(Interval::new(start, start + 1));
            extend(codes, config, chain, genes);
            chain.pop();
        }
    }
}

/// Whether an intron of the plus strand may be these bases.
fn is_intron(codes: &[u8], config: &GrammarConfig) -> bool {
    let letters = dna::decode(codes);
    let length = letters.len() as u32;
    let fits = length >= config.min_intron && (config.max_intron == 0 || length <= config.max_intron);
    let pairs: [(&[u8], &[u8]); 3] = [(b"GT", b"AG"), (b"GC", b"AG"), (b"AT", b"AC")];
    fits && pairs.iter().any(|(donor, acceptor)| letters.starts_with(donor) && letters.ends_with(acceptor))
}

/// Whether a gene on either strand is valid, from first principles.
pub(super) fn is_gene(gene: &GeneModel, codes: &[u8], config: &GrammarConfig) -> bool {
    let Ok(code) = GeneticCode::ncbi(config.genetic_code) else { return false };
    let cds = gene.cds(codes);
    let (first, last) = (&cds[..cds.len().min(3)], &cds[cds.len().saturating_sub(3)..]);
    if cds.len() < 6 || cds.len() % 3 != 0 || cds.contains(&dna::N) {
        return false;
    }
    let introns = gene.segments.windows(2).all(|pair| {
        let between = &codes[pair[0].end as usize..pair[1].start as usize];
        match gene.strand {
            Strand::Plus => is_intron(between, config),
            Strand::Minus => is_intron(&dna::reverse_complement(between), config),
        }
    });
    introns
        && code.is_start(first[0], first[1], first[2], config.table_starts)
        && code.is_stop(last[0], last[1], last[2])
        && !code.translate(&cds[..cds.len() - 3]).contains('*')
}

/// The potentials that a gene pays, summed.
pub(super) fn score(gene: &GeneModel, potentials: &[f32]) -> f64 {
    let at = |base: u32, column: usize| f64::from(potentials[base as usize * POTENTIALS + column]);
    let minus = usize::from(gene.strand == Strand::Minus);
    let mut coding: Vec<u32> = gene.segments.iter().flat_map(|s| s.start..s.end).collect();
    if minus == 1 {
        coding.reverse();
    }
    let labels = coding.iter().enumerate().map(|(i, &base)| at(base, 1 + 3 * minus + i % 3));
    let ends = at(coding[0], 9 + 4 * minus) + at(coding[coding.len() - 1], 10 + 4 * minus);
    let introns = gene.segments.windows(2).map(|pair| {
        let inside: f64 = (pair[0].end..pair[1].start).map(|base| at(base, 7 + minus)).sum();
        let (left, right) = (pair[0].end - 1, pair[1].start);
        let (donor, acceptor) = if minus == 0 { (left, right) } else { (right, left) };
        inside + at(donor, 11 + 4 * minus) + at(acceptor, 12 + 4 * minus)
    });
    labels.sum::<f64>() + ends + introns.sum::<f64>()
}

/// Sums over all annotations of the bases before each base, or, `backwards`, from each base on;
/// with `f64::max` instead of a log sum, the best one.
pub(super) fn sums(
    genes: &[GeneModel],
    potentials: &[f32],
    backwards: bool,
    join: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    let bases = potentials.len() / POTENTIALS;
    let mut sums = vec![f64::NEG_INFINITY; bases + 1];
    let steps: Vec<usize> = if backwards { (0..bases).rev().collect() } else { (1..=bases).collect() };
    sums[if backwards { bases } else { 0 }] = 0.0;
    for at in steps {
        let (base, neighbour) = if backwards { (at, at + 1) } else { (at - 1, at - 1) };
        let mut sum = sums[neighbour] + f64::from(potentials[base * POTENTIALS]);
        for gene in genes {
            let (near, far) = if backwards { (gene.start(), gene.end()) } else { (gene.end(), gene.start()) };
            if near as usize == at {
                sum = join(sum, sums[far as usize] + score(gene, potentials));
            }
        }
        sums[at] = sum;
    }
    sums
}
