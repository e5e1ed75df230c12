//! `genet5._core.extract`.

use std::path::PathBuf;

use genet5_core::extract::{self as core, Options, Product, Request};
use genet5_core::{Error, Result};
use pyo3::prelude::*;

use crate::detach;

fn product(name: &str, upstream: u32) -> Result<Product> {
    Ok(match name {
        "proteins" => Product::Proteins,
        "cds" => Product::Cds,
        "mrna" => Product::Mrna,
        "exons" => Product::Exons,
        "introns" => Product::Introns,
        "genes" => Product::Genes,
        "intergenic" => Product::Intergenic,
        "upstream" => Product::Upstream(upstream),
        "bed" => Product::Bed,
        "gtf" => Product::Gtf,
        other => return Err(Error::value(format!("'{other}' is no product that can be extracted"))),
    })
}

/// Writes each (product, path or None for standard output), and gives the report as JSON.
#[pyfunction]
#[pyo3(signature = (gff, genome, outputs, upstream=0, genetic_code=1, longest=false, contigs=None, stats=false))]
#[allow(clippy::too_many_arguments)]
fn run(
    py: Python<'_>,
    gff: PathBuf,
    genome: PathBuf,
    outputs: Vec<(String, Option<PathBuf>)>,
    upstream: u32,
    genetic_code: u8,
    longest: bool,
    contigs: Option<Vec<String>>,
    stats: bool,
) -> PyResult<String> {
    let options = Options { genetic_code, longest, contigs, stats };
    detach::run(py, |stop| {
        let request = |(name, path): (String, _)| Ok(Request { product: product(&name, upstream)?, path });
        let requests = outputs.into_iter().map(request).collect::<Result<Vec<_>>>()?;
        let report = core::run(&gff, &genome, &requests, &options, stop)?;
        // numbers and strings always serialise
        Ok(serde_json::to_string(&report).unwrap_or_default())
    })
}

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "extract", |module| module.add_function(wrap_pyfunction!(run, module)?))
}
