//! The longest-ORF baseline: what can be had without any model.
//!
//! Every stop codon with its farthest in-frame ATG is a candidate, on both strands and without
//! introns; the longest are taken first, and one that overlaps a longer one too much is dropped.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::fasta::{self, Contig};
use crate::gene::{GeneModel, Interval, Strand};
use crate::genetic_code::GeneticCode;
use crate::gff3::{self, OutputGene};
use crate::score::{self, names, Comparison, GeneSet, Row, Selection};
use crate::{dna, files, Error, Result};

/// Share of an ORF's bases that longer ORFs, of either strand, may cover before it is dropped.
pub const MAX_OVERLAP: f64 = 0.1;

/// What [`run`] may be told.
#[derive(Debug, Clone)]
pub struct Options {
    /// The contigs to use; all where none are named.
    pub contigs: Option<Vec<String>>,
    /// Shortest ORF in bases with its stop codon; the best for gene F1 where there is none.
    pub min_length: Option<u32>,
    /// NCBI table.
    pub genetic_code: u8,
    /// A GFF3 file to write the ORFs to.
    pub output: Option<PathBuf>,
}

/// Scores the longest ORFs of a genome against a reference: the minimum length and the comparison.
///
/// # Errors
/// What the readers complain about; an unknown contig or genetic code; [`Error::Interrupted`].
pub fn run(
    reference: &Path,
    genome: &Path,
    options: &Options,
    stop: &AtomicBool,
) -> Result<(u32, Comparison)> {
    let code = GeneticCode::ncbi(options.genetic_code)?;
    let selection = Selection { contigs: options.contigs.clone(), ..Selection::default() };
    let reference_path = reference;
    let mut reference = GeneSet::read(reference_path, &selection)?;
    reference.select(&selection);
    let mut contigs = fasta::read(genome)?;
    let names: Vec<&str> = contigs.iter().map(|contig| contig.name.as_str()).collect();
    names::refuse_foreign_genome(reference_path, &reference.contigs, genome, &names)?;
    if let Some(chosen) = &options.contigs {
        score::refuse_unknown(chosen, |name| contigs.iter().any(|contig| contig.name == name))?;
        contigs.retain(|contig| chosen.contains(&contig.name));
    }
    let mut orfs = predict(&contigs, &code, stop)?;
    let known: Vec<_> = reference.models().map(|(contig, model)| (contig.to_string(), model)).collect();
    let shortest = options.min_length.unwrap_or_else(|| best_min_length(&orfs, &known));
    orfs.retain(|(_, orf)| orf.cds_len() >= shortest);
    if let Some(output) = &options.output {
        write(output, &contigs, &orfs)?;
    }
    Ok((shortest, score::compare(&reference, &GeneSet::of_models(orfs))))
}

/// The chosen ORFs of any length of all contigs.
fn predict(contigs: &[Contig], code: &GeneticCode, stop: &AtomicBool) -> Result<Vec<(String, GeneModel)>> {
    let mut found = Vec::new();
    for contig in contigs {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let chosen = choose(orfs(&dna::encode(&contig.sequence), code, 0), MAX_OVERLAP);
        found.extend(chosen.into_iter().map(|orf| (contig.name.clone(), orf)));
    }
    Ok(found)
}

/// All ORFs of a contig, ATG to stop, the longest of each stop codon, of at least `min_length` bases
/// with the stop codon.
pub fn orfs(codes: &[u8], code: &GeneticCode, min_length: u32) -> Vec<GeneModel> {
    let length = codes.len() as u32;
    let mut found = plus_orfs(codes, code, min_length);
    let mirrored = plus_orfs(&dna::reverse_complement(codes), code, min_length);
    found.extend(mirrored.iter().map(|orf| orf.mirror(length)));
    found
}

fn plus_orfs(codes: &[u8], code: &GeneticCode, min_length: u32) -> Vec<GeneModel> {
    let mut found = Vec::new();
    for frame in 0..3.min(codes.len()) {
        let mut start = None;
        for (i, codon) in codes[frame..].chunks_exact(3).enumerate() {
            let at = (frame + 3 * i) as u32;
            if codon.contains(&dna::N) {
                start = None;
            } else if code.is_stop(codon[0], codon[1], codon[2]) {
                let orf = start.take().map(|start| Interval::new(start, at + 3));
                found.extend(orf.filter(|orf| orf.len() >= min_length));
            } else if start.is_none() && code.is_start(codon[0], codon[1], codon[2], false) {
                start = Some(at);
            }
        }
    }
    found.into_iter().map(|orf| GeneModel { strand: Strand::Plus, segments: vec![orf] }).collect()
}

/// The ORFs that are left when longer ones go first, longest first.
///
/// The choice for a larger minimum length is the beginning of this list.
pub fn choose(mut orfs: Vec<GeneModel>, max_overlap: f64) -> Vec<GeneModel> {
    orfs.sort_unstable_by_key(|orf| (std::cmp::Reverse(orf.cds_len()), orf.start(), orf.strand));
    let mut covered = Covered::new(orfs.iter().map(GeneModel::end).max().unwrap_or(0));
    orfs.retain(|orf| {
        let keep = f64::from(covered.count(orf)) <= max_overlap * f64::from(orf.cds_len());
        if keep {
            covered.add(orf);
        }
        keep
    });
    orfs
}

/// Which bases are taken.
struct Covered(Vec<bool>);

impl Covered {
    fn new(length: u32) -> Self {
        Covered(vec![false; length as usize])
    }

    fn count(&self, orf: &GeneModel) -> u32 {
        self.0[orf.start() as usize..orf.end() as usize].iter().map(|&taken| u32::from(taken)).sum()
    }

    fn add(&mut self, orf: &GeneModel) {
        self.0[orf.start() as usize..orf.end() as usize].fill(true);
    }
}

/// The minimum length with the best gene F1 against a reference, the smallest of several.
///
/// `chosen` and `reference` hold (contig, gene) of all contigs; `chosen` in any order.
pub fn best_min_length(chosen: &[(String, GeneModel)], reference: &[(String, GeneModel)]) -> u32 {
    let known: FxHashSet<&(String, GeneModel)> = reference.iter().collect();
    let mut by_length: Vec<&(String, GeneModel)> = chosen.iter().collect();
    by_length.sort_unstable_by_key(|orf| std::cmp::Reverse(orf.1.cds_len()));
    let (mut right, mut best, mut best_f1) = (0, 0, -1.0);
    for (i, orf) in by_length.iter().enumerate() {
        right += u64::from(known.contains(orf));
        let last_of_its_length = by_length.get(i + 1).is_none_or(|next| next.1.cds_len() < orf.1.cds_len());
        let f1 = Row::paired("gene", right, known.len() as u64, i as u64 + 1).f1().unwrap_or(0.0);
        if last_of_its_length && f1 >= best_f1 {
            (best, best_f1) = (orf.1.cds_len(), f1);
        }
    }
    best
}

/// Writes the ORFs as GFF3.
fn write(path: &Path, contigs: &[Contig], orfs: &[(String, GeneModel)]) -> Result<()> {
    let lengths: Vec<(String, u64)> =
        contigs.iter().map(|contig| (contig.name.clone(), contig.sequence.len() as u64)).collect();
    let index: FxHashMap<&str, usize> =
        contigs.iter().enumerate().map(|(i, c)| (c.name.as_str(), i)).collect();
    let output = |(contig, model): &(String, GeneModel)| {
        Some(OutputGene { contig: *index.get(contig.as_str())?, model: model.clone(), score: None })
    };
    let genes: Vec<OutputGene> = orfs.iter().filter_map(output).collect();
    files::write_atomic(path, |out| gff3::write(out, &lengths, &genes, "orf_", "longest_ORF").map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard() -> GeneticCode {
        GeneticCode::ncbi(1).expect("table 1")
    }

    fn places(orfs: &[GeneModel]) -> Vec<(char, u32, u32)> {
        orfs.iter().map(|orf| (orf.strand.symbol(), orf.start(), orf.end())).collect()
    }

    #[test]
    fn an_orf_begins_at_the_farthest_atg_of_its_stop() {
        let codes = dna::encode(b"CCATGAAAATGAAATAACC");
        assert_eq!(places(&orfs(&codes, &standard(), 0)), [('+', 2, 17)]);
        assert_eq!(places(&orfs(&dna::reverse_complement(&codes), &standard(), 0)), [('-', 2, 17)]);
        assert!(orfs(&codes, &standard(), 16).is_empty());
    }

    #[test]
    fn unknown_bases_end_an_orf() {
        assert!(orfs(&dna::encode(b"ATGAANAAATAA"), &standard(), 0).is_empty());
    }

    #[test]
    fn sequences_shorter_than_a_codon_have_none() {
        for sequence in [&b""[..], b"A", b"AT"] {
            assert!(orfs(&dna::encode(sequence), &standard(), 0).is_empty());
        }
    }

    #[test]
    fn the_longer_of_two_overlapping_orfs_stays() {
        let orf = |start, end| GeneModel { strand: Strand::Plus, segments: vec![Interval::new(start, end)] };
        let chosen = choose(vec![orf(80, 140), orf(0, 90), orf(60, 120)], 0.2);
        assert_eq!(places(&chosen), [('+', 0, 90), ('+', 80, 140)]);
    }

    #[test]
    fn the_best_minimum_length_keeps_the_right_ones() {
        let orf = |start: u32, end| {
            ("c".to_string(), GeneModel { strand: Strand::Plus, segments: vec![Interval::new(start, end)] })
        };
        let orfs = [orf(0, 30), orf(100, 190), orf(200, 260), orf(300, 336)];
        assert_eq!(best_min_length(&orfs, &orfs[1..3]), 60);
        assert_eq!(best_min_length(&[], &orfs), 0);
    }
}
