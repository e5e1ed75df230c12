//! `genet5._core.grammar`.

use genet5_core::dna;
use genet5_core::error::{Error, Result};
use genet5_core::gene::{GeneModel, Interval, Strand};
use genet5_core::grammar::{self as core, Grammar, GrammarConfig, Site, SiteList, SiteType, WriterState};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::detach;

type Sites<'py> = (Bound<'py, PyArray1<u8>>, Bound<'py, PyArray1<i32>>);
type Offered<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<u8>>, Bound<'py, PyArray1<i32>>);
type Replayed<'py> = (
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<i64>>,
    Bound<'py, PyArray1<i32>>,
);
type SiteArrays<'py> = (PyReadonlyArray1<'py, u8>, PyReadonlyArray1<'py, i32>);
type Gene = (char, Vec<(u32, u32)>);

/// Adds the submodule.
pub fn register(parent: &Bound<'_, PyModule>) -> PyResult<()> {
    crate::submodule(parent, "grammar", |module| {
        module.add_class::<WindowGrammar>()?;
        module.add_class::<Writer>()?;
        module.add_function(wrap_pyfunction!(encode_genes, module)?)?;
        module.add_function(wrap_pyfunction!(decode_sites, module)?)?;
        module.add_function(wrap_pyfunction!(to_text, module)?)?;
        module.add_function(wrap_pyfunction!(parse_text, module)?)?;
        module.add_function(wrap_pyfunction!(replay, module)?)
    })
}

/// One window and one annotation of it being written.
#[pyclass(module = "genet5._core.grammar", subclass)]
struct WindowGrammar {
    window: core::WindowGrammar,
    state: WriterState,
}

#[pymethods]
impl WindowGrammar {
    #[new]
    #[pyo3(signature = (codes, genetic_code=1, table_starts=false, min_intron=10, max_intron=0))]
    fn new(
        py: Python<'_>,
        codes: &Bound<'_, PyAny>,
        genetic_code: u8,
        table_starts: bool,
        min_intron: u32,
        max_intron: u32,
    ) -> PyResult<Self> {
        let codes = base_codes(codes)?;
        let config = GrammarConfig { genetic_code, table_starts, min_intron, max_intron };
        let window = detach::quick(py, || Ok(Grammar::new(&config)?.window(&codes)))?;
        let state = window.begin();
        Ok(WindowGrammar { window, state })
    }

    /// The sites that may come next, sorted by (type, position).
    fn allowed<'py>(&self, py: Python<'py>) -> PyResult<Sites<'py>> {
        let list = detach::quick(py, || {
            let mut list = SiteList::default();
            self.window.allowed_into(&self.state, &mut list);
            Ok(list)
        })?;
        Ok((list.types.into_pyarray(py), list.positions.into_pyarray(py)))
    }

    /// Writes one site.
    #[pyo3(signature = (kind, position=-1))]
    fn advance(&mut self, py: Python<'_>, kind: u8, position: i32) -> PyResult<()> {
        let (window, state) = (&self.window, &mut self.state);
        detach::quick(py, || window.advance(state, Site::new(SiteType::from_number(kind)?, position)))
    }

    /// The genes written so far.
    fn genes(&self) -> Vec<Gene> {
        self.window.genes(&self.state).iter().map(gene_out).collect()
    }

    /// Whether the end has been written.
    #[getter]
    fn finished(&self) -> bool {
        self.state.finished()
    }
}

/// Many windows and one annotation of each being written.
#[pyclass(module = "genet5._core.grammar", subclass)]
struct Writer(core::Writer);

#[pymethods]
impl Writer {
    #[new]
    #[pyo3(signature = (windows, genetic_code=1, table_starts=false, min_intron=10, max_intron=0, threads=1,
                        copies=1))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        windows: Vec<Bound<'_, PyAny>>,
        genetic_code: u8,
        table_starts: bool,
        min_intron: u32,
        max_intron: u32,
        threads: usize,
        copies: usize,
    ) -> PyResult<Self> {
        let codes = windows.iter().map(base_codes).collect::<PyResult<Vec<_>>>()?;
        let config = GrammarConfig { genetic_code, table_starts, min_intron, max_intron };
        let writer = move || core::Writer::new(&Grammar::new(&config)?, &codes, copies, threads);
        detach::run(py, move |_| Ok(Writer(writer()?)))
    }

    /// The sites that may come next in each of the windows, sorted by (type, position).
    fn allowed<'py>(&self, py: Python<'py>, active: PyReadonlyArray1<'py, i64>) -> PyResult<Offered<'py>> {
        let active = active.as_array().to_vec();
        let (offsets, list) = detach::quick(py, || self.0.allowed(&active))?;
        Ok((offsets.into_pyarray(py), list.types.into_pyarray(py), list.positions.into_pyarray(py)))
    }

    /// Writes one site in each of the windows.
    fn advance(
        &mut self,
        py: Python<'_>,
        active: PyReadonlyArray1<'_, i64>,
        types: PyReadonlyArray1<'_, u8>,
        positions: PyReadonlyArray1<'_, i32>,
    ) -> PyResult<()> {
        let active = active.as_array().to_vec();
        let (types, positions) = (types.as_array().to_vec(), positions.as_array().to_vec());
        detach::quick(py, || self.0.advance(&active, &sites_in(&types, &positions)?))
    }

    /// The genes written so far in one window.
    fn genes(&self, window: i64) -> PyResult<Vec<Gene>> {
        Ok(self.0.genes(window).map_err(crate::error::to_py)?.iter().map(gene_out).collect())
    }

    /// Whether the end has been written, per window.
    #[getter]
    fn finished<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<bool>> {
        self.0.states().iter().map(WriterState::finished).collect::<Vec<_>>().into_pyarray(py)
    }

    fn __len__(&self) -> usize {
        self.0.states().len()
    }
}

/// The sites of a set of genes.
#[pyfunction]
fn encode_genes<'py>(py: Python<'py>, genes: Vec<Gene>) -> PyResult<Sites<'py>> {
    let sites = detach::quick(py, || {
        Ok(core::encode_genes(&genes.iter().map(gene_in).collect::<Result<Vec<_>>>()?))
    })?;
    Ok(sites_out(py, &sites))
}

/// The genes of a complete annotation.
#[pyfunction]
fn decode_sites(
    py: Python<'_>,
    types: PyReadonlyArray1<'_, u8>,
    positions: PyReadonlyArray1<'_, i32>,
) -> PyResult<Vec<Gene>> {
    let (types, positions) = (types.as_array().to_vec(), positions.as_array().to_vec());
    let genes = detach::quick(py, || core::decode_sites(&sites_in(&types, &positions)?))?;
    Ok(genes.iter().map(gene_out).collect())
}

/// Sites as text.
#[pyfunction]
fn to_text(
    py: Python<'_>,
    types: PyReadonlyArray1<'_, u8>,
    positions: PyReadonlyArray1<'_, i32>,
) -> PyResult<String> {
    let (types, positions) = (types.as_array().to_vec(), positions.as_array().to_vec());
    detach::quick(py, || Ok(core::to_text(&sites_in(&types, &positions)?)))
}

/// Text as sites.
#[pyfunction]
fn parse_text<'py>(py: Python<'py>, text: &str) -> PyResult<Sites<'py>> {
    let sites = detach::quick(py, || core::parse_text(text))?;
    Ok(sites_out(py, &sites))
}

/// What could have been written at each step of true annotations.
#[pyfunction]
#[pyo3(signature = (windows, steps, genetic_code=1, table_starts=false, min_intron=10, max_intron=0, threads=1))]
#[allow(clippy::too_many_arguments)]
fn replay<'py>(
    py: Python<'py>,
    windows: Vec<Bound<'py, PyAny>>,
    steps: Vec<SiteArrays<'py>>,
    genetic_code: u8,
    table_starts: bool,
    min_intron: u32,
    max_intron: u32,
    threads: usize,
) -> PyResult<Replayed<'py>> {
    let codes = windows.iter().map(base_codes).collect::<PyResult<Vec<_>>>()?;
    let columns: Vec<_> =
        steps.iter().map(|(types, at)| (types.as_array().to_vec(), at.as_array().to_vec())).collect();
    let config = GrammarConfig { genetic_code, table_starts, min_intron, max_intron };
    let (replay, window_of_step) = detach::run(py, move |stop| {
        if codes.len() != columns.len() {
            return Err(Error::value(format!("{} windows but {} annotations", codes.len(), columns.len())));
        }
        let sites = columns.iter().map(|(types, at)| sites_in(types, at)).collect::<Result<Vec<_>>>()?;
        let pairs: Vec<(&[u8], &[Site])> =
            codes.iter().zip(&sites).map(|(codes, sites)| (&codes[..], &sites[..])).collect();
        core::replay_batch(&Grammar::new(&config)?, &pairs, threads, stop)
    })?;
    Ok((
        replay.offsets.into_pyarray(py),
        replay.allowed.types.into_pyarray(py),
        replay.allowed.positions.into_pyarray(py),
        replay.targets.into_pyarray(py),
        window_of_step.into_pyarray(py),
    ))
}

/// Base codes from letters (bytes) or from an array of codes.
fn base_codes(bases: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    match bases.cast::<PyBytes>() {
        Ok(letters) => Ok(dna::encode(letters.as_bytes())),
        Err(_) => Ok(bases.extract::<PyReadonlyArray1<'_, u8>>()?.as_array().to_vec()),
    }
}

fn sites_in(types: &[u8], positions: &[i32]) -> Result<Vec<Site>> {
    if types.len() != positions.len() {
        return Err(Error::value(format!("{} types but {} positions", types.len(), positions.len())));
    }
    let site = |(&kind, &position): (&u8, &i32)| Ok(Site::new(SiteType::from_number(kind)?, position));
    types.iter().zip(positions).map(site).collect()
}

fn sites_out<'py>(py: Python<'py>, sites: &[Site]) -> Sites<'py> {
    let types: Vec<u8> = sites.iter().map(|site| site.kind as u8).collect();
    let positions: Vec<i32> = sites.iter().map(|site| site.position).collect();
    (types.into_pyarray(py), positions.into_pyarray(py))
}

fn gene_out(gene: &GeneModel) -> Gene {
    (gene.strand.symbol(), gene.segments.iter().map(|s| (s.start, s.end)).collect())
}

fn gene_in((strand, segments): &Gene) -> Result<GeneModel> {
    let strand = match strand {
        '+' => Strand::Plus,
        '-' => Strand::Minus,
        other => return Err(Error::value(format!("the strand is + or -, not {other}"))),
    };
    let segments: Vec<Interval> = segments.iter().map(|&(start, end)| Interval::new(start, end)).collect();
    let ascending = segments.windows(2).all(|pair| pair[0].end <= pair[1].start);
    if segments.is_empty() || segments.iter().any(Interval::is_empty) || !ascending {
        return Err(Error::value(format!(
            "segments must be ascending, disjoint and not empty: {segments:?}"
        )));
    }
    Ok(GeneModel { strand, segments })
}
