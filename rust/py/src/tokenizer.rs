//! `genet5._core.tokenizer`.

use pyo3::prelude::*;

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "tokenizer", |_module| Ok(()))
}
