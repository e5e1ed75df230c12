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

/// A transcript: its gene, and its place in it.
#[derive(Clone, Copy)]
struct Place {
    gene: usize,
    at: usize,
}

/// Values by key, those of rows in a list.
struct Table<'a, V> {
    rows: Vec<Option<V>>,
    others: FxHashMap<Key<'a>, V>,
}

impl<'a, V: Copy> Table<'a, V> {
    fn new(nodes: usize) -> Self {
        Table { rows: vec![None; nodes], others: FxHashMap::default() }
    }

    fn get(&self, key: &Key<'a>) -> Option<V> {
        match key {
            (Owner::Node(i), None) => self.rows[*i],
            _ => self.others.get(key).copied(),
        }
    }

    fn insert(&mut self, key: Key<'a>, value: V) {
        match key {
            (Owner::Node(i), None) => self.rows[i] = Some(value),
            _ => drop(self.others.insert(key, value)),
        }
    }
}

/// Genes under construction.
struct Links<'a> {
    genes: Vec<DraftGene<'a>>,
    /// The sequence of each.
    contigs: Vec<u32>,
    /// Keys have no CDS's name.
    gene_of: Table<'a, usize>,
    transcript_of: Table<'a, Place>,
}

impl<'a> Links<'a> {
    fn add(&mut self, place: Place, leaf: &Leaf<'a>) {
        self.genes[place.gene].add(place.at, leaf);
    }
}

impl<'a> Leaf<'a> {
    /// Whether this row belongs to the same transcripts as the one before it.
    fn is_beside(&self, before: &Leaf<'a>) -> bool {
        !self.parents.is_empty()
            && self.role == before.role
            && (self.parents, self.part.id, self.contig, self.gene_id())
                == (before.parents, before.part.id, before.contig, before.gene_id())
    }
}

impl<'a> DraftGene<'a> {
    fn add(&mut self, transcript: usize, leaf: &Leaf<'a>) {
        let draft = &mut self.transcripts[transcript];
        if let Some(said) = &leaf.said {
            self.pseudo |= said.pseudo;
            draft.marks.merge(&said.marks);
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
        let genes = self.nodes.iter().filter(|node| node.role == Role::Gene).count();
        let mut links = Links {
            genes: Vec::with_capacity(genes),
            contigs: Vec::with_capacity(genes),
            gene_of: Table::new(self.nodes.len()),
            transcript_of: Table::new(self.nodes.len()),
        };
        let leaves = std::mem::take(&mut self.leaves);
        // genes come in the order of their first CDS, stop codons and exons after all CDS
        let (mut stops, mut exons, mut last) = (Vec::new(), Vec::new(), None);
        for leaf in &leaves {
            match leaf.role {
                Role::Cds => self.add(path, &mut links, leaf, &mut last)?,
                Role::Stop => stops.push(leaf),
                _ => exons.push(leaf),
            }
        }
        for leaf in stops.into_iter().chain(exons) {
            self.add(path, &mut links, leaf, &mut last)?;
        }
        let rows = || self.nodes.iter().zip(&links.gene_of.rows).filter(|(node, _)| node.role == Role::Gene);
        let silent = rows().filter(|(_, gene)| gene.is_none()).count() as u64;
        let noncoding_genes = silent + self.nameless_genes;
        let silent_pseudo = rows().filter(|(node, gene)| gene.is_none() && node.pseudo()).count() as u64;
        let mut repairs = self.repairs;
        let mut drafts = links.genes;
        drafts.sort_by_key(|gene| gene.line);
        let mut genes = Vec::with_capacity(drafts.len());
        genes.extend(drafts.into_iter().filter_map(|draft| finish(draft, &mut repairs)));
        let pseudogenes = silent_pseudo + genes.iter().filter(|gene| gene.pseudo).count() as u64;
        let occupied = self.contigs.iter().zip(self.occupied).filter(|(_, parts)| !parts.is_empty());
        let occupied = occupied.map(|(name, parts)| (decode(name), parts)).collect();
        Ok(Annotation {
            format: Format::Gff3,
            contigs: self.contigs.iter().map(|name| decode(name)).collect(),
            genes,
            noncoding_genes,
            pseudogenes,
            repairs: repairs.counts(),
            repair_lines: repairs.lines(),
            occupied,
        })
    }

    /// Adds a row to its transcripts; `last` is the row before it with what was found for it, where its
    /// parents had to be looked up.
    fn add<'l>(
        &mut self,
        path: &Path,
        links: &mut Links<'a>,
        leaf: &'l Leaf<'a>,
        last: &mut Option<(&'l Leaf<'a>, Vec<Place>)>,
    ) -> Result<()> {
        if leaf.part.line % (1 << 14) == 0 {
            interrupt::check()?;
        }
        if let Some(node) = leaf.near {
            let place = match links.transcript_of.rows[node as usize] {
                Some(place) if links.contigs[place.gene] == leaf.contig => Some(place),
                _ => self.place(path, links, leaf, self.gene_of(node as usize, leaf))?,
            };
            if let Some(place) = place {
                links.add(place, leaf);
            }
            return Ok(());
        }
        // the rows of one CDS mostly stand together
        let places = match last.take() {
            Some((before, places)) if leaf.is_beside(before) => places,
            _ => self.places(path, links, leaf)?,
        };
        places.iter().for_each(|&place| links.add(place, leaf));
        *last = Some((leaf, places));
        Ok(())
    }

    /// Gene and transcript that a row belongs to, for each of its parents; no transcript where the
    /// row lies right under its gene.
    fn owners(&self, leaf: &Leaf<'a>) -> Vec<(Owner<'a>, Option<Owner<'a>>)> {
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
                    let name = items(here.parents).next().or(here.gene_id()).or(leaf.gene_id());
                    let gene = name.map_or(Owner::Node(at), |name| Owner::Named(here.contig, name));
                    return (gene, transcript);
                }
            }
            if self.nodes[at].role == Role::Gene {
                return (Owner::Node(at), transcript);
            }
        }
    }

    /// Every transcript of a row.
    fn places(&mut self, path: &Path, links: &mut Links<'a>, leaf: &Leaf<'a>) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        for owner in self.owners(leaf) {
            places.extend(self.place(path, links, leaf, owner)?);
        }
        Ok(places)
    }

    /// The transcript of a row with this gene and transcript; it is opened by its first CDS.
    fn place(
        &mut self,
        path: &Path,
        links: &mut Links<'a>,
        leaf: &Leaf<'a>,
        (owner, transcript): (Owner<'a>, Option<Owner<'a>>),
    ) -> Result<Option<Place>> {
        // without a transcript row, each CDS of its own name is one
        let key = match transcript {
            Some(transcript) => (transcript, None),
            None => (owner, leaf.part.id.filter(|_| matches!(owner, Owner::Node(_)))),
        };
        let place = match (links.transcript_of.get(&key), leaf.role) {
            (Some(place), _) => place,
            // a stop codon or exon row never makes a transcript; its ID is not the CDS's
            (None, Role::Stop | Role::Exon) => match links.gene_of.get(&(owner, None)) {
                Some(gene) if transcript.is_none() && links.genes[gene].transcripts.len() == 1 => {
                    Place { gene, at: 0 }
                }
                _ => return Ok(None),
            },
            (None, _) => {
                let gene = self.open_gene(links, leaf, owner);
                let draft = self.open_transcript(leaf, owner, transcript);
                let drafts = &mut links.genes[gene].transcripts;
                // most genes have one
                drafts.reserve_exact(usize::from(drafts.is_empty()));
                drafts.push(draft);
                let place = Place { gene, at: drafts.len() - 1 };
                links.transcript_of.insert(key, place);
                place
            }
        };
        let (home, here) = (links.contigs[place.gene], leaf.contig);
        if home != here && decode(self.contigs[home as usize]) != decode(self.contigs[here as usize]) {
            let gene = &links.genes[place.gene];
            let message = format!("gene '{}' is on sequence '{}', this row is not", gene.id, gene.contig);
            return Err(Error::input(path, leaf.part.line, message));
        }
        Ok(Some(place))
    }

    fn open_gene(&mut self, links: &mut Links<'a>, leaf: &Leaf<'a>, owner: Owner<'a>) -> usize {
        if let Some(gene) = links.gene_of.get(&(owner, None)) {
            return gene;
        }
        let (id, contig, line, pseudo, row) = match owner {
            Owner::Node(i) => {
                let node = &self.nodes[i];
                let row = Interval::new(node.start, node.end);
                (decode(node.id), node.contig, node.line, node.pseudo(), Some(row))
            }
            Owner::Named(contig, name) => (decode(name), contig, leaf.part.line, false, None),
            Owner::Line(line) => (format!("cds_line{line}"), leaf.contig, line, false, None),
        };
        if !matches!(owner, Owner::Node(i) if self.nodes[i].role == Role::Gene) {
            self.repairs.add("implicit_gene", 1, leaf.part.line);
        }
        links.gene_of.insert((owner, None), links.genes.len());
        links.contigs.push(contig);
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
                let node = &self.nodes[i];
                node.said.iter().for_each(|said| marks.merge(&said.marks));
                strand = strand.or(node.strand);
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
    let gene = leaf.gene_id().unwrap_or(parent);
    (Owner::Named(leaf.contig, gene), Some(Owner::Named(leaf.contig, parent)))
}
