//! GFF3: features linked by `ID` and `Parent`, in any order.

mod check;
mod link;
mod roles;

use std::path::Path;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::attributes::{decode, id_and_parent, items, Attributes};
use super::build::{finish, Draft, DraftGene, Marks, Part};
use super::repairs::Repairs;
use super::rows::{Line, Row, Rows};
use super::{Annotation, Feature, Format};
use crate::error::{Error, Result};
use crate::gene::{Interval, Strand};
use crate::interrupt;
use roles::holds_cds;
pub(crate) use roles::{role, Role};

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
    near: Option<u32>,
    said: Option<Box<Said<'a>>>,
}

/// A CDS or stop_codon row, or an exon.
struct Leaf<'a> {
    part: Part<'a>,
    role: Role,
    contig: u32,
    parents: &'a [u8],
    /// The one parent, where it is the last transcript's row.
    near: Option<u32>,
    said: Option<Box<Said<'a>>>,
}

/// What most rows do not say.
#[derive(Default)]
struct Said<'a> {
    gene_id: Option<&'a [u8]>,
    pseudo: bool,
    marks: Marks,
}

impl<'a> Said<'a> {
    fn new(attributes: &Attributes<'a>, pseudo: bool) -> Option<Box<Self>> {
        (pseudo || attributes.gene_id.is_some() || attributes.says_something()).then(|| {
            let mut marks = Marks::default();
            marks.add(attributes);
            Box::new(Said { gene_id: attributes.gene_id, pseudo, marks })
        })
    }
}

impl<'a> Node<'a> {
    fn gene_id(&self) -> Option<&'a [u8]> {
        self.said.as_ref().and_then(|said| said.gene_id)
    }

    fn pseudo(&self) -> bool {
        self.said.as_ref().is_some_and(|said| said.pseudo)
    }
}

impl<'a> Leaf<'a> {
    fn gene_id(&self) -> Option<&'a [u8]> {
        self.said.as_ref().and_then(|said| said.gene_id)
    }
}

/// Rows of one ID: a gene's, and that of something else.
struct Names {
    gene: u32,
    middle: u32,
}

/// No row has the ID.
const NONE: u32 = u32::MAX;

impl Names {
    fn gene(&self) -> Option<usize> {
        (self.gene != NONE).then_some(self.gene as usize)
    }

    fn middle(&self) -> Option<usize> {
        (self.middle != NONE).then_some(self.middle as usize)
    }
}

/// Values by ID. Most IDs are new: this map puts them one behind the other, and only numbers in all places.
type ById<'a, V> = IndexMap<&'a [u8], V, FxBuildHasher>;

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
    /// The rows that the next ones mostly lie under, with their IDs.
    last_gene: Option<(u32, &'a [u8])>,
    last_middle: Option<(u32, &'a [u8])>,
    names: ById<'a, Names>,
    /// A gene and something else have one ID.
    shared: bool,
    leaves: Vec<Leaf<'a>>,
    /// The first row of each CDS, and the last row of any.
    cds: ById<'a, u32>,
    last_cds: Option<u32>,
    /// Leaves that do not lie right under the last transcript.
    far: Vec<u32>,
    /// Parents of rows that are not kept, each named once in a row.
    pieces: Vec<(&'a [u8], u64)>,
    nameless_genes: u64,
    /// By sequence.
    occupied: Vec<Vec<Interval>>,
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
            names: ById::with_capacity_and_hasher(bytes / 256, FxBuildHasher),
            cds: ById::with_capacity_and_hasher(bytes / 512, FxBuildHasher),
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
        if self.feature == Feature::Structure
            && matches!(role, Role::Gene | Role::Middle)
            && holds_cds(row.kind)
        {
            self.occupied[contig as usize].push(Interval::new(row.start, row.end));
        }
        match role {
            Role::Other | Role::Exon => {}
            Role::Piece => {
                let parents = attributes.parent.unwrap_or_default();
                let checked = near(self.last_middle, parents).is_some()
                    || self.pieces.last().is_some_and(|(last, _)| *last == parents);
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
                self.occupied.push(Vec::new());
                next
            });
            self.here = (name, index, self.regions.get(name).copied());
        }
        self.here.1
    }

    /// An exon or UTR of a transcript; one without a parent is of no use.
    fn exon(&mut self, row: &Row<'a>, contig: u32) {
        if let (_, Some(parents)) = id_and_parent(row.attributes) {
            self.push(Part::new(row, None), Role::Exon, contig, parents, None);
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
        let next = self.leaves.len() as u32;
        if let (Some(cds), Role::Cds) = (id, role) {
            let beside = |last: u32| {
                let last = &self.leaves[last as usize];
                last.contig == contig && last.part.id == id
            };
            if !self.last_cds.is_some_and(beside) {
                let first = *self.cds.entry(cds).or_insert(next);
                if let Some(first) = self.leaves.get(first as usize).filter(|first| first.contig != contig) {
                    return Err(two_sequences(path, row.line, cds, first.part.line));
                }
            }
            self.last_cds = Some(next);
        }
        let said = Said::new(attributes, attributes.pseudo);
        self.push(Part::new(row, id), role, contig, attributes.parent.unwrap_or_default(), said);
        Ok(())
    }

    fn push(
        &mut self,
        part: Part<'a>,
        role: Role,
        contig: u32,
        parents: &'a [u8],
        said: Option<Box<Said<'a>>>,
    ) {
        let near = near(self.last_middle, parents);
        if near.is_none() {
            self.far.push(self.leaves.len() as u32);
        }
        self.leaves.push(Leaf { part, role, contig, parents, near, said });
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
        let names = self.names.entry(id).or_insert(Names { gene: NONE, middle: NONE });
        let (known, shared) = match role {
            Role::Gene => (names.gene(), names.middle()),
            _ => (names.middle(), names.gene()),
        };
        if let Some(first) = known {
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
                    if attributes.says_something() {
                        other.said.get_or_insert_default().marks.add(attributes);
                    }
                    return Ok(());
                }
                _ => return Err(used_again(path, row.line, id, other.line)),
            }
        }
        let index = self.nodes.len() as u32;
        *(if role == Role::Gene { &mut names.gene } else { &mut names.middle }) = index;
        self.shared |= shared.is_some();
        let parent = if role == Role::Protein { attributes.derives_from } else { None };
        let parents = parent.or(attributes.parent).unwrap_or_default();
        let near = near(self.last_gene, parents).filter(|_| role == Role::Middle);
        // such an ID as a parent means several
        let here = memchr::memchr(b',', id).is_none().then_some((index, id));
        match role {
            Role::Gene => self.last_gene = here,
            Role::Middle => self.last_middle = here,
            _ => {}
        }
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
            said: Said::new(attributes, attributes.pseudo || row.kind == b"pseudogene"),
        });
        Ok(())
    }

    /// The feature that a row of this role means by a parent's ID: a transcript's parent is a
    /// gene first, a CDS's a transcript first.
    fn resolve(&self, role: Role, id: &[u8], own: Option<usize>) -> Option<usize> {
        let names = self.names.get(id)?;
        let (first, second) = match role {
            Role::Middle | Role::Gene => (names.gene(), names.middle()),
            _ => (names.middle(), names.gene()),
        };
        match first {
            Some(found) if Some(found) != own => Some(found),
            found => second.or(found),
        }
    }

    /// The parents of a feature that are in the file.
    fn parents_of(&self, i: usize) -> impl Iterator<Item = usize> + '_ {
        let node = &self.nodes[i];
        let rest = if node.near.is_some() { &[][..] } else { node.parents };
        let near = node.near.map(|i| i as usize);
        near.into_iter().chain(items(rest).filter_map(move |id| self.resolve(node.role, id, Some(i))))
    }
}

/// The last gene or transcript, if these parents are just it: most rows stand right under their parent,
/// and need no look-up.
fn near(last: Option<(u32, &[u8])>, parents: &[u8]) -> Option<u32> {
    last.filter(|(_, id)| *id == parents).map(|(index, _)| index)
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
