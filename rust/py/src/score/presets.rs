//! Presets of other tools.

use std::path::PathBuf;

use genet5_core::score::gffcompare::{self, Feature};
use genet5_core::score::presets::{self as core, Options, Preset};
use genet5_core::score::{names, text};
use genet5_core::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{levels, selection, Region};
use crate::detach;

/// gffcompare's -e, --strict-match, --no-merge, -D, and whether only CDS rows count.
type ToolOptions = (u32, bool, bool, bool, bool);

fn options((end_range, strict, no_merge, drop_duplicates, cds_only): ToolOptions) -> Options {
    let feature = if cds_only { Feature::Cds } else { Feature::All };
    let gffcompare = gffcompare::Options { end_range, strict, no_merge, drop_duplicates, feature };
    Options { gffcompare, as_original: false }
}

/// Preset, rows by level of each prediction or None, what the preset complains about.
type Answer<'py> = (String, Option<Vec<Bound<'py, PyDict>>>, String);

/// Names of contigs that are spelt differently: the prediction's, the reference's.
type Spelt = Vec<(String, String)>;

/// An answer for each preset, and for each prediction the contigs whose names are spelt differently.
#[pyfunction]
#[pyo3(signature = (reference, predictions, presets, tool_options, *, isoforms = "all", contigs = None,
                    regions = Vec::new(), min_cds = 0, alias = None))]
#[allow(clippy::too_many_arguments)]
pub fn by_preset<'py>(
    py: Python<'py>,
    reference: PathBuf,
    predictions: Vec<PathBuf>,
    presets: Vec<String>,
    tool_options: ToolOptions,
    isoforms: &str,
    contigs: Option<Vec<String>>,
    regions: Vec<Region>,
    min_cds: u32,
    alias: Option<PathBuf>,
) -> PyResult<(Vec<Answer<'py>>, Vec<Spelt>)> {
    let (answers, spelt) = detach::run(py, |_| {
        let selection = selection(isoforms, "CDS", contigs, regions, min_cds)?;
        let known = presets.iter().map(|name| Preset::parse(name)).collect::<Result<Vec<_>>>()?;
        let (ours, theirs) =
            text::sources(&reference, &predictions, &selection, alias.as_deref(), text::Spelling::Decoded)?;
        let spelt: Vec<Spelt> =
            theirs.iter().map(|source| names::spelt_differently(&source.contigs, &ours.contigs)).collect();
        Ok((core::rows(&known, &ours, &theirs, &options(tool_options)), spelt))
    })?;
    let each = presets.into_iter().zip(answers).map(|(preset, answer)| match answer {
        Ok(predictions) => {
            let apart = preset.starts_with("gffcompare");
            let dicts = predictions.iter().map(|rows| levels(py, rows, apart)).collect::<PyResult<_>>()?;
            Ok((preset, Some(dicts), String::new()))
        }
        Err(error @ (Error::Interrupted | Error::Io { .. })) => Err(crate::error::to_py(error)),
        Err(error) => Ok((preset, None, error.to_string())),
    });
    Ok((each.collect::<PyResult<_>>()?, spelt))
}

/// What a preset's tool itself would print.
#[pyfunction]
#[pyo3(signature = (reference, prediction, preset, level, tool_options, *, isoforms = "all", contigs = None,
                    regions = Vec::new(), min_cds = 0, alias = None))]
#[allow(clippy::too_many_arguments)]
pub fn original(
    py: Python<'_>,
    reference: PathBuf,
    prediction: PathBuf,
    preset: &str,
    level: &str,
    tool_options: ToolOptions,
    isoforms: &str,
    contigs: Option<Vec<String>>,
    regions: Vec<Region>,
    min_cds: u32,
    alias: Option<PathBuf>,
) -> PyResult<String> {
    detach::run(py, |_| {
        let selection = selection(isoforms, "CDS", contigs, regions, min_cds)?;
        let preset = Preset::parse(preset)?;
        let (ours, theirs) = text::sources(
            &reference,
            &[prediction],
            &selection,
            alias.as_deref(),
            text::Spelling::AsWritten,
        )?;
        core::original(preset, &ours, &theirs[0], &options(tool_options), level)
    })
}
