//! One error type for the whole core; the Python glue maps each kind to one exception.

use std::path::{Path, PathBuf};

/// What can go wrong in the core.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file says something that it must not say.
    #[error("{}{}: {message}", path.display(), line.map(|n| format!(", line {n}")).unwrap_or_default())]
    Input {
        /// The file as the user named it.
        path: PathBuf,
        /// 1-based line, where one is to blame.
        line: Option<u64>,
        /// What is wrong and what to do.
        message: String,
    },
    /// An argument or option has an impossible value.
    #[error("{0}")]
    Value(String),
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// The core's result type.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A complaint about a file, with the line where there is one.
    pub fn input(path: impl AsRef<Path>, line: impl Into<Option<u64>>, message: impl Into<String>) -> Self {
        Error::Input { path: path.as_ref().to_path_buf(), line: line.into(), message: message.into() }
    }

    /// A complaint about an argument.
    pub fn value(message: impl Into<String>) -> Self {
        Error::Value(message.into())
    }

    /// An operating-system error on a path, for `map_err`.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { path, source }
    }
}
