//! Second half of the GFF3 reader: rows to their transcripts, transcripts to their genes.

use std::path::Path;

use rustc_hash::FxHashMap;

use super::*;

/// Where a transcript belongs, before it is known whether it codes.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
enum Owner<'a> {
    /// A gene's row.
    Node(usize),
    /// A gene that has no row, by the name its rows give it.
    Named(u32, &'a [u8]),
    /// A CDS row without any name.
    Line(u64),
}

/// What a transcript is known by: its row, or its gene and its CDS's name.
type Key<'a> = (Owner<'a>, Option<&'a [u8]>);

/// Genes under construction.
#[derive(Default)]
struct Links<'a> {
    genes: Vec<DraftGene<'a>>,
    gene_of: FxHashMap<Owner<'a>, usize>,
    /// Gene and place in it of each transcript.
    transcript_of: FxHashMap<Key<'a>, (usize, usize)>,
}

impl<'a> Reader<'a> {
    pub(super) fn link(mut self, path: &Path) -> Result<Annotation> {
        let mut links = Links::default();
        let mut leaves = std::mem::take(&mut self.leaves);
        // genes come in the order of their first CDS, stop codons after all CDS
        for role in [Role::Cds, Role::Stop] {
            for leaf in leaves.iter_mut().filter(|leaf| leaf.role == role) {
                let marks = leaf.marks.take();
                for (owner, transcript) in self.owners(leaf) {
                    self.attach(path, &mut links, leaf, marks.as_ref(), owner, transcript)?;
                }
            }
        }
        let coding: Vec<_> = links.gene_of.keys().copied().collect();
        let mut is_coding = vec![false; self.nodes.len()];
        for owner in coding {
            if let Owner::Node(i) = owner {
                is_coding[i] = true;
            }
        }
        let rows = || self.nodes.iter().zip(&is_coding).filter(|(node, _)| node.role == Role::Gene);
        let noncoding_genes = rows().filter(|(_, coding)| !**coding).count() as u64;
        let silent_pseudo = rows().filter(|(node, coding)| !**coding && node.pseudo).count() as u64;
        let mut repairs = self.repairs;
        let mut drafts = links.genes;
        drafts.sort_by_key(|gene| gene.line);
        let genes: Vec<_> = drafts.into_iter().filter_map(|draft| finish(draft, &mut repairs)).collect();
        let pseudogenes = silent_pseudo + genes.iter().filter(|gene| gene.pseudo).count() as u64;
        Ok(Annotation {
            format: Format::Gff3,
            contigs: self.contigs.iter().map(|name| decode(name)).collect(),
            genes,
            noncoding_genes,
            pseudogenes,
            repairs: repairs.0,
        })
    }

    /// The transcripts a row belongs to: each parent's row where there is one.
    fn owners(&mut self, leaf: &Leaf<'a>) -> Vec<(Owner<'a>, Option<usize>)> {
        let mut owners: Vec<(Owner, Option<usize>)> = Vec::new();
        let mut proteins = Vec::new();
        let mut unknown = None;
        for id in items(leaf.parents) {
            match self.resolve(leaf.role, id, None) {
                Some(node) if self.nodes[node].role == Role::Protein => proteins.push(node),
                Some(node) => owners.push(self.gene_of(node)),
                None => unknown = unknown.or(Some(id)),
            }
        }
        if !proteins.is_empty() && leaf.role == Role::Cds {
            self.repairs.add("parent_is_protein", 1);
        }
        if !owners.is_empty() {
            return owners;
        }
        if let Some(id) = unknown {
            return vec![(Owner::Named(leaf.contig, id), None)];
        }
        // a protein stands for the transcript it derives from
        for protein in proteins {
            for id in items(self.nodes[protein].parents) {
                match self.resolve(Role::Protein, id, Some(protein)) {
                    Some(node) => owners.push(self.gene_of(node)),
                    None => owners.push((Owner::Named(leaf.contig, id), None)),
                }
            }
        }
        if owners.is_empty() {
            let name = leaf.part.id.map_or(Owner::Line(leaf.line), |id| Owner::Named(leaf.contig, id));
            owners.push((name, None));
        }
        owners
    }

    /// The gene of a transcript's row (its topmost ancestor), and the transcript itself; a CDS
    /// right under its gene has no transcript.
    fn gene_of(&self, node: usize) -> (Owner<'a>, Option<usize>) {
        if self.nodes[node].role == Role::Gene {
            return (Owner::Node(node), None);
        }
        let mut at = node;
        // `check_cycles` has seen that this ends
        loop {
            let here = &self.nodes[at];
            let named = items(here.parents).next();
            match named.and_then(|id| self.resolve(here.role, id, Some(at))) {
                Some(parent) => at = parent,
                None => {
                    let name = named.or(here.gene_id);
                    let owner = match (here.role, name) {
                        (Role::Gene, _) | (_, None) => Owner::Node(at),
                        (_, Some(name)) => Owner::Named(here.contig, name),
                    };
                    return (owner, Some(node));
                }
            }
            if self.nodes[at].role == Role::Gene {
                return (Owner::Node(at), Some(node));
            }
        }
    }

    fn attach(
        &mut self,
        path: &Path,
        links: &mut Links<'a>,
        leaf: &Leaf<'a>,
        marks: Option<&Marks>,
        owner: Owner<'a>,
        transcript: Option<usize>,
    ) -> Result<()> {
        // without a transcript row, each CDS of its own name is one
        let key = match transcript {
            Some(node) => (Owner::Node(node), None),
            None => (owner, leaf.part.id.filter(|_| matches!(owner, Owner::Node(_)))),
        };
        let place = match (links.transcript_of.get(&key), leaf.role) {
            (Some(&place), _) => place,
            // a stop codon row never makes a transcript; its ID is not the CDS's
            (None, Role::Stop) => match links.gene_of.get(&owner) {
                Some(&gene) if transcript.is_none() && links.genes[gene].transcripts.len() == 1 => (gene, 0),
                _ => return Ok(()),
            },
            (None, _) => {
                let gene = self.open_gene(links, leaf, owner);
                let draft = self.open_transcript(leaf, marks, owner, transcript);
                links.genes[gene].transcripts.push(draft);
                let place = (gene, links.genes[gene].transcripts.len() - 1);
                links.transcript_of.insert(key, place);
                place
            }
        };
        let gene = &mut links.genes[place.0];
        let contig = decode(self.contigs[leaf.contig as usize]);
        if gene.contig != contig {
            let message = format!("gene '{}' is on sequence '{}', this row is not", gene.id, gene.contig);
            return Err(Error::input(path, leaf.line, message));
        }
        gene.pseudo |= leaf.pseudo;
        let draft = &mut gene.transcripts[place.1];
        if leaf.role == Role::Cds {
            draft.cds.push(leaf.part);
        } else {
            draft.stops.push(leaf.part);
        }
        Ok(())
    }

    fn open_gene(&mut self, links: &mut Links<'a>, leaf: &Leaf<'a>, owner: Owner<'a>) -> usize {
        if let Some(&gene) = links.gene_of.get(&owner) {
            return gene;
        }
        let (id, contig, line, pseudo) = match owner {
            Owner::Node(i) => {
                let node = &self.nodes[i];
                (decode(node.id), node.contig, node.line, node.pseudo)
            }
            Owner::Named(contig, name) => (decode(name), contig, leaf.line, false),
            Owner::Line(line) => (format!("cds_line{line}"), leaf.contig, line, false),
        };
        if !matches!(owner, Owner::Node(i) if self.nodes[i].role == Role::Gene) {
            self.repairs.add("implicit_gene", 1);
        }
        links.gene_of.insert(owner, links.genes.len());
        let contig = decode(self.contigs[contig as usize]);
        links.genes.push(DraftGene { id, contig, line, pseudo, transcripts: Vec::new() });
        links.genes.len() - 1
    }

    fn open_transcript(
        &mut self,
        leaf: &Leaf<'a>,
        marks: Option<&Marks>,
        owner: Owner<'a>,
        transcript: Option<usize>,
    ) -> Draft<'a> {
        let mut marks = marks.cloned().unwrap_or_default();
        let mut strand = None;
        for node in
            [transcript, if let Owner::Node(i) = owner { Some(i) } else { None }].into_iter().flatten()
        {
            marks.merge(&self.nodes[node].marks);
            strand = strand.or(self.nodes[node].strand);
        }
        if transcript.is_none() {
            self.repairs.add("implicit_transcript", 1);
        }
        let name = match (transcript, owner) {
            (Some(node), _) => Some(self.nodes[node].id),
            (None, Owner::Named(_, name)) => Some(name),
            (None, Owner::Node(i)) => leaf.part.id.or(Some(self.nodes[i].id)),
            (None, Owner::Line(_)) => None,
        };
        let id = name.map_or_else(|| format!("cds_line{}", leaf.line), decode);
        Draft { id, cds: Vec::new(), stops: Vec::new(), marks, strand }
    }
}
