//! GFF3: features linked by `ID` and `Parent`, in any order.

use std::path::Path;

use rustc_hash::FxHashMap;

use super::attributes::{decode, items, Attributes};
use super::build::{finish, Draft, DraftGene, Marks, Part, Repairs};
use super::rows::{Line, Row, Rows};
use super::{Annotation, Format};
use crate::error::{Error, Result};
use crate::gene::Strand;

/// What a row is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Gene,
    /// mRNA, transcript and every other type that may lie between gene and CDS.
    Middle,
    Protein,
    Cds,
    Stop,
    /// Exons, UTRs, introns: only their parents are looked at.
    Piece,
    /// Alignments and landmarks.
    Other,
}

fn role(kind: &[u8]) -> Role {
    match kind {
        b"CDS" => Role::Cds,
        b"exon" | b"start_codon" | b"pseudogenic_exon" => Role::Piece,
        b"stop_codon" => Role::Stop,
        b"intron" | b"match_part" => Role::Other,
        b"protein" | b"polypeptide" => Role::Protein,
        b"mRNA" | b"transcript" => Role::Middle,
        b"match" | b"region" | b"chromosome" | b"contig" | b"gap" => Role::Other,
        _ if kind.ends_with(b"_match") => Role::Other,
        _ if kind.ends_with(b"UTR") || kind.ends_with(b"utr") => Role::Piece,
        _ if kind.ends_with(b"gene") && kind != b"mRNA_TE_gene" => Role::Gene,
        _ => Role::Middle,
    }
}

/// A feature that others may name as their parent.
struct Node<'a> {
    role: Role,
    id: &'a [u8],
    contig: u32,
    line: u64,
    strand: Option<Strand>,
    /// Unsplit `Parent`, or `Derives_from` of a protein.
    parents: &'a [u8],
    gene_id: Option<&'a [u8]>,
    pseudo: bool,
    marks: Marks,
}

/// A CDS or stop_codon row.
struct Leaf<'a> {
    part: Part<'a>,
    role: Role,
    contig: u32,
    line: u64,
    parents: &'a [u8],
    pseudo: bool,
    marks: Option<Marks>,
}

#[derive(Default)]
struct Reader<'a> {
    contigs: Vec<&'a [u8]>,
    contig_index: FxHashMap<&'a [u8], u32>,
    regions: FxHashMap<&'a [u8], (u32, u32)>,
    circular: Vec<&'a [u8]>,
    outside: Vec<&'a [u8]>,
    nodes: Vec<Node<'a>>,
    genes: FxHashMap<&'a [u8], usize>,
    middles: FxHashMap<&'a [u8], usize>,
    cds: FxHashMap<&'a [u8], (u32, u64)>,
    leaves: Vec<Leaf<'a>>,
    /// Parents of rows that are not kept, each named once in a row.
    pieces: Vec<(&'a [u8], u64)>,
    repairs: Repairs,
}

/// Reads a GFF3 text.
pub(super) fn parse(path: &Path, text: &[u8]) -> Result<Annotation> {
    let mut reader = Reader::default();
    let mut rows = Rows::new(path, text);
    while let Some(line) = rows.next()? {
        match line {
            Line::Row(row) => reader.row(path, &row)?,
            Line::Region(name, start, end) => {
                reader.regions.entry(name).or_insert((start, end));
            }
        }
    }
    reader.check(path)?;
    reader.link(path)
}

impl<'a> Reader<'a> {
    fn row(&mut self, path: &Path, row: &Row<'a>) -> Result<()> {
        let contig = self.contig(row.contig);
        let role = role(row.kind);
        let attributes = Attributes::gff3(row.attributes);
        if attributes.circular {
            self.circular.push(row.contig);
        }
        if let Some(&(start, end)) = self.regions.get(row.contig) {
            if row.start < start || row.end > end {
                self.outside.push(row.contig);
            }
        }
        self.repairs.add("attribute_without_value", u64::from(attributes.bare));
        let parents = attributes.parent.unwrap_or_default();
        match role {
            Role::Other => {}
            Role::Piece => {
                if self.pieces.last().is_none_or(|(last, _)| *last != parents) && !parents.is_empty() {
                    self.pieces.push((parents, row.line));
                }
            }
            Role::Cds | Role::Stop => self.leaf(path, row, role, contig, &attributes)?,
            Role::Gene | Role::Middle | Role::Protein => {
                if let Some(id) = attributes.id {
                    self.node(path, row, role, contig, id, &attributes)?;
                } else if role == Role::Gene {
                    // a gene that nothing can belong to
                    self.repairs.add("gene_without_id", 1);
                }
            }
        }
        Ok(())
    }

    fn contig(&mut self, name: &'a [u8]) -> u32 {
        if let Some(last) = self.contigs.last().filter(|last| **last == name) {
            return self.contig_index[last];
        }
        let next = self.contigs.len() as u32;
        *self.contig_index.entry(name).or_insert_with(|| {
            self.contigs.push(name);
            next
        })
    }

    fn leaf(
        &mut self,
        path: &Path,
        row: &Row<'a>,
        role: Role,
        contig: u32,
        attributes: &Attributes<'a>,
    ) -> Result<()> {
        let id = attributes.id;
        if let (Some(id), Role::Cds) = (id, role) {
            let (first, line) = *self.cds.entry(id).or_insert((contig, row.line));
            if first != contig {
                return Err(two_sequences(path, row.line, id, line));
            }
        }
        let mut marks = Marks::default();
        marks.add(attributes);
        self.leaves.push(Leaf {
            part: Part::new(row, id),
            role,
            contig,
            line: row.line,
            parents: attributes.parent.unwrap_or_default(),
            pseudo: attributes.pseudo,
            marks: Some(marks),
        });
        Ok(())
    }

    fn node(
        &mut self,
        path: &Path,
        row: &Row<'a>,
        role: Role,
        contig: u32,
        id: &'a [u8],
        attributes: &Attributes<'a>,
    ) -> Result<()> {
        let names = if role == Role::Gene { &mut self.genes } else { &mut self.middles };
        if let Some(&first) = names.get(id) {
            let other = &mut self.nodes[first];
            let several = attributes.part || attributes.exception.is_some();
            match (other.role, role) {
                (Role::Middle, Role::Protein) => return Ok(()),
                (Role::Protein, Role::Middle) => {}
                _ if other.contig != contig => return Err(two_sequences(path, row.line, id, other.line)),
                // a feature in several rows says so, or is of no type that holds CDS
                _ if several || !holds_cds(row.kind) => {
                    other.marks.add(attributes);
                    return Ok(());
                }
                _ => {
                    let message = format!(
                        "ID '{}' is used again (first in line {}); IDs must be unique in the file",
                        id.escape_ascii(),
                        other.line
                    );
                    return Err(Error::input(path, row.line, message));
                }
            }
        }
        names.insert(id, self.nodes.len());
        let parent = if role == Role::Protein { attributes.derives_from } else { None };
        let mut marks = Marks::default();
        marks.add(attributes);
        self.nodes.push(Node {
            role,
            id,
            contig,
            line: row.line,
            strand: row.strand,
            parents: parent.or(attributes.parent).unwrap_or_default(),
            gene_id: attributes.gene_id,
            pseudo: attributes.pseudo || row.kind == b"pseudogene",
            marks,
        });
        Ok(())
    }

    /// The feature that a row of this role means by a parent's ID: a transcript's parent is a
    /// gene first, a CDS's a transcript first.
    fn resolve(&self, role: Role, id: &[u8], own: Option<usize>) -> Option<usize> {
        let (gene, middle) = (self.genes.get(id).copied(), self.middles.get(id).copied());
        let found = if matches!(role, Role::Middle | Role::Gene) { gene.or(middle) } else { middle.or(gene) };
        let other = if found == gene { middle } else { gene };
        if found.is_some() && found == own && other.is_some() {
            return other;
        }
        found
    }

    /// Shared IDs, unknown parents, cycles.
    fn check(&mut self, path: &Path) -> Result<()> {
        for (id, &gene) in &self.genes {
            let Some(&middle) = self.middles.get(id) else { continue };
            if self.nodes[middle].role == Role::Middle && !items(self.nodes[middle].parents).any(|p| p == *id)
            {
                let (a, b) = (self.nodes[gene].line, self.nodes[middle].line);
                let message = format!(
                    "ID '{}' is used again (first in line {}); IDs must be unique in the file",
                    id.escape_ascii(),
                    a.min(b)
                );
                return Err(Error::input(path, a.max(b), message));
            }
            self.repairs.add("id_shared_with_gene", 1);
        }
        let mut orphans = 0;
        for node in self.nodes.iter().filter(|n| n.role != Role::Protein) {
            orphans += self.check_parents(path, node.role, node.parents, node.line)?;
        }
        for leaf in &self.leaves {
            orphans += self.check_parents(path, leaf.role, leaf.parents, leaf.line)?;
        }
        for &(parents, line) in &self.pieces {
            self.check_parents(path, Role::Piece, parents, line)?;
        }
        self.repairs.add("undefined_parent", orphans);
        let outside = self.outside.iter().filter(|c| !self.circular.contains(c)).count();
        self.repairs.add("outside_sequence_region", outside as u64);
        self.check_cycles(path)
    }

    /// A row may be an orphan as a whole, as in a file cut to a region; one that names known and
    /// unknown parents side by side is an error. Returns 1 for an orphan.
    fn check_parents(&self, path: &Path, role: Role, parents: &[u8], line: u64) -> Result<u64> {
        let (mut known, mut unknown) = (0, None);
        for id in items(parents) {
            match self.resolve(role, id, None) {
                Some(node) if self.nodes[node].role == Role::Protein => {}
                Some(_) => known += 1,
                None => unknown = unknown.or(Some(id)),
            }
        }
        match unknown {
            // proteins stand beside the transcript as second parents, and may be missing
            Some(id) if known > 0 && !id.ends_with(b"-Protein") => Err(Error::input(
                path,
                line,
                format!("Parent '{}' is not in the file; add it or take it out", id.escape_ascii()),
            )),
            unknown => Ok(u64::from(unknown.is_some() && known == 0)),
        }
    }

    fn check_cycles(&self, path: &Path) -> Result<()> {
        // 0 unseen, 1 on the way, 2 done
        let mut state = vec![0u8; self.nodes.len()];
        for root in 0..self.nodes.len() {
            let mut stack = vec![(root, false)];
            while let Some((at, leaving)) = stack.pop() {
                if leaving {
                    state[at] = 2;
                    continue;
                }
                if state[at] != 0 {
                    continue;
                }
                state[at] = 1;
                stack.push((at, true));
                let node = &self.nodes[at];
                for parent in items(node.parents).filter_map(|id| self.resolve(node.role, id, Some(at))) {
                    if state[parent] == 1 {
                        let message =
                            format!("'{}' is its own ancestor by its Parent", node.id.escape_ascii());
                        return Err(Error::input(path, node.line, message));
                    }
                    stack.push((parent, false));
                }
            }
        }
        Ok(())
    }
}

/// Whether a type is a gene or transcript, whose ID may stand in one row only.
fn holds_cds(kind: &[u8]) -> bool {
    kind.ends_with(b"gene") || kind.ends_with(b"RNA") || kind.ends_with(b"transcript")
}

fn two_sequences(path: &Path, line: u64, id: &[u8], first: u64) -> Error {
    let message = format!(
        "ID '{}' is on another sequence than in line {first}; IDs must be unique in the file",
        id.escape_ascii()
    );
    Error::input(path, line, message)
}

#[path = "link.rs"]
mod link;
