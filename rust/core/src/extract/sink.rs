//! Where a product goes: a file that is whole or not there, or standard output.

use std::io::{Stdout, Write};
use std::path::PathBuf;

use super::{Product, Request};
use crate::error::{Error, Result};
use crate::files::Pending;

enum Target {
    File(Pending),
    Standard(Stdout),
}

/// An open output.
pub(super) struct Sink {
    pub product: Product,
    /// Records written.
    pub records: usize,
    path: PathBuf,
    target: Target,
}

impl Sink {
    pub(super) fn open(request: &Request) -> Result<Self> {
        let (path, target) = match &request.path {
            Some(path) => (path.clone(), Target::File(Pending::create(path)?)),
            None => (PathBuf::from("standard output"), Target::Standard(std::io::stdout())),
        };
        Ok(Sink { product: request.product, records: 0, path, target })
    }

    pub(super) fn write(&mut self, text: &[u8], records: usize) -> Result<()> {
        self.records += records;
        match &mut self.target {
            Target::File(pending) => pending.out.write_all(text),
            Target::Standard(out) => out.write_all(text),
        }
        .map_err(Error::io(&self.path))
    }

    pub(super) fn commit(self) -> Result<()> {
        match self.target {
            Target::File(pending) => pending.commit(),
            Target::Standard(mut out) => out.flush().map_err(Error::io(&self.path)),
        }
    }
}
