//! `genet5._core.bake`.

use pyo3::prelude::*;

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "bake", |_module| Ok(()))
}
