//! The one wrapper for long calls: releases the GIL, keeps Ctrl-C working, maps errors and panics.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use genet5_core::{interrupt, threads};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// Runs `work` without the GIL on a helper thread; on Ctrl-C raises the process's flag, which `work` is
/// given, and waits for it to stop. Only the main thread hears of signals, so no other lowers the flag.
pub fn run<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&AtomicBool) -> genet5_core::Result<T> + Send,
) -> PyResult<T> {
    let stop = interrupt::flag();
    let (sender, receiver) = std::sync::mpsc::channel();
    let (outcome, signal) = py.detach(move || {
        std::thread::scope(move |scope| {
            let handle = scope.spawn(move || {
                threads::leave_parents_pool();
                let result = catch_unwind(AssertUnwindSafe(|| work(stop)));
                let _ = sender.send(());
                result
            });
            let mut signal = None;
            while receiver.recv_timeout(Duration::from_millis(100))
                == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                if signal.is_none() {
                    if let Err(error) = Python::attach(|py| py.check_signals()) {
                        stop.store(true, Ordering::Relaxed);
                        signal = Some(error);
                    }
                }
            }
            (handle.join(), signal)
        })
    });
    if let Some(signal) = signal {
        stop.store(false, Ordering::Relaxed);
        return Err(signal);
    }
    match outcome {
        Ok(Ok(result)) => result.map_err(crate::error::to_py),
        _ => Err(PyRuntimeError::new_err(
            "internal error in genet5._core; please report it with the input that caused it",
        )),
    }
}

/// Runs a short piece of work without the GIL on this thread.
pub fn quick<T: Send>(py: Python<'_>, work: impl FnOnce() -> genet5_core::Result<T> + Send) -> PyResult<T> {
    py.detach(|| {
        threads::leave_parents_pool();
        catch_unwind(AssertUnwindSafe(work))
    })
    .map_err(|_| {
        PyRuntimeError::new_err(
            "internal error in genet5._core; please report it with the input that caused it",
        )
    })?
    .map_err(crate::error::to_py)
}
