//! FASTA: whole genomes from plain, gzip and bgzip files, and random access by contig and range.
//!
//! Sequences come out in upper case, RNA's U as T, ambiguity codes kept. A header's name ends at
//! the first blank. A line may be as long as its sequence, and a sequence has fewer than 2^31 bases, as
//! in SAM files and in the tokens' positions.

mod even;
mod index;
mod parser;

pub use even::{even_records, EvenRecord};
pub use index::IndexedFasta;

use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};
use crate::files;

/// One sequence of a FASTA file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contig {
    /// The header up to the first blank.
    pub name: String,
    /// Upper-case letters, ambiguity codes kept.
    pub sequence: Vec<u8>,
}

/// In which case letters come out of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Letters {
    /// All in upper case.
    Upper,
    /// As the file has them: small ones mostly mark repeats.
    AsWritten,
}

/// Reads every sequence of a file, compressed or not, in the file's order.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read, [`Error::Input`] with the line when it is no FASTA
/// file of DNA or names a sequence twice.
///
/// ```
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("x.fna");
/// std::fs::write(&path, ">one first\nacgt\nNN\n>two\nRYU").unwrap();
/// let contigs = genet5_core::fasta::read(&path).unwrap();
/// assert_eq!(contigs[0].name, "one");
/// assert_eq!(contigs[0].sequence, b"ACGTNN");
/// assert_eq!(contigs[1].sequence, b"RYT");
/// ```
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Contig>> {
    read_letters(path.as_ref(), Letters::Upper)
}

fn read_letters(path: &Path, letters: Letters) -> Result<Vec<Contig>> {
    let mut parser = parser::Parser::new(path, letters);
    files::pieces(path, |piece| parser.feed(piece))?;
    parser.finish()
}

/// Reads every sequence of the bytes of a file, compressed or not; `path` is for messages.
///
/// # Errors
/// As [`read`].
pub fn parse(path: &Path, raw: &[u8], letters: Letters) -> Result<Vec<Contig>> {
    let mut parser = parser::Parser::new(path, letters);
    files::unpack(path, raw, |piece| parser.feed(piece))?;
    parser.finish()
}

/// Writes one record with 60 letters a line.
///
/// # Errors
/// Whatever the writer returns.
pub fn write_record(out: &mut impl Write, name: &str, letters: &[u8]) -> std::io::Result<()> {
    writeln!(out, ">{name}")?;
    for line in letters.chunks(60) {
        out.write_all(line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

fn complain(path: &Path, line: u64, message: impl Into<String>) -> Error {
    Error::input(path, line, message)
}
