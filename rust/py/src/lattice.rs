//! `genet5._core.lattice`.

use genet5_core::channels::{self, CHANNELS};
use genet5_core::error::Result;
use genet5_core::genetic_code::GeneticCode;
use genet5_core::grammar::GrammarConfig;
use genet5_core::lattice::{self as core, Lattice, WindowBatch, LABELS, POTENTIALS};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods, PyUntypedArrayMethods};
use numpy::{PyReadonlyArray1, PyReadonlyArray2, PyReadonlyArray3};
use pyo3::prelude::*;

use crate::detach;
use crate::error::to_py;

type LossArrays<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray3<f32>>);
type Gene = (char, Vec<(u32, u32)>, f64, f64);

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "lattice", |module| {
        module.add_class::<Decoder>()?;
        module.add_function(wrap_pyfunction!(loss, module)?)?;
        module.add_function(wrap_pyfunction!(label_marginals, module)?)?;
        module.add_function(wrap_pyfunction!(frame_channels, module)?)
    })
}

/// Negative log likelihood of the labels of every window and its gradient.
///
/// bases uint8 [R, B], window_row, window_base, window_bases int32 [W], potentials float32 [R, B, 17],
/// labels uint8 [R, B] (255 = any label); threads 0 = all cores.
/// Returns nll float64 [W] (nats; NaN where no path has the labels) and the gradient float32
/// [R, B, 17] of the sum of nll, 0 outside windows.
#[pyfunction]
#[pyo3(signature = (bases, window_row, window_base, window_bases, potentials, labels, genetic_code=1,
                    table_starts=false, min_intron=10, max_intron=0, threads=0))]
#[allow(clippy::too_many_arguments)]
fn loss<'py>(
    py: Python<'py>,
    bases: PyReadonlyArray2<'py, u8>,
    window_row: PyReadonlyArray1<'py, i32>,
    window_base: PyReadonlyArray1<'py, i32>,
    window_bases: PyReadonlyArray1<'py, i32>,
    potentials: PyReadonlyArray3<'py, f32>,
    labels: PyReadonlyArray2<'py, u8>,
    genetic_code: u8,
    table_starts: bool,
    min_intron: u32,
    max_intron: u32,
    threads: usize,
) -> PyResult<LossArrays<'py>> {
    let config = GrammarConfig { genetic_code, table_starts, min_intron, max_intron };
    let (rows, row_bases) = (bases.shape()[0], bases.shape()[1]);
    let batch = WindowBatch {
        codes: bases.as_slice()?,
        potentials: potentials.as_slice()?,
        labels: labels.as_slice()?,
        row_bases,
        row: window_row.as_slice()?,
        base: window_base.as_slice()?,
        bases: window_bases.as_slice()?,
    };
    let (nll, gradient) = detach::run(py, |stop| Lattice::new(&config)?.batch_loss(&batch, threads, stop))?;
    Ok((nll.into_pyarray(py), gradient.into_pyarray(py).reshape([rows, row_bases, POTENTIALS])?))
}

/// Probability of each label at each base of a window with open ends.
///
/// codes uint8 [B], potentials float32 [B, 17]; returns float32 [B, 9].
#[pyfunction]
#[pyo3(signature = (codes, potentials, genetic_code=1, table_starts=false, min_intron=10, max_intron=0))]
fn label_marginals<'py>(
    py: Python<'py>,
    codes: PyReadonlyArray1<'py, u8>,
    potentials: PyReadonlyArray2<'py, f32>,
    genetic_code: u8,
    table_starts: bool,
    min_intron: u32,
    max_intron: u32,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let config = GrammarConfig { genetic_code, table_starts, min_intron, max_intron };
    let (codes, potentials) = (codes.as_slice()?, potentials.as_slice()?);
    let marginals = detach::run(py, |_| Lattice::new(&config)?.label_marginals(codes, potentials))?;
    marginals.into_pyarray(py).reshape([codes.len(), LABELS])
}

/// Lengths of the open stretches of the six reading frames at each base of a window.
///
/// codes uint8 [B]; returns float32 [B, 12].
#[pyfunction]
#[pyo3(signature = (codes, genetic_code=1))]
fn frame_channels<'py>(
    py: Python<'py>,
    codes: PyReadonlyArray1<'py, u8>,
    genetic_code: u8,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let codes = codes.as_slice()?;
    let found = detach::quick(py, || Ok(channels::frame_channels(codes, &GeneticCode::ncbi(genetic_code)?)))?;
    found.into_pyarray(py).reshape([codes.len(), CHANNELS])
}

/// The best annotation of a contig, block by block.
///
/// push(codes uint8 [B], potentials float32 [B, 17]) adds bases and finish() ends the contig; both
/// return the genes that are now decided, in ascending order, as (strand, [(start, end)] ascending,
/// probability 0 to 1, score in nats). After finish the decoder takes another contig.
#[pyclass(module = "genet5._core.lattice")]
struct Decoder(core::Decoder);

#[pymethods]
impl Decoder {
    #[new]
    #[pyo3(signature = (genetic_code=1, table_starts=false, min_intron=10, max_intron=0))]
    fn new(genetic_code: u8, table_starts: bool, min_intron: u32, max_intron: u32) -> PyResult<Self> {
        let config = GrammarConfig { genetic_code, table_starts, min_intron, max_intron };
        Ok(Decoder(Lattice::new(&config).map_err(to_py)?.decoder()))
    }

    /// Adds the next bases; returns the genes that no later base can change.
    fn push(
        &mut self,
        py: Python<'_>,
        codes: PyReadonlyArray1<'_, u8>,
        potentials: PyReadonlyArray2<'_, f32>,
    ) -> PyResult<Vec<Gene>> {
        let (codes, potentials) = (codes.as_slice()?, potentials.as_slice()?);
        let decoder = &mut self.0;
        detach::run(py, |stop| listed(decoder.push(codes, potentials, stop)))
    }

    /// Ends the contig; returns the genes left.
    fn finish(&mut self, py: Python<'_>) -> PyResult<Vec<Gene>> {
        let decoder = &mut self.0;
        detach::run(py, |stop| listed(decoder.finish(stop)))
    }
}

fn listed(genes: Result<Vec<core::DecodedGene>>) -> Result<Vec<Gene>> {
    let plain = |gene: core::DecodedGene| {
        let segments = gene.model.segments.iter().map(|s| (s.start, s.end)).collect();
        (gene.model.strand.symbol(), segments, gene.probability, gene.score)
    };
    Ok(genes?.into_iter().map(plain).collect())
}
