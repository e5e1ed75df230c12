//! Shards: WebDataset tars of windows with a byte index beside them.
//!
//! A sample is six files of one key: `.json` (where it lies, its genes), `.bases` (letters),
//! `.tokens` and `.starts` (little-endian u32), `.labels` (u8) and `.steps` (the gene language).
//! The index says where each file lies, so that any sample is read without the ones before it.

mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::Shard;
pub use write::Writer;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::gene::{GeneModel, Interval, Strand};

/// Version of the shard and index layout.
pub const FORMAT: u32 = 1;
/// Extensions of a sample's files, in the order they are written.
pub const FILES: [&str; 6] = ["json", "bases", "tokens", "starts", "labels", "steps"];
const BLOCK: usize = 512;

/// A gene as JSON: strand `+` or `-`, segments ascending, half-open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneRecord {
    /// The annotation's ID.
    pub id: String,
    /// `+` or `-`.
    pub strand: char,
    /// CDS segments.
    pub segments: Vec<[u32; 2]>,
}

impl GeneRecord {
    /// A gene moved by `-origin` bases.
    pub fn new(id: &str, model: &GeneModel, origin: u32) -> Self {
        let segments = model.segments.iter().map(|s| [s.start - origin, s.end - origin]).collect();
        GeneRecord { id: id.to_string(), strand: model.strand.symbol(), segments }
    }

    /// The gene model.
    pub fn model(&self) -> GeneModel {
        GeneModel {
            strand: if self.strand == '-' { Strand::Minus } else { Strand::Plus },
            segments: self.segments.iter().map(|s| Interval::new(s[0], s[1])).collect(),
        }
    }
}

/// What the `.json` file of a sample says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The sample's key.
    pub key: String,
    /// Folder name of the species.
    pub species: String,
    /// Contig.
    pub contig: String,
    /// First base of the window in the contig.
    pub start: u32,
    /// One past its last base.
    pub end: u32,
    /// NCBI number of the genetic code.
    pub genetic_code: u8,
    /// `train` or `held_out`.
    pub split: String,
    /// Target genes in window coordinates.
    pub genes: Vec<GeneRecord>,
    /// IDs of genes that touch the window and are no targets: over the edge, not valid, not writable.
    pub others: Vec<String>,
}

/// A sample before it is written.
pub struct Sample {
    /// The `.json` file.
    pub meta: Meta,
    /// Upper-case letters.
    pub letters: Vec<u8>,
    /// Token ids.
    pub ids: Vec<u32>,
    /// First base of each token.
    pub starts: Vec<u32>,
    /// Number of tokens of the reverse complement.
    pub reverse_tokens: u32,
    /// One segmentation label per base.
    pub labels: Vec<u8>,
    /// The gene language.
    pub steps: String,
}

/// Where a sample lies and how large it is; `files` has offset and length for each of [`FILES`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The sample's key.
    pub key: String,
    /// Number of bases.
    pub bases: u32,
    /// Number of tokens.
    pub tokens: u32,
    /// Number of tokens of the reverse complement.
    pub reverse_tokens: u32,
    /// Number of target genes.
    pub genes: u32,
    /// Offset and length of each file in the tar.
    pub files: [[u64; 2]; 6],
}

/// A sample's bytes in the tar, offsets from its own first byte.
pub struct Encoded {
    bytes: Vec<u8>,
    entry: Entry,
}

impl Sample {
    /// The sample as tar members.
    ///
    /// # Errors
    /// [`Error::Value`] when the key is too long for a tar header.
    pub fn encode(&self) -> Result<Encoded> {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let meta = serde_json::to_vec(&self.meta).map_err(|error| Error::value(error.to_string()))?;
        let (ids, starts) = (words(&self.ids), words(&self.starts));
        let contents: [&[u8]; 6] = [&meta, &self.letters, &ids, &starts, &self.labels, self.steps.as_bytes()];
        let mut bytes = Vec::with_capacity(contents.iter().map(|c| c.len() + 2 * BLOCK).sum());
        let mut files = [[0u64; 2]; 6];
        for (i, content) in contents.iter().enumerate() {
            let header = header(&format!("{}.{}", self.meta.key, FILES[i]), content.len())?;
            bytes.extend_from_slice(header.as_bytes());
            files[i] = [bytes.len() as u64, content.len() as u64];
            bytes.extend_from_slice(content);
            bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        }
        let entry = Entry {
            key: self.meta.key.clone(),
            bases: self.letters.len() as u32,
            tokens: self.ids.len() as u32,
            reverse_tokens: self.reverse_tokens,
            genes: self.meta.genes.len() as u32,
            files,
        };
        Ok(Encoded { bytes, entry })
    }
}

fn header(name: &str, size: usize) -> Result<tar::Header> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).map_err(|error| Error::value(format!("{name}: {error}")))?;
    header.set_size(size as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    Ok(header)
}

#[derive(Serialize, Deserialize)]
struct Index {
    format: u32,
    tar: String,
    bytes: u64,
    xxh3: String,
    files: Vec<String>,
    samples: Vec<Entry>,
}

impl Index {
    /// JSON with one line per sample.
    fn to_text(&self) -> Result<String> {
        let bad = |error: serde_json::Error| Error::value(error.to_string());
        let lines: Vec<String> = self
            .samples
            .iter()
            .map(serde_json::to_string)
            .collect::<std::result::Result<_, _>>()
            .map_err(bad)?;
        let files = serde_json::to_string(&self.files).map_err(bad)?;
        Ok(format!(
            "{{\"format\": {}, \"tar\": \"{}\", \"bytes\": {}, \"xxh3\": \"{}\", \"files\": {files}, \
             \"samples\": [\n{}\n]}}\n",
            self.format,
            self.tar,
            self.bytes,
            self.xxh3,
            lines.join(",\n")
        ))
    }
}

/// The name a file has until it is whole.
pub fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".tmp");
    path.with_file_name(name)
}

/// Writes a whole file under a temporary name and renames it.
///
/// # Errors
/// [`Error::Io`] when the disk refuses.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let unfinished = temporary(path);
    std::fs::write(&unfinished, bytes).map_err(Error::io(&unfinished))?;
    std::fs::rename(&unfinished, path).map_err(Error::io(path))
}
