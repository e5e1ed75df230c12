//! Which genes and transcripts are taken, where they lie in the genome, and in which order.

use std::borrow::Cow;
use std::path::Path;

use rustc_hash::FxHashSet;

use super::Options;
use crate::annotation::{Annotation, Cds, Gene, Transcript};
use crate::error::{Error, Result};
use crate::fasta::IndexedFasta;
use crate::gene::{Interval, Strand};
use crate::score::names::nearest;

/// The shortest gap that can be an intron; what is shorter is a frameshift.
pub(super) const MIN_INTRON: u32 = 4;

/// A coding transcript.
pub(super) struct Model<'a> {
    pub id: Cow<'a, str>,
    /// Its CDS lies right under its gene.
    pub implicit: bool,
    /// Index in the genome.
    pub contig: usize,
    pub strand: Strand,
    /// Ascending, apart from each other.
    pub exons: Cow<'a, [Interval]>,
    /// Ascending.
    pub cds: &'a [Cds],
}

impl Model<'_> {
    pub(super) fn is_minus(&self) -> bool {
        self.strand == Strand::Minus
    }

    pub(super) fn cds_parts(&self) -> impl Iterator<Item = Interval> + '_ {
        self.cds.iter().map(|cds| Interval::new(cds.start, cds.end))
    }

    /// Bases before the first whole codon.
    pub(super) fn phase(&self) -> usize {
        let first = if self.is_minus() { self.cds.last() } else { self.cds.first() };
        first.map_or(0, |cds| cds.phase.into())
    }

    pub(super) fn span(&self) -> Interval {
        let end = self.exons.iter().map(|exon| exon.end).max().unwrap_or(0);
        Interval::new(self.exons.first().map_or(0, |exon| exon.start), end)
    }

    /// Ascending.
    pub(super) fn introns(&self) -> impl Iterator<Item = Interval> + '_ {
        let gaps = self.exons.windows(2).map(|pair| Interval::new(pair[0].end, pair[1].start));
        gaps.filter(|gap| gap.len() >= MIN_INTRON)
    }

    /// Parts in the order in which the gene is read.
    pub(super) fn in_order(&self, mut parts: Vec<Interval>) -> Vec<Interval> {
        if self.is_minus() {
            parts.reverse();
        }
        parts
    }
}

/// A gene.
pub(super) struct Locus<'a> {
    pub id: &'a str,
    pub contig: usize,
    pub strand: Strand,
    /// Its own row and its transcripts.
    pub span: Interval,
    /// Indices of its transcripts.
    pub models: Vec<usize>,
    /// The transcript with the longest CDS.
    pub canonical: usize,
}

/// A stretch without genes.
pub(super) struct Gap {
    pub contig: usize,
    pub span: Interval,
}

/// Everything that is taken.
pub(super) struct Models<'a> {
    /// Names and lengths, in the genome's order.
    pub contigs: Vec<(String, u64)>,
    /// Contigs that are taken: those of the annotation first, as it names them.
    pub order: Vec<usize>,
    /// By contig, start, then those without a row of their own first, end, ID.
    pub models: Vec<Model<'a>>,
    /// By contig, start, end, ID.
    pub loci: Vec<Locus<'a>>,
    pub gaps: Vec<Gap>,
    pub mixed_strands: usize,
}

impl<'a> Models<'a> {
    /// Chooses and places; `files` are for messages.
    pub(super) fn choose(
        annotation: &'a Annotation,
        genome: &IndexedFasta,
        files: (&Path, &Path),
        options: &Options,
    ) -> Result<Self> {
        let contigs = genome.contigs();
        let order = contig_order(annotation, genome, &contigs, files.1, options)?;
        let wanted: Option<FxHashSet<&str>> =
            options.contigs.as_ref().map(|names| names.iter().map(String::as_str).collect());
        let mut rank = vec![0; contigs.len()];
        order.iter().enumerate().for_each(|(at, &contig)| rank[contig] = at);
        let mut found =
            Models { contigs, order, models: vec![], loci: vec![], gaps: vec![], mixed_strands: 0 };
        let mut models = Vec::with_capacity(annotation.transcripts());
        for gene in &annotation.genes {
            if wanted.as_ref().is_some_and(|names| !names.contains(gene.contig.as_str())) {
                continue;
            }
            let contig = found.place(gene, genome, files)?;
            found.add(gene, contig, options.longest, &mut models);
        }
        found.sort(models, &rank);
        found.gaps = gaps(annotation, &found);
        Ok(found)
    }

    /// The contig of a gene, which must hold it.
    fn place(&self, gene: &Gene, genome: &IndexedFasta, files: (&Path, &Path)) -> Result<usize> {
        let Some(contig) = genome.position(&gene.contig) else {
            let names: Vec<String> = self.contigs.iter().map(|(name, _)| name.clone()).collect();
            let near = nearest(&gene.contig, &names).map_or("", String::as_str);
            let message = format!(
                "gene {} lies on {}, which {} lacks (nearest: {near}); the names must be the same, or choose \
                 contigs with --contigs",
                gene.id,
                gene.contig,
                files.1.display()
            );
            return Err(Error::input(files.0, gene.line, message));
        };
        let length = self.contigs[contig].1;
        let parts = gene.transcripts.iter().flat_map(|t| t.exons.iter().map(|e| e.end));
        let cds = gene.transcripts.iter().flat_map(|t| t.cds.iter().map(|c| c.end));
        let end = parts.chain(cds).chain(gene.row.map(|row| row.end)).max().unwrap_or(0);
        if u64::from(end) > length {
            let message = format!(
                "gene {} ends at {end}, but {} has {length} bases in {}; do genome and annotation belong together?",
                gene.id,
                gene.contig,
                files.1.display()
            );
            return Err(Error::input(files.0, gene.line, message));
        }
        Ok(contig)
    }

    fn add(&mut self, gene: &'a Gene, contig: usize, longest: bool, models: &mut Vec<(usize, Model<'a>)>) {
        let usable: Vec<&Transcript> = gene.transcripts.iter().filter(|t| !t.mixed_strands).collect();
        self.mixed_strands += gene.transcripts.len() - usable.len();
        // the first of the longest
        let Some(&canonical) = usable.iter().rev().max_by_key(|t| t.cds_len()) else { return };
        let chosen = if longest { vec![canonical] } else { usable };
        let (mut span, mut best) = (gene.row, 0);
        for transcript in chosen {
            let model = model(gene, transcript, contig);
            let here = model.span();
            span = Some(span.map_or(here, |s| Interval::new(s.start.min(here.start), s.end.max(here.end))));
            if std::ptr::eq(transcript, canonical) {
                best = models.len();
            }
            models.push((self.loci.len(), model));
        }
        let span = span.unwrap_or(Interval::new(0, 0));
        let locus =
            Locus { id: &gene.id, contig, strand: gene.strand, span, models: vec![], canonical: best };
        self.loci.push(locus);
    }

    fn sort(&mut self, mut models: Vec<(usize, Model<'a>)>, rank: &[usize]) {
        let canonical: Vec<usize> = self.loci.iter().map(|locus| locus.canonical).collect();
        let mut by_place: Vec<usize> = (0..models.len()).collect();
        by_place.sort_by(|&a, &b| {
            let key = |i: usize| {
                let model = &models[i].1;
                let span = model.span();
                (rank[model.contig], span.start, !model.implicit, span.end)
            };
            key(a).cmp(&key(b)).then_with(|| models[a].1.id.as_bytes().cmp(models[b].1.id.as_bytes()))
        });
        let mut slots: Vec<Option<(usize, Model)>> = models.drain(..).map(Some).collect();
        for old in by_place {
            if let Some((locus, model)) = slots[old].take() {
                if canonical[locus] == old {
                    self.loci[locus].canonical = self.models.len();
                }
                self.loci[locus].models.push(self.models.len());
                self.models.push(model);
            }
        }
        self.loci.sort_by(|a, b| {
            let key = |locus: &Locus| (rank[locus.contig], locus.span.start, locus.span.end);
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(b.id))
        });
    }
}

fn model<'a>(gene: &'a Gene, transcript: &'a Transcript, contig: usize) -> Model<'a> {
    // a lone CDS right under its gene is known by the gene's name
    let is_gene = transcript.implicit && gene.row.is_some() && gene.transcripts.len() == 1;
    let id = if is_gene { &gene.id } else { &transcript.id };
    let exons = if transcript.exons.is_empty() {
        let cds = transcript.cds.iter().map(|cds| Interval::new(cds.start, cds.end));
        Cow::Owned(Interval::join(cds.collect()))
    } else {
        Cow::Borrowed(&transcript.exons[..])
    };
    let implicit = transcript.implicit;
    Model { id: plain(id), implicit, contig, strand: gene.strand, exons, cds: &transcript.cds }
}

/// A name without blanks, which would end it in a FASTA header.
pub(super) fn plain(id: &str) -> Cow<'_, str> {
    if !id.bytes().any(|b| b <= b' ' || b == 0x7f) {
        return Cow::Borrowed(id);
    }
    let escaped = id.chars().map(|c| match c {
        '\0'..=' ' | '\x7f' => format!("%{:02X}", c as u32),
        other => other.to_string(),
    });
    Cow::Owned(escaped.collect())
}

/// Contigs in the order of the annotation, then the others.
fn contig_order(
    annotation: &Annotation,
    genome: &IndexedFasta,
    contigs: &[(String, u64)],
    path: &Path,
    options: &Options,
) -> Result<Vec<usize>> {
    let mut seen = vec![false; contigs.len()];
    let named = annotation.contigs.iter().filter_map(|name| genome.position(name));
    let mut order: Vec<usize> = named.chain(0..contigs.len()).collect();
    order.retain(|&contig| !std::mem::replace(&mut seen[contig], true));
    let Some(wanted) = &options.contigs else { return Ok(order) };
    let mut keep = vec![false; contigs.len()];
    for name in wanted {
        let Some(contig) = genome.position(name) else {
            let names: Vec<String> = contigs.iter().map(|(name, _)| name.clone()).collect();
            let near = nearest(name, &names).map_or("", String::as_str);
            let message = format!("{} has no contig {name} (nearest: {near})", path.display());
            return Err(Error::value(message));
        };
        keep[contig] = true;
    }
    order.retain(|&contig| keep[contig]);
    Ok(order)
}

/// What no gene covers, coding or not.
fn gaps(annotation: &Annotation, found: &Models) -> Vec<Gap> {
    let mut covered: Vec<Vec<Interval>> = vec![Vec::new(); found.contigs.len()];
    for locus in &found.loci {
        covered[locus.contig].push(locus.span);
    }
    let mut gaps = Vec::new();
    for &contig in &found.order {
        let (name, length) = &found.contigs[contig];
        let mut parts = std::mem::take(&mut covered[contig]);
        parts.extend(annotation.occupied.get(name).into_iter().flatten());
        let mut from = 0;
        let end = *length as u32;
        for part in Interval::join(parts).into_iter().chain([Interval::new(end, end)]) {
            let to = part.start.min(end);
            if from < to {
                gaps.push(Gap { contig, span: Interval::new(from, to) });
            }
            from = part.end;
        }
    }
    gaps
}
