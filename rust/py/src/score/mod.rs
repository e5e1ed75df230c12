//! `genet5._core.score`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use genet5_core::annotation::Feature;
use genet5_core::baseline;
use genet5_core::gene::{GeneModel, Interval, Strand};
use genet5_core::score::bins::{self, By};
use genet5_core::score::{
    self, bootstrap, lists, names, Comparison, GeneSet, Isoforms, Row, Selection, Sides,
};
use genet5_core::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::detach;

mod checklist;
mod presets;
mod rewards;

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "score", |module| {
        module.add_function(wrap_pyfunction!(files, module)?)?;
        module.add_function(wrap_pyfunction!(models, module)?)?;
        module.add_function(wrap_pyfunction!(paired, module)?)?;
        module.add_function(wrap_pyfunction!(presets::by_preset, module)?)?;
        module.add_function(wrap_pyfunction!(presets::original, module)?)?;
        module.add_function(wrap_pyfunction!(rewards::rewards, module)?)?;
        module.add_function(wrap_pyfunction!(checklist::check, module)?)?;
        module.add_function(wrap_pyfunction!(baseline_, module)?)
    })
}

/// Contig, first and last base as a user counts them.
type Region = (String, u32, u32);

fn selection(
    isoforms: &str,
    feature: &str,
    contigs: Option<Vec<String>>,
    regions: Vec<Region>,
    min_cds: u32,
) -> Result<Selection> {
    let isoforms = match isoforms {
        "longest" => Isoforms::Longest,
        "all" => Isoforms::All,
        other => return Err(Error::value(format!("isoforms '{other}' is neither longest nor all"))),
    };
    let feature = match feature {
        "CDS" => Feature::Cds,
        "exon" => Feature::Exon,
        other => return Err(Error::value(format!("feature '{other}' is neither CDS nor exon"))),
    };
    let interval = |(contig, first, last): Region| match first.checked_sub(1) {
        Some(start) if start < last => Ok((contig, Interval::new(start, last))),
        _ => Err(Error::value(format!("region {contig}:{first}-{last} must ascend from 1 or more"))),
    };
    let regions = regions.into_iter().map(interval).collect::<Result<_>>()?;
    Ok(Selection { isoforms, feature, contigs, regions, min_cds })
}

/// Compares prediction files with a reference file.
#[pyfunction]
#[pyo3(signature = (reference, predictions, *, isoforms = "longest", feature = "CDS", contigs = None,
                    regions = Vec::new(), min_cds = 0, alias = None, by = None, genome = None,
                    lists = Vec::new()))]
#[allow(clippy::too_many_arguments)]
fn files<'py>(
    py: Python<'py>,
    reference: PathBuf,
    predictions: Vec<PathBuf>,
    isoforms: &str,
    feature: &str,
    contigs: Option<Vec<String>>,
    regions: Vec<Region>,
    min_cds: u32,
    alias: Option<PathBuf>,
    by: Option<&str>,
    genome: Option<PathBuf>,
    lists: Vec<(String, PathBuf)>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let answers = detach::run(py, |_| {
        let selection = selection(isoforms, feature, contigs, regions, min_cds)?;
        let by = by.map(By::parse).transpose()?;
        let sides = Sides::read(&reference, &predictions, &selection, alias.as_deref())?;
        let answer = |prediction| answer(&sides.reference, prediction, by, genome.as_deref(), &lists);
        sides.predictions.iter().map(answer).collect::<Result<Vec<_>>>()
    })?;
    answers.iter().map(|answer| answer.to_py(py)).collect()
}

/// All that `files` says about one prediction.
struct Answer {
    comparison: Comparison,
    parts: Option<Vec<(String, [Row; 8])>>,
    spelt_differently: Vec<(String, String)>,
    repairs: [BTreeMap<&'static str, u64>; 2],
}

fn answer(
    reference: &GeneSet,
    prediction: &GeneSet,
    by: Option<By>,
    genome: Option<&std::path::Path>,
    lists: &[(String, PathBuf)],
) -> Result<Answer> {
    let comparison = score::compare(reference, prediction);
    for (list, path) in lists {
        lists::write(path, list, &comparison.verdicts, reference, prediction)?;
    }
    let parts = by.map(|by| bins::breakdown(reference, prediction, by, genome)).transpose()?;
    let spelt_differently = names::spelt_differently(&prediction.contigs, &reference.contigs);
    let repairs = [reference.repairs.clone(), prediction.repairs.clone()];
    Ok(Answer { comparison, parts, spelt_differently, repairs })
}

impl Answer {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let answer = comparison(py, &self.comparison)?;
        answer.set_item("spelt_differently", &self.spelt_differently)?;
        answer.set_item("reference_repairs", &self.repairs[0])?;
        answer.set_item("prediction_repairs", &self.repairs[1])?;
        if let Some(parts) = &self.parts {
            let named = parts.iter().map(|(name, rows)| Ok((name, levels(py, rows, false)?)));
            answer.set_item("parts", named.collect::<PyResult<Vec<_>>>()?)?;
        }
        Ok(answer)
    }
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

/// Compares two predictions with one reference.
#[pyfunction]
#[pyo3(signature = (reference, a, b, *, isoforms = "longest", feature = "CDS", contigs = None,
                    regions = Vec::new(), min_cds = 0, alias = None, resamples = 2000, confidence = 0.95,
                    seed = 0))]
#[allow(clippy::too_many_arguments)]
fn paired<'py>(
    py: Python<'py>,
    reference: PathBuf,
    a: PathBuf,
    b: PathBuf,
    isoforms: &str,
    feature: &str,
    contigs: Option<Vec<String>>,
    regions: Vec<Region>,
    min_cds: u32,
    alias: Option<PathBuf>,
    resamples: u32,
    confidence: f64,
    seed: u64,
) -> PyResult<Bound<'py, PyDict>> {
    let result = detach::run(py, |stop| {
        let selection = selection(isoforms, feature, contigs, regions, min_cds)?;
        let sides = Sides::read(&reference, &[a, b], &selection, alias.as_deref())?;
        let options = bootstrap::Options { resamples, confidence, seed };
        bootstrap::paired(&sides.reference, [&sides.predictions[0], &sides.predictions[1]], &options, stop)
    })?;
    let (answer, levels) = (PyDict::new(py), PyDict::new(py));
    for level in &result.levels {
        let one = PyDict::new(py);
        one.set_item("a", row(py, &level.a, false)?)?;
        one.set_item("b", row(py, &level.b, false)?)?;
        one.set_item("difference", level.difference)?;
        one.set_item("interval", level.interval)?;
        levels.set_item(level.level, one)?;
    }
    answer.set_item("levels", levels)?;
    answer.set_item("loci", result.loci)?;
    answer.set_item("only_a", result.only_a)?;
    answer.set_item("only_b", result.only_b)?;
    answer.set_item("p_value", result.p_value)?;
    Ok(answer)
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
    let options = baseline::Options { contigs, min_length, genetic_code, output };
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
        if ends.is_empty() || !ends.is_sorted() {
            return Err(Error::value("a gene's segments must be ascending (start, end) pairs"));
        }
        let segments = segments.into_iter().map(|(start, end)| Interval::new(start, end)).collect();
        Ok((contig, GeneModel { strand, segments }))
    };
    Ok(GeneSet::of_models(genes.into_iter().map(model).collect::<Result<Vec<_>>>()?))
}

fn comparison<'py>(py: Python<'py>, result: &Comparison) -> PyResult<Bound<'py, PyDict>> {
    let (classes, answer) = (PyDict::new(py), PyDict::new(py));
    for (name, genes) in result.classes() {
        classes.set_item(name, genes)?;
    }
    answer.set_item("levels", levels(py, &result.rows, false)?)?;
    answer.set_item("classes", classes)?;
    answer.set_item("only_reference", &result.only_reference)?;
    answer.set_item("only_prediction", &result.only_prediction)?;
    answer.set_item("stop_shifted", result.stop_shifted)?;
    Ok(answer)
}

/// Rows by level; `apart` always gives the matches of each side.
fn levels<'py>(py: Python<'py>, rows: &[Row], apart: bool) -> PyResult<Bound<'py, PyDict>> {
    let levels = PyDict::new(py);
    for level in rows {
        levels.set_item(level.level, row(py, level, apart)?)?;
    }
    Ok(levels)
}

/// One row; the matches of each side where they differ or the tool counts them apart.
fn row<'py>(py: Python<'py>, counts: &Row, apart: bool) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("tp", counts.tp_reference)?;
    row.set_item("fp", counts.n_prediction.saturating_sub(counts.tp_prediction))?;
    row.set_item("fn", counts.n_reference.saturating_sub(counts.tp_reference))?;
    row.set_item("n_reference", counts.n_reference)?;
    row.set_item("n_prediction", counts.n_prediction)?;
    row.set_item("sensitivity", counts.sensitivity())?;
    row.set_item("precision", counts.precision())?;
    row.set_item("f1", counts.f1())?;
    if apart || counts.tp_reference != counts.tp_prediction {
        row.set_item("tp_reference", counts.tp_reference)?;
        row.set_item("tp_prediction", counts.tp_prediction)?;
    }
    Ok(row)
}
