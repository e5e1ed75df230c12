//! The counting behind the statistics.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::models::{Locus, Model, Models, MIN_INTRON};
use super::stats::{Codon, Count, Distribution, Gc, Stats};
use super::Source;
use crate::annotation::Annotation;
use crate::dna;
use crate::error::{Error, Result};
use crate::gene::{Interval, Strand};

/// Known bases and G or C among them.
#[derive(Debug, Clone, Copy, Default)]
struct Bases {
    known: u64,
    gc: u64,
}

impl Bases {
    fn add(&mut self, letters: &[u8]) {
        // sums of a byte each, so that the compiler takes many letters at once
        for letters in letters.chunks(255) {
            let (mut gc, mut at) = (0u8, 0u8);
            for letter in letters {
                let letter = letter & 0xdf;
                gc += u8::from(letter == b'G') | u8::from(letter == b'C');
                at += u8::from(letter == b'A') | u8::from(letter == b'T');
            }
            self.gc += u64::from(gc);
            self.known += u64::from(gc) + u64::from(at);
        }
    }

    fn share(&self) -> Option<f64> {
        (self.known > 0).then(|| self.gc as f64 / self.known as f64)
    }
}

/// Sums over a part of the genes; adding the parts up gives the whole.
#[derive(Default)]
struct Tally {
    lengths: [Vec<u32>; 6],
    codons: Vec<u64>,
    starts: BTreeMap<String, u64>,
    stops: BTreeMap<String, u64>,
    pairs: BTreeMap<String, u64>,
    bases: [Bases; 8],
    short_gaps: u64,
    in_frame_stops: u64,
    incomplete: u64,
    single_exon: usize,
}

// places in `lengths`
const MRNA: usize = 0;
const CDS: usize = 1;
const EXON: usize = 2;
const INTRON: usize = 3;
const GENE: usize = 4;
const EXONS_PER_GENE: usize = 5;

// places in `bases`, after the three codon positions
const GC_CDS: usize = 3;
const GC_EXONS: usize = 4;
const GC_INTRONS: usize = 5;
const GC_GENES: usize = 6;

impl Tally {
    fn merge(mut self, other: Tally) -> Tally {
        self.lengths.iter_mut().zip(other.lengths).for_each(|(a, b)| a.extend(b));
        self.codons.resize(64, 0);
        self.codons.iter_mut().zip(&other.codons).for_each(|(a, b)| *a += b);
        let maps = [
            (&mut self.starts, other.starts),
            (&mut self.stops, other.stops),
            (&mut self.pairs, other.pairs),
        ];
        for (into, from) in maps {
            from.into_iter().for_each(|(name, n)| *into.entry(name).or_default() += n);
        }
        for (a, b) in self.bases.iter_mut().zip(other.bases) {
            a.known += b.known;
            a.gc += b.gc;
        }
        self.short_gaps += other.short_gaps;
        self.in_frame_stops += other.in_frame_stops;
        self.incomplete += other.incomplete;
        self.single_exon += other.single_exon;
        self
    }

    fn add_gene(&mut self, source: &Source, models: &Models, locus: &Locus) -> Result<()> {
        let exons = models.models[locus.canonical].exons.len();
        self.lengths[EXONS_PER_GENE].push(exons as u32);
        self.single_exon += usize::from(exons == 1);
        self.lengths[GENE].push(locus.span.len());
        let mut letters = Vec::new();
        source.splice(locus.contig, std::iter::once(locus.span), false, &mut letters)?;
        self.bases[GC_GENES].add(&letters);
        let mut introns = FxHashSet::default();
        for &at in &locus.models {
            let model = &models.models[at];
            self.add_exons(source, model)?;
            self.add_cds(source, model)?;
            introns.extend(model.introns());
        }
        for &intron in &introns {
            self.add_intron(source, locus, intron)?;
        }
        Ok(())
    }

    fn add_exons(&mut self, source: &Source, model: &Model) -> Result<()> {
        let mut letters = Vec::new();
        source.splice(model.contig, model.exons.iter().copied(), false, &mut letters)?;
        self.bases[GC_EXONS].add(&letters);
        self.lengths[MRNA].push(letters.len() as u32);
        self.lengths[EXON].extend(model.exons.iter().map(Interval::len));
        let short = |pair: &&[Interval]| pair[1].start - pair[0].end < MIN_INTRON;
        self.short_gaps += model.exons.windows(2).filter(short).count() as u64;
        Ok(())
    }

    fn add_cds(&mut self, source: &Source, model: &Model) -> Result<()> {
        let mut letters = source.cds(model)?;
        letters.make_ascii_uppercase();
        self.lengths[CDS].push(letters.len() as u32);
        self.bases[GC_CDS].add(&letters);
        self.incomplete += u64::from(letters.len() % 3 != 0);
        self.codons.resize(64, 0);
        let protein = source.code.translate_letters(&letters);
        self.in_frame_stops += u64::from(protein.iter().rev().skip(1).any(|&aa| aa == b'*'));
        let text = |codon: &[u8]| String::from_utf8_lossy(codon).into_owned();
        let mut seen = [[0u64; 5]; 3];
        for codon in letters.chunks_exact(3) {
            let codes = [0, 1, 2].map(|i| usize::from(dna::code(codon[i])));
            seen.iter_mut().zip(codes).for_each(|(counts, code)| counts[code] += 1);
            if codes.iter().all(|&code| code < 4) {
                self.codons[codes[0] * 16 + codes[1] * 4 + codes[2]] += 1;
            }
        }
        for (bases, counts) in self.bases.iter_mut().zip(seen) {
            bases.gc += counts[1] + counts[2];
            bases.known += counts[..4].iter().sum::<u64>();
        }
        if let (Some(first), Some(last)) = (letters.chunks_exact(3).next(), letters.chunks_exact(3).last()) {
            *self.starts.entry(text(first)).or_default() += 1;
            *self.stops.entry(text(last)).or_default() += 1;
        }
        Ok(())
    }

    fn add_intron(&mut self, source: &Source, locus: &Locus, intron: Interval) -> Result<()> {
        let mut letters = Vec::new();
        let is_minus = locus.strand == Strand::Minus;
        source.splice(locus.contig, std::iter::once(intron), is_minus, &mut letters)?;
        letters.make_ascii_uppercase();
        self.bases[GC_INTRONS].add(&letters);
        self.lengths[INTRON].push(intron.len());
        if let [a, b, .., c, d] = letters[..] {
            let pair = [a, b, b'-', c, d].map(char::from);
            *self.pairs.entry(pair.iter().collect()).or_default() += 1;
        }
        Ok(())
    }
}

/// Counts everything.
pub(super) fn count(
    source: &Source,
    models: &Models,
    annotation: &Annotation,
    stop: &AtomicBool,
) -> Result<Stats> {
    let gene = |mut tally: Tally, locus: &Locus| {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        tally.add_gene(source, models, locus)?;
        Ok(tally)
    };
    let tally = models
        .loci
        .par_iter()
        .try_fold(Tally::default, gene)
        .try_reduce(Tally::default, |a, b| Ok(a.merge(b)))?
        .merge(Tally::default());
    let bases_of = |contig: usize, span: Interval| -> Result<Bases> {
        let (mut letters, mut bases) = (Vec::new(), Bases::default());
        source.splice(contig, std::iter::once(span), false, &mut letters)?;
        bases.add(&letters);
        Ok(bases)
    };
    let sum = |a: Bases, b: Bases| Ok(Bases { known: a.known + b.known, gc: a.gc + b.gc });
    let genome = models
        .order
        .par_iter()
        .map(|&contig| bases_of(contig, Interval::new(0, models.contigs[contig].1 as u32)))
        .try_reduce(Bases::default, sum)?;
    let intergenic =
        models.gaps.par_iter().map(|gap| bases_of(gap.contig, gap.span)).try_reduce(Bases::default, sum)?;
    Ok(tally.finish(source, models, annotation, genome, intergenic))
}

impl Tally {
    fn finish(
        self,
        source: &Source,
        models: &Models,
        annotation: &Annotation,
        genome: Bases,
        intergenic: Bases,
    ) -> Stats {
        let [mrna, cds, exon, intron, gene, exons_per_gene] = self.lengths.map(Distribution::of);
        let at = |i: usize| self.bases[i].share();
        Stats {
            genetic_code: source.code.table(),
            contigs: models.order.len(),
            bases: models.order.iter().map(|&contig| models.contigs[contig].1).sum(),
            genes: models.loci.len(),
            transcripts: models.models.len(),
            noncoding_genes: annotation.noncoding_genes,
            single_exon_genes: self.single_exon,
            exons_per_gene,
            transcripts_per_gene: Distribution::of(
                models.loci.iter().map(|locus| locus.models.len() as u32).collect(),
            ),
            gene_lengths: gene,
            mrna_lengths: mrna,
            cds_lengths: cds,
            exon_lengths: exon,
            intron_lengths: intron,
            intergenic_lengths: Distribution::of(models.gaps.iter().map(|gap| gap.span.len()).collect()),
            gaps_below_4: self.short_gaps,
            splice_pairs: by_frequency(self.pairs),
            start_codons: by_frequency(self.starts),
            stop_codons: by_frequency(self.stops),
            in_frame_stops: self.in_frame_stops,
            incomplete_codons: self.incomplete,
            codon_usage: usage(&self.codons, source),
            gc: Gc {
                genome: genome.share(),
                genes: at(GC_GENES),
                exons: at(GC_EXONS),
                introns: at(GC_INTRONS),
                intergenic: intergenic.share(),
                cds: at(GC_CDS),
                codon_position_1: at(0),
                codon_position_2: at(1),
                codon_position_3: at(2),
            },
        }
    }
}

fn by_frequency(counts: BTreeMap<String, u64>) -> Vec<Count> {
    let mut list: Vec<Count> = counts.into_iter().map(|(name, count)| Count { name, count }).collect();
    list.sort_by_key(|entry| std::cmp::Reverse(entry.count));
    list
}

fn usage(codons: &[u64], source: &Source) -> Vec<Codon> {
    let letters = |i: usize| [b"ACGT"[i / 16], b"ACGT"[i / 4 % 4], b"ACGT"[i % 4]];
    let amino: Vec<u8> = (0..64).map(|i| source.code.translate_letters(&letters(i))[0]).collect();
    let total: u64 = codons.iter().sum();
    let ratio = |a: u64, b: u64| if b == 0 { 0.0 } else { a as f64 / b as f64 };
    let one = |i: usize| {
        let same: u64 = (0..64).filter(|&j| amino[j] == amino[i]).map(|j| codons[j]).sum();
        Codon {
            codon: letters(i).map(char::from).iter().collect(),
            amino_acid: amino[i].into(),
            count: codons[i],
            per_thousand: 1000.0 * ratio(codons[i], total),
            share: ratio(codons[i], same),
        }
    };
    (0..64).map(one).collect()
}
