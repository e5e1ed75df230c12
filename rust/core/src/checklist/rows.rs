//! Every row as it stands, and the lines that are no rows.

use std::path::Path;

use memchr::memchr;
use rustc_hash::{FxHashMap, FxHashSet};

use super::rules::{Findings, Rule};
use crate::annotation::attributes::{decode, Attributes};
use crate::error::{Error, Result};
use crate::interrupt;

/// One row, positions 1-based and closed as in the file.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub line: u64,
    pub seqid: &'a [u8],
    pub source: &'a [u8],
    pub kind: &'a [u8],
    pub start: u64,
    pub end: u64,
    pub score: &'a [u8],
    pub strand: u8,
    pub phase: &'a [u8],
    pub attributes: Attributes<'a>,
}

impl<'a> Row<'a> {
    pub(super) fn id(&self) -> Option<&'a [u8]> {
        self.attributes.id
    }

    pub(super) fn parents(&self) -> impl Iterator<Item = &'a [u8]> {
        crate::annotation::attributes::items(self.attributes.parent.unwrap_or_default())
    }

    pub(super) fn is(&self, kind: &str) -> bool {
        self.kind == kind.as_bytes()
    }

    pub(super) fn is_gene(&self) -> bool {
        self.kind.ends_with(b"gene")
    }

    /// Rows of gene models: genes, transcripts and their parts.
    pub(super) fn is_model(&self) -> bool {
        self.is_gene() || self.attributes.parent.is_some() || self.is("mRNA") || self.is("CDS")
    }

    /// What a report calls the row.
    pub(super) fn name(&self) -> String {
        let id = self.id().map(|id| format!(" {}", decode(id))).unwrap_or_default();
        format!("{}{id} {}:{}-{}", text(self.kind), decode(self.seqid), self.start, self.end)
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A file in pieces.
#[derive(Debug, Default)]
pub(super) struct File<'a> {
    pub rows: Vec<Row<'a>>,
    /// `##sequence-region`: line, name, end.
    pub regions: Vec<(u64, &'a [u8], u64)>,
    /// For each row whether `###` stands between it and the row before.
    pub closed_before: Vec<bool>,
    /// `###` after the last row.
    pub closed_at_end: bool,
    /// Rows by ID, in the file's order.
    pub by_id: FxHashMap<&'a [u8], Vec<usize>>,
}

impl<'a> File<'a> {
    /// The sequences that a row calls circular.
    pub(super) fn circular(&self) -> FxHashSet<&'a [u8]> {
        self.rows.iter().filter(|row| row.attributes.circular).map(|row| row.seqid).collect()
    }

    /// Names of the sequences with rows, in order of first appearance.
    pub(super) fn contigs(&self) -> Vec<String> {
        let mut seen = FxHashSet::default();
        self.rows.iter().filter(|row| seen.insert(row.seqid)).map(|row| decode(row.seqid)).collect()
    }

    pub(super) fn read(path: &Path, text: &'a [u8], findings: &mut Findings) -> Result<Self> {
        let mut file = File::default();
        let (mut rest, mut number, mut closed) =
            (text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text), 0, false);
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest[..end].trim_ascii_end();
            rest = &rest[(end + 1).min(rest.len())..];
            number += 1;
            interrupt::check()?;
            if number == 1 && !is_version(line) {
                let found = || format!("it is '{}'", self::text(&line[..line.len().min(40)]));
                findings.add(Rule::Version, 1, found);
            }
            match line.first() {
                None => {}
                Some(b'>') => break,
                Some(b'#') if line.starts_with(b"##FASTA") => break,
                Some(b'#') if line == b"###" => closed = true,
                Some(b'#') => file.regions.extend(region(line).map(|(name, end)| (number, name, end))),
                Some(_) => {
                    if let Some(row) = file.row(path, line, number, findings)? {
                        file.closed_before.push(std::mem::take(&mut closed));
                        if let Some(id) = row.id() {
                            file.by_id.entry(id).or_default().push(file.rows.len());
                        }
                        file.rows.push(row);
                    }
                }
            }
        }
        if number == 0 {
            findings.add(Rule::Version, 1, || "the file is empty".into());
        }
        file.closed_at_end = closed;
        Ok(file)
    }

    fn row(
        &self,
        path: &Path,
        line: &'a [u8],
        number: u64,
        findings: &mut Findings,
    ) -> Result<Option<Row<'a>>> {
        let columns: Vec<&[u8]> = line.split(|&b| b == b'\t').collect();
        let &[seqid, source, kind, start, end, score, strand, phase, attributes] = columns.as_slice() else {
            findings.add(Rule::Columns, number, || format!("{} columns", columns.len()));
            return Ok(None);
        };
        let gtf = memchr::memmem::find(attributes, b"gene_id \"").is_some();
        if gtf && self.rows.is_empty() {
            let message = "this is GTF; the checklist is one for GFF3 (convert with gffread or AGAT)";
            return Err(Error::input(path, number, message));
        }
        let position = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<u64>().ok().filter(|&n| n > 0);
        let (Some(start), Some(end)) = (position(start), position(end)) else {
            findings.add(Rule::Columns, number, || format!("'{}' to '{}'", text(start), text(end)));
            return Ok(None);
        };
        if start > end || seqid.is_empty() || kind.is_empty() {
            findings.add(Rule::Columns, number, || format!("'{}' from {start} to {end}", text(seqid)));
            return Ok(None);
        }
        let strand = if strand.len() == 1 { strand[0] } else { b' ' };
        let attributes = Attributes::gff3(attributes);
        Ok(Some(Row { line: number, seqid, source, kind, start, end, score, strand, phase, attributes }))
    }

    /// The rows with this ID.
    pub(super) fn named(&self, id: &[u8]) -> &[usize] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }
}

/// `##gff-version 3`, a point release allowed.
fn is_version(line: &[u8]) -> bool {
    line.strip_prefix(b"##gff-version ").is_some_and(|rest| rest == b"3" || rest.starts_with(b"3."))
}

fn region(line: &[u8]) -> Option<(&[u8], u64)> {
    let rest = line.strip_prefix(b"##sequence-region")?;
    let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (name, _, end) = (words.next()?, words.next()?, words.next()?);
    Some((name, std::str::from_utf8(end).ok()?.parse().ok()?))
}
