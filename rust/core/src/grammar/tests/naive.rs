//! What a gene is, said once more without the machine: choose segments, look at the bases.

use std::collections::BTreeSet;

use crate::dna;
use crate::gene::{GeneModel, Interval, Strand};
use crate::genetic_code::GeneticCode;
use crate::grammar::GrammarConfig;

/// Whether a chain of segments is a gene, by definition.
pub fn is_gene(codes: &[u8], gene: &GeneModel, config: &GrammarConfig, code: &GeneticCode) -> bool {
    let mirrored;
    let (codes, gene) = match gene.strand {
        Strand::Plus => (codes.to_vec(), gene),
        Strand::Minus => {
            mirrored = gene.mirror(codes.len() as u32);
            (dna::reverse_complement(codes), &mirrored)
        }
    };
    let cds = gene.cds(&codes);
    let codons: Vec<&[u8]> = cds.chunks(3).collect();
    let is_stop = |codon: &[u8]| code.is_stop(codon[0], codon[1], codon[2]);
    cds.len() % 3 == 0
        && codons.len() >= 2
        && !cds.contains(&dna::N)
        && gene.segments.iter().all(|s| !s.is_empty())
        && gene.segments.windows(2).all(|pair| is_intron(&codes, pair[0].end, pair[1].start, config))
        && code.is_start(cds[0], cds[1], cds[2], config.table_starts)
        && is_stop(codons[codons.len() - 1])
        && !codons[..codons.len() - 1].iter().any(|codon| is_stop(codon))
}

fn is_intron(codes: &[u8], start: u32, end: u32, config: &GrammarConfig) -> bool {
    let length = end as i64 - start as i64;
    let long_enough = length >= i64::from(config.min_intron).max(4);
    let short_enough = config.max_intron == 0 || length <= i64::from(config.max_intron);
    long_enough && short_enough && {
        let intron = dna::decode(&codes[start as usize..end as usize]);
        let ends = (&intron[..2], &intron[intron.len() - 2..]);
        [("GT", "AG"), ("GC", "AG"), ("AT", "AC")].iter().any(|(d, a)| ends == (d.as_bytes(), a.as_bytes()))
    }
}

/// All genes of both strands: every chain of introns, every start; the first stop ends it.
pub fn all_genes(codes: &[u8], config: &GrammarConfig, code: &GeneticCode) -> BTreeSet<GeneModel> {
    let length = codes.len() as u32;
    let reverse = dna::reverse_complement(codes);
    let minus = plus_genes(&reverse, config, code).into_iter().map(|gene| gene.mirror(length));
    plus_genes(codes, config, code).into_iter().chain(minus).collect()
}

/// All genes of the plus strand.
pub fn plus_genes(codes: &[u8], config: &GrammarConfig, code: &GeneticCode) -> Vec<GeneModel> {
    let length = codes.len() as u32;
    let pairs = (0..=length).flat_map(|start| (start..=length).map(move |end| (start, end)));
    let introns: Vec<_> = pairs.filter(|&(start, end)| is_intron(codes, start, end, config)).collect();
    let mut genes = Vec::new();
    chains(codes, &introns, &mut Vec::new(), config, code, &mut genes);
    genes
}

fn chains(
    codes: &[u8],
    introns: &[(u32, u32)],
    chain: &mut Vec<(u32, u32)>,
    config: &GrammarConfig,
    code: &GeneticCode,
    genes: &mut Vec<GeneModel>,
) {
    let first_end = chain.first().map_or(codes.len() as u32, |intron| intron.0);
    for start in 0..first_end {
        genes.extend(finish(codes, start, chain, code).filter(|gene| is_gene(codes, gene, config, code)));
    }
    let free = chain.last().map_or(0, |intron| intron.1 + 1);
    for &intron in introns.iter().filter(|intron| intron.0 >= free.max(1)) {
        chain.push(intron);
        chains(codes, introns, chain, config, code, genes);
        chain.pop();
    }
}

/// The chain read from a start to the first stop, if that lies after the last intron.
fn finish(codes: &[u8], start: u32, chain: &[(u32, u32)], code: &GeneticCode) -> Option<GeneModel> {
    let inside = |p: &u32| chain.iter().any(|intron| (intron.0..intron.1).contains(p));
    let exonic: Vec<u32> = (start..codes.len() as u32).filter(|p| !inside(p)).collect();
    let is_stop = |codon: &&[u32]| {
        let base = |i: usize| codes[codon[i] as usize];
        code.is_stop(base(0), base(1), base(2))
    };
    let end = exonic.chunks_exact(3).find(is_stop)?[2] + 1;
    let mut segments = Vec::new();
    let mut left = start;
    for &(intron_start, intron_end) in chain {
        segments.push(Interval::new(left, intron_start));
        left = intron_end;
    }
    segments.push(Interval::new(left, end));
    (left < end).then_some(GeneModel { strand: Strand::Plus, segments })
}
