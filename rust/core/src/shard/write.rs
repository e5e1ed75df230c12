//! Writing a tar and its index.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use super::{temporary, write_file, Encoded, Entry, Index, Shard, BLOCK, FILES, FORMAT};
use crate::error::{Error, Result};

/// Writes one tar and its index, both under temporary names until [`Writer::finish`].
pub struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    hash: Xxh3,
    bytes: u64,
    entries: Vec<Entry>,
}

impl Writer {
    /// A tar that will be called `path`; the index gets the extension `.idx`.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(temporary(path)).map_err(Error::io(path))?;
        let file = BufWriter::with_capacity(1 << 20, file);
        Ok(Writer { path: path.to_path_buf(), file, hash: Xxh3::new(), bytes: 0, entries: Vec::new() })
    }

    /// Number of samples so far.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Appends a sample.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk refuses.
    pub fn write(&mut self, sample: &Encoded) -> Result<()> {
        let mut entry = sample.entry.clone();
        entry.files.iter_mut().for_each(|file| file[0] += self.bytes);
        self.entries.push(entry);
        self.raw(&sample.bytes)
    }

    /// Appends the samples of another finished tar.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Input`] as for [`Shard::open`].
    pub fn append(&mut self, shard: &Shard) -> Result<()> {
        for entry in shard.entries() {
            let mut moved = entry.clone();
            moved.files.iter_mut().for_each(|file| file[0] += self.bytes);
            self.entries.push(moved);
        }
        self.raw(shard.members())
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(Error::io(&self.path))
    }

    /// Ends the tar, writes the index and gives both their names.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk refuses.
    pub fn finish(mut self) -> Result<()> {
        self.raw(&[0; 2 * BLOCK])?;
        self.file.flush().map_err(Error::io(&self.path))?;
        let index = Index {
            format: FORMAT,
            tar: self.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
            bytes: self.bytes,
            xxh3: format!("{:016x}", self.hash.digest()),
            files: FILES.map(str::to_string).to_vec(),
            samples: self.entries,
        };
        write_file(&self.path.with_extension("idx"), index.to_text()?.as_bytes())?;
        std::fs::rename(temporary(&self.path), &self.path).map_err(Error::io(&self.path))
    }
}
