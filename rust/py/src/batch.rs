//! `genet5._core.batch`: batches as NumPy arrays, made from sequences or read from a baked folder.

use std::path::PathBuf;

use genet5_core::batch::{self as core, BatchArrays, Rows, Rules, Truth, Window};
use genet5_core::gene::{GeneModel, Interval, Strand};
use genet5_core::grammar::GrammarConfig;
use genet5_core::labels::of_genes;
use genet5_core::reader::{Dataset, Options, Part, Plan, State, Wanted};
use genet5_core::{threads, Error, Result};
use numpy::ndarray::IntoDimension;
use numpy::{Element, IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyDict;

use crate::detach;
use crate::tokenizer::Tokenizer;

type Gene = (char, Vec<(u32, u32)>);

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "batch", |module| {
        module.add_class::<Reader>()?;
        module.add_function(wrap_pyfunction!(assemble, module)?)?;
        module.add_function(wrap_pyfunction!(pack, module)?)?;
        module.add_function(wrap_pyfunction!(labels, module)?)
    })
}

/// Sequences as one batch of arrays.
#[pyfunction]
#[pyo3(signature = (sequences, tokenizer, *, genes=None, labels=None, names=None, starts=None, rows=None,
                    row_tokens=4096, gap=64, genetic_code=1, table_starts=false, min_intron=10, max_intron=0,
                    threads=0))]
#[allow(clippy::too_many_arguments)]
fn assemble<'py>(
    py: Python<'py>,
    sequences: Vec<PyBackedBytes>,
    tokenizer: &Tokenizer,
    genes: Option<Vec<Vec<Gene>>>,
    labels: Option<Vec<PyBackedBytes>>,
    names: Option<Vec<String>>,
    starts: Option<Vec<u64>>,
    rows: Option<Vec<Vec<usize>>>,
    row_tokens: u32,
    gap: usize,
    genetic_code: u8,
    table_starts: bool,
    min_intron: u32,
    max_intron: u32,
    threads: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let grammar = GrammarConfig { genetic_code, table_starts, min_intron, max_intron };
    let arrays = detach::run(py, |_| {
        let windows = windows(sequences, genes, labels, names, starts, genetic_code)?;
        let rules = Rules::new(&grammar, &[genetic_code])?;
        let rows = rows.as_deref().map_or(Rows::Packed(row_tokens), Rows::Given);
        threads::pool(threads)?.install(|| core::assemble(&windows, &rows, &tokenizer.inner, &rules, gap))
    })?;
    to_dict(py, arrays)
}

type Packed<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<u32>>);

/// Items of the given lengths as rows: where each row begins among the items, and the items.
#[pyfunction]
#[pyo3(signature = (lengths, row_tokens, seed=0))]
fn pack<'py>(
    py: Python<'py>,
    lengths: PyReadonlyArray1<'py, u32>,
    row_tokens: u32,
    seed: u64,
) -> PyResult<Packed<'py>> {
    let lengths = lengths.as_slice()?;
    let rows = detach::run(py, |_| genet5_core::pack::best_fit_decreasing(lengths, row_tokens, seed))?;
    let ends = rows.iter().scan(0, |end, row| {
        *end += row.len() as i64;
        Some(*end)
    });
    let offsets: Vec<i64> = std::iter::once(0).chain(ends).collect();
    Ok((offsets.into_pyarray(py), rows.concat().into_pyarray(py)))
}

/// Segmentation labels of a stretch of `length` bases that begins at base `start`, from the genes that touch it.
#[pyfunction]
fn labels(py: Python<'_>, start: u32, length: usize, genes: Vec<Gene>) -> PyResult<Bound<'_, PyArray1<u8>>> {
    let genes: Vec<GeneModel> = genes.iter().map(gene).collect();
    Ok(detach::quick(py, || Ok(of_genes(start, length, &genes)))?.into_pyarray(py))
}

/// Batches of a baked folder.
#[pyclass(module = "genet5._core.batch")]
struct Reader(genet5_core::reader::Reader);

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (folder, *, held_out=false, species=None, tokenizer=None, row_tokens=4096, rows_per_batch=4,
                        crop=None, reverse_complement=true, gap=64, seed=0, rank=0, world=1, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        folder: PathBuf,
        held_out: bool,
        species: Option<Vec<String>>,
        tokenizer: Option<PathBuf>,
        row_tokens: u32,
        rows_per_batch: usize,
        crop: Option<u32>,
        reverse_complement: bool,
        gap: usize,
        seed: u64,
        rank: usize,
        world: usize,
        threads: usize,
    ) -> PyResult<Self> {
        let (part, wanted) = match held_out {
            true => (Part::HeldOut, Wanted::Plain { row_tokens, crop }),
            false => (Part::Train, Wanted::Augmented { row_tokens, crop, reverse_complement }),
        };
        let options = Options { wanted, rows_per_batch, gap, rank, world, threads };
        detach::run(py, |_| {
            let dataset = Dataset::open(&folder, part, species.as_deref(), tokenizer.as_deref())?;
            genet5_core::reader::Reader::new(dataset, options, seed).map(Reader)
        })
    }

    /// This rank's part of the next global batch.
    fn next_batch<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let reader = &mut self.0;
        let arrays = detach::run(py, |_| reader.next_batch())?;
        to_dict(py, arrays)
    }

    /// This rank's part of any batch of the epoch under way.
    fn read<'py>(&self, py: Python<'py>, batch: usize) -> PyResult<Bound<'py, PyDict>> {
        let arrays = detach::run(py, |_| self.0.read(batch))?;
        to_dict(py, arrays)
    }

    /// (epoch, seed, consumed).
    fn state(&self) -> (u64, u64, u64) {
        let state = self.0.state();
        (state.epoch, state.seed, state.consumed)
    }

    /// Goes to (epoch, seed, consumed).
    fn load_state(&mut self, py: Python<'_>, epoch: u64, seed: u64, consumed: u64) -> PyResult<()> {
        let reader = &mut self.0;
        detach::run(py, |_| reader.load_state(State { epoch, seed, consumed }))
    }

    /// The plan of an epoch: one array per field, one entry per part of a window, and where it lies.
    fn plan<'py>(&self, py: Python<'py>, epoch: u64) -> PyResult<Bound<'py, PyDict>> {
        let plan = detach::run(py, |_| self.0.plan_of(epoch))?;
        plan_dict(py, &plan)
    }

    /// Keys of the windows.
    fn keys(&self) -> Vec<String> {
        let dataset = self.0.dataset();
        (0..dataset.len()).map(|index| dataset.entry(index).key.clone()).collect()
    }

    /// Batches of the epoch under way.
    #[getter]
    fn batches(&self) -> usize {
        self.0.plan().batches()
    }

    #[getter]
    fn data_hash(&self) -> &str {
        self.0.dataset().hash()
    }
}

fn windows(
    sequences: Vec<PyBackedBytes>,
    genes: Option<Vec<Vec<Gene>>>,
    labels: Option<Vec<PyBackedBytes>>,
    names: Option<Vec<String>>,
    starts: Option<Vec<u64>>,
    genetic_code: u8,
) -> Result<Vec<Window>> {
    let count = sequences.len();
    let lengths = [genes.as_ref().map(Vec::len), labels.as_ref().map(Vec::len), names.as_ref().map(Vec::len)];
    if lengths.iter().flatten().chain(&starts.as_ref().map(Vec::len)).any(|&length| length != count) {
        return Err(Error::value(format!(
            "genes, labels, names and starts must have {count} items, as sequences"
        )));
    }
    if genes.is_some() != labels.is_some() {
        return Err(Error::value("genes and labels come together: one is no target without the other"));
    }
    let mut genes = genes.map(Vec::into_iter);
    let mut labels = labels.map(Vec::into_iter);
    let window = |(index, letters): (usize, PyBackedBytes)| {
        let truth = (genes.as_mut().and_then(Iterator::next), labels.as_mut().and_then(Iterator::next));
        Window {
            name: names.as_ref().map_or_else(|| index.to_string(), |names| names[index].clone()),
            start: starts.as_ref().map_or(0, |starts| starts[index]),
            letters: letters.to_ascii_uppercase(),
            genetic_code,
            truth: match truth {
                (Some(genes), Some(labels)) => {
                    Some(Truth { genes: genes.iter().map(gene).collect(), labels: labels.to_vec() })
                }
                _ => None,
            },
        }
    };
    Ok(sequences.into_iter().enumerate().map(window).collect())
}

fn gene((strand, segments): &Gene) -> GeneModel {
    GeneModel {
        strand: if *strand == '-' { Strand::Minus } else { Strand::Plus },
        segments: segments.iter().map(|&(start, end)| Interval::new(start, end)).collect(),
    }
}

/// A batch as a dict of arrays.
fn to_dict(py: Python<'_>, arrays: BatchArrays) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    let (rows, tokens, bases) = (arrays.rows, arrays.row_tokens, arrays.row_bases);
    let windows = arrays.window_row.len();
    put(&dict, "tokens", arrays.tokens, [rows, tokens])?;
    put(&dict, "token_start", arrays.token_start, [rows, tokens])?;
    put(&dict, "token_position", arrays.token_position, [rows, tokens])?;
    put(&dict, "token_window", arrays.token_window, [rows, tokens])?;
    put(&dict, "bases", arrays.bases, [rows, bases])?;
    put(&dict, "base_token", arrays.base_token, [rows, bases])?;
    put(&dict, "base_window", arrays.base_window, [rows, bases])?;
    put(&dict, "channels", arrays.channels, [rows, bases, genet5_core::channels::CHANNELS])?;
    put(&dict, "window_row", arrays.window_row, [windows])?;
    put(&dict, "window_base", arrays.window_base, [windows])?;
    put(&dict, "window_bases", arrays.window_bases, [windows])?;
    put(&dict, "window_token", arrays.window_token, [windows])?;
    put(&dict, "window_tokens", arrays.window_tokens, [windows])?;
    put(&dict, "window_genetic_code", arrays.window_genetic_code, [windows])?;
    dict.set_item("window_names", arrays.window_names)?;
    dict.set_item("window_starts", arrays.window_starts)?;
    if let Some(targets) = arrays.targets {
        let (steps, choices) = (targets.allowed_target.len(), targets.allowed_type.len());
        put(&dict, "labels", targets.labels, [rows, bases])?;
        put(&dict, "step_type", targets.step_type, [windows, targets.steps])?;
        put(&dict, "step_position", targets.step_position, [windows, targets.steps])?;
        put(&dict, "step_count", targets.step_count, [windows])?;
        put(&dict, "allowed_offsets", targets.allowed_offsets, [steps + 1])?;
        put(&dict, "allowed_type", targets.allowed_type, [choices])?;
        put(&dict, "allowed_position", targets.allowed_position, [choices])?;
        put(&dict, "allowed_target", targets.allowed_target, [steps])?;
        put(&dict, "allowed_window", targets.allowed_window, [steps])?;
    }
    Ok(dict)
}

fn plan_dict<'py>(py: Python<'py>, plan: &Plan) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let items = plan.items();
    let mut place = vec![[0i64; 2]; items.len()];
    let mut row_index = 0;
    for batch in 0..plan.batches() {
        for row in plan.batch(batch) {
            row.iter().for_each(|&item| place[item as usize] = [batch as i64, row_index]);
            row_index += 1;
        }
    }
    let column = |name, value: fn(&genet5_core::reader::Item) -> i64| {
        put(&dict, name, items.iter().map(value).collect(), [items.len()])
    };
    column("window", |item| i64::from(item.sample))?;
    column("offset", |item| i64::from(item.offset))?;
    column("bases", |item| i64::from(item.bases))?;
    column("flip", |item| i64::from(item.flip))?;
    column("tokens", |item| i64::from(item.tokens))?;
    put(&dict, "batch", place.iter().map(|p| p[0]).collect(), [items.len()])?;
    put(&dict, "row", place.iter().map(|p| p[1]).collect(), [items.len()])?;
    Ok(dict)
}

fn put<T: Element, S: IntoDimension>(
    dict: &Bound<'_, PyDict>,
    name: &str,
    values: Vec<T>,
    shape: S,
) -> PyResult<()> {
    dict.set_item(name, values.into_pyarray(dict.py()).reshape(shape)?)
}
