//! `genet5._core.tokenizer`.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use genet5_core::tokenizer as core;
use genet5_core::Result;
use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::detach;

/// A BPE vocabulary over DNA.
#[pyclass(frozen, module = "genet5._core.tokenizer")]
pub struct Tokenizer {
    /// The core's tokenizer, for the other submodules.
    pub inner: core::Tokenizer,
}

/// Bases from which encoding can be interrupted.
const LONG: usize = 1 << 22;

type Arrays<'py> = (Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<i32>>);

#[pymethods]
impl Tokenizer {
    /// Reads a file for use: the gene language is appended where the file lacks it.
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self { inner: detach::quick(py, || core::Tokenizer::from_file(path))? })
    }

    /// Reads a file exactly as it is.
    #[staticmethod]
    fn read(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self { inner: detach::quick(py, || core::Tokenizer::read(path))? })
    }

    /// Reads the text of a tokenizer.json exactly as it is.
    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        Ok(Self { inner: detach::quick(py, || core::Tokenizer::from_json(text))? })
    }

    /// The same vocabulary with the gene language and padding appended; old ids stay.
    fn with_gene_language(&self, py: Python<'_>) -> PyResult<Self> {
        Ok(Self { inner: detach::quick(py, || self.inner.with_gene_language())? })
    }

    /// Ids and 0-based first bases, int32 `[n]` each, of a sequence of letters (bytes).
    ///
    /// Letters are upper-cased first; every one other than A, C, G, T is one unknown token. The ids are those
    /// of Hugging Face tokenizers on the upper-cased text, without its special tokens.
    fn encode<'py>(&self, py: Python<'py>, sequence: PyBackedBytes) -> PyResult<Arrays<'py>> {
        if i32::try_from(sequence.len()).is_err() {
            return Err(PyValueError::new_err("a sequence must be shorter than 2 Gb"));
        }
        let encoding = match sequence.len() < LONG {
            true => detach::quick(py, || Ok(self.inner.encode(&sequence)))?,
            false => detach::run(py, |_| self.inner.encode_long(&sequence))?,
        };
        let array = |values: Vec<u32>| -> Vec<i32> { values.into_iter().map(|value| value as i32).collect() };
        Ok((array(encoding.ids).into_pyarray(py), array(encoding.starts).into_pyarray(py)))
    }

    /// Writes tokenizer.json under a temporary name and renames it.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        detach::quick(py, || self.inner.save(path))
    }

    /// The text of tokenizer.json; fields unknown to us are kept.
    fn json(&self) -> String {
        self.inner.to_json()
    }

    /// The id of a token's text, or None.
    fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_id(token)
    }

    /// The texts of all tokens, by id.
    fn tokens(&self) -> Vec<String> {
        self.inner.tokens().to_vec()
    }

    /// The texts of the special tokens.
    fn special_tokens(&self) -> Vec<String> {
        self.inner.special_ids().iter().map(|&id| self.inner.tokens()[id as usize].clone()).collect()
    }

    /// (id, bases) of every token of DNA.
    fn token_lengths(&self) -> Vec<(u32, usize)> {
        self.inner.dna_lengths()
    }

    /// Number of ids, special tokens included.
    #[getter]
    fn vocab_size(&self) -> usize {
        self.inner.vocab_size()
    }

    /// The id for padding; the unknown one's where the file has none.
    #[getter]
    fn pad_id(&self) -> u32 {
        self.inner.pad_id()
    }

    /// The id of letters that are no token.
    #[getter]
    fn unk_id(&self) -> u32 {
        self.inner.unk_id()
    }

    /// Whether the gene language and a padding token are there.
    #[getter]
    fn has_gene_language(&self) -> bool {
        self.inner.has_gene_language()
    }

    /// Content hash of the vocabulary (hex); the layout of the file plays no part.
    #[getter]
    fn hash(&self) -> String {
        self.inner.hash()
    }
}

/// Learns a vocabulary from sequences in memory and FASTA files: (path, contigs to leave out).
#[pyfunction]
#[pyo3(signature = (sequences, genomes, vocab_size, max_token_length, min_count, piece, threads, progress))]
#[allow(clippy::too_many_arguments)]
fn train(
    py: Python<'_>,
    sequences: Vec<PyBackedBytes>,
    genomes: Vec<(PathBuf, Vec<String>)>,
    vocab_size: usize,
    max_token_length: usize,
    min_count: u64,
    piece: usize,
    threads: usize,
    progress: Option<Py<PyAny>>,
) -> PyResult<Tokenizer> {
    let options = core::TrainOptions { vocab_size, max_token_length, min_count };
    let inner = detach::run(py, |stop| {
        let corpus = corpus(&sequences, genomes, piece, threads, stop)?;
        core::train(corpus, &options, &mut |done, total| report(&progress, done, total), stop)
    })?;
    Ok(Tokenizer { inner })
}

/// Learns further merges on top of a vocabulary; otherwise as `train`.
#[pyfunction]
#[pyo3(signature = (base, sequences, genomes, add, max_token_length, min_count, piece, threads, progress))]
#[allow(clippy::too_many_arguments)]
fn expand(
    py: Python<'_>,
    base: &Bound<'_, Tokenizer>,
    sequences: Vec<PyBackedBytes>,
    genomes: Vec<(PathBuf, Vec<String>)>,
    add: usize,
    max_token_length: usize,
    min_count: u64,
    piece: usize,
    threads: usize,
    progress: Option<Py<PyAny>>,
) -> PyResult<Tokenizer> {
    let base = &base.get().inner;
    let options = core::ExpandOptions { add, max_token_length, min_count };
    let inner = detach::run(py, |stop| {
        let corpus = corpus(&sequences, genomes, piece, threads, stop)?;
        core::expand(base, corpus, &options, &mut |done, total| report(&progress, done, total), stop)
    })?;
    Ok(Tokenizer { inner })
}

fn corpus(
    sequences: &[PyBackedBytes],
    genomes: Vec<(PathBuf, Vec<String>)>,
    piece: usize,
    threads: usize,
    stop: &AtomicBool,
) -> Result<core::Corpus> {
    let genomes: Vec<_> = genomes.into_iter().map(|(path, exclude)| core::Genome { path, exclude }).collect();
    let mut corpus = core::Corpus::read(&genomes, piece, threads, stop)?;
    sequences.iter().try_for_each(|sequence| corpus.add(sequence))?;
    Ok(corpus)
}

// every so often, since the callback needs the interpreter
fn report(progress: &Option<Py<PyAny>>, done: usize, total: usize) {
    if let Some(progress) = progress.as_ref().filter(|_| done % 64 == 0 || done == total) {
        Python::attach(|py| {
            if let Err(error) = progress.call1(py, (done, total)) {
                error.write_unraisable(py, None);
            }
        });
    }
}

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "tokenizer", |module| {
        module.add_class::<Tokenizer>()?;
        module.add_function(wrap_pyfunction!(train, module)?)?;
        module.add_function(wrap_pyfunction!(expand, module)?)
    })
}
