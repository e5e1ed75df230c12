//! Rewards of batches of decoded windows.

use genet5_core::score::rewards::{self as core, Windows};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::detach;

/// window_genes int64 [W + 1], gene_minus uint8 [G], gene_segments int64 [G + 1], segments int32 [S, 2].
type Arrays<'py> = (
    PyReadonlyArray1<'py, i64>,
    PyReadonlyArray1<'py, u8>,
    PyReadonlyArray1<'py, i64>,
    PyReadonlyArray2<'py, i32>,
);

fn windows<'a>(arrays: &'a Arrays<'_>) -> PyResult<Windows<'a>> {
    Ok(Windows {
        window_genes: arrays.0.as_slice()?,
        gene_minus: arrays.1.as_slice()?,
        gene_segments: arrays.2.as_slice()?,
        segments: arrays.3.as_slice()?,
    })
}

type Measures<'py> = [Bound<'py, PyArray1<f32>>; 5];

/// Scores windows against windows: nucleotide, exon and gene F1, validity and site F1, float32 [W] each; no site F1 where not asked for.
#[pyfunction]
#[pyo3(signature = (predictions, references, valid = None, sites = false, threads = 1))]
pub fn rewards<'py>(
    py: Python<'py>,
    predictions: Arrays<'py>,
    references: Arrays<'py>,
    valid: Option<PyReadonlyArray1<'py, u8>>,
    sites: bool,
    threads: usize,
) -> PyResult<Measures<'py>> {
    let (ours, theirs) = (windows(&predictions)?, windows(&references)?);
    let valid = valid.as_ref().map(|flags| flags.as_slice()).transpose()?;
    let found = detach::quick(py, || core::rewards(&ours, &theirs, valid, sites, threads))?;
    Ok([found.nucleotide_f1, found.exon_f1, found.gene_f1, found.validity, found.site_f1]
        .map(|measure| measure.into_pyarray(py)))
}
