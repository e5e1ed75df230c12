//! One annotation file as compare_intervals_exact.pl sees it, parsed once for all levels.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::chain::Chains;
use super::derive;
use super::rows::{row, Lines, Row, Value};
use crate::annotation::attributes::{id_and_parent, items};
use crate::annotation::{rows::format, Format};
use crate::score::key::{Key, Place};
use crate::score::nearly;
use crate::{annotation, Error, Result};

/// One side of a comparison.
///
/// Of a GTF file the rows of type `CDS`, `intron`, `start_codon` and `stop_codon` are taken as
/// they stand. A GFF3 file is read as the GTF that it stands for: each `Parent` of a CDS row is a
/// transcript, the transcript's topmost parent its gene, and introns and codons are derived from
/// the CDS chain.
#[derive(Debug)]
pub struct Loaded {
    pub(super) path: PathBuf,
    pub(super) contigs: Vec<Box<[u8]>>,
    pub(super) cds: Vec<Key>,
    pub(super) introns: Vec<Key>,
    pub(super) starts: Vec<Key>,
    pub(super) stops: Vec<Key>,
    pub(super) chains: Chains,
    /// Line of the first CDS row whose gene or transcript is not named.
    pub(super) nameless: Option<u64>,
    /// What the original prints about lines that it does not understand.
    pub(super) warnings: Vec<u8>,
    pub(super) passed_over: u64,
}

impl Loaded {
    /// Reads a GTF or GFF3 file, compressed or not.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read; [`Error::Input`] for GFF2, and for a CDS row of a
    /// GFF3 file that ends before it starts.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Loaded::parse(path, &annotation::text(path)?)
    }

    /// Reads the text of a GTF or GFF3 file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Loaded::read`].
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self> {
        // CDS rows are no more than that of most files; what is not used is never touched
        let room = text.len() / 150;
        let (rows, cds) = (Vec::with_capacity(room), Vec::with_capacity(room));
        let mut draft = Draft { rows, cds, ..Draft::default() };
        match format(path, text)? {
            Format::Gtf => draft.gtf(text),
            Format::Gff3 => draft.gff3(path, text)?,
        }
        Ok(draft.finish(path))
    }

    /// Lines with a tab that have not the shape of a row; the original passes over them with a
    /// warning.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

/// Names numbered in order of first appearance.
#[derive(Default)]
struct Names<'a> {
    list: Vec<&'a [u8]>,
    index: FxHashMap<&'a [u8], u32>,
    last: u32,
}

impl<'a> Names<'a> {
    fn number(&mut self, name: &'a [u8]) -> u32 {
        // neighbours in a file mostly share their names
        if self.list.get(self.last as usize) != Some(&name) {
            self.last = *self.index.entry(name).or_insert(self.list.len() as u32);
            if self.last as usize == self.list.len() {
                self.list.push(name);
            }
        }
        self.last
    }
}

#[derive(Default)]
struct Draft<'a> {
    contigs: Names<'a>,
    transcripts: Names<'a>,
    genes: Names<'a>,
    /// Gene of each transcript; a later row overrules an earlier one.
    gene_of: Vec<u32>,
    /// Transcript and key of each CDS row.
    rows: Vec<(u32, Key)>,
    cds: Vec<Key>,
    introns: Vec<Key>,
    starts: Vec<Key>,
    stops: Vec<Key>,
    nameless: Option<u64>,
    warnings: Vec<u8>,
    passed_over: u64,
}

impl<'a> Draft<'a> {
    fn gtf(&mut self, text: &'a [u8]) {
        let (gene_id, transcript_id) = (Value::gene_id(), Value::transcript_id());
        for (number, line) in Lines::new(text) {
            let Some(row) = self.row(line) else { continue };
            match row.kind {
                b"CDS" => {
                    let key = self.key(&row);
                    self.cds.push(key);
                    match (gene_id.of(line), transcript_id.of(line)) {
                        (Some(gene), Some(transcript)) => self.coding(key, transcript, gene),
                        _ => self.nameless = self.nameless.or(Some(number)),
                    }
                }
                b"intron" | b"Intron" => {
                    let key = self.key(&row);
                    self.introns.push(key);
                }
                b"start_codon" | b"Start_codon" => {
                    let key = self.key(&row);
                    self.starts.push(key);
                }
                b"stop_codon" | b"Stop_codon" => {
                    let key = self.key(&row);
                    self.stops.push(key);
                }
                _ => {}
            }
        }
    }

    fn gff3(&mut self, path: &Path, text: &'a [u8]) -> Result<()> {
        let mut parent_of: FxHashMap<&[u8], &[u8]> = FxHashMap::default();
        for (number, line) in Lines::new(text) {
            let Some(row) = self.row(line) else { continue };
            match row.kind {
                b"CDS" => self.gff3_cds(path, number, &row)?,
                b"exon" | b"intron" | b"start_codon" | b"stop_codon" => {}
                _ => {
                    if let (Some(id), Some(parent)) = id_and_parent(row.attributes) {
                        parent_of.entry(id).or_insert(parent);
                    }
                }
            }
        }
        for transcript in 0..self.transcripts.list.len() {
            let name = topmost(self.transcripts.list[transcript], &parent_of);
            let gene = self.genes.number(name);
            self.gene_of.push(gene);
        }
        self.derive();
        Ok(())
    }

    fn gff3_cds(&mut self, path: &Path, number: u64, row: &Row<'a>) -> Result<()> {
        if row.start == 0 || row.start > row.end {
            let message = format!("a CDS row from {} to {}; start must be from 1 to end", row.start, row.end);
            return Err(Error::input(path, number, message));
        }
        let key = self.key(row);
        self.cds.push(key);
        match id_and_parent(row.attributes) {
            (_, Some(parents)) => {
                for parent in items(parents) {
                    let transcript = self.transcripts.number(parent);
                    self.rows.push((transcript, key));
                }
            }
            (Some(id), None) => {
                let transcript = self.transcripts.number(id);
                self.rows.push((transcript, key));
            }
            (None, None) => self.nameless = self.nameless.or(Some(number)),
        }
        Ok(())
    }

    fn row(&mut self, line: &'a [u8]) -> Option<Row<'a>> {
        let found = row(line);
        if found.is_none() {
            self.passed_over += 1;
            self.warnings.extend_from_slice(b"warning, unxpected line format found in gff: ");
            self.warnings.extend_from_slice(line);
            self.warnings.extend_from_slice(b"\n\n");
        }
        found
    }

    fn key(&mut self, row: &Row<'a>) -> Key {
        let Row { start, end, strand, phase, .. } = *row;
        Key::new(self.contigs.number(row.contig), Place { start, end, strand, tag: phase })
    }

    fn coding(&mut self, key: Key, transcript: &'a [u8], gene: &'a [u8]) {
        let (transcript, gene) = (self.transcripts.number(transcript), self.genes.number(gene));
        self.gene_of.resize(self.transcripts.list.len(), gene);
        self.gene_of[transcript as usize] = gene;
        self.rows.push((transcript, key));
    }

    /// Introns and codons of all chains.
    fn derive(&mut self) {
        self.rows.sort();
        self.rows.dedup();
        let mut chain = Vec::new();
        for rows in self.rows.chunk_by(|a, b| a.0 == b.0) {
            chain.clear();
            chain.extend(rows.iter().map(|row| row.1));
            derive::introns(&chain, |key| self.introns.push(key));
            derive::start_codon(&chain, |key| self.starts.push(key));
            derive::stop_codon(&chain, |key| self.stops.push(key));
        }
    }

    fn finish(self, path: &Path) -> Loaded {
        Loaded {
            path: path.to_path_buf(),
            contigs: self.contigs.list.iter().map(|&name| name.into()).collect(),
            cds: set(self.cds),
            introns: set(self.introns),
            starts: set(self.starts),
            stops: set(self.stops),
            chains: Chains::new(self.rows, &self.transcripts.list, &self.gene_of),
            nameless: self.nameless,
            warnings: self.warnings,
            passed_over: self.passed_over,
        }
    }
}

/// Sorted, different keys.
pub(super) fn set(mut keys: Vec<Key>) -> Vec<Key> {
    nearly::sort(&mut keys);
    keys.dedup();
    keys.shrink_to_fit();
    keys
}

/// The topmost ancestor of a feature.
fn topmost<'a>(mut name: &'a [u8], parent_of: &FxHashMap<&'a [u8], &'a [u8]>) -> &'a [u8] {
    // a file may name a feature its own ancestor
    for _ in 0..16 {
        match parent_of.get(name).and_then(|parents| items(parents).next()) {
            Some(parent) => name = parent,
            None => break,
        }
    }
    name
}
