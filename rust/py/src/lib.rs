//! The Python face of `genet5-core`: the extension module `genet5._core`, one file per submodule.

use genet5_core::threads;
use pyo3::prelude::*;

mod bake;
mod batch;
mod bytes;
mod detach;
mod error;
mod extract;
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
///
/// It does not need the GIL: its classes are frozen or borrowed at run time, which PyO3 checks with atomics
/// (two threads that change one object get an error, not a race), and the core keeps no state of the process
/// but the flag of Ctrl-C, an atomic.
#[pymodule(name = "_core", gil_used = false)]
fn core_module(module: &Bound<'_, PyModule>) -> PyResult<()> {
    threads::remember_process();
    module.add("version", env!("CARGO_PKG_VERSION"))?;
    module.add("build_profile", if cfg!(debug_assertions) { "debug" } else { "release" })?;
    genome::register(module)?;
    extract::register(module)?;
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
