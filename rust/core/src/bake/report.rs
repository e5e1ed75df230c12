//! What a bake says about itself: stats.json, gene_index.json, eval.json and the log.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::genes::{Gene, SHARED_STOP};
use super::plan::{Place, Plan, Side};
use super::write::{Source, Sums};
use crate::error::{Error, Result};
use crate::shard::{GeneRecord, FORMAT};

const LABELS: [&str; 10] = [
    "intergenic",
    "codon1_plus",
    "codon2_plus",
    "codon3_plus",
    "codon1_minus",
    "codon2_minus",
    "codon3_minus",
    "intron_plus",
    "intron_minus",
    "unknown",
];

/// stats.json of a species.
#[derive(Debug, Serialize)]
pub struct Stats {
    format: u32,
    species: String,
    genetic_code: u8,
    contigs: usize,
    bases: u64,
    genes: GeneCounts,
    repairs: BTreeMap<&'static str, u64>,
    train: SideStats,
    held_out: SideStats,
    shards: ShardStats,
    held_out_stretches: Vec<(String, u32, u32)>,
}

#[derive(Debug, Default, Serialize)]
struct GeneCounts {
    coding: usize,
    valid: usize,
    invalid: BTreeMap<String, u64>,
    shared_stop: usize,
    over_a_border: usize,
}

#[derive(Debug, Default, Serialize)]
struct SideStats {
    bases: u64,
    windows_cut: usize,
    windows_dropped_invalid: usize,
    windows_dropped_empty: usize,
    windows: usize,
    windows_without_gene: usize,
    genes: usize,
    genes_in_no_window: usize,
    targets: usize,
}

#[derive(Debug, Serialize)]
struct ShardStats {
    files: usize,
    bases: u64,
    tokens: u64,
    steps: u64,
    labels: BTreeMap<&'static str, u64>,
}

/// One line of gene_index.json.
#[derive(Debug, Serialize)]
pub struct GeneEntry {
    id: String,
    contig: String,
    strand: char,
    segments: Vec<[u32; 2]>,
    valid: bool,
    reason: Option<&'static str>,
    split: &'static str,
    windows: u32,
}

/// stats.json and the lines of gene_index.json of a species.
pub fn report(source: &Source, plan: &Plan, sums: &Sums) -> (Stats, Vec<GeneEntry>) {
    let species = source.species;
    let mut windows = vec![0u32; species.genes.len()];
    for place in plan.train.places.iter().chain(&plan.held_out.places) {
        place.targets(&species.genes).for_each(|index| windows[index] += 1);
    }
    let genes: Vec<GeneEntry> = species
        .genes
        .iter()
        .zip(&windows)
        .map(|(gene, &windows)| {
            let record = GeneRecord::new(&gene.id, &gene.model, 0);
            GeneEntry {
                id: record.id,
                contig: species.contigs[gene.contig].name.clone(),
                strand: record.strand,
                segments: record.segments,
                valid: gene.invalid.is_none(),
                reason: gene.invalid.or(gene.shadowed.then_some(SHARED_STOP)),
                split: split(gene, plan),
                windows,
            }
        })
        .collect();
    let held_out = plan.stretches.iter().filter(|stretch| stretch.held_out);
    let stats = Stats {
        format: FORMAT,
        species: source.name.to_string(),
        genetic_code: source.genetic_code,
        contigs: species.contigs.len(),
        bases: species.contigs.iter().map(|contig| contig.sequence.len() as u64).sum(),
        genes: counts(&genes),
        repairs: species.repairs.clone(),
        train: side(&plan.train, &genes, &species.genes, "train"),
        held_out: side(&plan.held_out, &genes, &species.genes, "held_out"),
        shards: ShardStats {
            files: plan.train.places.len().div_ceil(super::write::SHARD),
            bases: sums.bases,
            tokens: sums.tokens,
            steps: sums.steps,
            labels: LABELS.into_iter().zip(sums.labels).collect(),
        },
        held_out_stretches: held_out
            .map(|s| (species.contigs[s.contig].name.clone(), s.bases.start, s.bases.end))
            .collect(),
    };
    (stats, genes)
}

/// The side that holds a gene whole.
fn split(gene: &Gene, plan: &Plan) -> &'static str {
    let (start, end) = (gene.model.start(), gene.model.end());
    let whole = |s: &&super::windows::Stretch| {
        s.contig == gene.contig && s.bases.start <= start && end <= s.bases.end
    };
    match plan.stretches.iter().find(whole) {
        Some(stretch) if stretch.held_out => "held_out",
        Some(_) => "train",
        None => "border",
    }
}

fn counts(genes: &[GeneEntry]) -> GeneCounts {
    let mut counts = GeneCounts { coding: genes.len(), ..GeneCounts::default() };
    for gene in genes {
        counts.over_a_border += usize::from(gene.split == "border");
        match (gene.valid, gene.reason) {
            (true, reason) => {
                counts.valid += 1;
                counts.shared_stop += usize::from(reason.is_some());
            }
            (false, reason) => {
                *counts.invalid.entry(reason.unwrap_or_default().to_string()).or_default() += 1
            }
        }
    }
    counts
}

fn side(side: &Side, entries: &[GeneEntry], genes: &[Gene], name: &str) -> SideStats {
    let wanted = || entries.iter().zip(genes).filter(|(entry, gene)| entry.split == name && gene.is_target());
    SideStats {
        bases: side.bases,
        windows_cut: side.cut,
        windows_dropped_invalid: side.dropped_invalid,
        windows_dropped_empty: side.dropped_empty,
        windows: side.places.len(),
        windows_without_gene: side.places.iter().filter(|place| place.genes.is_empty()).count(),
        genes: wanted().count(),
        genes_in_no_window: wanted().filter(|(entry, _)| entry.windows == 0).count(),
        targets: wanted().map(|(entry, _)| entry.windows as usize).sum(),
    }
}

/// gene_index.json: one line per gene.
///
/// # Errors
/// None in practice; serialisation can only fail by a defect.
pub fn gene_index_text(species: &str, genes: &[GeneEntry]) -> Result<String> {
    let lines = genes.iter().map(line).collect::<Result<Vec<_>>>()?;
    let name = line(&species)?;
    Ok(format!("{{\"format\": {FORMAT}, \"species\": {name}, \"genes\": [\n{}\n]}}\n", lines.join(",\n")))
}

/// A sample of eval.json.
#[derive(Debug, Serialize)]
struct EvalSample<'a> {
    key: &'a str,
    species: &'a str,
    contig: &'a str,
    start: u32,
    end: u32,
    genetic_code: u8,
    sequence: String,
    genes: &'a [GeneRecord],
    others: Vec<Other<'a>>,
    steps: &'a str,
}

/// A gene that touches a sample and is no target: what lies inside.
#[derive(Debug, Serialize)]
struct Other<'a> {
    id: &'a str,
    strand: char,
    start: u32,
    end: u32,
    reason: &'a str,
}

/// The samples of eval.json that a species gives, one line each: the windows with most target
/// genes, in the order of the genome.
///
/// # Errors
/// None in practice; serialisation can only fail by a defect.
pub fn eval_samples(source: &Source, places: &[Place], count: usize) -> Result<Vec<String>> {
    let genes = &source.species.genes;
    let mut rich: Vec<(usize, usize)> =
        places.iter().map(|place| place.targets(genes).count()).enumerate().filter(|x| x.1 > 0).collect();
    rich.sort_by_key(|&(index, targets)| (std::cmp::Reverse(targets), index));
    rich.truncate(count);
    rich.sort_unstable();
    rich.into_iter().map(|(index, _)| eval_sample(source, index, &places[index])).collect()
}

fn eval_sample(source: &Source, index: usize, place: &Place) -> Result<String> {
    let sample = source.sample(index, place);
    let targets: Vec<usize> = place.targets(&source.species.genes).collect();
    let rest =
        place.genes.iter().filter(|gene| !targets.contains(gene)).map(|&gene| &source.species.genes[gene]);
    let others = rest.map(|gene| Other {
        id: &gene.id,
        strand: gene.model.strand.symbol(),
        start: gene.model.start().saturating_sub(place.bases.start),
        end: gene.model.end().min(place.bases.end) - place.bases.start,
        reason: gene.invalid.unwrap_or(if gene.shadowed { SHARED_STOP } else { "over_the_edge" }),
    });
    line(&EvalSample {
        key: &sample.meta.key,
        species: source.name,
        contig: &sample.meta.contig,
        start: sample.meta.start,
        end: sample.meta.end,
        genetic_code: source.genetic_code,
        sequence: String::from_utf8_lossy(&sample.letters).into_owned(),
        genes: &sample.meta.genes,
        others: others.collect(),
        steps: &sample.steps,
    })
}

/// eval.json from the lines of all species.
pub fn eval_text(samples: &[String]) -> String {
    format!("{{\"format\": {FORMAT}, \"samples\": [\n{}\n]}}\n", samples.join(",\n"))
}

/// The log of a species.
pub fn log_text(stats: &Stats) -> String {
    let mut text = format!(
        "{}: {} contigs, {} bases, genetic code {}\n",
        stats.species, stats.contigs, stats.bases, stats.genetic_code
    );
    let genes = &stats.genes;
    let _ = writeln!(
        text,
        "genes: {} coding, {} valid, {} with a shared stop, {} over a border",
        genes.coding, genes.valid, genes.shared_stop, genes.over_a_border
    );
    for (kind, count) in &stats.repairs {
        let _ = writeln!(text, "repaired in the annotation: {kind}: {count}");
    }
    for (reason, count) in &genes.invalid {
        let _ = writeln!(text, "invalid genes: {reason}: {count}");
    }
    for (name, side) in [("training", &stats.train), ("held out", &stats.held_out)] {
        let _ = writeln!(
            text,
            "{name}: {} bases, {} windows cut, {} dropped for invalid genes, {} dropped as empty, {} kept ({} \
             without a gene), {} genes, {} of them in no window",
            side.bases,
            side.windows_cut,
            side.windows_dropped_invalid,
            side.windows_dropped_empty,
            side.windows,
            side.windows_without_gene,
            side.genes,
            side.genes_in_no_window
        );
    }
    let shards = &stats.shards;
    let _ =
        writeln!(text, "shards: {} files, {} tokens, {} steps", shards.files, shards.tokens, shards.steps);
    text
}

/// Indented JSON with a last newline.
///
/// # Errors
/// None in practice; serialisation can only fail by a defect.
pub fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Error::value(format!("cannot write JSON: {error}")))
}

fn line(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::value(format!("cannot write JSON: {error}")))
}
