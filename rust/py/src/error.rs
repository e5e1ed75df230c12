//! Core errors as Python exceptions, in one place.

use genet5_core::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

/// The Python exception for a core error.
pub fn to_py(error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Input { path, line, .. } => input_error(message, path.display().to_string(), line),
        Error::Value(message) => PyValueError::new_err(message),
        Error::Io { path, source } => match source.raw_os_error() {
            // OSError picks its subclass (FileNotFoundError, …) from the number
            Some(number) => PyOSError::new_err((number, strerror(&source), path.display().to_string())),
            None => PyOSError::new_err(message),
        },
        Error::Interrupted => PyKeyboardInterrupt::new_err(()),
    }
}

fn strerror(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_string()
}

fn input_error(message: String, path: String, line: Option<u64>) -> PyErr {
    Python::attach(|py| {
        let class = py.import("genet5.errors").and_then(|module| module.getattr("InputError"));
        match class.and_then(|class| class.call1((message, path, line))) {
            Ok(value) => PyErr::from_value(value),
            Err(error) => PyRuntimeError::new_err(error.to_string()),
        }
    })
}
