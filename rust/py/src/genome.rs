//! `genet5._core.genome`.

use std::path::{Path, PathBuf};

use genet5_core::fasta::{self, IndexedFasta};
use genet5_core::gene::{GeneModel, Interval, Strand};
use genet5_core::genetic_code::GeneticCode;
use genet5_core::gff3::{self, OutputGene, Plan, Product};
use genet5_core::grammar::GrammarConfig;
use genet5_core::inspect::{self, Summary};
use genet5_core::validate::Reason;
use genet5_core::{annotation, dna, files, validate, Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::{bytes, detach};

/// Names and letters.
type Contigs = Vec<(String, Py<PyBytes>)>;

/// Contig index, strand, segments (start, end), probability.
type RawGene = (usize, char, Vec<(u32, u32)>, Option<f32>);

fn strand(symbol: char) -> Result<Strand> {
    match symbol {
        '+' => Ok(Strand::Plus),
        '-' => Ok(Strand::Minus),
        other => Err(Error::value(format!("strand '{other}' is neither + nor -"))),
    }
}

fn model(symbol: char, segments: &[(u32, u32)]) -> Result<GeneModel> {
    let segments = segments.iter().map(|&(start, end)| Interval::new(start, end)).collect();
    Ok(GeneModel { strand: strand(symbol)?, segments })
}

fn output_genes(genes: &[RawGene]) -> Result<Vec<OutputGene>> {
    genes
        .iter()
        .map(|(contig, symbol, segments, score)| {
            Ok(OutputGene { contig: *contig, model: model(*symbol, segments)?, score: *score })
        })
        .collect()
}

/// Every sequence of a FASTA file: (name, upper-case letters).
#[pyfunction]
fn read_fasta(py: Python<'_>, path: PathBuf) -> PyResult<Contigs> {
    if let Some(records) = read_even(py, &path)? {
        return Ok(records);
    }
    let contigs = detach::run(py, |_| fasta::read(&path))?;
    Ok(contigs.into_iter().map(|c| (c.name, PyBytes::new(py, &c.sequence).unbind())).collect())
}

/// The same of a plain file with even lines, written right into the bytes that Python gets; none for
/// any other file.
fn read_even(py: Python<'_>, path: &Path) -> PyResult<Option<Contigs>> {
    let raw = detach::quick(py, || files::map(path))?;
    let mut found = Vec::new();
    for record in py.detach(|| fasta::even_records(&raw)).unwrap_or_default() {
        py.check_signals()?;
        let mut even = false;
        let sequence = bytes::filled(py, record.bases, |bases| even = record.copy_into(bases))?;
        if !even {
            return Ok(None);
        }
        found.push((record.name.to_string(), sequence.unbind()));
    }
    Ok(Some(found).filter(|found| !found.is_empty()))
}

/// A FASTA file open for random access.
#[pyclass(frozen, module = "genet5._core.genome")]
struct Fasta(IndexedFasta);

#[pymethods]
impl Fasta {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        detach::run(py, |_| IndexedFasta::open(&path)).map(Fasta)
    }

    /// Names and lengths.
    fn contigs(&self) -> Vec<(String, u64)> {
        self.0.contigs()
    }

    /// The bases start..end of a contig, upper-case; the whole contig by default.
    #[pyo3(signature = (contig, start=0, end=None))]
    fn fetch<'py>(
        &self,
        py: Python<'py>,
        contig: &str,
        start: u64,
        end: Option<u64>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let letters = detach::quick(py, || match end {
            Some(end) => self.0.fetch(contig, start, end),
            None => self.0.fetch_from(contig, start),
        })?;
        Ok(PyBytes::new(py, &letters))
    }
}

/// Number of rows of an annotation, each checked for its form.
#[pyfunction]
fn count_rows(py: Python<'_>, path: PathBuf) -> PyResult<u64> {
    detach::run(py, |_| annotation::count_rows(&path, &files::read(&path)?))
}

/// The summary of an annotation as a JSON object.
#[pyfunction]
#[pyo3(signature = (path, genome=None, genetic_code=1, table_starts=false, min_intron=10, max_intron=0, strict=false))]
#[allow(clippy::too_many_arguments)]
fn summary(
    py: Python<'_>,
    path: PathBuf,
    genome: Option<PathBuf>,
    genetic_code: u8,
    table_starts: bool,
    min_intron: u32,
    max_intron: u32,
    strict: bool,
) -> PyResult<String> {
    let config = GrammarConfig { genetic_code, table_starts, min_intron, max_intron };
    detach::run(py, |_| {
        let (annotation, reasons) = inspect::read(&path, genome.as_deref(), &config, strict)?;
        let summary = Summary::new(&annotation, reasons.as_deref());
        serde_json::to_string(&summary).map_err(|error| Error::value(error.to_string()))
    })
}

/// The genes of an annotation, one JSON object a line.
#[pyfunction]
#[pyo3(signature = (path, genome=None, genetic_code=1, table_starts=false, min_intron=10, max_intron=0, strict=false))]
#[allow(clippy::too_many_arguments)]
fn gene_lines(
    py: Python<'_>,
    path: PathBuf,
    genome: Option<PathBuf>,
    genetic_code: u8,
    table_starts: bool,
    min_intron: u32,
    max_intron: u32,
    strict: bool,
) -> PyResult<String> {
    let config = GrammarConfig { genetic_code, table_starts, min_intron, max_intron };
    detach::run(py, |_| {
        let (annotation, reasons) = inspect::read(&path, genome.as_deref(), &config, strict)?;
        Ok(inspect::gene_lines(&annotation, reasons.as_deref()))
    })
}

/// What had to be mended or guessed in an annotation, by kind, with the line of the first; `strict` refuses it.
#[pyfunction]
#[pyo3(signature = (path, strict=false))]
fn repairs(py: Python<'_>, path: PathBuf, strict: bool) -> PyResult<Vec<(&'static str, u64, u64)>> {
    detach::run(py, |_| {
        let annotation = annotation::read(&path)?;
        if strict {
            annotation.refuse_repairs(&path)?;
        }
        let counts = annotation.repairs.iter().zip(annotation.repair_lines.values());
        Ok(counts.map(|((kind, count), line)| (*kind, *count, *line)).collect())
    })
}

/// Why a gene model is no valid reading frame of a sequence; None when it is one.
#[pyfunction]
#[pyo3(signature = (sequence, strand, segments, genetic_code=1, table_starts=false, min_intron=10, max_intron=0))]
#[allow(clippy::too_many_arguments)]
fn check(
    py: Python<'_>,
    sequence: &[u8],
    strand: char,
    segments: Vec<(u32, u32)>,
    genetic_code: u8,
    table_starts: bool,
    min_intron: u32,
    max_intron: u32,
) -> PyResult<Option<&'static str>> {
    let config = GrammarConfig { genetic_code, table_starts, min_intron, max_intron };
    detach::quick(py, || {
        let (model, code) = (model(strand, &segments)?, GeneticCode::ncbi(genetic_code)?);
        let verdict = validate::check(&model, &dna::encode(sequence), &config, &code);
        Ok(verdict.err().map(Reason::name))
    })
}

/// The protein of a coding sequence, `*` for a stop.
#[pyfunction]
#[pyo3(signature = (sequence, genetic_code=1))]
fn translate(py: Python<'_>, sequence: &[u8], genetic_code: u8) -> PyResult<String> {
    detach::quick(py, || Ok(GeneticCode::ncbi(genetic_code)?.translate(&dna::encode(sequence))))
}

/// The reverse complement of a sequence; what is no base becomes N.
#[pyfunction]
fn reverse_complement<'py>(py: Python<'py>, sequence: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &dna::decode(&dna::reverse_complement(&dna::encode(sequence))))
}

/// Writes genes as GFF3; returns (index of the gene, gene ID) in the order written.
#[pyfunction]
#[pyo3(signature = (path, contigs, genes, id_prefix="", source="GeneT5"))]
fn write_gff3(
    py: Python<'_>,
    path: PathBuf,
    contigs: Vec<(String, u64)>,
    genes: Vec<RawGene>,
    id_prefix: &str,
    source: &str,
) -> PyResult<Vec<(usize, String)>> {
    detach::run(py, |_| {
        let genes = output_genes(&genes)?;
        let mut plan = None;
        files::write_atomic(&path, |out| {
            plan = Some(gff3::write(out, &contigs, &genes, id_prefix, source)?);
            Ok(())
        })?;
        Ok(plan.map(|plan| plan.order).unwrap_or_default())
    })
}

/// A genome that is open already, or its file.
#[derive(FromPyObject)]
enum Genome {
    Open(Py<Fasta>),
    File(PathBuf),
}

/// Writes the proteins or coding sequences of genes that lie on the contigs of a FASTA file.
#[pyfunction]
#[pyo3(signature = (path, genome, genes, product, genetic_code=1, id_prefix=""))]
fn write_products(
    py: Python<'_>,
    path: PathBuf,
    genome: Genome,
    genes: Vec<RawGene>,
    product: &str,
    genetic_code: u8,
    id_prefix: &str,
) -> PyResult<()> {
    detach::run(py, |_| {
        let product = match product {
            "protein" => Product::Protein,
            "cds" => Product::Cds,
            other => return Err(Error::value(format!("product '{other}' is neither protein nor cds"))),
        };
        let (genes, code) = (output_genes(&genes)?, GeneticCode::ncbi(genetic_code)?);
        let opened;
        let genome = match &genome {
            Genome::Open(fasta) => &fasta.get().0,
            Genome::File(path) => {
                opened = IndexedFasta::open(path)?;
                &opened
            }
        };
        let contigs = genome.contigs();
        let plan = Plan::new(&contigs, &genes, id_prefix)?;
        files::write_atomic(&path, |out| {
            let sequence = |contig: usize| genome.fetch_all(&contigs[contig].0);
            gff3::write_products(out, &plan, &genes, product, &code, sequence)
        })
    })
}

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "genome", |module| {
        module.add_class::<Fasta>()?;
        module.add("MAX_LINE", files::MAX_LINE)?;
        module.add_function(wrap_pyfunction!(read_fasta, module)?)?;
        module.add_function(wrap_pyfunction!(count_rows, module)?)?;
        module.add_function(wrap_pyfunction!(summary, module)?)?;
        module.add_function(wrap_pyfunction!(gene_lines, module)?)?;
        module.add_function(wrap_pyfunction!(repairs, module)?)?;
        module.add_function(wrap_pyfunction!(check, module)?)?;
        module.add_function(wrap_pyfunction!(translate, module)?)?;
        module.add_function(wrap_pyfunction!(reverse_complement, module)?)?;
        module.add_function(wrap_pyfunction!(write_gff3, module)?)?;
        module.add_function(wrap_pyfunction!(write_products, module)?)
    })
}
