//! Records whose lines all have one length, as most files have them: their bases can be counted
//! before they are read, and are read right into the memory that they are to lie in.

use memchr::memchr;
use rustc_hash::FxHashSet;

use super::{parser, Letters};

/// Bases that are upper-cased at once, while they are in the nearest cache.
const BLOCK: usize = 1 << 14;

/// One record of a plain file with even lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvenRecord<'a> {
    /// The header up to the first blank.
    pub name: &'a str,
    /// Number of its bases.
    pub bases: usize,
    lines: &'a [u8],
    /// Bases of a full line.
    line: usize,
    /// `\n` or `\r\n`.
    end: &'static [u8],
}

/// The records of a plain file, as far as its headers and its sizes tell: none where it has no
/// such layout, or has a fault that [`super::read`] must name.
///
/// ```
/// use genet5_core::fasta::even_records;
/// let records = even_records(b">one first\nACgt\nRN\n>two\n").unwrap();
/// let mut bases = vec![0; records[0].bases];
/// assert!(records[0].copy_into(&mut bases));
/// assert_eq!((records[0].name, &bases[..], records[1].bases), ("one", &b"ACGTRN"[..], 0));
/// ```
pub fn even_records(text: &[u8]) -> Option<Vec<EvenRecord<'_>>> {
    let mut records: Vec<EvenRecord> = Vec::new();
    let mut names = FxHashSet::default();
    let mut rest = text;
    while !rest.is_empty() {
        let header = rest.strip_prefix(b">")?;
        let lines_at = memchr(b'\n', header)?;
        let after = &header[lines_at + 1..];
        let lines = &after[..memchr(b'>', after).unwrap_or(after.len())];
        // a '>' inside a line is a fault
        if !lines.is_empty() && !lines.ends_with(b"\n") && lines.len() < after.len() {
            return None;
        }
        let record = EvenRecord::new(std::str::from_utf8(parser::name(&header[..lines_at])).ok()?, lines)?;
        let known = record.name.is_empty() || !names.insert(record.name);
        if known || record.bases > i32::MAX as usize || header[..lines_at].trim_ascii_end().contains(&b'\r') {
            return None;
        }
        records.push(record);
        rest = &after[lines.len()..];
    }
    (!records.is_empty()).then_some(records)
}

impl<'a> EvenRecord<'a> {
    fn new(name: &'a str, lines: &'a [u8]) -> Option<Self> {
        let first = memchr(b'\n', lines).unwrap_or(lines.len());
        let end: &[u8] = if lines[..first].ends_with(b"\r") { b"\r\n" } else { b"\n" };
        let line = first + 1 - end.len().min(first + 1);
        if line == 0 {
            return lines.is_empty().then_some(EvenRecord { name, bases: 0, lines, line, end });
        }
        let width = line + end.len();
        let last = &lines[lines.len() / width * width..];
        let last = last.strip_suffix(end).unwrap_or(last);
        let bases = lines.len() / width * line + last.len();
        (last.len() <= line).then_some(EvenRecord { name, bases, lines, line, end })
    }

    /// Writes the upper-case bases; `out` has room for exactly these. False when the lines are not
    /// even after all or hold anything but letters of DNA.
    pub fn copy_into(&self, out: &mut [u8]) -> bool {
        debug_assert_eq!(out.len(), self.bases);
        let many = (BLOCK / self.line.max(1)).max(1);
        let blocks = self.lines.chunks(many * (self.line + self.end.len()));
        out.chunks_mut(many * self.line.max(1)).zip(blocks).all(|(bases, lines)| {
            // ambiguity codes are rare, so a block is tried without them first
            self.join(lines, bases)
                && (parser::is_plain(bases, Letters::Upper)
                    || self.join(lines, bases) && parser::clean_in_place(bases))
        })
    }

    /// Copies lines without their ends; false where a line ends elsewhere.
    fn join(&self, lines: &[u8], bases: &mut [u8]) -> bool {
        let lines = lines.chunks(self.line + self.end.len());
        bases.chunks_mut(self.line).zip(lines).all(|(bases, line)| {
            let (letters, end) = line.split_at(bases.len());
            bases.copy_from_slice(letters);
            end == self.end || end.is_empty()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fasta::{parser::Parser, Contig};
    use proptest::prelude::*;
    use std::path::Path;

    /// The records by way of the even layout, none where it is no such file.
    fn even(text: &[u8]) -> Option<Vec<Contig>> {
        let read = |record: EvenRecord| {
            let mut sequence = vec![b'?'; record.bases];
            record.copy_into(&mut sequence).then(|| Contig { name: record.name.to_string(), sequence })
        };
        even_records(text)?.into_iter().map(read).collect()
    }

    fn whole(text: &[u8]) -> Option<Vec<Contig>> {
        let mut parser = Parser::new(Path::new("x.fna"), Letters::Upper);
        parser.feed(text).ok()?;
        parser.finish().ok()
    }

    #[test]
    fn even_files_are_read_this_way() {
        for text in [
            ">a x\nACGT\nAC\n>b\n>c\nGRYKN\n",
            ">a\r\nacgt\r\nACGU\r\nA\r\n>b\r\nTT",
            ">a\nACGT\nACGT",
            ">a\nACGT\n\n>b\nA\n",
        ] {
            assert_eq!(
                even(text.as_bytes()).expect("even"),
                whole(text.as_bytes()).expect("legal"),
                "{text:?}"
            );
        }
        let long = format!(">a\n{}>b\nACR", "ACGTTGCAN\n".repeat(20_000));
        assert_eq!(even(long.as_bytes()).expect("even"), whole(long.as_bytes()).expect("legal"));
    }

    #[test]
    fn faults_and_odd_layouts_are_left_to_the_other_reader() {
        for text in [
            "",
            "ACGT\n",
            ">\nAC\n",
            ">a\nAC\n>a\nGT\n",
            ">a\nA-C\n",
            ">a\nAC GT\n",
            ">a\nACGT\nACGTA\n",
            ">a\nAC\nACGT\nAC\n",
            ">a\nACGT\nACGT\r\nAC\n",
            "\n>a\nAC\n",
            ">a\nAC>b\nGT\n",
        ] {
            assert_eq!(even(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_this_way_is_what_the_other_reader_reads(text in "(>|A|C|g|N|r|U|-| |\r|\n|\n>a|\n>b\nACGT\n){0,60}") {
            let text = format!(">first\n{text}");
            if let Some(found) = even(text.as_bytes()) {
                prop_assert_eq!(Some(found), whole(text.as_bytes()));
            }
        }
    }
}
