//! Shards: WebDataset tars of windows with a byte index beside them.
//!
//! A sample is six files of one key: `.json` (where it lies, its genes), `.bases` (letters),
//! `.tokens` and `.starts` (little-endian u32), `.labels` (u8) and `.steps` (the gene language).
//! The index says where each file lies, so that any sample is read without the ones before it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, Xxh3};

use crate::batch::{Truth, Window};
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
        for entry in &shard.entries {
            let mut moved = entry.clone();
            moved.files.iter_mut().for_each(|file| file[0] += self.bytes);
            self.entries.push(moved);
        }
        self.raw(&shard.map[..shard.map.len() - 2 * BLOCK])
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
        Ok(Window {
            name: format!("{}:{}", meta.species, meta.contig),
            start: u64::from(meta.start),
            letters: self.letters(sample).to_vec(),
            genetic_code: meta.genetic_code,
            truth: Some(Truth {
                genes: meta.genes.iter().map(GeneRecord::model).collect(),
                labels: self.file(sample, 4).to_vec(),
            }),
        })
    }
}
