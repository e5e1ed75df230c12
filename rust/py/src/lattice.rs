//! `genet5._core.lattice`.

use pyo3::prelude::*;

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "lattice", |_module| Ok(()))
}
