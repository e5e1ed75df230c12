//! Sets of genes on named contigs: read from files, chosen and renamed as the user asks.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::names;
use crate::annotation::{self, Annotation, Feature, Gene, Transcript};
use crate::gene::{GeneModel, Interval};
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

    /// Whether a chain lies in one of the regions, where there are any.
    pub(super) fn holds(&self, contig: &str, chain: &GeneModel) -> bool {
        let inside = |(place, region): &(String, Interval)| {
            place == contig && region.start <= chain.start() && chain.end() <= region.end
        };
        self.regions.is_empty() || self.regions.iter().any(inside)
    }
}

/// One gene: where it lies and the chains of its chosen transcripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetGene {
    /// The name in the file.
    pub id: String,
    /// Index of its contig in its set.
    pub contig: u32,
    /// The chains of its transcripts in the file's order, at least one.
    pub chains: Vec<GeneModel>,
}

/// Genes on named contigs.
#[derive(Debug, Clone, Default)]
pub struct GeneSet {
    /// Contigs that the source mentions, with or without genes.
    pub contigs: Vec<String>,
    /// The genes, in the source's order.
    pub genes: Vec<SetGene>,
}

impl GeneSet {
    /// The chosen transcripts of every gene of a GFF3 or GTF file; contigs are chosen later, by
    /// [`GeneSet::select`], when it is known which names the other files have.
    ///
    /// # Errors
    /// What the annotation reader complains about.
    pub fn read(path: impl AsRef<Path>, selection: &Selection) -> Result<Self> {
        let annotation = annotation::read_feature(path.as_ref(), selection.feature)?;
        Ok(Self::of_annotation(annotation, selection))
    }

    fn of_annotation(annotation: Annotation, selection: &Selection) -> Self {
        let numbers: FxHashMap<&str, u32> =
            annotation.contigs.iter().zip(0..).map(|(name, i)| (name.as_str(), i)).collect();
        let genes = annotation
            .genes
            .iter()
            .filter_map(|gene| {
                let chains: Vec<_> =
                    selection.transcripts(gene).into_iter().map(|t| t.model(gene.strand)).collect();
                let contig = *numbers.get(gene.contig.as_str())?;
                (!chains.is_empty()).then(|| SetGene { id: gene.id.clone(), contig, chains })
            })
            .collect();
        GeneSet { contigs: annotation.contigs, genes }
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
            let id = format!("gene{}", set.genes.len() + 1);
            set.genes.push(SetGene { id, contig, chains: vec![model] });
        }
        set
    }

    /// Every chain of every gene with its contig's name.
    pub fn models(&self) -> impl Iterator<Item = (&str, &GeneModel)> {
        self.genes.iter().flat_map(|gene| {
            gene.chains.iter().map(|chain| (self.contigs[gene.contig as usize].as_str(), chain))
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
        let keep: Vec<bool> = self
            .contigs
            .iter()
            .map(|name| selection.contigs.as_ref().is_none_or(|chosen| chosen.contains(name)))
            .collect();
        for gene in &mut self.genes {
            let contig = gene.contig;
            let name = &self.contigs[contig as usize];
            gene.chains.retain(|chain| keep[contig as usize] && selection.holds(name, chain));
        }
        self.genes.retain(|gene| !gene.chains.is_empty());
    }
}

/// A reference and several predictions as the user chose and named them.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    /// What is true.
    pub reference: GeneSet,
    /// What was predicted, one set a file.
    pub predictions: Vec<GeneSet>,
}

impl Sides {
    /// Reads a reference and its predictions, each once; `alias` gives contigs of the predictions
    /// the reference's names.
    ///
    /// # Errors
    /// What the readers complain about; a prediction that shares no contig with the reference; a
    /// chosen contig that no file knows.
    pub fn read(
        reference: &Path,
        predictions: &[impl AsRef<Path> + Sync],
        selection: &Selection,
        alias: Option<&Path>,
    ) -> Result<Self> {
        let (reference_set, prediction_sets) = rayon::join(
            || GeneSet::read(reference, selection),
            || predictions.iter().map(|path| GeneSet::read(path, selection)).collect::<Result<Vec<_>>>(),
        );
        let mut sides = Sides { reference: reference_set?, predictions: prediction_sets? };
        if let Some(alias) = alias {
            let table = names::read_alias(alias)?;
            sides.predictions.iter_mut().try_for_each(|set| set.rename(&table))?;
        }
        for (path, set) in predictions.iter().zip(&sides.predictions) {
            names::refuse_strangers(reference, &sides.reference.contigs, path.as_ref(), &set.contigs)?;
        }
        let known =
            |name: &str| sides.reference.knows(name) || sides.predictions.iter().any(|p| p.knows(name));
        refuse_unknown(selection.contigs.as_deref().unwrap_or_default(), known)?;
        for (name, _) in &selection.regions {
            refuse_unknown(std::slice::from_ref(name), known)?;
        }
        sides.reference.select(selection);
        sides.predictions.iter_mut().for_each(|set| set.select(selection));
        Ok(sides)
    }
}

/// Refuses a choice of contigs that names one nobody knows.
pub(crate) fn refuse_unknown(contigs: &[String], known: impl Fn(&str) -> bool) -> Result<()> {
    match contigs.iter().find(|name| !known(name)) {
        Some(name) => Err(Error::value(format!("there is no contig {name} in these files; check the names"))),
        None => Ok(()),
    }
}

/// A gene whose contig goes by the number that both sides of a pair share.
#[derive(Debug, Clone, Copy)]
pub struct Located<'a> {
    /// Number of the contig.
    pub contig: u32,
    /// The gene.
    pub gene: &'a SetGene,
}

impl Located<'_> {
    /// Contig and strand in one number.
    pub(super) fn place(&self) -> u32 {
        place(self.contig, &self.gene.chains[0])
    }
}

/// Contig and strand in one number.
pub(super) fn place(contig: u32, chain: &GeneModel) -> u32 {
    2 * contig + chain.strand as u32
}

/// The contigs of several sets under common numbers.
#[derive(Debug, Default)]
pub struct Contigs<'a> {
    /// The names by number.
    pub names: Vec<&'a str>,
    numbers: FxHashMap<&'a str, u32>,
}

impl<'a> Contigs<'a> {
    /// The genes of a set with the common numbers of their contigs.
    pub fn locate(&mut self, set: &'a GeneSet) -> Vec<Located<'a>> {
        let number = |name: &'a String| {
            let next = self.names.len() as u32;
            let number = *self.numbers.entry(name).or_insert(next);
            if number == next {
                self.names.push(name);
            }
            number
        };
        let numbers: Vec<u32> = set.contigs.iter().map(number).collect();
        set.genes.iter().map(|gene| Located { contig: numbers[gene.contig as usize], gene }).collect()
    }

    /// Names of the contigs that have genes on the first side and none on the other.
    pub(super) fn only_in(&self, here: &[Located], there: &[Located]) -> Vec<String> {
        let numbers = |genes: &[Located]| genes.iter().map(|gene| gene.contig).collect::<FxHashSet<u32>>();
        let (here, there) = (numbers(here), numbers(there));
        (0..self.names.len() as u32)
            .filter(|i| here.contains(i) && !there.contains(i))
            .map(|i| self.names[i as usize].to_string())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gene::Strand;

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
