//! A fast way through tidy GFF3 files: gene, then transcript, then its parts, each with one parent right
//! above. What is tidy means the same to every preset's own reader, so that one pass serves them all; a
//! file that is not tidy is left to these readers: they mend it, or name the line of what is wrong.

mod class;
mod links;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::ops::Range;
use std::path::Path;

use memchr::memchr;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::annotation::attributes::decode;
use crate::annotation::rows::{columns, format};
use crate::annotation::Format;
use crate::files::Bytes;
use crate::gene::Strand;
use crate::interrupt;
use class::Class;
use reader::Reader;

/// About so many bytes of a file are read at a time; files are cut at genes.
const CHUNK: usize = 1 << 22;

/// A tidy file; it borrows nothing from the text.
#[derive(Debug, Default)]
pub struct Tidy {
    /// Contigs of rows as they stand in the file, in order of first appearance.
    pub(super) contigs: Vec<Box<[u8]>>,
    /// First base and one past the last of the rows of each contig.
    pub(super) spans: Vec<(u32, u32)>,
    /// Sources (column 2) of genes, transcripts and landmarks, in order of first appearance.
    pub(super) sources: Vec<Box<[u8]>>,
    /// What the file says about the ends of its contigs, 0-based and half-open.
    pub(super) regions: Vec<(Box<[u8]>, u32, u32)>,
    pub(super) chunks: Vec<Chunk>,
}

/// Some genes that follow each other, with all that is theirs.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub genes: Vec<Gene>,
    transcripts: Vec<Transcript>,
    parts: Vec<Part>,
    names: Vec<u8>,
    /// Transcripts each of whose CDS rows has an ID of its own.
    id_per_row: u64,
}

/// A gene's row; places are 0-based and half-open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gene {
    pub contig: u32,
    pub start: u32,
    pub end: u32,
    pub strand: Strand,
    /// Its type is `gene`.
    pub plain: bool,
    pub source: u32,
    name: [u32; 2],
    transcripts: [u32; 2],
}

/// A transcript's row, or a gene that has parts of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transcript {
    pub start: u32,
    pub end: u32,
    pub strand: Strand,
    /// Its type is `mRNA`.
    pub mrna: bool,
    /// False where the parts lie right under the gene.
    pub own_row: bool,
    pub source: u32,
    name: [u32; 2],
    parts: [u32; 2],
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Exon,
    Cds,
    /// A start or stop codon.
    Codon,
    /// UTRs and the like.
    Other,
}

/// A part's row; its strand is that of what it is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub start: u32,
    pub end: u32,
    pub kind: Kind,
    pub phase: Option<u8>,
}

impl Chunk {
    pub(super) fn transcripts(&self, gene: &Gene) -> &[Transcript] {
        &self.transcripts[range(gene.transcripts)]
    }

    /// The parts of a transcript, in the file's order.
    pub(super) fn parts(&self, transcript: &Transcript) -> &[Part] {
        &self.parts[range(transcript.parts)]
    }

    /// The CDS of a transcript, in the file's order.
    pub(super) fn cds(&self, transcript: &Transcript) -> impl Iterator<Item = &Part> {
        self.parts(transcript).iter().filter(|part| part.kind == Kind::Cds)
    }

    /// A gene's name as it stands in the file.
    pub(super) fn gene_name(&self, gene: &Gene) -> &[u8] {
        &self.names[range(gene.name)]
    }

    /// A transcript's name as it stands in the file; without a row of its own that of its gene.
    pub(super) fn name(&self, transcript: &Transcript) -> &[u8] {
        &self.names[range(transcript.name)]
    }
}

fn range([from, to]: [u32; 2]) -> Range<usize> {
    from as usize..to as usize
}

impl Tidy {
    /// Reads a text; none where it is not tidy.
    pub(super) fn read(path: &Path, text: &Bytes) -> Option<Tidy> {
        if format(path, text).ok()? != Format::Gff3 {
            return None;
        }
        let pieces = cut(text);
        let read = |piece: &Range<usize>| {
            interrupt::check().ok()?;
            let found = Reader::read(&text[piece.clone()]);
            // names are copied, nobody looks at these bytes again
            text.release(piece.clone());
            found
        };
        let found: Vec<Option<Reader>> = pieces.par_iter().map(read).collect();
        let (mut tidy, mut names) = (Tidy::default(), Names::default());
        let (mut ids, mut piece_ids, mut cds_ids) = (Vec::new(), Vec::new(), Vec::new());
        for (piece, found) in pieces.iter().zip(found) {
            let mut found = found?;
            ids.append(&mut found.ids);
            piece_ids.append(&mut found.piece_ids);
            cds_ids.append(&mut found.cds_ids);
            let sequence = found.sequence;
            names.add(&mut tidy, found);
            if let Some(at) = sequence {
                // some readers look for rows among the sequences, too
                if memchr(b'\t', &text[piece.start + at..]).is_some() {
                    return None;
                }
                break;
            }
        }
        piece_ids.sort_unstable();
        piece_ids.dedup();
        ids.append(&mut piece_ids);
        let (ids, cds_ids) = rayon::join(|| is_repeated(&mut ids), || is_repeated(&mut cds_ids));
        (!ids && !cds_ids).then_some(tidy)
    }

    /// Names of the contigs, in order of first appearance.
    pub(super) fn contig_names(&self) -> Vec<String> {
        self.contigs.iter().map(|name| decode(name)).collect()
    }

    /// What the reader of annotations would mend, by kind, but for phases and rows outside of their regions.
    pub(super) fn repairs(&self) -> BTreeMap<&'static str, u64> {
        let (mut implicit, mut repeated, mut cds) = (0, 0, Vec::new());
        for (chunk, _, transcript) in self.transcripts() {
            cds.clear();
            cds.extend(chunk.cds(transcript).map(|part| (part.start, part.end)));
            implicit += u64::from(!transcript.own_row && !cds.is_empty());
            if !cds.is_sorted() {
                cds.sort_unstable();
            }
            repeated += cds.windows(2).filter(|pair| pair[0] == pair[1]).count() as u64;
        }
        let id_per_row = self.chunks.iter().map(|chunk| chunk.id_per_row).sum();
        [("cds_id_per_row", id_per_row), ("duplicate_row", repeated), ("implicit_transcript", implicit)]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Whether rows leave what the file says about the ends of their contig.
    pub(super) fn leaves_regions(&self) -> bool {
        let spans: FxHashMap<&[u8], (u32, u32)> =
            self.contigs.iter().zip(&self.spans).map(|(name, &span)| (&name[..], span)).collect();
        let leaves = |(name, start, end): &(Box<[u8]>, u32, u32)| {
            spans.get(&name[..]).is_some_and(|span| span.0 < *start || span.1 > *end)
        };
        self.regions.iter().any(leaves)
    }

    pub(super) fn n_genes(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.genes.len()).sum()
    }

    pub(super) fn n_transcripts(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.transcripts.len()).sum()
    }

    pub(super) fn n_parts(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.parts.len()).sum()
    }

    /// Every gene with the chunk that it lies in.
    pub(super) fn genes(&self) -> impl Iterator<Item = (&Chunk, &Gene)> {
        self.chunks.iter().flat_map(|chunk| chunk.genes.iter().map(move |gene| (chunk, gene)))
    }

    /// Every transcript with its gene and chunk.
    pub(super) fn transcripts(&self) -> impl Iterator<Item = (&Chunk, &Gene, &Transcript)> {
        self.genes().flat_map(|(chunk, gene)| {
            chunk.transcripts(gene).iter().map(move |transcript| (chunk, gene, transcript))
        })
    }
}

/// Whether an ID, or one that cannot be told from it by its hash, is there twice.
fn is_repeated(hashes: &mut [u64]) -> bool {
    hashes.par_sort_unstable();
    hashes.windows(2).any(|pair| pair[0] == pair[1])
}

fn hash(name: &[u8]) -> u64 {
    FxBuildHasher.hash_one(name)
}

/// Numbers of names in the whole file.
#[derive(Default)]
struct Names {
    contigs: FxHashMap<Box<[u8]>, u32>,
    sources: FxHashMap<Box<[u8]>, u32>,
}

impl Names {
    /// Appends what was read, its names renumbered.
    fn add(&mut self, tidy: &mut Tidy, mut found: Reader) {
        let contigs = number(&mut tidy.contigs, &mut self.contigs, &found.contigs.list);
        tidy.spans.resize(tidy.contigs.len(), (u32::MAX, 0));
        for (&contig, &(start, end)) in contigs.iter().zip(&found.spans) {
            let span = &mut tidy.spans[contig as usize];
            *span = (span.0.min(start), span.1.max(end));
        }
        let sources = number(&mut tidy.sources, &mut self.sources, &found.sources.list);
        for gene in &mut found.chunk.genes {
            gene.contig = contigs[gene.contig as usize];
            gene.source = sources[gene.source as usize];
        }
        for transcript in &mut found.chunk.transcripts {
            transcript.source = sources[transcript.source as usize];
        }
        tidy.regions.extend(found.regions.into_iter().map(|(name, start, end)| (name.into(), start, end)));
        tidy.chunks.push(found.chunk);
    }
}

fn number(list: &mut Vec<Box<[u8]>>, known: &mut FxHashMap<Box<[u8]>, u32>, names: &[&[u8]]) -> Vec<u32> {
    let number = |&name: &&[u8]| {
        *known.entry(name.into()).or_insert_with(|| {
            list.push(name.into());
            list.len() as u32 - 1
        })
    };
    names.iter().map(number).collect()
}

/// Cuts a text before genes into pieces of about [`CHUNK`] bytes.
fn cut(text: &[u8]) -> Vec<Range<usize>> {
    let (mut pieces, mut from) = (Vec::new(), 0);
    while from < text.len() {
        let to = next_gene(text, from.saturating_add(CHUNK));
        pieces.push(from..to);
        from = to;
    }
    pieces
}

/// Where the first line at or after a place begins that holds a gene.
fn next_gene(text: &[u8], place: usize) -> usize {
    let next_line = |at: usize| memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end + 1);
    let mut at = if place < text.len() { next_line(place) } else { text.len() };
    while at < text.len() {
        let end = next_line(at);
        let (columns, n, _) = columns::<3>(&text[at..end]);
        if n == 3 && text[at] != b'#' && Class::of(columns[2]) == Some(Class::Gene) {
            break;
        }
        at = end;
    }
    at
}
