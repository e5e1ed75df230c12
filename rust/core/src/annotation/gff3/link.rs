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

impl<'a> Leaf<'a> {
    /// Whether this row belongs to the same transcripts as the one before it.
    fn is_beside(&self, before: &Leaf<'a>) -> bool {
        !self.parents.is_empty()
            && (self.parents, self.part.id, self.contig, self.gene_id)
                == (before.parents, before.part.id, before.contig, before.gene_id)
    }
}

impl<'a> DraftGene<'a> {
    fn add(&mut self, transcript: usize, leaf: &Leaf<'a>) {
        self.pseudo |= leaf.pseudo;
        let draft = &mut self.transcripts[transcript];
        if let Some(marks) = &leaf.marks {
            draft.marks.merge(marks);
        }
        match leaf.role {
            Role::Cds => draft.cds.push(leaf.part),
            Role::Exon => draft.exons.push(Interval::new(leaf.part.start, leaf.part.end)),
            _ => draft.stops.push(leaf.part),
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn link(mut self, path: &Path) -> Result<Annotation> {
        let mut links = Links::default();
        let leaves = std::mem::take(&mut self.leaves);
        // genes come in the order of their first CDS, stop codons and exons after all CDS
        for role in [Role::Cds, Role::Stop, Role::Exon] {
            // the rows of one CDS mostly stand together
            let mut last: Option<(&Leaf, Vec<(usize, usize)>)> = None;
            for leaf in leaves.iter().filter(|leaf| leaf.role == role) {
                let places = match last.take() {
                    Some((before, places)) if leaf.is_beside(before) => places,
                    _ => self.places(path, &mut links, leaf)?,
                };
                for &(gene, at) in &places {
                    links.genes[gene].add(at, leaf);
                }
                last = Some((leaf, places));
                if leaf.part.line % (1 << 14) == 0 {
                    interrupt::check()?;
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
        let silent = rows().filter(|(_, coding)| !**coding).count() as u64;
        let noncoding_genes = silent + self.nameless_genes;
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
            repairs: repairs.counts(),
            repair_lines: repairs.lines(),
            occupied: self.occupied.into_iter().map(|(name, parts)| (decode(name), parts)).collect(),
        })
    }

    /// Gene and transcript that a row belongs to, for each of its parents; no transcript where the
    /// row lies right under its gene.
    fn owners(&self, leaf: &Leaf<'a>) -> Vec<(Owner<'a>, Option<Owner<'a>>)> {
        if let Some(node) = leaf.near {
            return vec![self.gene_of(node, leaf)];
        }
        let mut owners = Vec::new();
        let mut proteins = Vec::new();
        let mut unknown = None;
        for id in items(leaf.parents) {
            match self.resolve(leaf.role, id, None) {
                Some(node) if self.nodes[node].role == Role::Protein => proteins.push(node),
                Some(node) => owners.push(self.gene_of(node, leaf)),
                None => unknown = unknown.or(Some(id)),
            }
        }
        if !owners.is_empty() {
            return owners;
        }
        if let Some(id) = unknown {
            return vec![orphan(leaf, id)];
        }
        // a protein stands for the transcript it derives from
        for protein in proteins {
            for id in items(self.nodes[protein].parents) {
                match self.resolve(Role::Protein, id, Some(protein)) {
                    Some(node) => owners.push(self.gene_of(node, leaf)),
                    None => owners.push(orphan(leaf, id)),
                }
            }
        }
        if owners.is_empty() {
            let name = leaf.part.id.map_or(Owner::Line(leaf.part.line), |id| Owner::Named(leaf.contig, id));
            owners.push((name, None));
        }
        owners
    }

    /// The gene of a transcript's row (its topmost ancestor), and the transcript.
    fn gene_of(&self, node: usize, leaf: &Leaf<'a>) -> (Owner<'a>, Option<Owner<'a>>) {
        if self.nodes[node].role == Role::Gene {
            return (Owner::Node(node), None);
        }
        let transcript = Some(Owner::Node(node));
        let mut at = node;
        // `check_cycles` has seen that this ends
        loop {
            match self.parents_of(at).next() {
                Some(parent) => at = parent,
                None => {
                    let here = &self.nodes[at];
                    let name = items(here.parents).next().or(here.gene_id).or(leaf.gene_id);
                    let gene = name.map_or(Owner::Node(at), |name| Owner::Named(here.contig, name));
                    return (gene, transcript);
                }
            }
            if self.nodes[at].role == Role::Gene {
                return (Owner::Node(at), transcript);
            }
        }
    }

    /// Gene and place in it of every transcript of a row; they are opened by their first CDS.
    fn places(&mut self, path: &Path, links: &mut Links<'a>, leaf: &Leaf<'a>) -> Result<Vec<(usize, usize)>> {
        let mut places = Vec::new();
        for (owner, transcript) in self.owners(leaf) {
            // without a transcript row, each CDS of its own name is one
            let key = match transcript {
                Some(transcript) => (transcript, None),
                None => (owner, leaf.part.id.filter(|_| matches!(owner, Owner::Node(_)))),
            };
            let place = match (links.transcript_of.get(&key), leaf.role) {
                (Some(&place), _) => place,
                // a stop codon or exon row never makes a transcript; its ID is not the CDS's
                (None, Role::Stop | Role::Exon) => match links.gene_of.get(&owner) {
                    Some(&gene) if transcript.is_none() && links.genes[gene].transcripts.len() == 1 => {
                        (gene, 0)
                    }
                    _ => continue,
                },
                (None, _) => {
                    let gene = self.open_gene(links, leaf, owner);
                    let draft = self.open_transcript(leaf, owner, transcript);
                    links.genes[gene].transcripts.push(draft);
                    let place = (gene, links.genes[gene].transcripts.len() - 1);
                    links.transcript_of.insert(key, place);
                    place
                }
            };
            let gene = &links.genes[place.0];
            if gene.contig.as_bytes() != decode(self.contigs[leaf.contig as usize]).as_bytes() {
                let message = format!("gene '{}' is on sequence '{}', this row is not", gene.id, gene.contig);
                return Err(Error::input(path, leaf.part.line, message));
            }
            places.push(place);
        }
        Ok(places)
    }

    fn open_gene(&mut self, links: &mut Links<'a>, leaf: &Leaf<'a>, owner: Owner<'a>) -> usize {
        if let Some(&gene) = links.gene_of.get(&owner) {
            return gene;
        }
        let (id, contig, line, pseudo, row) = match owner {
            Owner::Node(i) => {
                let node = &self.nodes[i];
                let row = Interval::new(node.start, node.end);
                (decode(node.id), node.contig, node.line, node.pseudo, Some(row))
            }
            Owner::Named(contig, name) => (decode(name), contig, leaf.part.line, false, None),
            Owner::Line(line) => (format!("cds_line{line}"), leaf.contig, line, false, None),
        };
        if !matches!(owner, Owner::Node(i) if self.nodes[i].role == Role::Gene) {
            self.repairs.add("implicit_gene", 1, leaf.part.line);
        }
        links.gene_of.insert(owner, links.genes.len());
        let contig = decode(self.contigs[contig as usize]);
        links.genes.push(DraftGene { id, contig, line, pseudo, row, transcripts: Vec::new() });
        links.genes.len() - 1
    }

    fn open_transcript(
        &mut self,
        leaf: &Leaf<'a>,
        owner: Owner<'a>,
        transcript: Option<Owner<'a>>,
    ) -> Draft<'a> {
        let mut marks = Marks::default();
        let mut strand = None;
        for level in [transcript, Some(owner)] {
            if let Some(Owner::Node(i)) = level {
                marks.merge(&self.nodes[i].marks);
                strand = strand.or(self.nodes[i].strand);
            }
        }
        let implicit = !matches!(transcript, Some(Owner::Node(_)));
        if implicit {
            self.repairs.add("implicit_transcript", 1, leaf.part.line);
        }
        let name = match (transcript, owner) {
            (None, Owner::Node(i)) => leaf.part.id.or(Some(self.nodes[i].id)),
            (Some(Owner::Node(i)), _) => Some(self.nodes[i].id),
            (Some(Owner::Named(_, name)), _) | (None, Owner::Named(_, name)) => Some(name),
            _ => None,
        };
        let id = name.map_or_else(|| format!("cds_line{}", leaf.part.line), decode);
        Draft { id, implicit, marks, strand, ..Draft::default() }
    }
}

/// Gene and transcript of a row whose parent is not in the file.
fn orphan<'a>(leaf: &Leaf<'a>, parent: &'a [u8]) -> (Owner<'a>, Option<Owner<'a>>) {
    let gene = leaf.gene_id.unwrap_or(parent);
    (Owner::Named(leaf.contig, gene), Some(Owner::Named(leaf.contig, parent)))
}
