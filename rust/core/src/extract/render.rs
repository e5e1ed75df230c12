//! FASTA records of transcripts, genes and what lies between.

use std::io::Write;

use super::models::{Gap, Locus, Model, Models};
use super::{tables, Product, Source};
use crate::error::Result;
use crate::gene::{Interval, Strand};

/// Letters in a line.
const WIDTH: usize = 70;

/// Appends one record.
fn record(out: &mut Vec<u8>, header: std::fmt::Arguments, letters: &[u8]) {
    out.reserve(letters.len() + letters.len() / WIDTH + 64);
    out.push(b'>');
    // writing to memory does not fail
    let _ = out.write_fmt(header);
    out.push(b'\n');
    for line in letters.chunks(WIDTH) {
        out.extend_from_slice(line);
        out.push(b'\n');
    }
}

/// What a product has of a transcript with this coding sequence.
pub(super) fn of_model(
    source: &Source,
    model: &Model,
    cds: &[u8],
    product: Product,
    out: &mut Vec<u8>,
) -> Result<usize> {
    match product {
        Product::Cds => record(out, format_args!("{}", model.id), cds),
        Product::Proteins => {
            let mut protein = source.code.translate_letters(cds);
            if protein.last() == Some(&b'*') {
                protein.pop();
            }
            record(out, format_args!("{}", model.id), &protein);
        }
        Product::Mrna => {
            let mut letters = Vec::new();
            source.splice(model.contig, model.exons.iter().copied(), model.is_minus(), &mut letters)?;
            let (from, to) = cds_in_mrna(model);
            record(out, format_args!("{} CDS={from}-{to}", model.id), &letters);
        }
        Product::Exons => return parts(source, model, model.exons.to_vec(), "exon", out),
        Product::Introns => return parts(source, model, model.introns().collect(), "intron", out),
        Product::Bed => tables::bed(source, model, out),
        _ => return Ok(0),
    }
    Ok(1)
}

/// Where the CDS begins, with its first whole codon, and ends in the joined exons, counted from 1.
fn cds_in_mrna(model: &Model) -> (u32, u32) {
    // bases of the exons before a position of the contig
    let before = |at: u32| model.exons.iter().map(|e| at.clamp(e.start, e.end) - e.start).sum::<u32>();
    let start = model.cds.first().map_or(0, |cds| cds.start);
    let end = model.cds.iter().map(|cds| cds.end).max().unwrap_or(0);
    let all = before(u32::MAX);
    let first = model.phase() as u32 + 1;
    match model.strand {
        Strand::Plus => (before(start) + first, before(end)),
        Strand::Minus => (all - before(end) + first, all - before(start)),
    }
}

/// Exons or introns, numbered in the order in which the gene is read.
fn parts(
    source: &Source,
    model: &Model,
    parts: Vec<Interval>,
    what: &str,
    out: &mut Vec<u8>,
) -> Result<usize> {
    let parts = model.in_order(parts);
    for (part, number) in parts.iter().zip(1..) {
        let place = place(source, model.contig, *part, model.strand);
        let letters = one(source, model.contig, *part, model.strand)?;
        record(out, format_args!("{}.{what}{number} {place}", model.id), &letters);
    }
    Ok(parts.len())
}

/// What a product has of a gene.
pub(super) fn of_locus(
    source: &Source,
    models: &Models,
    locus: &Locus,
    product: Product,
    out: &mut Vec<u8>,
) -> Result<usize> {
    let span = match product {
        Product::Genes => locus.span,
        Product::Upstream(bases) => upstream(models, locus, bases),
        _ => return Ok(0),
    };
    let place = place(source, locus.contig, span, locus.strand);
    let letters = one(source, locus.contig, span, locus.strand)?;
    record(out, format_args!("{} {place}", super::models::plain(locus.id)), &letters);
    Ok(1)
}

/// The bases before a gene's 5' end, fewer at the end of the contig.
fn upstream(models: &Models, locus: &Locus, bases: u32) -> Interval {
    let length = models.contigs[locus.contig].1 as u32;
    match locus.strand {
        Strand::Plus => Interval::new(locus.span.start.saturating_sub(bases), locus.span.start),
        Strand::Minus => Interval::new(locus.span.end, locus.span.end.saturating_add(bases).min(length)),
    }
}

/// A stretch without genes.
pub(super) fn gap(source: &Source, models: &Models, gap: &Gap, out: &mut Vec<u8>) -> Result<usize> {
    let name = &models.contigs[gap.contig].0;
    let letters = one(source, gap.contig, gap.span, Strand::Plus)?;
    record(out, format_args!("{name}:{}-{}", gap.span.start + 1, gap.span.end), &letters);
    Ok(1)
}

fn one(source: &Source, contig: usize, span: Interval, strand: Strand) -> Result<Vec<u8>> {
    let mut letters = Vec::new();
    source.splice(contig, std::iter::once(span), strand == Strand::Minus, &mut letters)?;
    Ok(letters)
}

/// `chr1:5-9(-)`, counted from 1.
fn place(source: &Source, contig: usize, span: Interval, strand: Strand) -> String {
    format!("{}:{}-{}({})", source.genome.name(contig), span.start + 1, span.end, strand.symbol())
}
