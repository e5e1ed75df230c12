//! Rules that need the genome.

use rustc_hash::{FxHashMap, FxHashSet};

use super::models::Model;
use super::rows::File;
use super::rules::{Findings, Rule};
use super::Options;
use crate::annotation::attributes::decode;
use crate::dna;
use crate::fasta::Contig;
use crate::gene::{GeneModel, Interval, Strand};
use crate::genetic_code::GeneticCode;
use crate::validate::is_intron;

/// Looks at the letters of every model that lies inside its sequence, or on a circular one.
pub(super) fn check(
    file: &File,
    models: &[Model],
    genome: &[Contig],
    options: &Options,
    code: &GeneticCode,
    findings: &mut Findings,
) {
    let mut by_contig: FxHashMap<String, Vec<&Model>> = FxHashMap::default();
    for model in models {
        by_contig.entry(decode(file.rows[model.row].seqid)).or_default().push(model);
    }
    let circular: FxHashSet<String> = file.circular().into_iter().map(decode).collect();
    for contig in genome {
        let Some(models) = by_contig.get(&contig.name) else { continue };
        let mut codes = dna::encode(&contig.sequence);
        if circular.contains(&contig.name) {
            // what crosses the origin goes on at the beginning
            codes.extend_from_within(..);
        }
        let inside = |&&i: &&usize| file.rows[i].end <= codes.len() as u64;
        for model in models {
            let parts = model.exons.iter().chain(&model.cds);
            for row in parts.filter(inside).map(|&i| &file.rows[i]) {
                if codes[row.start as usize - 1] == dna::N || codes[row.end as usize - 1] == dna::N {
                    findings.add(Rule::UnknownBases, row.line, || row.name());
                }
            }
            let whole = !model.cds.is_empty() && model.cds.iter().all(|i| inside(&i));
            if whole && !model.exempt {
                splice_sites(file, model, &codes, findings);
                reading_frame(file, model, &codes, options, code, findings);
            }
        }
    }
}

fn strand(file: &File, model: &Model) -> Strand {
    if model.is_minus(file) {
        Strand::Minus
    } else {
        Strand::Plus
    }
}

fn splice_sites(file: &File, model: &Model, codes: &[u8], findings: &mut Findings) {
    let row = &file.rows[model.row];
    for (start, end) in model.introns(file) {
        let bases = &codes[start as usize - 1..end as usize];
        if !is_intron(bases, strand(file, model)) {
            findings.add(Rule::SpliceSites, row.line, || format!("{}: intron {start}-{end}", row.name()));
        }
    }
}

fn reading_frame(
    file: &File,
    model: &Model,
    codes: &[u8],
    options: &Options,
    code: &GeneticCode,
    findings: &mut Findings,
) {
    let row = &file.rows[model.row];
    let segments = model.ranges(file).iter().map(|s| Interval::new(s.0 as u32 - 1, s.1 as u32)).collect();
    let gene = GeneModel { strand: strand(file, model), segments };
    let mut cds = gene.cds(codes);
    if model.open.0 {
        cds.drain(..first_phase(file, model).min(cds.len()));
    }
    let codons: Vec<&[u8]> = cds.chunks_exact(3).collect();
    let is_stop = |codon: &&[u8]| code.is_stop(codon[0], codon[1], codon[2]);
    let begins = codons.first().is_some_and(|c| code.is_start(c[0], c[1], c[2], options.table_starts));
    let letters = |codon: Option<&&[u8]>| codon.map_or("nothing".into(), |c| format!("{:?}", dna_text(c)));
    if !model.open.0 && !begins {
        findings.add(Rule::StartCodon, row.line, || {
            format!("{} begins with {}", row.name(), letters(codons.first()))
        });
    }
    // a cut-off codon at the end belongs to the rule about lengths
    let ends = cds.len() % 3 == 0 && codons.last().is_some_and(&is_stop);
    if !model.open.1 && !ends && cds.len() % 3 == 0 {
        findings.add(Rule::StopCodon, row.line, || {
            format!("{} ends with {}", row.name(), letters(codons.last()))
        });
    }
    let inner = &codons[..codons.len() - usize::from(ends)];
    if let Some(at) = inner.iter().position(is_stop) {
        findings.add(Rule::InFrameStop, row.line, || format!("{}: codon {}", row.name(), at + 1));
    }
}

fn dna_text(codon: &[u8]) -> String {
    String::from_utf8_lossy(&dna::decode(codon)).into_owned()
}

/// Bases before the first whole codon of a model that is open at its 5' end.
fn first_phase(file: &File, model: &Model) -> usize {
    let rows = model.cds.iter().map(|&i| &file.rows[i]);
    let first =
        if model.is_minus(file) { rows.max_by_key(|r| r.start) } else { rows.min_by_key(|r| r.start) };
    match first.map(|row| row.phase) {
        Some([digit @ b'0'..=b'2']) => usize::from(digit - b'0'),
        _ => 0,
    }
}
