//! `genet5._core.tokenizer`.

use genet5_core::tokenizer as core;
use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::detach;

/// A BPE vocabulary over DNA; see `genet5.tokenizer`.
#[pyclass(frozen, module = "genet5._core.tokenizer")]
pub struct Tokenizer {
    /// The core's tokenizer, for the other submodules.
    pub inner: core::Tokenizer,
}

type Arrays<'py> = (Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<i32>>);

#[pymethods]
impl Tokenizer {
    #[new]
    fn new(py: Python<'_>, path: std::path::PathBuf) -> PyResult<Self> {
        Ok(Self { inner: detach::quick(py, || core::Tokenizer::from_file(path))? })
    }

    #[staticmethod]
    fn from_json(py: Python<'_>, text: &str) -> PyResult<Self> {
        Ok(Self { inner: detach::quick(py, || core::Tokenizer::from_json(text))? })
    }

    fn with_gene_language(&self, py: Python<'_>) -> PyResult<Self> {
        Ok(Self { inner: detach::quick(py, || self.inner.with_gene_language())? })
    }

    fn encode<'py>(&self, py: Python<'py>, sequence: PyBackedBytes) -> PyResult<Arrays<'py>> {
        if i32::try_from(sequence.len()).is_err() {
            return Err(PyValueError::new_err("a sequence must be shorter than 2 Gb"));
        }
        let encoding = detach::quick(py, || Ok(self.inner.encode(&sequence)))?;
        let array = |values: Vec<u32>| -> Vec<i32> { values.into_iter().map(|value| value as i32).collect() };
        Ok((array(encoding.ids).into_pyarray(py), array(encoding.starts).into_pyarray(py)))
    }

    fn save(&self, py: Python<'_>, path: std::path::PathBuf) -> PyResult<()> {
        detach::quick(py, || self.inner.save(path))
    }

    fn json(&self) -> String {
        self.inner.to_json()
    }

    fn token_id(&self, token: &str) -> Option<u32> {
        self.inner.token_id(token)
    }

    fn tokens(&self) -> Vec<String> {
        self.inner.tokens().to_vec()
    }

    fn special_tokens(&self) -> Vec<String> {
        self.inner.special_ids().iter().map(|&id| self.inner.tokens()[id as usize].clone()).collect()
    }

    fn token_lengths(&self) -> Vec<(u32, usize)> {
        self.inner.dna_lengths()
    }

    #[getter]
    fn vocab_size(&self) -> usize {
        self.inner.vocab_size()
    }

    #[getter]
    fn pad_id(&self) -> u32 {
        self.inner.pad_id()
    }

    #[getter]
    fn unk_id(&self) -> u32 {
        self.inner.unk_id()
    }

    #[getter]
    fn has_gene_language(&self) -> bool {
        self.inner.has_gene_language()
    }

    #[getter]
    fn hash(&self) -> String {
        self.inner.hash()
    }
}

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "tokenizer", |module| module.add_class::<Tokenizer>())
}
