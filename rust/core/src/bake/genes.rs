//! The genes of a species as bake sees them: one canonical transcript each, checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::annotation;
use crate::dna;
use crate::error::{Error, Result};
use crate::fasta::{self, Contig};
use crate::gene::GeneModel;
use crate::genetic_code::GeneticCode;
use crate::grammar::GrammarConfig;
use crate::score::names;
use crate::validate;

/// Reason of a valid gene that is no target, since another one has its stop codon.
pub const SHARED_STOP: &str = "shared_stop";

/// A coding gene with its canonical transcript.
#[derive(Debug, Clone)]
pub struct Gene {
    /// The annotation's ID.
    pub id: String,
    /// Index of the contig.
    pub contig: usize,
    /// The CDS of the canonical transcript.
    pub model: GeneModel,
    /// Why it is no valid reading frame.
    pub invalid: Option<&'static str>,
    /// A longer gene ends at the same base, so the gene language cannot write this one too.
    pub shadowed: bool,
}

impl Gene {
    /// Whether a window that holds it whole has it as a target.
    pub fn is_target(&self) -> bool {
        self.invalid.is_none() && !self.shadowed
    }
}

/// A species in memory.
pub struct Species {
    /// Its contigs.
    pub contigs: Vec<Contig>,
    /// Its coding genes, by contig, then start.
    pub genes: Vec<Gene>,
    /// Repairs that the annotation needed, by kind.
    pub repairs: BTreeMap<&'static str, u64>,
}

/// The genome and annotation files of a species folder.
///
/// # Errors
/// [`Error::Input`] when one is missing.
pub fn files(folder: &Path) -> Result<[PathBuf; 2]> {
    let find = |names: &[&str], what: &str| {
        names.iter().map(|name| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
            Error::input(folder, None, format!("no {what}: one of {} is needed", names.join(", ")))
        })
    };
    Ok([find(&["fna.gz", "fna"], "genome")?, find(&["gff.gz", "gff", "gtf.gz", "gtf"], "annotation")?])
}

/// Reads and checks a species.
///
/// # Errors
/// What the readers say, or [`Error::Input`] for a gene on a contig that the genome lacks, and for the
/// first repair if the reading is to be strict.
pub fn read(folder: &Path, grammar: &GrammarConfig, strict: bool) -> Result<Species> {
    let [genome, table] = files(folder)?;
    let (contigs, annotation) = rayon::join(|| fasta::read(&genome), || annotation::read(&table));
    let (contigs, annotation) = (contigs?, annotation?);
    if strict {
        annotation.refuse_repairs(&table)?;
    }
    let by_name: FxHashMap<&str, usize> =
        contigs.iter().enumerate().map(|(index, contig)| (contig.name.as_str(), index)).collect();
    let place = |gene: &annotation::Gene| {
        by_name.get(gene.contig.as_str()).copied().ok_or_else(|| {
            let contigs: Vec<String> = contigs.iter().map(|contig| contig.name.clone()).collect();
            let name = names::with_nearest(&gene.contig, &contigs);
            let message = format!(
                "gene {} lies on {name}, which {} lacks; give the genome and the annotation of one assembly",
                gene.id,
                genome.display()
            );
            Error::input(&table, gene.line, message)
        })
    };
    let placed: Vec<usize> = annotation.genes.iter().map(place).collect::<Result<_>>()?;
    let code = GeneticCode::ncbi(grammar.genetic_code)?;
    let codes: Vec<Vec<u8>> = contigs.par_iter().map(|contig| dna::encode(&contig.sequence)).collect();
    let mut genes: Vec<Gene> = annotation
        .genes
        .par_iter()
        .zip(&placed)
        .filter_map(|(gene, &contig)| {
            let transcript = gene.canonical()?;
            let checked = validate::check_transcript(gene, transcript, &codes[contig], grammar, &code);
            Some(Gene {
                id: gene.id.clone(),
                contig,
                model: transcript.model(gene.strand),
                invalid: checked.err().map(|reason| reason.name()),
                shadowed: false,
            })
        })
        .collect();
    genes.sort_by_key(|gene| (gene.contig, gene.model.start(), gene.model.end()));
    shadow(&mut genes);
    Ok(Species { contigs, genes, repairs: annotation.repairs })
}

/// Of valid genes with one anchor only the one with the longest CDS can be written.
fn shadow(genes: &mut [Gene]) {
    let mut best: FxHashMap<(usize, u32), usize> = FxHashMap::default();
    for index in 0..genes.len() {
        if genes[index].invalid.is_some() {
            continue;
        }
        let anchor = (genes[index].contig, genes[index].model.anchor());
        let Some(&other) = best.get(&anchor) else {
            best.insert(anchor, index);
            continue;
        };
        let longer = genes[index].model.cds_len() > genes[other].model.cds_len();
        let (winner, loser) = if longer { (index, other) } else { (other, index) };
        genes[loser].shadowed = true;
        best.insert(anchor, winner);
    }
}
