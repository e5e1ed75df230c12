//! Sequences, tables and statistics of an annotation: what a gene set looks like as FASTA, BED, GTF
//! and numbers, all in one pass over the genome.
//!
//! Letters keep the case that the genome has. A coding sequence begins with its first whole codon
//! (the phase of its first segment is skipped), a protein ends before its stop codon.

mod models;
mod render;
mod sink;
mod stats;
mod tables;
mod tally;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::fasta::{IndexedFasta, Letters};
use crate::gene::Interval;
use crate::genetic_code::GeneticCode;
use crate::{annotation, dna};

use models::{Gap, Locus, Model, Models};
use sink::Sink;
pub use stats::Stats;

/// What can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// The translation of each transcript, without the stop.
    Proteins,
    /// The coding sequence of each transcript, stop codon included.
    Cds,
    /// The joined exons of each coding transcript.
    Mrna,
    /// Each exon of each transcript.
    Exons,
    /// Each intron of each transcript.
    Introns,
    /// Each gene from its first to its last base.
    Genes,
    /// What lies between the genes, coding or not.
    Intergenic,
    /// So many bases before each gene's 5' end.
    Upstream(u32),
    /// BED12, one line a transcript.
    Bed,
    /// GTF.
    Gtf,
}

/// One file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What.
    pub product: Product,
    /// Where; none is standard output.
    pub path: Option<PathBuf>,
}

/// What to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// NCBI's table.
    pub genetic_code: u8,
    /// Of each gene only the transcript with the longest CDS.
    pub longest: bool,
    /// These contigs only.
    pub contigs: Option<Vec<String>>,
    /// Whether to count.
    pub stats: bool,
}

/// What was done.
#[derive(Debug, serde::Serialize)]
pub struct Report {
    /// Genes with CDS.
    pub genes: usize,
    /// Their transcripts that were taken.
    pub transcripts: usize,
    /// Transcripts left out since their CDS lies on both strands or on none.
    pub mixed_strands: usize,
    /// Records or lines of each file, in the order of the requests.
    pub records: Vec<usize>,
    /// What was mended or guessed of the annotation, by kind.
    pub repairs: BTreeMap<&'static str, u64>,
    /// The statistics, where they were asked for.
    pub stats: Option<Stats>,
}

/// Bases of a contig in the case of the file.
pub(crate) struct Source<'a> {
    genome: &'a IndexedFasta,
    code: &'a GeneticCode,
}

impl Source<'_> {
    /// Appends the letters of parts of a contig, joined, in the direction of a strand.
    fn splice(
        &self,
        contig: usize,
        parts: impl Iterator<Item = Interval>,
        is_minus: bool,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let from = out.len();
        for part in parts {
            self.genome.append(contig, part.start.into(), part.end.into(), out)?;
        }
        if is_minus {
            dna::reverse_complement_letters(&mut out[from..]);
        }
        Ok(())
    }

    /// The coding sequence from its first whole codon on.
    fn cds(&self, model: &Model) -> Result<Vec<u8>> {
        let mut letters = Vec::with_capacity(model.cds.iter().map(|c| (c.end - c.start) as usize).sum());
        self.splice(model.contig, model.cds_parts(), model.is_minus(), &mut letters)?;
        letters.drain(..model.phase().min(letters.len()));
        Ok(letters)
    }
}

/// Writes every request and counts.
///
/// # Errors
/// What the readers say; [`Error::Input`] for a gene on a contig that the genome lacks, or beyond
/// its end; [`Error::Value`] for an unknown contig or genetic code; [`Error::Interrupted`] when
/// `stop` is raised. No file is written then.
///
/// ```
/// use genet5_core::extract::{run, Options, Product, Request};
/// let folder = tempfile::tempdir().unwrap();
/// let at = |name: &str| folder.path().join(name);
/// std::fs::write(at("x.fna"), ">chr\nccATGaaaTAAcc\n").unwrap();
/// std::fs::write(at("x.gff"), "chr\t.\tCDS\t3\t11\t.\t+\t0\tID=t\n").unwrap();
/// let options = Options { genetic_code: 1, longest: false, contigs: None, stats: false };
/// let requests = [(Product::Cds, "cds"), (Product::Proteins, "proteins")]
///     .map(|(product, name)| Request { product, path: Some(at(name)) });
/// run(&at("x.gff"), &at("x.fna"), &requests, &options, &Default::default()).unwrap();
/// assert_eq!(std::fs::read_to_string(at("cds")).unwrap(), ">t\nATGaaaTAA\n");
/// assert_eq!(std::fs::read_to_string(at("proteins")).unwrap(), ">t\nMK\n");
/// ```
pub fn run(
    gff: &Path,
    genome: &Path,
    requests: &[Request],
    options: &Options,
    stop: &AtomicBool,
) -> Result<Report> {
    let code = GeneticCode::ncbi(options.genetic_code)?;
    let open = || IndexedFasta::open_with(genome, Letters::AsWritten);
    let (annotation, fasta) = rayon::join(|| annotation::read_structure(gff), open);
    let (annotation, fasta) = (annotation?, fasta?);
    let models = Models::choose(&annotation, &fasta, (gff, genome), options)?;
    let source = Source { genome: &fasta, code: &code };
    let mut sinks = requests.iter().map(Sink::open).collect::<Result<Vec<_>>>()?;
    write_all(&source, &models, &mut sinks, stop)?;
    let counted = options.stats.then(|| tally::count(&source, &models, &annotation, stop)).transpose()?;
    let records = sinks.iter().map(|sink| sink.records).collect();
    for sink in sinks {
        sink.commit()?;
    }
    Ok(Report {
        genes: models.loci.len(),
        transcripts: models.models.len(),
        mixed_strands: models.mixed_strands,
        records,
        repairs: annotation.repairs,
        stats: counted,
    })
}

fn write_all(source: &Source, models: &Models, sinks: &mut [Sink], stop: &AtomicBool) -> Result<()> {
    let coding = |sink: &Sink| matches!(sink.product, Product::Cds | Product::Proteins);
    let codes = sinks.iter().any(coding);
    // the coding sequence is read once for all products
    let cds = |model: &Model| if codes { source.cds(model) } else { Ok(Vec::new()) };
    stream(&models.models, sinks, stop, cds, |model, cds, product, out| {
        render::of_model(source, model, cds, product, out)
    })?;
    let nothing = |_: &Locus| Ok(());
    stream(&models.loci, sinks, stop, nothing, |locus, (), product, out| match product {
        Product::Gtf => tables::gtf(source, models, locus, out),
        _ => render::of_locus(source, models, locus, product, out),
    })?;
    let nothing = |_: &Gap| Ok(());
    stream(&models.gaps, sinks, stop, nothing, |gap, (), product, out| match product {
        Product::Intergenic => render::gap(source, models, gap, out),
        _ => Ok(0),
    })
}

/// Items that one thread takes at a time.
const PIECE: usize = 64;

/// Renders items side by side and writes them in their order: `read` gets what all products of an
/// item need, `render` appends what a product has of it, and says how many records that are.
fn stream<T: Sync, R>(
    items: &[T],
    sinks: &mut [Sink],
    stop: &AtomicBool,
    read: impl Fn(&T) -> Result<R> + Sync,
    render: impl Fn(&T, &R, Product, &mut Vec<u8>) -> Result<usize> + Sync,
) -> Result<()> {
    let products: Vec<Product> = sinks.iter().map(|sink| sink.product).collect();
    let piece = |items: &[T]| {
        let mut texts = vec![(Vec::new(), 0); products.len()];
        for item in items {
            let ready = read(item)?;
            for (&product, (text, records)) in products.iter().zip(&mut texts) {
                *records += render(item, &ready, product, text)?;
            }
        }
        Ok(texts)
    };
    for wave in items.chunks(PIECE * 4 * rayon::current_num_threads()) {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let rendered = wave.par_chunks(PIECE).map(&piece).collect::<Result<Vec<_>>>()?;
        for texts in rendered {
            for (sink, (text, records)) in sinks.iter_mut().zip(texts) {
                sink.write(&text, records)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
