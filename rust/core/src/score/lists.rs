//! Genes of chosen classes as GFF3, to look at in a genome browser.

use std::io::Write;
use std::path::Path;

use super::set::GeneSet;
use super::{Class, Verdict};
use crate::gene::GeneModel;
use crate::gff3::escape;
use crate::{files, Error, Result};

/// The lists that can be asked for and their classes.
pub const LISTS: [(&str, &[Class]); 6] = [
    ("exact", &[Class::Exact]),
    ("missed", &[Class::Missed]),
    ("wrong", &[Class::WrongStart, Class::WrongStop, Class::WrongSpliceSite, Class::Several]),
    ("split", &[Class::Split]),
    ("fused", &[Class::Fused]),
    ("extra", &[Class::Extra]),
];

/// Writes the genes of a list, in the order of their side's file; the attribute `class` says what is
/// wrong and `prediction` which predicted genes are met. `extra` lists predicted genes, all others
/// genes of the reference. Returns how many.
///
/// # Errors
/// [`Error::Value`] for an unknown list; [`Error::Io`].
pub fn write(
    path: &Path,
    list: &str,
    verdicts: &[Verdict],
    reference: &GeneSet,
    prediction: &GeneSet,
) -> Result<usize> {
    let classes = LISTS.iter().find(|(name, _)| *name == list).map(|(_, classes)| *classes);
    let Some(classes) = classes else {
        let names: Vec<&str> = LISTS.iter().map(|(name, _)| *name).collect();
        return Err(Error::value(format!("there is no list '{list}'; there are {}", names.join(", "))));
    };
    let side = if list == "extra" { prediction } else { reference };
    let mut chosen: Vec<&Verdict> = verdicts.iter().filter(|v| classes.contains(&v.class)).collect();
    chosen.sort_unstable_by_key(|verdict| verdict.gene);
    files::write_atomic(path, |out| {
        writeln!(out, "##gff-version 3").map_err(Error::io(path))?;
        for verdict in &chosen {
            let met: Vec<String> = verdict.met.iter().map(|&i| escape(prediction.gene(i).id())).collect();
            let mut note = format!("class={}", verdict.class.name());
            if !met.is_empty() {
                note.push_str(&format!(";prediction={}", met.join(",")));
            }
            gene(out, side, verdict.gene, &note).map_err(Error::io(path))?;
        }
        Ok(())
    })?;
    Ok(chosen.len())
}

fn gene(out: &mut impl Write, set: &GeneSet, index: usize, note: &str) -> std::io::Result<()> {
    let gene = set.gene(index);
    let contig = escape(&set.contigs[gene.contig() as usize]);
    // names of a file may repeat between sequences; the place in the file does not
    let id = format!("{}.{}", escape(gene.id()), index + 1);
    let strand = gene.strand().symbol();
    let mut row = |kind: &str, (start, end): (u32, u32), phase: &str, attributes: &str| {
        writeln!(
            out,
            "{contig}\tgenet5-score\t{kind}\t{}\t{end}\t.\t{strand}\t{phase}\t{attributes}",
            start + 1
        )
    };
    row("gene", gene.range(), ".", &format!("ID={id};Name={};{note}", escape(gene.id())))?;
    for (chain, n) in gene.chains().zip(1..) {
        row("mRNA", (chain.start(), chain.end()), ".", &format!("ID={id}.t{n};Parent={id}"))?;
        let model = GeneModel { strand: gene.strand(), segments: chain.segments.to_vec() };
        for (segment, phase) in model.segments.iter().zip(model.phases()) {
            let attributes = format!("ID={id}.t{n}.cds;Parent={id}.t{n}");
            row("CDS", (segment.start, segment.end), &phase.to_string(), &attributes)?;
        }
    }
    writeln!(out, "###")
}
