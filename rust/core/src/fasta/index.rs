//! Random access through samtools' `.fai` index.

use std::io::Write;
use std::path::{Path, PathBuf};

use memchr::memchr;
use rustc_hash::FxHashMap;

use super::{complain, parser, Contig, Letters};
use crate::error::{Error, Result};
use crate::files::{self, Bytes};
use crate::interrupt;

/// One line of a `.fai` file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: String,
    /// Bases.
    length: u64,
    /// Where its first base lies in the file.
    offset: u64,
    /// Bases in a full line.
    line_bases: u64,
    /// Bytes in a full line, its end included.
    line_width: u64,
}

enum Store {
    /// A plain file, mapped; bases are looked up through the entries.
    Mapped(Bytes, Vec<Entry>),
    /// A compressed or unevenly wrapped file, held in memory.
    Loaded(Vec<Contig>),
}

/// A FASTA file open for random access.
///
/// A plain file is mapped and its `.fai` beside it used; a missing or stale index is made anew
/// and written when the folder allows it. A compressed file is loaded whole.
pub struct IndexedFasta {
    path: PathBuf,
    letters: Letters,
    store: Store,
    by_name: FxHashMap<String, usize>,
}

impl IndexedFasta {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`super::read`].
    ///
    /// ```
    /// use genet5_core::fasta::IndexedFasta;
    /// let folder = tempfile::tempdir().unwrap();
    /// let path = folder.path().join("x.fna");
    /// std::fs::write(&path, ">one\nACGT\nGGCC\nTA\n").unwrap();
    /// let genome = IndexedFasta::open(&path).unwrap();
    /// assert_eq!(genome.fetch("one", 3, 9).unwrap(), b"TGGCCT");
    /// assert_eq!(genome.contigs(), [("one".to_string(), 10)]);
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, Letters::Upper)
    }

    /// Opens a file whose letters come out in the asked case.
    ///
    /// # Errors
    /// As [`super::read`].
    pub fn open_with(path: impl AsRef<Path>, letters: Letters) -> Result<Self> {
        let path = path.as_ref();
        let raw = files::map(path)?;
        let store = if files::is_gzip(&raw) {
            Store::Loaded(super::parse(path, &raw, letters)?)
        } else {
            let stored = read_fai(path, &raw);
            match stored {
                Some(entries) => Store::Mapped(raw, entries),
                None => match build(path, &raw)? {
                    Some(entries) => {
                        // a read-only folder is no reason to fail
                        let _ = write_fai(path, &entries);
                        Store::Mapped(raw, entries)
                    }
                    None => Store::Loaded(super::parse(path, &raw, letters)?),
                },
            }
        };
        let names: Vec<String> = match &store {
            Store::Mapped(_, entries) => entries.iter().map(|e| e.name.clone()).collect(),
            Store::Loaded(contigs) => contigs.iter().map(|c| c.name.clone()).collect(),
        };
        let by_name = names.into_iter().enumerate().map(|(i, name)| (name, i)).collect();
        Ok(IndexedFasta { path: path.to_path_buf(), letters, store, by_name })
    }

    /// Names and lengths, in the file's order.
    pub fn contigs(&self) -> Vec<(String, u64)> {
        match &self.store {
            Store::Mapped(_, entries) => entries.iter().map(|e| (e.name.clone(), e.length)).collect(),
            Store::Loaded(contigs) => {
                contigs.iter().map(|c| (c.name.clone(), c.sequence.len() as u64)).collect()
            }
        }
    }

    /// The place of a contig in the file's order.
    pub fn position(&self, contig: &str) -> Option<usize> {
        self.by_name.get(contig).copied()
    }

    /// The bases `start..end` of a contig.
    ///
    /// # Errors
    /// [`Error::Value`] when there is no such contig or the range leaves it; [`Error::Input`]
    /// when a letter there is no base.
    pub fn fetch(&self, contig: &str, start: u64, end: u64) -> Result<Vec<u8>> {
        let missing = || Error::value(format!("{} has no sequence '{contig}'", self.path.display()));
        let index = *self.by_name.get(contig).ok_or_else(missing)?;
        let mut out = Vec::new();
        self.append(index, start, end, &mut out)?;
        Ok(out)
    }

    /// Appends the bases `start..end` of the contig at a place of the file's order.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn append(&self, index: usize, start: u64, end: u64, out: &mut Vec<u8>) -> Result<()> {
        let length = self.length(index);
        if start > end || end > length {
            return Err(Error::value(format!(
                "{start}..{end} is outside of sequence '{}' of {length} bases",
                self.name(index)
            )));
        }
        match &self.store {
            Store::Loaded(contigs) => {
                out.extend_from_slice(&contigs[index].sequence[start as usize..end as usize]);
                Ok(())
            }
            Store::Mapped(raw, entries) => self.append_mapped(raw, &entries[index], start, end, out),
        }
    }

    /// The bases of a contig from `start` to its end.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn fetch_from(&self, contig: &str, start: u64) -> Result<Vec<u8>> {
        self.fetch(contig, start, self.by_name.get(contig).map_or(start, |&index| self.length(index)))
    }

    /// All bases of a contig.
    ///
    /// # Errors
    /// As [`Self::fetch`].
    pub fn fetch_all(&self, contig: &str) -> Result<Vec<u8>> {
        self.fetch_from(contig, 0)
    }

    /// The name of the contig at a place of the file's order.
    pub fn name(&self, index: usize) -> &str {
        match &self.store {
            Store::Mapped(_, entries) => &entries[index].name,
            Store::Loaded(contigs) => &contigs[index].name,
        }
    }

    fn length(&self, index: usize) -> u64 {
        match &self.store {
            Store::Mapped(_, entries) => entries[index].length,
            Store::Loaded(contigs) => contigs[index].sequence.len() as u64,
        }
    }

    fn append_mapped(
        &self,
        raw: &[u8],
        entry: &Entry,
        start: u64,
        end: u64,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if start == end {
            return Ok(());
        }
        let before = out.len();
        out.reserve((end - start) as usize);
        let mut at = start;
        while at < end {
            let bases = (entry.line_bases - at % entry.line_bases).min(end - at);
            let from = entry.at(at) as usize;
            out.extend_from_slice(&raw[from..from + bases as usize]);
            at += bases;
        }
        if parser::is_plain(&mut out[before..], self.letters) {
            return Ok(());
        }
        out.truncate(before);
        let mut text = &raw[entry.at(start) as usize..entry.at(end - 1) as usize + 1];
        while !text.is_empty() {
            let stop = memchr(b'\n', text).unwrap_or(text.len());
            parser::clean(&text[..stop], self.letters, out).map_err(|byte| {
                let before = text.as_ptr() as usize - raw.as_ptr() as usize;
                let line = 1 + memchr::memchr_iter(b'\n', &raw[..before]).count() as u64;
                complain(&self.path, line, parser::illegal(byte))
            })?;
            text = &text[(stop + 1).min(text.len())..];
        }
        Ok(())
    }
}

impl Entry {
    /// Where a base lies in the file.
    fn at(&self, base: u64) -> u64 {
        self.offset
            + (base / self.line_bases.max(1)).saturating_mul(self.line_width)
            + base % self.line_bases.max(1)
    }
}

/// Whether the file still has the layout that the entries tell: header, bases, header, … to its
/// end. Looks at the borders of the records only.
fn fits(entries: &[Entry], raw: &[u8]) -> bool {
    let mut at = 0usize;
    for entry in entries {
        let Some(gap) = raw[at..].iter().position(|b| !b.is_ascii_whitespace()) else { return false };
        let start = at + gap;
        let Some(length) = memchr(b'\n', &raw[start..]) else { return false };
        let header = &raw[start..start + length];
        let offset = entry.offset as usize;
        let known = header.first() == Some(&b'>') && parser::name(&header[1..]) == entry.name.as_bytes();
        let size = raw.len() as u64;
        let lines = entry.length == 0 || (entry.line_bases > 0 && entry.line_width > entry.line_bases);
        if entry.length > size || entry.line_width > size {
            return false;
        }
        if !known || !lines || offset != start + length + 1 {
            return false;
        }
        at = if entry.length == 0 { offset } else { entry.at(entry.length - 1) as usize + 1 };
        if at > raw.len() {
            return false;
        }
    }
    !entries.is_empty() && raw[at..].iter().all(u8::is_ascii_whitespace)
}

fn fai_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".fai");
    PathBuf::from(name)
}

/// The index beside the file; none when it is missing, older than the file, or does not fit it.
fn read_fai(path: &Path, raw: &[u8]) -> Option<Vec<Entry>> {
    let fai = fai_path(path);
    let time = |p: &Path| std::fs::metadata(p).and_then(|m| m.modified()).ok();
    if time(&fai)? < time(path)? {
        return None;
    }
    let entries: Vec<Entry> =
        std::fs::read_to_string(&fai).ok()?.lines().map(parse_entry).collect::<Option<_>>()?;
    fits(&entries, raw).then_some(entries)
}

fn parse_entry(line: &str) -> Option<Entry> {
    let mut fields = line.split('\t');
    let name = fields.next()?.to_string();
    let mut number = || fields.next()?.parse::<u64>().ok();
    Some(Entry { name, length: number()?, offset: number()?, line_bases: number()?, line_width: number()? })
}

fn write_fai(path: &Path, entries: &[Entry]) -> Result<()> {
    let fai = fai_path(path);
    files::write_atomic(&fai, |out| {
        for e in entries {
            writeln!(out, "{}\t{}\t{}\t{}\t{}", e.name, e.length, e.offset, e.line_bases, e.line_width)
                .map_err(Error::io(&fai))?;
        }
        Ok(())
    })
}

/// Indexes a plain file; none when its lines are wrapped unevenly or hold blanks, which an index
/// cannot describe.
fn build(path: &Path, raw: &[u8]) -> Result<Option<Vec<Entry>>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen: FxHashMap<String, u64> = FxHashMap::default();
    // set by a short line: only a header or empty lines may follow
    let mut closed = false;
    let (mut start, mut number) = (0usize, 0u64);
    while start < raw.len() {
        number += 1;
        if number % (1 << 16) == 0 {
            interrupt::check()?;
        }
        let end = memchr(b'\n', &raw[start..]).map_or(raw.len(), |at| start + at);
        let next = (end + 1).min(raw.len());
        let line = raw[start..end].strip_suffix(b"\r").unwrap_or(&raw[start..end]);
        if let Some(header) = line.strip_prefix(b">") {
            let name = String::from_utf8_lossy(parser::name(header)).into_owned();
            if name.is_empty() || seen.insert(name.clone(), number).is_some() {
                // the full reader says what is wrong, with the line
                return super::parse(path, raw, Letters::Upper).map(|_| None);
            }
            entries.push(Entry { name, length: 0, offset: next as u64, line_bases: 0, line_width: 0 });
            closed = false;
        } else if let Some(entry) = entries.last_mut() {
            let (bases, width) = (line.len() as u64, (next - start) as u64);
            if memchr::memchr3(b' ', b'\t', b'\r', line).is_some() || (closed && bases > 0) {
                return Ok(None);
            }
            if entry.line_bases == 0 && bases > 0 {
                if entry.offset != start as u64 {
                    return Ok(None);
                }
                (entry.line_bases, entry.line_width) = (bases, width);
            } else if bases > entry.line_bases || (bases == entry.line_bases && width > entry.line_width) {
                return Ok(None);
            }
            closed = bases < entry.line_bases || width != entry.line_width;
            entry.length += bases;
            if entry.length > parser::MAX_BASES as u64 {
                return super::parse(path, raw, Letters::Upper).map(|_| None);
            }
        } else if !line.is_empty() {
            return super::parse(path, raw, Letters::Upper).map(|_| None);
        }
        start = next;
    }
    if entries.is_empty() {
        return super::parse(path, raw, Letters::Upper).map(|_| None);
    }
    Ok(Some(entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compare(text: &[u8]) {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x.fna");
        std::fs::write(&path, text).expect("written");
        // made anew, then from the stored index
        for letters in [Letters::Upper, Letters::AsWritten] {
            let whole = super::super::read_letters(&path, letters).expect("legal");
            let indexed = IndexedFasta::open_with(&path, letters).expect("legal");
            let lengths: Vec<_> = whole.iter().map(|c| (c.name.clone(), c.sequence.len() as u64)).collect();
            assert_eq!(indexed.contigs(), lengths);
            for contig in &whole {
                let n = contig.sequence.len();
                for (start, end) in [(0, n), (n / 3, n), (n / 2, n / 2), (n / 4, n - n / 3)] {
                    if start <= end {
                        let found = indexed.fetch(&contig.name, start as u64, end as u64).expect("in range");
                        assert_eq!(found, &contig.sequence[start..end]);
                    }
                }
                assert!(indexed.fetch(&contig.name, 0, n as u64 + 1).is_err());
            }
            assert!(indexed.fetch("absent", 0, 0).is_err());
        }
    }

    #[test]
    fn odd_layouts_are_read_as_the_whole_file_is() {
        for text in [
            ">a\nACGT\nAC\n>b\n\n>c\nG",
            ">a\r\nACGT\r\nACGT\r\nA\r\n>b x\r\nTT\r\n",
            ">a\nACGT\nACGTA\n",
            ">a\n\nACGT\n\n>b\nAC\nAC\n\n",
            ">a\nAC GT\nACGT\n",
            ">a\nACGT\n\nACGT\n",
            ">a\nACGT\nACGT\r\nAC",
        ] {
            compare(text.as_bytes());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn random_files_are_read_as_the_whole_file_is(
            records in prop::collection::vec("[ACGTNacgtnRyu]{0,90}", 1..5),
            width in 1usize..40,
            crlf in any::<bool>(),
            last in any::<bool>(),
        ) {
            let end = if crlf { "\r\n" } else { "\n" };
            let mut text = String::new();
            for (i, record) in records.iter().enumerate() {
                text.push_str(&format!(">r{i} some text{end}"));
                for line in record.as_bytes().chunks(width) {
                    text.push_str(&String::from_utf8_lossy(line));
                    text.push_str(end);
                }
            }
            if last {
                text.truncate(text.trim_end().len());
            }
            compare(text.as_bytes());
        }
    }

    #[test]
    fn a_stale_index_is_made_anew() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x.fna");
        std::fs::write(&path, ">a\nACGT\nAC\n").expect("written");
        IndexedFasta::open(&path).expect("legal");
        // same times, other content: the layout gives it away
        std::fs::write(&path, ">a\nACGTACGT\nAC\n>b\nTT\n").expect("written");
        let fai = std::fs::File::options().append(true).open(fai_path(&path)).expect("index");
        fai.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(5)).expect("time");
        let genome = IndexedFasta::open(&path).expect("legal");
        assert_eq!(genome.fetch("a", 6, 10).expect("in range"), b"GTAC");
        assert_eq!(genome.fetch_all("b").expect("there"), b"TT");
    }
}
