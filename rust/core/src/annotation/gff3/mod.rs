//! GFF3: features linked by `ID` and `Parent`, in any order.

mod link;

use std::path::Path;

use rustc_hash::FxHashMap;

use super::attributes::{decode, id_and_parent, items, Attributes};
use super::build::{finish, Draft, DraftGene, Marks, Part};
use super::repairs::Repairs;
use super::rows::{Line, Row, Rows};
use super::{Annotation, Feature, Format};
use crate::error::{Error, Result};
use crate::gene::{Interval, Strand};
use crate::interrupt;

/// What a row is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Gene,
    /// mRNA, transcript and every other type that may lie between gene and CDS.
    Middle,
    Protein,
    Cds,
    Stop,
    /// Exons and UTRs, where they are asked for.
    Exon,
    /// Exons, UTRs, introns: only their parents are looked at.
    Piece,
    /// Alignments and landmarks.
    Other,
}

/// The role of a type (column 3).
pub(crate) fn role(kind: &[u8], feature: Feature) -> Role {
    match kind {
        b"exon" if feature == Feature::Exon => Role::Cds,
        b"CDS" | b"stop_codon" if feature == Feature::Exon => Role::Piece,
        b"CDS" => Role::Cds,
        b"exon" if feature == Feature::Structure => Role::Exon,
        b"exon" | b"start_codon" | b"pseudogenic_exon" => Role::Piece,
        b"stop_codon" => Role::Stop,
        b"intron" | b"match_part" => Role::Other,
        b"protein" | b"polypeptide" => Role::Protein,
        b"mRNA" | b"transcript" => Role::Middle,
        b"match" | b"region" | b"chromosome" | b"contig" | b"gap" => Role::Other,
        _ if kind.ends_with(b"_match") => Role::Other,
        _ if (kind.ends_with(b"UTR") || kind.ends_with(b"utr")) && feature == Feature::Structure => {
            Role::Exon
        }
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
    kind: &'a [u8],
    start: u32,
    end: u32,
    strand: Option<Strand>,
    /// Unsplit `Parent`, or `Derives_from` of a protein.
    parents: &'a [u8],
    /// The one parent, where it is the last gene's row.
    near: Option<usize>,
    gene_id: Option<&'a [u8]>,
    pseudo: bool,
    marks: Marks,
}

/// A CDS or stop_codon row, or an exon.
struct Leaf<'a> {
    part: Part<'a>,
    role: Role,
    contig: u32,
    parents: &'a [u8],
    /// The one parent, where it is the last transcript's row.
    near: Option<usize>,
    gene_id: Option<&'a [u8]>,
    pseudo: bool,
    /// Most rows say nothing.
    marks: Option<Box<Marks>>,
}

#[derive(Default)]
struct Reader<'a> {
    feature: Feature,
    contigs: Vec<&'a [u8]>,
    contig_index: FxHashMap<&'a [u8], u32>,
    regions: FxHashMap<&'a [u8], (u32, u32)>,
    /// Sequence of the last row, with its index and region.
    here: (&'a [u8], u32, Option<(u32, u32)>),
    circular: Vec<&'a [u8]>,
    /// Sequences whose region a row leaves, with the row's line.
    outside: Vec<(&'a [u8], u64)>,
    nodes: Vec<Node<'a>>,
    last_gene: Option<usize>,
    last_middle: Option<usize>,
    genes: FxHashMap<&'a [u8], usize>,
    middles: FxHashMap<&'a [u8], usize>,
    cds: FxHashMap<&'a [u8], (u32, u64)>,
    leaves: Vec<Leaf<'a>>,
    /// Parents of rows that are not kept, each named once in a row.
    pieces: Vec<(&'a [u8], u64)>,
    nameless_genes: u64,
    occupied: FxHashMap<&'a [u8], Vec<Interval>>,
    repairs: Repairs,
}

/// Reads a GFF3 text.
pub(super) fn parse(path: &Path, text: &[u8], feature: Feature) -> Result<Annotation> {
    let mut reader = Reader::new(feature, text.len());
    let mut rows = Rows::new(path, text);
    while let Some(line) = rows.next()? {
        match line {
            Line::Row(row) => reader.row(path, &row)?,
            Line::Region(name, start, end) => {
                reader.regions.entry(name).or_insert((start, end));
                reader.here.0 = &[];
            }
        }
    }
    reader.check(path)?;
    reader.link(path)
}

impl<'a> Reader<'a> {
    /// A reader of a text of that size. Lists have room for as many rows as there may be: what is not
    /// used is no memory yet, and lists that grow are copied into memory that must be zeroed first.
    fn new(feature: Feature, bytes: usize) -> Self {
        Reader {
            feature,
            nodes: Vec::with_capacity(bytes / 256),
            leaves: Vec::with_capacity(bytes / 96),
            ..Reader::default()
        }
    }

    fn row(&mut self, path: &Path, row: &Row<'a>) -> Result<()> {
        let contig = self.contig(row.contig);
        let role = role(row.kind, self.feature);
        if role == Role::Exon {
            self.exon(row, contig);
            return Ok(());
        }
        let attributes = Attributes::gff3(row.attributes);
        if attributes.circular {
            self.circular.push(row.contig);
        }
        if self.here.2.is_some_and(|(start, end)| row.start < start || row.end > end) {
            self.outside.push((row.contig, row.line));
        }
        self.repairs.add("attribute_without_value", u64::from(attributes.bare), row.line);
        let parents = attributes.parent.unwrap_or_default();
        if self.feature == Feature::Structure
            && matches!(role, Role::Gene | Role::Middle)
            && holds_cds(row.kind)
        {
            self.occupied.entry(row.contig).or_default().push(Interval::new(row.start, row.end));
        }
        match role {
            Role::Other | Role::Exon => {}
            Role::Piece => {
                let checked = self.pieces.last().is_some_and(|(last, _)| *last == parents)
                    || self.near(self.last_middle, parents).is_some();
                if !checked && !parents.is_empty() {
                    self.pieces.push((parents, row.line));
                }
            }
            Role::Cds | Role::Stop => self.leaf(path, row, role, contig, &attributes)?,
            Role::Gene | Role::Middle | Role::Protein => {
                if let Some(id) = attributes.id {
                    self.node(path, row, role, contig, id, &attributes)?;
                } else if role == Role::Gene {
                    // nothing can belong to it
                    self.nameless_genes += 1;
                }
            }
        }
        Ok(())
    }

    fn contig(&mut self, name: &'a [u8]) -> u32 {
        if self.here.0 != name {
            let next = self.contigs.len() as u32;
            let index = *self.contig_index.entry(name).or_insert_with(|| {
                self.contigs.push(name);
                next
            });
            self.here = (name, index, self.regions.get(name).copied());
        }
        self.here.1
    }

    /// An exon or UTR of a transcript; one without a parent is of no use.
    fn exon(&mut self, row: &Row<'a>, contig: u32) {
        if let (_, Some(parents)) = id_and_parent(row.attributes) {
            self.leaves.push(Leaf {
                part: Part::new(row, None),
                role: Role::Exon,
                contig,
                parents,
                near: self.near(self.last_middle, parents),
                gene_id: None,
                pseudo: false,
                marks: None,
            });
        }
    }

    fn leaf(
        &mut self,
        path: &Path,
        row: &Row<'a>,
        role: Role,
        contig: u32,
        attributes: &Attributes<'a>,
    ) -> Result<()> {
        // exons of one transcript belong together whatever their IDs
        let id = attributes.id.filter(|_| self.feature != Feature::Exon || attributes.parent.is_none());
        let known = self
            .leaves
            .last()
            .is_some_and(|last| last.role == role && last.part.id == id && last.contig == contig);
        if let (Some(id), Role::Cds, false) = (id, role, known) {
            let (first, line) = *self.cds.entry(id).or_insert((contig, row.line));
            if first != contig {
                return Err(two_sequences(path, row.line, id, line));
            }
        }
        let marks = attributes.says_something().then(|| {
            let mut marks = Marks::default();
            marks.add(attributes);
            Box::new(marks)
        });
        self.leaves.push(Leaf {
            part: Part::new(row, id),
            role,
            contig,
            parents: attributes.parent.unwrap_or_default(),
            near: self.near(self.last_middle, attributes.parent.unwrap_or_default()),
            gene_id: attributes.gene_id,
            pseudo: attributes.pseudo,
            marks,
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
                _ if (other.kind, other.start, other.end) == (row.kind, row.start, row.end) => {
                    self.repairs.add("duplicate_row", 1, row.line);
                    return Ok(());
                }
                // a feature in several rows says so, or is of no type that holds CDS
                _ if several || !holds_cds(row.kind) => {
                    other.marks.add(attributes);
                    return Ok(());
                }
                _ => return Err(used_again(path, row.line, id, other.line)),
            }
        }
        names.insert(id, self.nodes.len());
        let parent = if role == Role::Protein { attributes.derives_from } else { None };
        let parents = parent.or(attributes.parent).unwrap_or_default();
        let near = self.near(self.last_gene, parents).filter(|_| role == Role::Middle);
        match role {
            Role::Gene => self.last_gene = Some(self.nodes.len()),
            Role::Middle => self.last_middle = Some(self.nodes.len()),
            _ => {}
        }
        let mut marks = Marks::default();
        marks.add(attributes);
        self.nodes.push(Node {
            role,
            id,
            contig,
            line: row.line,
            kind: row.kind,
            start: row.start,
            end: row.end,
            strand: row.strand,
            parents,
            near,
            gene_id: attributes.gene_id,
            pseudo: attributes.pseudo || row.kind == b"pseudogene",
            marks,
        });
        Ok(())
    }

    /// The node, if these parents are just it: most rows stand right under their parent, and need
    /// no look-up.
    fn near(&self, node: Option<usize>, parents: &[u8]) -> Option<usize> {
        node.filter(|&i| self.nodes[i].id == parents && memchr::memchr(b',', parents).is_none())
    }

    /// The feature that a row of this role means by a parent's ID: a transcript's parent is a
    /// gene first, a CDS's a transcript first.
    fn resolve(&self, role: Role, id: &[u8], own: Option<usize>) -> Option<usize> {
        let (first, second) = match role {
            Role::Middle | Role::Gene => (&self.genes, &self.middles),
            _ => (&self.middles, &self.genes),
        };
        match first.get(id) {
            Some(&found) if Some(found) != own => Some(found),
            found => second.get(id).or(found).copied(),
        }
    }

    /// The parents of a feature that are in the file.
    fn parents_of(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        let node = &self.nodes[i];
        let rest = if node.near.is_some() { &[][..] } else { node.parents };
        node.near.into_iter().chain(items(rest).filter_map(move |id| self.resolve(node.role, id, Some(i))))
    }

    /// Shared IDs, unknown parents, cycles.
    fn check(&mut self, path: &Path) -> Result<()> {
        for node in self.nodes.iter().filter(|node| node.role == Role::Middle) {
            let Some(&gene) = self.genes.get(node.id) else { continue };
            if !items(node.parents).any(|parent| parent == node.id) {
                let lines = (self.nodes[gene].line.min(node.line), self.nodes[gene].line.max(node.line));
                return Err(used_again(path, lines.1, node.id, lines.0));
            }
            self.repairs.add("id_shared_with_gene", 1, node.line);
        }
        let mut found = Repairs::default();
        for node in self.nodes.iter().filter(|n| n.role != Role::Protein && n.near.is_none()) {
            let orphan = self.parentage(path, node.role, node.parents, node.line)?.orphan;
            found.add("undefined_parent", u64::from(orphan), node.line);
        }
        // the rows of one CDS mostly stand together
        let mut last = (&[][..], Role::Other, Parentage::default());
        for leaf in self.leaves.iter().filter(|leaf| leaf.near.is_none()) {
            let line = leaf.part.line;
            if (leaf.parents, leaf.role) != (last.0, last.1) {
                last = (leaf.parents, leaf.role, self.parentage(path, leaf.role, leaf.parents, line)?);
            }
            let orphan = last.2.orphan && leaf.role != Role::Exon;
            found.add("undefined_parent", u64::from(orphan), line);
            found.add("parent_is_protein", u64::from(last.2.protein && leaf.role == Role::Cds), line);
        }
        for &(parents, line) in &self.pieces {
            self.parentage(path, Role::Piece, parents, line)?;
        }
        for (_, line) in self.outside.iter().filter(|(contig, _)| !self.circular.contains(contig)) {
            found.add("outside_sequence_region", 1, *line);
        }
        self.repairs.join(found);
        self.check_cycles(path)
    }

    /// A row may be an orphan as a whole, as in a file cut to a region; one that names known and
    /// unknown parents side by side is an error.
    fn parentage(&self, path: &Path, role: Role, parents: &[u8], line: u64) -> Result<Parentage> {
        let (mut known, mut unknown, mut protein) = (0, None, false);
        for id in items(parents) {
            match self.resolve(role, id, None) {
                Some(node) if self.nodes[node].role == Role::Protein => protein = true,
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
            unknown => Ok(Parentage { orphan: unknown.is_some() && known == 0, protein }),
        }
    }

    fn check_cycles(&self, path: &Path) -> Result<()> {
        // 0 unseen, 1 on the way, 2 done
        let mut state = vec![0u8; self.nodes.len()];
        let mut stack = Vec::new();
        for root in 0..self.nodes.len() {
            stack.push((root, false));
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
                for parent in self.parents_of(at) {
                    if state[parent] == 1 {
                        let node = &self.nodes[at];
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

/// What the parents of a row are.
#[derive(Default, Clone, Copy)]
struct Parentage {
    /// None of them is in the file.
    orphan: bool,
    /// A protein is among them.
    protein: bool,
}

/// Whether a type is a gene or transcript, whose ID may stand in one row only.
fn holds_cds(kind: &[u8]) -> bool {
    kind.ends_with(b"gene") || kind.ends_with(b"RNA") || kind.ends_with(b"transcript")
}

fn used_again(path: &Path, line: u64, id: &[u8], first: u64) -> Error {
    let message = format!(
        "ID '{}' is used again (first in line {first}); IDs must be unique in the file",
        id.escape_ascii()
    );
    Error::input(path, line, message)
}

fn two_sequences(path: &Path, line: u64, id: &[u8], first: u64) -> Error {
    let message = format!(
        "ID '{}' is on another sequence than in line {first}; IDs must be unique in the file",
        id.escape_ascii()
    );
    Error::input(path, line, message)
}
