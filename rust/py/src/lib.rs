//! The Python face of `genet5-core`: the extension module `genet5._core`, one file per submodule.

use pyo3::prelude::*;

mod bake;
mod batch;
mod bytes;
mod detach;
mod error;
mod genome;
mod grammar;
mod lattice;
mod score;
mod tokenizer;

/// Windows and batches are made and dropped by the megabyte, and the system's allocator gives such
/// memory back each time, to be mapped and zeroed anew: this one keeps it for the next.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Compiled core of GeneT5.
#[pymodule(name = "_core", gil_used = false)]
fn core_module(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("version", env!("CARGO_PKG_VERSION"))?;
    module.add("build_profile", if cfg!(debug_assertions) { "debug" } else { "release" })?;
    genome::register(module)?;
    tokenizer::register(module)?;
    grammar::register(module)?;
    lattice::register(module)?;
    bake::register(module)?;
    batch::register(module)?;
    score::register(module)
}

/// A new submodule of `genet5._core`, filled by `fill`.
fn submodule(
    parent: &Bound<'_, PyModule>,
    name: &str,
    fill: impl FnOnce(&Bound<'_, PyModule>) -> PyResult<()>,
) -> PyResult<()> {
    let child = PyModule::new(parent.py(), name)?;
    fill(&child)?;
    parent.add_submodule(&child)
}
