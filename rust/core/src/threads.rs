//! One place that decides how many threads a piece of work gets.

use crate::error::{Error, Result};

/// A pool of `threads` workers; 0 means one per core.
///
/// # Errors
/// [`Error::Value`] when the system gives no threads.
pub fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Error::value(format!("cannot start {threads} threads: {error}")))
}
