//! `genet5._core.score`.

use std::path::PathBuf;

use genet5_core::baseline::{self, Options};
use genet5_core::gene::{GeneModel, Interval, Strand};
use genet5_core::score::{self, Comparison, Counts, GeneSet};
use genet5_core::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::detach;

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "score", |module| {
        module.add_function(wrap_pyfunction!(files, module)?)?;
        module.add_function(wrap_pyfunction!(models, module)?)?;
        module.add_function(wrap_pyfunction!(baseline_, module)?)
    })
}

/// Compares prediction files with a reference file.
#[pyfunction]
#[pyo3(signature = (reference, predictions, *, contigs = None))]
fn files<'py>(
    py: Python<'py>,
    reference: PathBuf,
    predictions: Vec<PathBuf>,
    contigs: Option<Vec<String>>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let results = detach::run(py, |_| score::compare_files(&reference, &predictions, contigs.as_deref()))?;
    results.iter().map(|result| comparison(py, result)).collect()
}

/// A gene as Python gives it: contig, strand, segments.
type PyGene = (String, char, Vec<(u32, u32)>);

/// Compares gene models in memory.
#[pyfunction]
fn models<'py>(
    py: Python<'py>,
    reference: Vec<PyGene>,
    prediction: Vec<PyGene>,
) -> PyResult<Bound<'py, PyDict>> {
    let result = detach::quick(py, || Ok(score::compare(&gene_set(reference)?, &gene_set(prediction)?)))?;
    comparison(py, &result)
}

/// Scores the longest open reading frames.
#[pyfunction(name = "baseline")]
#[pyo3(signature = (reference, genome, *, contigs = None, min_length = None, genetic_code = 1, output = None))]
fn baseline_<'py>(
    py: Python<'py>,
    reference: PathBuf,
    genome: PathBuf,
    contigs: Option<Vec<String>>,
    min_length: Option<u32>,
    genetic_code: u8,
    output: Option<PathBuf>,
) -> PyResult<Bound<'py, PyDict>> {
    let options = Options { contigs, min_length, genetic_code, output };
    let (shortest, result) = detach::run(py, |stop| baseline::run(&reference, &genome, &options, stop))?;
    let answer = comparison(py, &result)?;
    answer.set_item("min_length", shortest)?;
    Ok(answer)
}

fn gene_set(genes: Vec<PyGene>) -> Result<GeneSet> {
    let model = |(contig, strand, segments): PyGene| {
        let strand = match strand {
            '+' => Strand::Plus,
            '-' => Strand::Minus,
            other => return Err(Error::value(format!("strand must be + or -, not {other}"))),
        };
        let ends: Vec<u32> = segments.iter().flat_map(|s| [s.0, s.1]).collect();
        if ends.is_empty() || !ends.windows(2).all(|pair| pair[0] <= pair[1]) {
            return Err(Error::value("a gene's segments must be ascending (start, end) pairs"));
        }
        let segments = segments.into_iter().map(|(start, end)| Interval::new(start, end)).collect();
        Ok((contig, GeneModel { strand, segments }))
    };
    Ok(GeneSet { genes: genes.into_iter().map(model).collect::<Result<_>>()?, ..GeneSet::default() })
}

fn comparison<'py>(py: Python<'py>, result: &Comparison) -> PyResult<Bound<'py, PyDict>> {
    let (levels, classes, answer) = (PyDict::new(py), PyDict::new(py), PyDict::new(py));
    for (name, level) in result.levels.named() {
        levels.set_item(name, counts(py, &level)?)?;
    }
    for (name, genes) in result.classes.named() {
        classes.set_item(name, genes)?;
    }
    answer.set_item("levels", levels)?;
    answer.set_item("classes", classes)?;
    answer.set_item("only_reference", &result.only_reference)?;
    answer.set_item("only_prediction", &result.only_prediction)?;
    answer.set_item("stop_shifted", result.stop_shifted)?;
    Ok(answer)
}

fn counts<'py>(py: Python<'py>, counts: &Counts) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("tp", counts.tp)?;
    row.set_item("fp", counts.fp())?;
    row.set_item("fn", counts.fn_())?;
    row.set_item("n_reference", counts.n_reference)?;
    row.set_item("n_prediction", counts.n_prediction)?;
    row.set_item("sensitivity", counts.sensitivity())?;
    row.set_item("precision", counts.precision())?;
    row.set_item("f1", counts.f1())?;
    Ok(row)
}
