//! Tidy files, read already.

use rustc_hash::FxHashMap;

use super::load::{key, Loaded};
use super::tree::{Kind, Node, Tree};
use crate::score::nearly;
use crate::score::tidy::{self, Chunk, Gene, Tidy, Transcript};

impl Loaded {
    /// What [`Loaded::parse`] makes of the text of a tidy file.
    pub(in crate::score) fn of_tidy(tidy: &Tidy) -> Self {
        // what is not used is never touched
        let parts = tidy.n_parts();
        let room = tidy.n_genes() + tidy.n_transcripts() + parts;
        let mut nest = Nest { nodes: Vec::with_capacity(room), ..Nest::default() };
        nest.children.reserve(room);
        nest.first.reserve(room + 1);
        tidy.genes().for_each(|(chunk, gene)| nest.gene(chunk, gene));
        let Nest { nodes, children, mut first, roots } = nest;
        first.push(children.len() as u32);
        let (contigs, regions) = regions(tidy);
        let tree = Tree::nested(nodes, children, first, roots);
        let (mut genes, mut mrnas) = (Vec::new(), Vec::new());
        let (mut exons, mut cds) = (Vec::with_capacity(parts), Vec::with_capacity(parts));
        for &root in tree.roots() {
            let transcripts = tree.children(root).iter().copied().filter(|&at| !is_part(tree.node(at).kind));
            genes.extend(Some(root).filter(|&at| tree.node(at).kind == Kind::Gene));
            for at in std::iter::once(root).chain(transcripts) {
                mrnas.extend(Some(at).filter(|&at| tree.node(at).kind == Kind::Mrna));
                tree.positions(at, |child, position| match tree.node(child).kind {
                    Kind::Exon => exons.push(key(tree.node(child), position)),
                    Kind::Cds => cds.push(key(tree.node(child), position)),
                    _ => {}
                });
            }
        }
        nearly::sort(&mut exons);
        nearly::sort(&mut cds);
        Loaded { contigs, regions, tree, genes, mrnas, exons, cds }
    }
}

fn is_part(kind: Kind) -> bool {
    matches!(kind, Kind::Exon | Kind::Cds)
}

/// Contigs, and first base and one past the last of each.
type Regions = (Vec<Box<[u8]>>, Vec<(u32, u32)>);

/// Where contigs begin and end as the file says, or else as their rows span.
fn regions(tidy: &Tidy) -> Regions {
    let (mut contigs, mut regions) = (tidy.contigs.clone(), tidy.spans.clone());
    let mut known: FxHashMap<&[u8], usize> = tidy.contigs.iter().map(AsRef::as_ref).zip(0..).collect();
    let mut given = vec![false; contigs.len()];
    for (name, start, end) in &tidy.regions {
        let contig = *known.entry(name).or_insert_with(|| {
            contigs.push(name.clone());
            regions.push((*start, *end));
            given.push(false);
            contigs.len() - 1
        });
        // the first line of a contig counts
        if !std::mem::replace(&mut given[contig], true) {
            regions[contig] = (*start, *end);
        }
    }
    (contigs, regions)
}

/// Features in the file's order with the children of each; `first` lacks its end.
#[derive(Default)]
struct Nest {
    nodes: Vec<Node>,
    children: Vec<u32>,
    first: Vec<u32>,
    roots: Vec<u32>,
}

impl Nest {
    fn gene(&mut self, chunk: &Chunk, gene: &Gene) {
        let at = self.nodes.len() as u32;
        self.roots.push(at);
        let kind = if gene.plain { Kind::Gene } else { Kind::Other };
        let &Gene { contig, start, end, strand, .. } = gene;
        let node = Node { contig, start, end, strand: Some(strand), kind, phase: None, shared: false };
        self.node(node);
        let mut next = at + 1;
        for transcript in chunk.transcripts(gene) {
            let parts = parts(chunk, transcript).count() as u32;
            if transcript.own_row {
                self.children.push(next);
                next += 1;
            } else {
                self.children.extend(next..next + parts);
            }
            next += parts;
        }
        for transcript in chunk.transcripts(gene) {
            self.transcript(chunk, transcript, contig);
        }
    }

    fn transcript(&mut self, chunk: &Chunk, transcript: &Transcript, contig: u32) {
        let &Transcript { start, end, strand, mrna, own_row, .. } = transcript;
        let strand = Some(strand);
        if own_row {
            let kind = if mrna { Kind::Mrna } else { Kind::Other };
            self.node(Node { contig, start, end, strand, kind, phase: None, shared: false });
            let next = self.nodes.len() as u32;
            self.children.extend(next..next + parts(chunk, transcript).count() as u32);
        }
        for (kind, part) in parts(chunk, transcript) {
            let &tidy::Part { start, end, phase, .. } = part;
            self.node(Node { contig, start, end, strand, kind, phase, shared: false });
        }
    }

    /// Adds a node whose children follow.
    fn node(&mut self, node: Node) {
        self.nodes.push(node);
        self.first.push(self.children.len() as u32);
    }
}

/// Exons and CDS; nothing else below a transcript matters.
fn parts<'a>(
    chunk: &'a Chunk,
    transcript: &Transcript,
) -> impl Iterator<Item = (Kind, &'a tidy::Part)> + use<'a> {
    chunk.parts(transcript).iter().filter_map(|part| match part.kind {
        tidy::Kind::Exon => Some((Kind::Exon, part)),
        tidy::Kind::Cds => Some((Kind::Cds, part)),
        tidy::Kind::Codon | tidy::Kind::Other => None,
    })
}
