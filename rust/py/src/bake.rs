//! `genet5._core.bake`.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use genet5_core::bake::{self as core, Parts, Progress, Settings, SpeciesSettings};
use genet5_core::{threads, Error};
use pyo3::prelude::*;

use crate::detach;

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "bake", |module| {
        module.add_class::<Baker>()?;
        module.add_function(wrap_pyfunction!(stretches, module)?)
    })
}

/// Training and held-out stretches of a species' contigs: (contig, start, end, held out).
#[pyfunction]
fn stretches(
    py: Python<'_>,
    species: &str,
    contigs: Vec<(String, u32)>,
    window: u32,
    seed: u64,
) -> PyResult<Vec<(usize, u32, u32, bool)>> {
    detach::quick(py, || {
        let species: SpeciesSettings =
            serde_json::from_str(species).map_err(|error| Error::value(format!("species: {error}")))?;
        let contigs: Vec<(&str, u32)> = contigs.iter().map(|(name, bases)| (name.as_str(), *bases)).collect();
        let stretches = species.stretches(&contigs, window, seed)?;
        Ok(stretches.iter().map(|s| (s.contig, s.bases.start, s.bases.end, s.held_out)).collect())
    })
}

/// A bake under way; `progress` may be asked for by another thread.
#[pyclass(module = "genet5._core.bake", frozen)]
struct Baker {
    baker: core::Baker,
    progress: Progress,
    threads: usize,
}

#[pymethods]
impl Baker {
    #[new]
    #[pyo3(signature = (raw, out, settings, tokenizer, *, train=true, eval=true, force=false, strict=false, threads=0))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        raw: PathBuf,
        out: PathBuf,
        settings: &str,
        tokenizer: PathBuf,
        train: bool,
        eval: bool,
        force: bool,
        strict: bool,
        threads: usize,
    ) -> PyResult<Self> {
        let baker = detach::run(py, |_| {
            let settings: Settings =
                serde_json::from_str(settings).map_err(|error| Error::value(format!("settings: {error}")))?;
            core::Baker::open(&raw, &out, settings, &tokenizer, Parts { train, eval }, force, strict)
        })?;
        Ok(Baker { baker, progress: Progress::default(), threads })
    }

    /// Names of the species in order.
    #[getter]
    fn species(&self) -> Vec<String> {
        self.baker.settings().species.iter().map(|species| species.name.clone()).collect()
    }

    /// Whether nothing is left to do.
    fn is_finished(&self) -> bool {
        self.baker.is_finished()
    }

    /// Bakes one species by index: (whether there was something to do, its stats.json).
    fn bake(&self, py: Python<'_>, index: usize) -> PyResult<(bool, String)> {
        let outcome = detach::run(py, |stop| {
            threads::pool(self.threads)?.install(|| self.baker.bake(index, &self.progress, stop))
        })?;
        Ok((outcome.baked, outcome.stats))
    }

    /// How many portions a species is worth, 0 when nothing of it is missing.
    fn portions(&self, index: usize) -> usize {
        self.baker.portions(index)
    }

    /// Bakes some contigs of a species, for `join`.
    fn bake_portion(&self, py: Python<'_>, index: usize, portion: usize, count: usize) -> PyResult<()> {
        detach::run(py, |stop| {
            threads::pool(self.threads)?
                .install(|| self.baker.bake_portion(index, portion, count, &self.progress, stop))
        })
    }

    /// Makes the files of a species from all its portions; returns what `bake` returns.
    fn join(&self, py: Python<'_>, index: usize, count: usize) -> PyResult<(bool, String)> {
        let outcome = detach::run(py, |stop| {
            threads::pool(self.threads)?.install(|| self.baker.join(index, count, &self.progress, stop))
        })?;
        Ok((outcome.baked, outcome.stats))
    }

    /// Windows written and windows to write of the species under way.
    fn progress(&self) -> (u64, u64) {
        (self.progress.done.load(Ordering::Relaxed), self.progress.total.load(Ordering::Relaxed))
    }

    /// Joins the held-out windows of all species.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        detach::run(py, |_| self.baker.finish())
    }
}
