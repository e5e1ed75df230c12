//! The loss of all windows of a batch.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::{Lattice, Loss, POTENTIALS};
use crate::error::{Error, Result};

/// The windows of a batch, laid in rows of `row_bases` bases.
#[derive(Debug, Clone, Copy)]
pub struct WindowBatch<'a> {
    /// Base codes, rows after each other.
    pub codes: &'a [u8],
    /// [`POTENTIALS`] per base.
    pub potentials: &'a [f32],
    /// Labels, 255 = any.
    pub labels: &'a [u8],
    /// Bases of a row.
    pub row_bases: usize,
    /// Row of each window.
    pub row: &'a [i32],
    /// First base in its row.
    pub base: &'a [i32],
    /// Number of bases.
    pub bases: &'a [i32],
}

impl WindowBatch<'_> {
    /// Where a window lies in the flat arrays.
    fn range(&self, window: usize) -> Result<std::ops::Range<usize>> {
        let number = |list: &[i32]| list.get(window).and_then(|&x| usize::try_from(x).ok());
        let place = || {
            let (row, base, bases) = (number(self.row)?, number(self.base)?, number(self.bases)?);
            let start = row.checked_mul(self.row_bases)?.checked_add(base)?;
            let inside = base.checked_add(bases)? <= self.row_bases && start + bases <= self.codes.len();
            inside.then_some(start..start + bases)
        };
        place().ok_or_else(|| {
            Error::value(format!("window {window} does not lie in the batch: check its row, base and bases"))
        })
    }
}

impl Lattice {
    /// [`Lattice::loss`] of every window: negative log likelihoods, NaN where no path has the labels,
    /// and the gradient for all bases, 0 outside windows and in those without a path. `threads` 0 =
    /// all cores; the result does not depend on it.
    ///
    /// # Errors
    /// As [`Lattice::loss`], and [`Error::Value`] when a window does not lie in the batch;
    /// [`Error::Interrupted`] soon after `stop` is raised.
    pub fn batch_loss(
        &self,
        batch: &WindowBatch,
        threads: usize,
        stop: &AtomicBool,
    ) -> Result<(Vec<f64>, Vec<f32>)> {
        let bases = batch.codes.len();
        if batch.labels.len() != bases || batch.potentials.len() != bases * POTENTIALS {
            return Err(Error::value("bases, labels and potentials must have the same rows and bases"));
        }
        if batch.row.len() != batch.base.len() || batch.row.len() != batch.bases.len() {
            return Err(Error::value("window_row, window_base and window_bases must be of one length"));
        }
        let ranges = (0..batch.row.len()).map(|w| batch.range(w)).collect::<Result<Vec<_>>>()?;
        let work = || {
            let one = |range: &std::ops::Range<usize>| self.window_loss(batch, range, stop);
            ranges.par_iter().map(one).collect::<Result<Vec<_>>>()
        };
        let losses = if threads == 0 {
            work()
        } else {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.map_err(|error| Error::value(format!("threads = {threads}: {error}")))?.install(work)
        }?;
        let mut gradient = vec![0f32; batch.potentials.len()];
        let mut nll = vec![f64::NAN; ranges.len()];
        for ((loss, range), nll) in losses.into_iter().zip(&ranges).zip(&mut nll) {
            let Some(loss) = loss else { continue };
            *nll = loss.nll;
            gradient[range.start * POTENTIALS..range.end * POTENTIALS].copy_from_slice(&loss.gradient);
        }
        Ok((nll, gradient))
    }

    fn window_loss(
        &self,
        batch: &WindowBatch,
        range: &std::ops::Range<usize>,
        stop: &AtomicBool,
    ) -> Result<Option<Loss>> {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let potentials = &batch.potentials[range.start * POTENTIALS..range.end * POTENTIALS];
        self.loss(&batch.codes[range.clone()], potentials, &batch.labels[range.clone()])
    }
}
