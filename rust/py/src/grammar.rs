//! `genet5._core.grammar`.

use pyo3::prelude::*;

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "grammar", |_module| Ok(()))
}
