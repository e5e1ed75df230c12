//! One place that decides how many threads a piece of work gets, and what becomes of them after a fork.
//!
//! A forked child, as a data loader makes them, has none of its parent's threads: whoever waits for a pool
//! that was made before the fork waits for ever. So pools know the process that made them.

use std::sync::OnceLock;

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

/// A pool that is kept, and made anew in a forked child.
#[derive(Debug)]
pub struct Pool {
    threads: usize,
    process: u32,
    workers: rayon::ThreadPool,
}

impl Pool {
    /// A pool of `threads` workers; 0 means one per core.
    ///
    /// # Errors
    /// As [`pool`].
    pub fn new(threads: usize) -> Result<Self> {
        Ok(Pool { threads, process: std::process::id(), workers: pool(threads)? })
    }

    /// Does the work on the pool's threads.
    ///
    /// # Errors
    /// What the work says; as [`pool`] in a forked child.
    pub fn install<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        if self.process == std::process::id() {
            return self.workers.install(work);
        }
        pool(self.threads)?.install(work)
    }
}

/// Remembers this process as the one whose global pool serves; the extension calls it when it is loaded.
pub fn remember_process() {
    first_process();
}

fn first_process() -> u32 {
    static FIRST: OnceLock<u32> = OnceLock::new();
    *FIRST.get_or_init(std::process::id)
}

/// Makes the calling thread of a forked child a pool of its own, so that work that names no pool is done
/// on this very thread and not left to the parent's global pool; does nothing elsewhere.
pub fn leave_parents_pool() {
    if first_process() != std::process::id() && rayon::current_thread_index().is_none() {
        // it stays a pool as long as the thread lives; an error says that it is one already
        let _ = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
    }
}
