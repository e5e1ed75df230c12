//! Sets of genes on named contigs: read from files, chosen and renamed as the user asks.

use std::collections::BTreeMap;
use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::tidy::Tidy;
use crate::annotation::attributes::decode;
use crate::annotation::{self, Annotation, Feature, Gene, Transcript};
use crate::gene::{GeneModel, Interval, Strand};
use crate::{Error, Result};

/// Which transcripts of a gene count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isoforms {
    /// The one with the longest CDS, the first in the file of several.
    #[default]
    Longest,
    /// All of them.
    All,
}

/// What of a file counts.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Which transcripts of a gene.
    pub isoforms: Isoforms,
    /// Which rows the transcripts are made of.
    pub feature: Feature,
    /// The contigs; all where none are named.
    pub contigs: Option<Vec<String>>,
    /// Only transcripts that lie wholly in one of these; everywhere where none are named.
    pub regions: Vec<(String, Interval)>,
    /// Transcripts with fewer coding bases are left out.
    pub min_cds: u32,
}

impl Selection {
    /// The transcripts of a gene that count, wherever they lie.
    pub(super) fn transcripts<'a>(&self, gene: &'a Gene) -> Vec<&'a Transcript> {
        let long_enough = |t: &&Transcript| t.cds_len() >= u64::from(self.min_cds);
        match self.isoforms {
            Isoforms::Longest => gene.canonical().filter(long_enough).into_iter().collect(),
            Isoforms::All => gene.transcripts.iter().filter(long_enough).collect(),
        }
    }

    /// Whether a stretch lies in one of the regions, where there are any.
    pub(super) fn holds(&self, contig: &str, start: u32, end: u32) -> bool {
        let inside = |(place, region): &(String, Interval)| {
            place == contig && region.start <= start && end <= region.end
        };
        self.regions.is_empty() || self.regions.iter().any(inside)
    }
}

/// Genes on named contigs; their chains lie one after the other in one list of segments.
#[derive(Debug, Clone, Default)]
pub struct GeneSet {
    /// Contigs that the source mentions, with or without genes.
    pub contigs: Vec<String>,
    /// What was mended or guessed when its file was read, by kind; phases play no part in a score.
    pub repairs: BTreeMap<&'static str, u64>,
    genes: Vec<Stored>,
    chains: Vec<Chain>,
    segments: Vec<Interval>,
    introns: Vec<Interval>,
    names: String,
}

/// A gene, by its places in the lists of its set.
#[derive(Debug, Clone, Copy)]
struct Stored {
    contig: u32,
    strand: Strand,
    /// Ends in the lists of chains and names; it begins where the gene before it ends.
    chains: [u32; 2],
    name: [usize; 2],
}

/// Where a chain's segments and introns lie.
#[derive(Debug, Clone, Copy)]
struct Chain {
    segments: [u32; 2],
    introns: [u32; 2],
}

/// One gene of a set: where it lies and the chains of its chosen transcripts.
#[derive(Debug, Clone, Copy)]
pub struct SetGene<'a> {
    set: &'a GeneSet,
    stored: &'a Stored,
}

/// The segments of one chain and the gaps of at least one base between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainRef<'a> {
    /// Ascending, at least one.
    pub segments: &'a [Interval],
    /// Ascending.
    pub introns: &'a [Interval],
}

impl ChainRef<'_> {
    /// Leftmost base.
    pub fn start(&self) -> u32 {
        self.segments.first().map_or(0, |s| s.start)
    }

    /// One past the rightmost base.
    pub fn end(&self) -> u32 {
        self.segments.last().map_or(0, |s| s.end)
    }

    /// Coding bases.
    pub fn cds_len(&self) -> u32 {
        self.segments.iter().map(Interval::len).sum()
    }
}

impl<'a> SetGene<'a> {
    /// The name in the file.
    pub fn id(&self) -> &'a str {
        &self.set.names[self.stored.name[0]..self.stored.name[1]]
    }

    /// Index of its contig in its set.
    pub fn contig(&self) -> u32 {
        self.stored.contig
    }

    /// The strand of all its chains.
    pub fn strand(&self) -> Strand {
        self.stored.strand
    }

    /// The chains of its transcripts in the file's order, at least one.
    pub fn chains(&self) -> impl ExactSizeIterator<Item = ChainRef<'a>> + Clone {
        let GeneSet { chains, segments, introns, .. } = self.set;
        let part = |list: &'a [Interval], ends: [u32; 2]| &list[ends[0] as usize..ends[1] as usize];
        chains[self.stored.chains[0] as usize..self.stored.chains[1] as usize].iter().map(move |chain| {
            ChainRef { segments: part(segments, chain.segments), introns: part(introns, chain.introns) }
        })
    }

    /// Leftmost base and one past the rightmost of all chains.
    pub fn range(&self) -> (u32, u32) {
        let starts = self.chains().map(|chain| chain.start()).min();
        (starts.unwrap_or(0), self.chains().map(|chain| chain.end()).max().unwrap_or(0))
    }
}

impl GeneSet {
    /// The chosen transcripts of every gene of a GFF3 or GTF file; contigs are chosen later, by
    /// [`GeneSet::select`], when it is known which names the other files have.
    ///
    /// # Errors
    /// What the annotation reader complains about.
    pub fn read(path: impl AsRef<Path>, selection: &Selection) -> Result<Self> {
        let path = path.as_ref();
        let text = annotation::text(path)?;
        if selection.feature == Feature::Cds {
            // the other reader counts the rows that leave their regions
            if let Some(tidy) = Tidy::read(path, &text).filter(|tidy| !tidy.leaves_regions()) {
                drop(text);
                return Ok(Self::of_tidy(&tidy, selection));
            }
        }
        Ok(Self::of_annotation(annotation::parse_feature(path, &text, selection.feature)?, selection))
    }

    pub(super) fn of_annotation(annotation: Annotation, selection: &Selection) -> Self {
        let numbers: FxHashMap<&str, u32> =
            annotation.contigs.iter().zip(0..).map(|(name, i)| (name.as_str(), i)).collect();
        let mut set = GeneSet::default();
        for gene in &annotation.genes {
            let Some(&contig) = numbers.get(gene.contig.as_str()) else { continue };
            for transcript in selection.transcripts(gene) {
                set.add_chain(transcript.cds.iter().map(|c| Interval::new(c.start, c.end)));
            }
            set.add_gene(&gene.id, contig, gene.strand);
        }
        let mut repairs = annotation.repairs;
        repairs.retain(|kind, _| !kind.starts_with("phase"));
        GeneSet { contigs: annotation.contigs, repairs, ..set }
    }

    pub(super) fn of_tidy(tidy: &Tidy, selection: &Selection) -> Self {
        let (contigs, repairs) = (tidy.contig_names(), tidy.repairs());
        let mut set = GeneSet { contigs, repairs, ..GeneSet::default() };
        let (mut best, mut chain) = (Vec::new(), Vec::new());
        let bases = |chain: &[Interval]| chain.iter().map(|s| u64::from(s.len())).sum::<u64>();
        let long_enough = |chain: &[Interval]| bases(chain) >= u64::from(selection.min_cds);
        for (chunk, gene) in tidy.genes() {
            let mut strand = gene.strand;
            best.clear();
            for transcript in chunk.transcripts(gene) {
                chain.clear();
                chain.extend(chunk.cds(transcript).map(|part| Interval::new(part.start, part.end)));
                if chain.is_empty() {
                    continue;
                }
                // one for all coding transcripts
                strand = transcript.strand;
                if !chain.is_sorted() {
                    chain.sort();
                }
                chain.dedup();
                match selection.isoforms {
                    Isoforms::All if long_enough(&chain) => set.add_chain(chain.iter().copied()),
                    Isoforms::Longest if best.is_empty() || bases(&chain) > bases(&best) => {
                        std::mem::swap(&mut best, &mut chain);
                    }
                    _ => {}
                }
            }
            if !best.is_empty() && long_enough(&best) {
                set.add_chain(best.iter().copied());
            }
            let id = chunk.gene_name(gene);
            match id.contains(&b'%') {
                true => set.add_gene(&decode(id), gene.contig, strand),
                false => set.add_gene(&String::from_utf8_lossy(id), gene.contig, strand),
            }
        }
        set
    }

    /// Adds a chain to the gene that [`GeneSet::add_gene`] is to add next.
    pub(super) fn add_chain(&mut self, segments: impl IntoIterator<Item = Interval>) {
        let (from, gaps) = (self.segments.len(), self.introns.len() as u32);
        self.segments.extend(segments);
        for pair in self.segments[from..].windows(2) {
            if pair[0].end < pair[1].start {
                self.introns.push(Interval::new(pair[0].end, pair[1].start));
            }
        }
        let segments = [from as u32, self.segments.len() as u32];
        self.chains.push(Chain { segments, introns: [gaps, self.introns.len() as u32] });
    }

    /// Adds the gene of the chains added since the last one; without chains it is none.
    pub(super) fn add_gene(&mut self, id: &str, contig: u32, strand: Strand) {
        let from = self.genes.last().map_or(0, |gene| gene.chains[1]);
        let to = self.chains.len() as u32;
        if from < to {
            let name = self.names.len();
            self.names.push_str(id);
            let name = [name, self.names.len()];
            self.genes.push(Stored { contig, strand, chains: [from, to], name });
        }
    }

    /// Genes with one chain each, contigs by name.
    pub fn of_models(models: impl IntoIterator<Item = (String, GeneModel)>) -> Self {
        let mut set = GeneSet::default();
        let mut numbers: FxHashMap<String, u32> = FxHashMap::default();
        for (name, model) in models {
            let contig = *numbers.entry(name).or_insert_with_key(|name| {
                set.contigs.push(name.clone());
                set.contigs.len() as u32 - 1
            });
            set.add_chain(model.segments);
            set.add_gene(&format!("gene{}", set.genes.len() + 1), contig, model.strand);
        }
        set
    }

    /// The genes, in the source's order.
    pub fn genes(&self) -> impl ExactSizeIterator<Item = SetGene<'_>> {
        self.genes.iter().map(|stored| SetGene { set: self, stored })
    }

    /// The gene at a place.
    pub fn gene(&self, index: usize) -> SetGene<'_> {
        SetGene { set: self, stored: &self.genes[index] }
    }

    /// Every chain of every gene with its contig's name.
    pub fn models(&self) -> impl Iterator<Item = (&str, GeneModel)> {
        self.genes().flat_map(|gene| {
            let contig = self.contigs[gene.contig() as usize].as_str();
            let model = move |chain: ChainRef| {
                (contig, GeneModel { strand: gene.strand(), segments: chain.segments.to_vec() })
            };
            gene.chains().map(model)
        })
    }

    /// Whether the source mentions the contig.
    pub fn knows(&self, contig: &str) -> bool {
        self.contigs.iter().any(|name| name == contig)
    }

    /// Renames contigs; names that the table lacks stay.
    ///
    /// # Errors
    /// [`Error::Value`] when two contigs would have one name.
    pub fn rename(&mut self, alias: &FxHashMap<String, String>) -> Result<()> {
        let mut seen = FxHashSet::default();
        for name in &mut self.contigs {
            if let Some(new) = alias.get(name) {
                name.clone_from(new);
            }
            if !seen.insert(name.clone()) {
                return Err(Error::value(format!("the alias file gives two contigs the name {name}")));
            }
        }
        Ok(())
    }

    /// Drops what lies outside the chosen contigs and regions.
    pub fn select(&mut self, selection: &Selection) {
        if selection.contigs.is_none() && selection.regions.is_empty() {
            return;
        }
        let chosen = |name| selection.contigs.as_ref().is_none_or(|chosen| chosen.contains(name));
        let (contigs, repairs) = (self.contigs.clone(), std::mem::take(&mut self.repairs));
        let mut kept = GeneSet { contigs, repairs, ..GeneSet::default() };
        for gene in self.genes() {
            let name = &self.contigs[gene.contig() as usize];
            for chain in gene
                .chains()
                .filter(|chain| chosen(name) && selection.holds(name, chain.start(), chain.end()))
            {
                kept.add_chain(chain.segments.iter().copied());
            }
            kept.add_gene(gene.id(), gene.contig(), gene.strand());
        }
        *self = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a\t.\tgene\t1\t400\t.\t+\t.\tID=g\n\
        a\t.\tmRNA\t1\t400\t.\t+\t.\tID=t;Parent=g\n\
        a\t.\texon\t1\t99\t.\t+\t.\tID=e1;Parent=t,u\n\
        a\t.\texon\t201\t400\t.\t+\t.\tID=e2;Parent=t\n\
        a\t.\tCDS\t11\t40\t.\t+\t0\tID=c;Parent=t\n\
        a\t.\tmRNA\t1\t99\t.\t+\t.\tID=u;Parent=g\n\
        a\t.\tCDS\t11\t70\t.\t+\t0\tID=d;Parent=u\n";

    fn read(selection: &Selection) -> Vec<Vec<(u32, u32)>> {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("x.gff3");
        std::fs::write(&path, TEXT).expect("written");
        let mut set = GeneSet::read(&path, selection).expect("read");
        set.select(selection);
        set.models().map(|(_, m)| m.segments.iter().map(|s| (s.start, s.end)).collect()).collect()
    }

    #[test]
    fn isoforms_features_lengths_and_regions_choose() {
        let plain = Selection::default();
        assert_eq!(read(&plain), [vec![(10, 70)]]);
        let all = Selection { isoforms: Isoforms::All, ..plain.clone() };
        assert_eq!(read(&all), [vec![(10, 40)], vec![(10, 70)]]);
        assert_eq!(read(&Selection { min_cds: 31, ..all.clone() }), [vec![(10, 70)]]);
        assert!(read(&Selection { min_cds: 61, ..all.clone() }).is_empty());
        let exons = Selection { feature: Feature::Exon, ..plain };
        assert_eq!(read(&exons), [vec![(0, 99), (200, 400)]]);
        let region = |start, end| vec![("a".to_string(), Interval::new(start, end))];
        assert_eq!(read(&Selection { regions: region(10, 40), ..all.clone() }), [vec![(10, 40)]]);
        assert!(read(&Selection { regions: region(11, 90), ..all.clone() }).is_empty());
        assert!(read(&Selection { contigs: Some(vec!["b".into()]), ..all }).is_empty());
    }

    #[test]
    fn renaming_must_keep_contigs_apart() {
        let model = GeneModel { strand: Strand::Plus, segments: vec![Interval::new(0, 3)] };
        let mut set = GeneSet::of_models([("1".to_string(), model.clone()), ("chr2".to_string(), model)]);
        let table = |pairs: &[(&str, &str)]| pairs.iter().map(|p| (p.0.into(), p.1.into())).collect();
        set.rename(&table(&[("1", "chr1")])).expect("apart");
        assert_eq!(set.contigs, ["chr1", "chr2"]);
        assert!(set.rename(&table(&[("chr1", "chr2")])).is_err());
    }
}
