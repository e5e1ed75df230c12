//! GTF: rows that name their gene and transcript, each name within its sequence.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::attributes::{decode, Attributes};
use super::build::{finish, Draft, DraftGene, Part};
use super::repairs::Repairs;
use super::rows::{Line, Row, Rows};
use super::{Annotation, Feature, Format};
use crate::error::{Error, Result};
use crate::gene::Interval;

/// Sequence, gene and transcript.
type Key<'a> = (&'a [u8], &'a [u8], &'a [u8]);

#[derive(Default)]
struct Reader<'a> {
    contigs: Vec<&'a [u8]>,
    seen: FxHashSet<&'a [u8]>,
    genes: Vec<DraftGene<'a>>,
    gene_of: FxHashMap<(&'a [u8], &'a [u8]), usize>,
    /// Gene and place in it of each transcript.
    transcript_of: FxHashMap<Key<'a>, (usize, usize)>,
    /// Sequence on which a transcript was first seen.
    home: FxHashMap<&'a [u8], &'a [u8]>,
    occupied: FxHashMap<&'a [u8], Vec<Interval>>,
    repairs: Repairs,
}

/// Reads a GTF text.
pub(super) fn parse(path: &Path, text: &[u8], feature: Feature) -> Result<Annotation> {
    let mut reader = Reader::default();
    let mut rows = Rows::new(path, text);
    while let Some(line) = rows.next()? {
        if let Line::Row(row) = line {
            if reader.contigs.last() != Some(&row.contig) && reader.seen.insert(row.contig) {
                reader.contigs.push(row.contig);
            }
            match (row.kind, feature) {
                (b"exon", Feature::Exon) => reader.coding_row(path, &row)?,
                (b"exon", Feature::Structure) => reader.exon_row(&row),
                (b"gene" | b"transcript" | b"exon", _) => reader.gene_row(&row, feature),
                (b"CDS" | b"stop_codon", Feature::Cds | Feature::Structure) => {
                    reader.coding_row(path, &row)?
                }
                _ => {}
            }
        }
    }
    Ok(reader.finish())
}

impl<'a> Reader<'a> {
    /// Makes sure that a gene is known even when nothing of it codes.
    fn gene_row(&mut self, row: &Row<'a>, feature: Feature) {
        if feature == Feature::Structure {
            self.occupied.entry(row.contig).or_default().push(Interval::new(row.start, row.end));
        }
        let attributes = Attributes::gtf(row.attributes);
        // BRAKER's rows hold one bare word, of a transcript too
        let bare = attributes.id.filter(|_| row.kind == b"gene");
        if let Some(name) = attributes.gene_id.or(bare) {
            let gene = self.gene(row, name);
            self.genes[gene].pseudo |= attributes.pseudo;
            if row.kind == b"gene" {
                self.genes[gene].row = Some(Interval::new(row.start, row.end));
            }
        }
    }

    /// An exon of a transcript that may have no CDS.
    fn exon_row(&mut self, row: &Row<'a>) {
        self.gene_row(row, Feature::Structure);
        let attributes = Attributes::gtf(row.attributes);
        if let Some(name) = attributes.transcript_id.or(attributes.id) {
            let (gene, at) = self.transcript(row, attributes.gene_id, name);
            self.genes[gene].transcripts[at].exons.push(Interval::new(row.start, row.end));
        }
    }

    fn gene(&mut self, row: &Row<'a>, name: &'a [u8]) -> usize {
        *self.gene_of.entry((row.contig, name)).or_insert_with(|| {
            self.genes.push(DraftGene {
                id: decode_name(name),
                contig: decode(row.contig),
                line: row.line,
                pseudo: false,
                row: None,
                transcripts: Vec::new(),
            });
            self.genes.len() - 1
        })
    }

    fn coding_row(&mut self, path: &Path, row: &Row<'a>) -> Result<()> {
        let attributes = Attributes::gtf(row.attributes);
        let Some(name) = attributes.transcript_id.or(attributes.id) else {
            let message =
                "a CDS, exon or stop_codon row without transcript_id; GTF needs gene_id and transcript_id";
            return Err(Error::input(path, row.line, message));
        };
        self.repairs.add("unclosed_quote", u64::from(attributes.unclosed), row.line);
        let (gene, at) = self.transcript(row, attributes.gene_id, name);
        self.genes[gene].pseudo |= attributes.pseudo;
        let draft = &mut self.genes[gene].transcripts[at];
        draft.marks.add(&attributes);
        if row.kind != b"stop_codon" {
            draft.cds.push(Part::new(row, None));
        } else {
            draft.stops.push(Part::new(row, None));
        }
        Ok(())
    }

    /// Gene and place in it of a transcript, opened where it is new.
    fn transcript(&mut self, row: &Row<'a>, gene_id: Option<&'a [u8]>, name: &'a [u8]) -> (usize, usize) {
        let gene_name = gene_id.unwrap_or(name);
        let key = (row.contig, gene_name, name);
        if let Some(&place) = self.transcript_of.get(&key) {
            return place;
        }
        let home = *self.home.entry(name).or_insert(row.contig);
        self.repairs.add("transcript_on_several_sequences", u64::from(home != row.contig), row.line);
        self.repairs.add("implicit_gene", u64::from(gene_id.is_none()), row.line);
        let gene = self.gene(row, gene_name);
        let place = (gene, self.genes[gene].transcripts.len());
        self.genes[gene].transcripts.push(Draft { id: decode_name(name), ..Draft::default() });
        self.transcript_of.insert(key, place);
        place
    }

    fn finish(mut self) -> Annotation {
        let all = self.genes.len();
        let pseudogenes = self.genes.iter().filter(|gene| gene.pseudo).count() as u64;
        let mut genes = Vec::with_capacity(all);
        for draft in self.genes {
            genes.extend(finish(draft, &mut self.repairs));
        }
        Annotation {
            format: Format::Gtf,
            contigs: self.contigs.iter().map(|name| decode(name)).collect(),
            noncoding_genes: (all - genes.len()) as u64,
            genes,
            pseudogenes,
            repairs: self.repairs.counts(),
            repair_lines: self.repairs.lines(),
            occupied: self.occupied.into_iter().map(|(name, parts)| (decode(name), parts)).collect(),
        }
    }
}

/// GTF escapes nothing.
fn decode_name(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
