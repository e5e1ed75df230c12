//! What `gt eval` counts, and how it prints it.

use std::fmt::Write;

use crate::score::Row;

/// Matches and how many there could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Matches.
    pub tp: u64,
    /// Features of the reference.
    pub reference: u64,
    /// Predicted features.
    pub prediction: u64,
}

/// Equal ranges: all, single, initial, internal and terminal ones of their transcripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exons {
    /// Copies in several transcripts count as often as the other side has them.
    pub all: [Tally; 5],
    /// Each range once.
    pub collapsed: [Tally; 5],
}

/// Bases by strand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nucleotides {
    /// Of both sides.
    pub tp: u64,
    /// Of the prediction alone.
    pub fp: u64,
    /// Of the reference alone.
    pub fn_: u64,
}

/// One of the two levels on which the original looks at everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LevelStats {
    /// Equal genes.
    pub genes: Tally,
    /// Equal mRNAs.
    pub mrnas: Tally,
    /// Equal rows.
    pub exons: Exons,
    /// Equal bases.
    pub nucleotides: Nucleotides,
}

/// Everything that `gt eval -nuc yes` says about a pair of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// By `exon` rows; the original's "mRNA level".
    pub mrna: LevelStats,
    /// By `CDS` rows; the original's "CDS level".
    pub cds: LevelStats,
    /// Genes of the reference that no prediction hits.
    pub missing_genes: u64,
    /// Predicted genes that hit no gene of the reference.
    pub wrong_genes: u64,
    /// mRNAs of the reference that no prediction hits.
    pub missing_mrnas: u64,
    /// Predicted mRNAs that hit no mRNA of the reference.
    pub wrong_mrnas: u64,
}

impl Stats {
    /// Nucleotide, exon, transcript and gene, all on the CDS level; exons with all their copies.
    pub fn rows(&self) -> Vec<Row> {
        let Nucleotides { tp, fp, fn_ } = self.cds.nucleotides;
        let row = |level, tally: Tally| Row::paired(level, tally.tp, tally.reference, tally.prediction);
        vec![
            Row::paired("nucleotide", tp, tp + fn_, tp + fp),
            row("exon", self.cds.exons.all[0]),
            row("transcript", self.cds.mrnas),
            row("gene", self.cds.genes),
        ]
    }

    /// The lines of `gt eval -nuc yes`.
    pub fn original(&self) -> String {
        let mut out = String::new();
        let levels = [("mRNA", &self.mrna), ("CDS", &self.cds)];
        for (name, level) in levels {
            feature(&mut out, "gene", name, level.genes, self.missing_genes, self.wrong_genes);
        }
        for (name, level) in levels {
            feature(&mut out, "mRNA", name, level.mrnas, self.missing_mrnas, self.wrong_mrnas);
        }
        for (name, level) in levels {
            exons(&mut out, name, "", &level.exons.all);
            exons(&mut out, name, ", collapsed", &level.exons.collapsed);
        }
        for (name, level) in levels {
            nucleotides(&mut out, name, level.nucleotides);
        }
        out
    }
}

/// A share in percent; of nothing it is 100.
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        100.0
    } else {
        part as f64 / whole as f64 * 100.0
    }
}

fn share(part: u64, whole: u64) -> String {
    format!("{:6.2}% ({part}/{whole})", percent(part, whole))
}

fn feature(out: &mut String, what: &str, level: &str, tally: Tally, missing: u64, wrong: u64) {
    let (found, right) = (share(tally.tp, tally.reference), share(tally.tp, tally.prediction));
    let _ = writeln!(out, "{what} sensitivity ({level} level): {found} (missing {what}s: {missing})");
    let _ = writeln!(out, "{what} specificity ({level} level): {right} (wrong {what}s: {wrong})");
}

fn exons(out: &mut String, level: &str, suffix: &str, tallies: &[Tally; 5]) {
    let positions = ["all", "single", "initial", "internal", "terminal"];
    for (position, tally) in positions.iter().zip(tallies) {
        let (found, right) = (share(tally.tp, tally.reference), share(tally.tp, tally.prediction));
        let _ = writeln!(out, "exon sensitivity ({level} level, {position}{suffix}): {found}");
        let _ = writeln!(out, "exon specificity ({level} level, {position}{suffix}): {right}");
    }
}

fn nucleotides(out: &mut String, level: &str, Nucleotides { tp, fp, fn_ }: Nucleotides) {
    let mut line = |what: &str, percent: f64, name: &str, other: u64| {
        let parts = format!("(TP={tp}/(TP={tp} + {name}={other}))");
        let _ = writeln!(out, "nucleotide {what} ({level} level): {percent:6.2}% {parts}");
    };
    line("sensitivity", percent(tp, tp + fn_), "FN", fn_);
    line("specificity", percent(tp, tp + fp), "FP", fp);
}
