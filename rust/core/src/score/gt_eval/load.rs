//! An annotation file as `gt gff3 -sort -tidy -retainids` hands it to `gt eval`.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::gtf;
use super::split::split_cds;
use super::tree::{Kind, Node, Position, Tree};
use crate::annotation::attributes::{id_and_parent, items};
use crate::annotation::rows::{format, Line, Row, Rows};
use crate::annotation::Format;
use crate::score::key::{Key, Place};
use crate::score::nearly;
use crate::{annotation, Error, Result};

/// One side of a comparison.
///
/// GTF, which the original does not take, is read as the GFF3 that it stands for: transcripts
/// with CDS rows are mRNAs, and genes and transcripts without rows of their own span their parts.
#[derive(Debug)]
pub struct Loaded {
    pub(super) contigs: Vec<Box<[u8]>>,
    /// First base of each contig and one past its last, from `##sequence-region` or the features.
    pub(super) regions: Vec<(u32, u32)>,
    pub(super) tree: Tree,
    /// Genes in the order in which the original meets them; more than once where they have
    /// several parents.
    pub(super) genes: Vec<u32>,
    /// mRNAs likewise.
    pub(super) mrnas: Vec<u32>,
    /// Sorted `exon` rows, one for each parent; the tag is the position in the transcript.
    pub(super) exons: Vec<Key>,
    /// Sorted `CDS` rows likewise.
    pub(super) cds: Vec<Key>,
}

impl Loaded {
    /// Reads a GFF3 or GTF file, compressed or not.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read; [`Error::Input`] with the line when a row is
    /// malformed or names a parent that the file does not have, and for GFF2.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Loaded::parse(path, &annotation::text(path)?)
    }

    /// Reads the text of a GFF3 or GTF file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Loaded::read`].
    pub fn parse(path: &Path, text: &[u8]) -> Result<Self> {
        let (contigs, tree) = match format(path, text)? {
            Format::Gff3 => Draft::read(path, text)?,
            Format::Gtf => gtf::read(path, text)?,
        };
        let mut loaded = Loaded {
            contigs: contigs.names.iter().map(|&name| name.into()).collect(),
            regions: contigs.regions(),
            tree,
            genes: Vec::new(),
            mrnas: Vec::new(),
            exons: Vec::new(),
            cds: Vec::new(),
        };
        loaded.visit(path, text)?;
        nearly::sort(&mut loaded.exons);
        nearly::sort(&mut loaded.cds);
        Ok(loaded)
    }

    /// Walks over all features and sorts them by kind.
    fn visit(&mut self, path: &Path, text: &[u8]) -> Result<()> {
        let tree = &self.tree;
        let (mut last, mut split) = (FxHashMap::default(), FxHashSet::default());
        if tree.any_shared(None) {
            last = tree.shared_positions();
        }
        if tree.any_shared(Some(Kind::Cds)) {
            split = split_cds(tree, &multi_cds(path, text)?);
        }
        let mut met = vec![false; tree.len()];
        for &root in tree.roots() {
            let position = |child, here| match last.get(&child) {
                Some(&last) if !split.contains(&child) => last,
                _ => here,
            };
            tree.walk(root, position, |at, position| {
                met[at as usize] = true;
                let node = tree.node(at);
                match node.kind {
                    Kind::Gene => self.genes.push(at),
                    Kind::Mrna => self.mrnas.push(at),
                    Kind::Exon => self.exons.push(key(node, position)),
                    Kind::Cds => self.cds.push(key(node, position)),
                    Kind::Other => {}
                }
            });
        }
        match met.iter().position(|met| !met) {
            Some(at) => Err(self.circular(path, at as u32)),
            None => Ok(()),
        }
    }

    fn circular(&self, path: &Path, at: u32) -> Error {
        let node = self.tree.node(at);
        let contig = String::from_utf8_lossy(&self.contigs[node.contig as usize]);
        let (start, end) = (node.start + 1, node.end);
        Error::input(
            path,
            None,
            format!("the feature at {contig}:{start}-{end} is below itself; mend the Parents"),
        )
    }
}

/// A row as it is compared with others.
pub(super) fn key(node: &Node, position: Position) -> Key {
    let Node { contig, start, end, strand, .. } = *node;
    Key::new(contig, Place { start, end, strand, tag: position as u8 })
}

/// Contigs in order of first appearance.
#[derive(Default)]
pub(super) struct Contigs<'a> {
    names: Vec<&'a [u8]>,
    number_of: FxHashMap<&'a [u8], u32>,
    last: u32,
    /// Regions that the file gives.
    given: Vec<Option<(u32, u32)>>,
    /// What the features of each contig span.
    spans: Vec<(u32, u32)>,
}

impl<'a> Contigs<'a> {
    fn number(&mut self, name: &'a [u8]) -> u32 {
        if self.names.get(self.last as usize) != Some(&name) {
            self.last = *self.number_of.entry(name).or_insert(self.names.len() as u32);
            if self.last as usize == self.names.len() {
                self.names.push(name);
                self.given.push(None);
                self.spans.push((u32::MAX, 0));
            }
        }
        self.last
    }

    /// The file says where a contig begins and ends.
    pub(super) fn region(&mut self, name: &'a [u8], start: u32, end: u32) {
        let contig = self.number(name) as usize;
        self.given[contig].get_or_insert((start, end));
    }

    /// The number of a row's contig.
    pub(super) fn row(&mut self, row: &Row<'a>) -> u32 {
        let contig = self.number(row.contig);
        let span = &mut self.spans[contig as usize];
        *span = (span.0.min(row.start), span.1.max(row.end));
        contig
    }

    fn regions(&self) -> Vec<(u32, u32)> {
        self.given.iter().zip(&self.spans).map(|(given, &span)| given.unwrap_or(span)).collect()
    }
}

/// What is read from a GFF3 file before its parents are joined with their children.
#[derive(Default)]
struct Draft<'a> {
    nodes: Vec<Node>,
    edges: Vec<(u32, u32)>,
    /// Feature and block of each ID.
    ids: FxHashMap<&'a [u8], (u32, u32)>,
    last_parent: (&'a [u8], u32),
    /// Children that came before their parents.
    early: Vec<(&'a [u8], u32, u64)>,
}

impl<'a> Draft<'a> {
    fn read(path: &'a Path, text: &'a [u8]) -> Result<(Contigs<'a>, Tree)> {
        // rows are rarely shorter; what is not used is never touched
        let room = text.len() / 80;
        let (nodes, edges) = (Vec::with_capacity(room), Vec::with_capacity(room));
        let mut draft = Draft { nodes, edges, ..Draft::default() };
        let mut contigs = Contigs::default();
        let mut rows = Rows::new(path, text);
        let mut block = 0;
        while let Some(line) = rows.next()? {
            if rows.block != block {
                block = rows.block;
                draft.join_early();
                draft.last_parent = Default::default();
            }
            match line {
                Line::Region(name, start, end) => contigs.region(name, start, end),
                Line::Row(row) => draft.row(&row, contigs.row(&row), block),
            }
        }
        draft.join_early();
        if let Some((parent, _, line)) = draft.early.first() {
            let message = format!("Parent '{}' is no gene or transcript of this file", parent.escape_ascii());
            return Err(Error::input(path, *line, message));
        }
        Ok((contigs, Tree::new(draft.nodes, &draft.edges)))
    }

    fn row(&mut self, row: &Row<'a>, contig: u32, block: u32) {
        let kind = kind(row.kind);
        let (id, parents) = id_and_parent(row.attributes);
        if !is_node(kind, id) {
            return;
        }
        let at = self.nodes.len() as u32;
        let Row { start, end, strand, phase, .. } = *row;
        self.nodes.push(Node { contig, start, end, strand, kind, phase, shared: false });
        if let Some(id) = id.filter(|_| !matches!(kind, Kind::Exon | Kind::Cds)) {
            let known = self.ids.entry(id).or_insert((at, block));
            // within a block rows of one ID are parts of one feature
            if known.1 != block || self.nodes[known.0 as usize].contig != contig {
                *known = (at, block);
                self.last_parent = Default::default();
            }
        }
        for parent in parents.into_iter().flat_map(items) {
            self.child(parent, at, row.line, block);
        }
    }

    /// Joins children with parents that came after them.
    fn join_early(&mut self) {
        let (ids, edges) = (&self.ids, &mut self.edges);
        self.early.retain(|(parent, child, _)| {
            let known = ids.get(parent);
            edges.extend(known.map(|&(parent, _)| (parent, *child)));
            known.is_none()
        });
    }

    fn child(&mut self, parent: &'a [u8], child: u32, line: u64, block: u32) {
        if self.last_parent.0 != parent {
            let Some(&(at, _)) = self.ids.get(parent).filter(|known| known.1 == block) else {
                self.early.push((parent, child, line));
                return;
            };
            self.last_parent = (parent, at);
        }
        self.edges.push((self.last_parent.1, child));
    }
}

fn kind(name: &[u8]) -> Kind {
    match name {
        b"gene" => Kind::Gene,
        b"mRNA" => Kind::Mrna,
        b"exon" => Kind::Exon,
        b"CDS" => Kind::Cds,
        _ => Kind::Other,
    }
}

/// Whether a row can matter: by itself, or as a parent.
fn is_node(kind: Kind, id: Option<&[u8]>) -> bool {
    kind != Kind::Other || id.is_some()
}

/// CDS rows that share their ID and parents with another: parts of one feature.
fn multi_cds(path: &Path, text: &[u8]) -> Result<FxHashSet<u32>> {
    let mut first: FxHashMap<(&[u8], Option<&[u8]>), u32> = FxHashMap::default();
    let mut found = FxHashSet::default();
    let mut rows = Rows::new(path, text);
    let mut at = 0;
    while let Some(line) = rows.next()? {
        let Line::Row(row) = line else { continue };
        let (id, parents) = id_and_parent(row.attributes);
        match (kind(row.kind), id) {
            (Kind::Cds, Some(id)) => {
                let other = *first.entry((id, parents)).or_insert(at);
                if other != at {
                    found.extend([other, at]);
                }
            }
            (kind, id) if !is_node(kind, id) => continue,
            _ => {}
        }
        at += 1;
    }
    Ok(found)
}
