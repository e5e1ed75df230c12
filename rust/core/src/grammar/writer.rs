//! Many windows written at once.

use rayon::prelude::*;

use super::site::Site;
use super::state::{SiteList, WindowGrammar, WriterState};
use super::Grammar;
use crate::error::{Error, Result};
use crate::gene::GeneModel;
use crate::threads;

/// A batch of windows and one annotation of each being written.
#[derive(Debug)]
pub struct Writer {
    windows: Vec<WindowGrammar>,
    states: Vec<WriterState>,
}

impl Writer {
    /// The tables of all windows, nothing written; 0 threads = one per core.
    ///
    /// # Errors
    /// [`Error::Value`] when the system gives no threads.
    pub fn new(grammar: &Grammar, windows: &[Vec<u8>], threads: usize) -> Result<Self> {
        let pool = threads::pool(threads)?;
        let windows: Vec<WindowGrammar> =
            pool.install(|| windows.par_iter().map(|codes| grammar.window(codes)).collect());
        let states = windows.iter().map(WindowGrammar::begin).collect();
        Ok(Writer { windows, states })
    }

    /// The states, one per window.
    pub fn states(&self) -> &[WriterState] {
        &self.states
    }

    /// The sites that may come next in each of the windows `active`, sorted by type and position,
    /// and where those of each window begin (one more offset than windows).
    ///
    /// # Errors
    /// [`Error::Value`] for a window that is not there.
    pub fn allowed(&self, active: &[i64]) -> Result<(Vec<i64>, SiteList)> {
        let mut joined = SiteList::default();
        let mut offsets = vec![0i64];
        for &window in active {
            let i = self.index(window)?;
            self.windows[i].allowed_into(&self.states[i], &mut joined);
            offsets.push(joined.len() as i64);
        }
        Ok((offsets, joined))
    }

    /// Writes one site in each of the windows `active`, in turn.
    ///
    /// # Errors
    /// [`Error::Value`] naming the first window where the grammar does not allow it; the windows
    /// before it have gone on.
    pub fn advance(&mut self, active: &[i64], sites: &[Site]) -> Result<()> {
        if sites.len() != active.len() {
            return Err(Error::value(format!("{} windows but {} sites", active.len(), sites.len())));
        }
        for (&window, &site) in active.iter().zip(sites) {
            let i = self.index(window)?;
            let refused = |error| Error::value(format!("window {i}: {error}"));
            self.windows[i].advance(&mut self.states[i], site).map_err(refused)?;
        }
        Ok(())
    }

    /// The genes written so far in one window, in order of their anchors.
    ///
    /// # Errors
    /// [`Error::Value`] for a window that is not there.
    pub fn genes(&self, window: i64) -> Result<&[GeneModel]> {
        let i = self.index(window)?;
        Ok(self.windows[i].genes(&self.states[i]))
    }

    fn index(&self, window: i64) -> Result<usize> {
        let index = usize::try_from(window).ok().filter(|&i| i < self.windows.len());
        index.ok_or_else(|| Error::value(format!("no window {window}; there are {}", self.windows.len())))
    }
}
