//! The checklist of a GFF3 file.

use std::path::PathBuf;

use genet5_core::checklist::{self as core, Options};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::detach;

/// The violated rules of a GFF3 file: dicts of rule, says, count, places (line, text).
#[pyfunction]
#[pyo3(signature = (path, genome = None, *, genetic_code = 1, table_starts = false, min_intron = 10))]
pub fn check<'py>(
    py: Python<'py>,
    path: PathBuf,
    genome: Option<PathBuf>,
    genetic_code: u8,
    table_starts: bool,
    min_intron: u32,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let options = Options { genetic_code, table_starts, min_intron };
    let found = detach::run(py, |_| core::check(&path, genome.as_deref(), &options))?;
    let dict = |violation: &core::Violation| {
        let one = PyDict::new(py);
        one.set_item("rule", violation.rule.name())?;
        one.set_item("says", violation.rule.says())?;
        one.set_item("count", violation.count)?;
        one.set_item("places", &violation.places)?;
        Ok(one)
    };
    found.iter().map(dict).collect()
}
