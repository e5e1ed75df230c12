//! BED12 and GTF lines.

use std::io::Write;

use super::models::{Locus, Model, Models};
use super::Source;
use crate::error::Result;
use crate::gene::{Interval, Strand};

/// Column 2.
const SOURCE: &str = "GeneT5";

/// One line of BED12: exons are blocks, the CDS is thick.
pub(super) fn bed(source: &Source, model: &Model, out: &mut Vec<u8>) {
    let span = model.span();
    let list = |numbers: &mut dyn Iterator<Item = u32>| numbers.map(|n| format!("{n},")).collect::<String>();
    let thick = (
        model.cds.first().map_or(span.start, |cds| cds.start),
        model.cds.iter().map(|cds| cds.end).max().unwrap_or(span.start),
    );
    // writing to memory does not fail
    let _ = writeln!(
        out,
        "{}\t{}\t{}\t{}\t0\t{}\t{}\t{}\t0\t{}\t{}\t{}",
        source.genome.name(model.contig),
        span.start,
        span.end,
        model.id,
        model.strand.symbol(),
        thick.0,
        thick.1,
        model.exons.len(),
        list(&mut model.exons.iter().map(Interval::len)),
        list(&mut model.exons.iter().map(|exon| exon.start - span.start)),
    );
}

/// The rows of a gene; the stop codon lies outside of the CDS, as GTF has it. Says how many.
pub(super) fn gtf(source: &Source, models: &Models, locus: &Locus, out: &mut Vec<u8>) -> Result<usize> {
    let contig = &models.contigs[locus.contig].0;
    let symbol = locus.strand.symbol();
    let mut rows = 0;
    let mut row = |kind: &str, part: Interval, phase: &str, names: &str| {
        rows += 1;
        let (start, end) = (part.start + 1, part.end);
        let _ = writeln!(out, "{contig}\t{SOURCE}\t{kind}\t{start}\t{end}\t.\t{symbol}\t{phase}\t{names}");
    };
    let gene = format!("gene_id \"{}\";", quoted(locus.id));
    row("gene", locus.span, ".", &gene);
    for &at in &locus.models {
        let model = &models.models[at];
        let names = format!("{gene} transcript_id \"{}\";", quoted(&model.id));
        row("transcript", model.span(), ".", &names);
        for exon in model.in_order(model.exons.to_vec()) {
            row("exon", exon, ".", &names);
        }
        let (coding, stop) = split_stop(source, model)?;
        for (part, phase) in coding {
            row("CDS", part, &phase.to_string(), &names);
        }
        for (part, phase) in stop {
            row("stop_codon", part, &phase.to_string(), &names);
        }
    }
    Ok(rows)
}

/// GTF escapes nothing.
fn quoted(name: &str) -> String {
    name.replace('"', "%22")
}

/// Segments with their phases.
type Phased = Vec<(Interval, u8)>;

/// CDS segments in the order in which the gene is read, without the stop codon, and the parts of it.
fn split_stop(source: &Source, model: &Model) -> Result<(Phased, Phased)> {
    let letters = source.cds(model)?;
    let is_stop = letters.len() > 3
        && letters.len() % 3 == 0
        && source.code.translate_letters(&letters).last().is_some_and(|&aa| aa == b'*');
    let mut left: u32 = if is_stop { 3 } else { 0 };
    let (mut coding, mut stop) = (Phased::new(), Phased::new());
    let from_end: Box<dyn Iterator<Item = _>> =
        if model.is_minus() { Box::new(model.cds.iter()) } else { Box::new(model.cds.iter().rev()) };
    for cds in from_end {
        let part = Interval::new(cds.start, cds.end);
        let taken = part.len().min(left);
        left -= taken;
        let (rest, end) = match model.strand {
            Strand::Plus => {
                (Interval::new(part.start, part.end - taken), Interval::new(part.end - taken, part.end))
            }
            Strand::Minus => {
                (Interval::new(part.start + taken, part.end), Interval::new(part.start, part.start + taken))
            }
        };
        if !rest.is_empty() {
            coding.push((rest, cds.phase));
        }
        if !end.is_empty() {
            // so many bases of the codon lie before this part
            stop.push((end, (3 - left as u8) % 3));
        }
    }
    coding.reverse();
    stop.reverse();
    Ok((coding, stop))
}
