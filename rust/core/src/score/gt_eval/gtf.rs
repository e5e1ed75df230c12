//! GTF files as the GFF3 that they stand for.

use std::path::Path;

use rustc_hash::FxHashMap;

use super::load::Contigs;
use super::tree::{Kind, Node, Tree};
use crate::annotation::attributes::Attributes;
use crate::annotation::rows::{Line, Row, Rows};
use crate::{Error, Result};

/// A gene or transcript, and whether its range is that of a row of its own.
struct Whole {
    node: Node,
    own_row: bool,
}

impl Whole {
    fn new(row: &Row, contig: u32, kind: Kind) -> Self {
        let Row { start, end, strand, .. } = *row;
        Whole { node: Node { contig, start, end, strand, kind, phase: None, shared: false }, own_row: false }
    }

    /// Takes the range of a row of its own, or spans one of its parts.
    fn cover(&mut self, start: u32, end: u32, own_row: bool) {
        let node = &mut self.node;
        if own_row && !self.own_row {
            (node.start, node.end, self.own_row) = (start, end, true);
        } else if !self.own_row {
            (node.start, node.end) = (node.start.min(start), node.end.max(end));
        }
    }
}

#[derive(Default)]
struct Reader<'a> {
    genes: Vec<Whole>,
    gene_of: FxHashMap<(u32, &'a [u8]), usize>,
    transcripts: Vec<Whole>,
    transcript_of: FxHashMap<(u32, &'a [u8]), usize>,
    /// Gene of each transcript, once a row names both.
    parents: Vec<Option<usize>>,
    /// Transcript and row.
    parts: Vec<(usize, Node)>,
}

/// Reads a GTF text: transcripts with CDS rows are mRNAs, and genes and transcripts without rows
/// of their own span their parts.
pub(super) fn read<'a>(path: &'a Path, text: &'a [u8]) -> Result<(Contigs<'a>, Tree)> {
    let (mut contigs, mut reader) = (Contigs::default(), Reader::default());
    let mut rows = Rows::new(path, text);
    while let Some(line) = rows.next()? {
        match line {
            Line::Region(name, start, end) => contigs.region(name, start, end),
            Line::Row(row) => reader.row(path, &row, contigs.row(&row))?,
        }
    }
    Ok((contigs, reader.tree()))
}

impl<'a> Reader<'a> {
    fn row(&mut self, path: &Path, row: &Row<'a>, contig: u32) -> Result<()> {
        let kind = match row.kind {
            b"gene" => Kind::Gene,
            b"transcript" | b"mRNA" => Kind::Other,
            b"exon" => Kind::Exon,
            b"CDS" => Kind::Cds,
            _ => return Ok(()),
        };
        let attributes = Attributes::gtf(row.attributes);
        // BRAKER's gene and transcript rows hold one bare word
        let bare = |wanted: bool| attributes.id.filter(|_| wanted);
        let gene = attributes.gene_id.or(bare(kind == Kind::Gene)).map(|name| self.gene(contig, name, row));
        if kind == Kind::Gene {
            gene.into_iter().for_each(|at| self.genes[at].cover(row.start, row.end, true));
            return Ok(());
        }
        let Some(name) = attributes.transcript_id.or(bare(true)) else {
            return Err(Error::input(
                path,
                row.line,
                "a row without transcript_id; GTF needs it on every row",
            ));
        };
        let at = self.transcript(contig, name, row);
        self.parents[at] = self.parents[at].or(gene);
        self.transcripts[at].cover(row.start, row.end, kind == Kind::Other);
        if kind != Kind::Other {
            let Row { start, end, strand, phase, .. } = *row;
            self.parts.push((at, Node { contig, start, end, strand, kind, phase, shared: false }));
        }
        if kind == Kind::Cds {
            self.transcripts[at].node.kind = Kind::Mrna;
        }
        Ok(())
    }

    fn gene(&mut self, contig: u32, name: &'a [u8], row: &Row) -> usize {
        *self.gene_of.entry((contig, name)).or_insert_with(|| {
            self.genes.push(Whole::new(row, contig, Kind::Gene));
            self.genes.len() - 1
        })
    }

    fn transcript(&mut self, contig: u32, name: &'a [u8], row: &Row) -> usize {
        *self.transcript_of.entry((contig, name)).or_insert_with(|| {
            self.transcripts.push(Whole::new(row, contig, Kind::Other));
            self.parents.push(None);
            self.transcripts.len() - 1
        })
    }

    fn tree(mut self) -> Tree {
        for (transcript, &gene) in self.transcripts.iter().zip(&self.parents) {
            let node = transcript.node;
            gene.into_iter().for_each(|at| self.genes[at].cover(node.start, node.end, false));
        }
        let genes = self.genes.len();
        let transcripts = genes + self.transcripts.len();
        let below_genes = self.parents.iter().zip(genes..);
        let mut edges: Vec<(u32, u32)> =
            below_genes.filter_map(|(gene, at)| Some(((*gene)? as u32, at as u32))).collect();
        let below_transcripts = self.parts.iter().zip(transcripts..);
        edges.extend(below_transcripts.map(|((transcript, _), at)| ((genes + transcript) as u32, at as u32)));
        let wholes = self.genes.into_iter().chain(self.transcripts).map(|whole| whole.node);
        let nodes = wholes.chain(self.parts.into_iter().map(|part| part.1)).collect();
        Tree::new(nodes, &edges)
    }
}
