//! Many windows written at once.

use rayon::prelude::*;

use super::site::Site;
use super::state::{SiteList, WindowGrammar, WriterState};
use super::Grammar;
use crate::error::{Error, Result};
use crate::gene::GeneModel;
use crate::threads;

/// A batch of windows and one annotation of each being written, or several of each.
#[derive(Debug)]
pub struct Writer {
    windows: Vec<WindowGrammar>,
    /// those of a window side by side
    states: Vec<WriterState>,
    copies: usize,
}

impl Writer {
    /// The tables of all windows, nothing written; 0 threads = one per core. With `copies` above 1 that many
    /// annotations of each window are written, and annotation `i` is one of window `i / copies`.
    ///
    /// # Errors
    /// [`Error::Value`] when the system gives no threads, or `copies` is 0.
    pub fn new(grammar: &Grammar, windows: &[Vec<u8>], copies: usize, threads: usize) -> Result<Self> {
        if copies == 0 {
            return Err(Error::value("copies is 0; at least one annotation of each window is written"));
        }
        let pool = threads::pool(threads)?;
        let windows: Vec<WindowGrammar> =
            pool.install(|| windows.par_iter().map(|codes| grammar.window(codes)).collect());
        let states = windows.iter().flat_map(|w| std::iter::repeat_with(|| w.begin()).take(copies)).collect();
        Ok(Writer { windows, states, copies })
    }

    /// The states, one per annotation.
    pub fn states(&self) -> &[WriterState] {
        &self.states
    }

    /// The sites that may come next in each of the annotations `active`, sorted by type and position,
    /// and where those of each one begin (one more offset than annotations).
    ///
    /// # Errors
    /// [`Error::Value`] for a window that is not there.
    pub fn allowed(&self, active: &[i64]) -> Result<(Vec<i64>, SiteList)> {
        let mut joined = SiteList::default();
        let mut offsets = vec![0i64];
        for &window in active {
            let i = self.index(window)?;
            self.windows[i / self.copies].allowed_into(&self.states[i], &mut joined);
            offsets.push(joined.len() as i64);
        }
        Ok((offsets, joined))
    }

    /// Writes one site in each of the annotations `active`, in turn.
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
            self.windows[i / self.copies].advance(&mut self.states[i], site).map_err(refused)?;
        }
        Ok(())
    }

    /// The genes written so far in one window, in order of their anchors.
    ///
    /// # Errors
    /// [`Error::Value`] for a window that is not there.
    pub fn genes(&self, window: i64) -> Result<&[GeneModel]> {
        let i = self.index(window)?;
        Ok(self.windows[i / self.copies].genes(&self.states[i]))
    }

    fn index(&self, window: i64) -> Result<usize> {
        let index = usize::try_from(window).ok().filter(|&i| i < self.states.len());
        index.ok_or_else(|| Error::value(format!("no window {window}; there are {}", self.states.len())))
    }
}
