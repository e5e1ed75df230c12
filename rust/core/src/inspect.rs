//! What is in an annotation: counts, repairs, invalid genes, and each gene as one JSON record.

use std::collections::BTreeMap;
use std::path::Path;

use rustc_hash::FxHashMap;
use serde::Serialize;

use crate::annotation::{self, Annotation, Gene};
use crate::dna;
use crate::error::Result;
use crate::fasta::{self, Contig};
use crate::genetic_code::GeneticCode;
use crate::grammar::GrammarConfig;
use crate::score::names;
use crate::validate::{check_transcript, Reason};

/// Reads an annotation, and with a genome gives the verdict on each gene; `strict` refuses repairs.
///
/// # Errors
/// What the readers say; [`crate::Error::Input`] for a genome without any sequence of the annotation, and
/// for the first repair if `strict`; [`crate::Error::Value`] for an unknown genetic code.
pub fn read(
    path: &Path,
    genome: Option<&Path>,
    config: &GrammarConfig,
    strict: bool,
) -> Result<(Annotation, Option<Vec<Option<Reason>>>)> {
    let annotation = annotation::read(path)?;
    if strict {
        annotation.refuse_repairs(path)?;
    }
    let Some(genome) = genome else { return Ok((annotation, None)) };
    let contigs = fasta::read(genome)?;
    let names: Vec<&str> = contigs.iter().map(|contig| contig.name.as_str()).collect();
    names::refuse_foreign_genome(path, &annotation.contigs, genome, &names)?;
    let verdicts = verdicts(&annotation, &contigs, config)?;
    Ok((annotation, Some(verdicts)))
}

/// The verdict on the canonical transcript of each gene, in the annotation's order.
///
/// # Errors
/// [`crate::Error::Value`] for an unknown genetic code.
pub fn verdicts(
    annotation: &Annotation,
    genome: &[Contig],
    config: &GrammarConfig,
) -> Result<Vec<Option<Reason>>> {
    let code = GeneticCode::ncbi(config.genetic_code)?;
    let mut by_contig: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
    for (i, gene) in annotation.genes.iter().enumerate() {
        by_contig.entry(&gene.contig).or_default().push(i);
    }
    let mut verdicts = vec![Some(Reason::UnknownContig); annotation.genes.len()];
    for contig in genome {
        let Some(genes) = by_contig.get(contig.name.as_str()) else { continue };
        let codes = dna::encode(&contig.sequence);
        for &i in genes {
            let gene = &annotation.genes[i];
            verdicts[i] = gene
                .canonical()
                .and_then(|transcript| check_transcript(gene, transcript, &codes, config, &code).err());
        }
    }
    Ok(verdicts)
}

/// The counts of an annotation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// `gff3` or `gtf`.
    pub format: &'static str,
    /// Sequences with features.
    pub contigs: usize,
    /// Genes with CDS.
    pub genes: usize,
    /// Transcripts with CDS.
    pub transcripts: usize,
    /// CDS segments of all these transcripts.
    pub cds_segments: usize,
    /// Share of the transcripts that have one CDS segment; none without transcripts.
    pub single_exon_share: Option<f64>,
    /// Gene rows without CDS.
    pub noncoding_genes: u64,
    /// Genes the file calls pseudogenes.
    pub pseudogenes: u64,
    /// What was mended or guessed, by kind.
    pub repairs: BTreeMap<&'static str, u64>,
    /// Genes whose canonical transcript is a valid reading frame; none without a genome.
    pub valid_genes: Option<usize>,
    /// The other genes by reason; none without a genome.
    pub invalid_genes: Option<BTreeMap<&'static str, u64>>,
}

impl Summary {
    /// Counts an annotation; `verdicts` as made by [`verdicts`], where there is a genome.
    pub fn new(annotation: &Annotation, verdicts: Option<&[Option<Reason>]>) -> Self {
        let transcripts = annotation.transcripts();
        let single = annotation.single_exon_transcripts() as f64;
        let invalid_genes = verdicts.map(|verdicts| {
            let mut counts = BTreeMap::new();
            for reason in verdicts.iter().flatten() {
                *counts.entry(reason.name()).or_default() += 1;
            }
            counts
        });
        Summary {
            format: annotation.format.name(),
            contigs: annotation.contigs.len(),
            genes: annotation.genes.len(),
            transcripts,
            cds_segments: annotation.segments(),
            single_exon_share: (transcripts > 0).then(|| single / transcripts as f64),
            noncoding_genes: annotation.noncoding_genes,
            pseudogenes: annotation.pseudogenes,
            repairs: annotation.repairs.clone(),
            valid_genes: verdicts.map(|v| v.iter().filter(|reason| reason.is_none()).count()),
            invalid_genes,
        }
    }
}

#[derive(Serialize)]
struct TranscriptRecord<'a> {
    id: &'a str,
    /// Start, end, phase; 0-based and half-open, ascending.
    cds: Vec<(u32, u32, u8)>,
    partial_start: bool,
    partial_end: bool,
    mixed_strands: bool,
    exception: Option<&'a str>,
}

#[derive(Serialize)]
struct GeneRecord<'a> {
    id: &'a str,
    contig: &'a str,
    strand: char,
    start: u32,
    end: u32,
    line: u64,
    pseudo: bool,
    /// Index of the canonical transcript.
    canonical: usize,
    transcripts: Vec<TranscriptRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// One line of JSON for each gene.
pub fn gene_lines(annotation: &Annotation, verdicts: Option<&[Option<Reason>]>) -> String {
    let mut out = String::new();
    for (i, gene) in annotation.genes.iter().enumerate() {
        let record = record(gene, verdicts.and_then(|v| v.get(i).copied()));
        // strings, numbers and booleans always serialise
        out.push_str(&serde_json::to_string(&record).unwrap_or_default());
        out.push('\n');
    }
    out
}

fn record(gene: &Gene, verdict: Option<Option<Reason>>) -> GeneRecord<'_> {
    let canonical = gene.canonical();
    let model = gene.model();
    GeneRecord {
        id: &gene.id,
        contig: &gene.contig,
        strand: gene.strand.symbol(),
        start: model.as_ref().map_or(0, |m| m.start()),
        end: model.as_ref().map_or(0, |m| m.end()),
        line: gene.line,
        pseudo: gene.pseudo,
        canonical: gene
            .transcripts
            .iter()
            .position(|t| canonical.is_some_and(|c| std::ptr::eq(c, t)))
            .unwrap_or(0),
        transcripts: gene
            .transcripts
            .iter()
            .map(|t| TranscriptRecord {
                id: &t.id,
                cds: t.cds.iter().map(|c| (c.start, c.end, c.phase)).collect(),
                partial_start: t.partial_start,
                partial_end: t.partial_end,
                mixed_strands: t.mixed_strands,
                exception: t.exception.as_deref(),
            })
            .collect(),
        valid: verdict.map(|reason| reason.is_none()),
        reason: verdict.flatten().map(Reason::name),
    }
}
