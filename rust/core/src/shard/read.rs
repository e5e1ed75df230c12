//! Reading single samples of a tar through its index.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use xxhash_rust::xxh3::xxh3_64;

use super::{Encoded, Entry, GeneRecord, Index, Meta, BLOCK, FORMAT};
use crate::batch::{Truth, Window};
use crate::error::{Error, Result};
use crate::labels;

/// A finished tar, mapped into memory.
pub struct Shard {
    path: PathBuf,
    map: Mmap,
    entries: Vec<Entry>,
    hash: u64,
}

impl Shard {
    /// Opens a tar and its index.
    ///
    /// # Errors
    /// [`Error::Io`] when one is missing, [`Error::Input`] when they do not belong together.
    pub fn open(path: &Path) -> Result<Self> {
        let index_path = path.with_extension("idx");
        let text = std::fs::read(&index_path).map_err(Error::io(&index_path))?;
        let index: Index = serde_json::from_slice(&text).map_err(|error| {
            Error::input(&index_path, error.line() as u64, format!("not a shard index: {error}"))
        })?;
        if index.format != FORMAT {
            let message = format!("index format {} is not {FORMAT}: bake again", index.format);
            return Err(Error::input(&index_path, None, message));
        }
        let file = File::open(path).map_err(Error::io(path))?;
        // SAFETY: shards are written once and renamed; nobody changes them in place
        let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path))?;
        let inside = |entry: &Entry| {
            entry.files.iter().all(|f| f[0].checked_add(f[1]).is_some_and(|end| end <= map.len() as u64))
        };
        if map.len() as u64 != index.bytes || map.len() < 2 * BLOCK || !index.samples.iter().all(inside) {
            return Err(Error::input(path, None, "the file and its .idx do not belong together: bake again"));
        }
        Ok(Shard { path: path.to_path_buf(), map, entries: index.samples, hash: xxh3_64(&text) })
    }

    /// The samples in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The tar without its end marks.
    pub(super) fn members(&self) -> &[u8] {
        &self.map[..self.map.len() - 2 * BLOCK]
    }

    /// Hash of the index, which holds the hash of the tar.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The bytes of one file of a sample.
    pub fn file(&self, sample: usize, file: usize) -> &[u8] {
        let [offset, length] = self.entries[sample].files[file];
        let range: Range<usize> = offset as usize..(offset + length) as usize;
        &self.map[range]
    }

    /// A sample as it lies in the tar, for another one.
    pub fn encoded(&self, sample: usize) -> Encoded {
        let mut entry = self.entries[sample].clone();
        let begin = entry.files[0][0] - BLOCK as u64;
        let end = entry.files.iter().map(|file| file[0] + file[1]).max().unwrap_or(begin) as usize;
        entry.files.iter_mut().for_each(|file| file[0] -= begin);
        Encoded { bytes: self.map[begin as usize..end.next_multiple_of(BLOCK)].to_vec(), entry }
    }

    /// The letters of a sample.
    pub fn letters(&self, sample: usize) -> &[u8] {
        self.file(sample, 1)
    }

    /// What the `.json` file of a sample says.
    ///
    /// # Errors
    /// [`Error::Input`] when it is damaged.
    pub fn meta(&self, sample: usize) -> Result<Meta> {
        serde_json::from_slice(self.file(sample, 0)).map_err(|error| {
            Error::input(&self.path, None, format!("sample {}: {error}", self.entries[sample].key))
        })
    }

    /// A sample as a window with its targets.
    ///
    /// # Errors
    /// [`Error::Input`] when it is damaged.
    pub fn window(&self, sample: usize) -> Result<Window> {
        let meta = self.meta(sample)?;
        let window = Window {
            name: format!("{}:{}", meta.species, meta.contig),
            start: u64::from(meta.start),
            letters: self.letters(sample).to_vec(),
            genetic_code: meta.genetic_code,
            truth: Some(Truth {
                genes: meta.genes.iter().map(GeneRecord::model).collect(),
                labels: self.file(sample, 4).to_vec(),
            }),
        };
        let known = |&label: &u8| label == labels::UNKNOWN || usize::from(label) < labels::CLASSES;
        let damage = match window.check() {
            Err(error) => error.to_string(),
            Ok(()) if !self.file(sample, 4).iter().all(known) => "a label of no class".to_string(),
            Ok(()) if !meta.genes.iter().all(|gene| matches!(gene.strand, '+' | '-')) => {
                "a gene on no strand".to_string()
            }
            Ok(()) => return Ok(window),
        };
        let message = format!("sample {} is damaged: {damage}; bake again", self.entries[sample].key);
        Err(Error::input(&self.path, None, message))
    }
}
