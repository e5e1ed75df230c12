//! Gene annotation: GFF3 and GTF files as genes, transcripts and CDS segments.
//!
//! The format is recognised by content. Only coding genes are kept; everything that had to be
//! guessed or mended is counted by kind in [`Annotation::repairs`], and what cannot be understood
//! is an error with its line.

pub(crate) mod attributes;
mod build;
mod gff3;
mod gtf;
mod repairs;
pub(crate) mod rows;

pub use repairs::KINDS as REPAIRS;

use std::collections::BTreeMap;
use std::path::Path;

pub(crate) use gff3::{role, Role};
use rustc_hash::FxHashMap;

use crate::error::Result;
use crate::files::{self, Bytes};
use crate::gene::{GeneModel, Interval, Strand};

/// The dialect of an annotation file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `ID=…;Parent=…`
    Gff3,
    /// `gene_id "…"; transcript_id "…";`
    Gtf,
}

impl Format {
    /// `gff3` or `gtf`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Gff3 => "gff3",
            Format::Gtf => "gtf",
        }
    }
}

/// The rows that transcripts are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Feature {
    /// `CDS` and `stop_codon` rows.
    #[default]
    Cds,
    /// `exon` rows, those of transcripts without CDS too; phases mean nothing then.
    Exon,
    /// `CDS` and `stop_codon` rows, and around them exons, UTRs and the rows of genes.
    Structure,
}

/// One CDS segment with its GFF phase: the bases to skip from its 5' end to the next codon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cds {
    /// First base.
    pub start: u32,
    /// One past the last base.
    pub end: u32,
    /// 0, 1 or 2.
    pub phase: u8,
}

/// One coding transcript.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transcript {
    /// The name in the file, or its gene's where it has none of its own.
    pub id: String,
    /// The CDS segments, stop codon included, ascending on both strands. They may touch or
    /// overlap where the file says so (programmed frameshifts).
    pub cds: Vec<Cds>,
    /// Exons, ascending and apart from each other, CDS included; empty unless [`read_structure`]
    /// read the file and it has exons or UTRs of this transcript.
    pub exons: Vec<Interval>,
    /// It has no row of its own: its CDS lies right under the gene.
    pub implicit: bool,
    /// The file says that the 5' end is missing.
    pub partial_start: bool,
    /// The file says that the 3' end is missing.
    pub partial_end: bool,
    /// CDS rows on both strands or on none.
    pub mixed_strands: bool,
    /// The file's `exception=`: ribosomal slippage, trans-splicing and other departures.
    pub exception: Option<String>,
}

impl Transcript {
    /// Coding bases.
    pub fn cds_len(&self) -> u64 {
        self.cds.iter().map(|c| u64::from(c.end - c.start)).sum()
    }

    /// The CDS chain on a strand.
    pub fn model(&self, strand: Strand) -> GeneModel {
        GeneModel { strand, segments: self.cds.iter().map(|c| Interval::new(c.start, c.end)).collect() }
    }
}

/// One gene with at least one coding transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gene {
    /// The name in the file.
    pub id: String,
    /// Its sequence.
    pub contig: String,
    /// Its strand.
    pub strand: Strand,
    /// Coding transcripts, in the file's order.
    pub transcripts: Vec<Transcript>,
    /// The file calls it a pseudogene.
    pub pseudo: bool,
    /// Where its own row lies, where it has one.
    pub row: Option<Interval>,
    /// Line of its first row.
    pub line: u64,
}

impl Gene {
    /// The transcript with the longest CDS, the first of them in the file.
    pub fn canonical(&self) -> Option<&Transcript> {
        self.transcripts.iter().rev().max_by_key(|t| t.cds_len())
    }

    /// The CDS chain of the canonical transcript.
    pub fn model(&self) -> Option<GeneModel> {
        self.canonical().map(|t| t.model(self.strand))
    }
}

/// What an annotation file says about coding genes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The dialect.
    pub format: Format,
    /// Sequences with features, in order of first appearance.
    pub contigs: Vec<String>,
    /// Genes with CDS, in order of first appearance.
    pub genes: Vec<Gene>,
    /// Gene rows without any CDS.
    pub noncoding_genes: u64,
    /// Genes the file calls pseudogenes, with CDS or without.
    pub pseudogenes: u64,
    /// What was mended or guessed, counted by kind; the kinds are those of [`REPAIRS`].
    pub repairs: BTreeMap<&'static str, u64>,
    /// The line of the first repair of each kind.
    pub repair_lines: BTreeMap<&'static str, u64>,
    /// Where rows of genes and transcripts lie, non-coding ones too, by sequence; empty unless
    /// [`read_structure`] read the file.
    pub occupied: FxHashMap<String, Vec<Interval>>,
}

impl Annotation {
    /// Coding transcripts.
    pub fn transcripts(&self) -> usize {
        self.genes.iter().map(|g| g.transcripts.len()).sum()
    }

    /// CDS segments of all coding transcripts.
    pub fn segments(&self) -> usize {
        self.genes.iter().flat_map(|g| &g.transcripts).map(|t| t.cds.len()).sum()
    }

    /// Refuses what had to be mended or guessed; `path` is for the message.
    ///
    /// # Errors
    /// [`crate::Error::Input`] with the line of the first repair.
    pub fn refuse_repairs(&self, path: &Path) -> Result<()> {
        repairs::refuse(path, &self.repairs, &self.repair_lines)
    }

    /// Coding transcripts with one segment.
    pub fn single_exon_transcripts(&self) -> usize {
        self.genes.iter().flat_map(|g| &g.transcripts).filter(|t| t.cds.len() == 1).count()
    }
}

/// Reads a GFF3 or GTF file, compressed or not.
///
/// # Errors
/// [`crate::Error::Io`] when it cannot be read; [`crate::Error::Input`] with the line when a row
/// is malformed, a parent is unknown, or one ID names several things.
///
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("x.gff");
/// std::fs::write(&path, "chr\t.\tgene\t11\t40\t.\t-\t.\tID=g\n\
///                        chr\t.\tmRNA\t11\t40\t.\t-\t.\tID=t;Parent=g\n\
///                        chr\t.\tCDS\t11\t25\t.\t-\t1\tParent=t\n\
///                        chr\t.\tCDS\t37\t40\t.\t-\t0\tParent=t\n").unwrap();
/// let annotation = genet5_core::annotation::read(&path).unwrap();
/// let model = annotation.genes[0].model().unwrap();
/// assert_eq!((model.start(), model.end(), model.segments.len()), (10, 40, 2));
/// assert_eq!(annotation.genes[0].transcripts[0].cds[0].phase, 2);
/// assert_eq!(annotation.repairs["phase_wrong"], 1);
/// ```
pub fn read(path: impl AsRef<Path>) -> Result<Annotation> {
    let path = path.as_ref();
    parse(path, &text(path)?)
}

/// The text of a file that may be an annotation.
pub(crate) fn text(path: &Path) -> Result<Bytes> {
    let text = files::read(path)?;
    rows::refuse_foreign(path, &text)?;
    Ok(text)
}

/// Reads a file as [`read`] does, with exons, the genes' own rows and where non-coding genes lie.
///
/// # Errors
/// As [`read`].
pub fn read_structure(path: impl AsRef<Path>) -> Result<Annotation> {
    let path = path.as_ref();
    parse_feature(path, &text(path)?, Feature::Structure)
}

/// Reads the text of a GFF3 or GTF file; `path` is for messages.
///
/// # Errors
/// As [`read`].
pub fn parse(path: &Path, text: &[u8]) -> Result<Annotation> {
    parse_feature(path, text, Feature::Cds)
}

/// Number of rows in the text of a GFF3 or GTF file, each split into its columns and its positions
/// read; nothing is linked.
///
/// # Errors
/// [`crate::Error::Input`] with the line when a row is malformed.
///
/// ```
/// let text = b"##gff-version 3\nchr\t.\tgene\t11\t40\t.\t-\t.\tID=g\n###\n";
/// assert_eq!(genet5_core::annotation::count_rows("x.gff".as_ref(), text).unwrap(), 1);
/// ```
pub fn count_rows(path: &Path, text: &[u8]) -> Result<u64> {
    let mut rows = rows::Rows::new(path, text);
    let mut count = 0;
    while let Some(line) = rows.next()? {
        count += u64::from(matches!(line, rows::Line::Row(_)));
    }
    Ok(count)
}

/// Reads a text with transcripts made of the chosen rows.
pub(crate) fn parse_feature(path: &Path, text: &[u8], feature: Feature) -> Result<Annotation> {
    match rows::format(path, text)? {
        Format::Gff3 => gff3::parse(path, text, feature),
        Format::Gtf => gtf::parse(path, text, feature),
    }
}

#[cfg(test)]
mod tests;
