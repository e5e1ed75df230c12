//! The counts and the two ways to show them.

use std::fmt::Write;
use std::ops::Add;

use super::locus::Locus;
use crate::score::Row;

/// What one side has, and how much of it the other side has, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Side {
    pub bases: u64,
    pub loci: u64,
    /// Loci with several transcripts, at least one of them with introns.
    pub multi_transcript_loci: u64,
    pub transcripts: u64,
    /// Transcripts with introns.
    pub chains: u64,
    pub exons: u64,
    pub introns: u64,
    pub exons_matched: u64,
    pub loci_matched: u64,
    /// Without any overlap on the other side: missed or novel.
    pub exons_untouched: u64,
    pub introns_untouched: u64,
    pub loci_untouched: u64,
}

impl Side {
    /// Counts a locus in.
    pub(super) fn add(&mut self, locus: &Locus) {
        self.bases += locus.bases();
        self.loci += 1;
        self.multi_transcript_loci += u64::from(locus.chains > 0 && locus.transcripts.len() > 1);
        self.transcripts += locus.transcripts.len() as u64;
        self.chains += u64::from(locus.chains);
        self.exons += locus.exons.len() as u64;
        self.introns += locus.introns.len() as u64;
    }

    /// Counts in a locus without partner.
    pub(super) fn untouched(&mut self, locus: &Locus) {
        self.add(locus);
        self.exons_untouched += locus.exons.len() as u64;
        self.introns_untouched += locus.introns.len() as u64;
        self.loci_untouched += 1;
    }
}

impl Add for Side {
    type Output = Side;

    fn add(self, other: Side) -> Side {
        Side {
            bases: self.bases + other.bases,
            loci: self.loci + other.loci,
            multi_transcript_loci: self.multi_transcript_loci + other.multi_transcript_loci,
            transcripts: self.transcripts + other.transcripts,
            chains: self.chains + other.chains,
            exons: self.exons + other.exons,
            introns: self.introns + other.introns,
            exons_matched: self.exons_matched + other.exons_matched,
            loci_matched: self.loci_matched + other.loci_matched,
            exons_untouched: self.exons_untouched + other.exons_untouched,
            introns_untouched: self.introns_untouched + other.introns_untouched,
            loci_untouched: self.loci_untouched + other.loci_untouched,
        }
    }
}

/// All counts of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub reference: Side,
    pub query: Side,
    /// Bases of exons in both.
    pub bases: u64,
    /// Introns in both.
    pub introns: u64,
    /// Pairs of transcripts with the same introns.
    pub chains: u64,
    /// Pairs of matching transcripts.
    pub transcripts: u64,
    /// Groups of overlapping loci with loci of both sides.
    pub super_loci: u64,
    /// Groups of overlapping loci with loci of the query.
    pub union_super_loci: u64,
}

impl Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            reference: self.reference + other.reference,
            query: self.query + other.query,
            bases: self.bases + other.bases,
            introns: self.introns + other.introns,
            chains: self.chains + other.chains,
            transcripts: self.transcripts + other.transcripts,
            super_loci: self.super_loci + other.super_loci,
            union_super_loci: self.union_super_loci + other.union_super_loci,
        }
    }
}

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    pub(super) counts: Counts,
    /// The reference has at least one transcript.
    pub(super) has_reference: bool,
}

/// `%5.1f` of a percentage, with C's minus at nothing of nothing.
fn percent(part: u64, whole: u64) -> String {
    format!("{:>5}", fixed(100.0 * part as f64, whole))
}

/// `%.1f` of a quotient.
fn fixed(part: f64, whole: u64) -> String {
    if whole == 0 && part == 0.0 {
        return "-nan".into();
    }
    format!("{:.1}", part / whole as f64)
}

impl Stats {
    /// The levels `nucleotide`, `exon`, `intron`, `intron_chain`, `transcript` and `gene` (the
    /// locus). Introns, chains and transcripts have one count of matches for both sides; in
    /// strict mode that of the chains can exceed either side.
    pub fn rows(&self) -> Vec<Row> {
        let Counts { reference: r, query: q, bases, introns, chains, transcripts, .. } = self.counts;
        vec![
            Row::paired("nucleotide", bases, r.bases, q.bases),
            Row {
                level: "exon",
                tp_reference: r.exons_matched,
                tp_prediction: q.exons_matched,
                n_reference: r.exons,
                n_prediction: q.exons,
            },
            Row::paired("intron", introns, r.introns, q.introns),
            Row::paired("intron_chain", chains, r.chains, q.chains),
            Row::paired("transcript", transcripts, r.transcripts, q.transcripts),
            Row {
                level: "gene",
                tp_reference: r.loci_matched,
                tp_prediction: q.loci_matched,
                n_reference: r.loci,
                n_prediction: q.loci,
            },
        ]
    }

    /// gffcompare's stats block, from the empty line before `# Query mRNAs` to the number of
    /// union super-loci, byte for byte.
    pub fn original(&self) -> String {
        let Counts { reference: r, query: q, .. } = self.counts;
        let mut out = format!(
            "\n#     Query mRNAs : {:7} in {:7} loci  ({} multi-exon transcripts)\n\
             #            ({} multi-transcript loci, ~{} transcripts per locus)\n",
            q.transcripts,
            q.loci,
            q.chains,
            q.multi_transcript_loci,
            fixed(q.transcripts as f64, q.loci),
        );
        // writing to a string does not fail
        if self.has_reference {
            let _ = writeln!(
                out,
                "# Reference mRNAs : {:7} in {:7} loci  ({} multi-exon)",
                r.transcripts, r.loci, r.chains
            );
            if r.bases > 0 && q.bases > 0 {
                self.levels(&mut out);
                self.untouched(&mut out);
            }
        }
        let _ = writeln!(
            out,
            "\n Total union super-loci across all input datasets: {} ",
            self.counts.union_super_loci
        );
        out
    }

    fn levels(&self, out: &mut String) {
        let Counts { reference: r, query: q, bases, introns, chains, transcripts, super_loci, .. } =
            self.counts;
        let _ = writeln!(out, "# Super-loci w/ reference transcripts:  {super_loci:7}");
        out.push_str("#-----------------| Sensitivity | Precision  |\n");
        let mut level = |name: &str, sensitivity: (u64, u64), precision: (u64, u64)| {
            let (sn, pr) = (percent(sensitivity.0, sensitivity.1), percent(precision.0, precision.1));
            let _ = writeln!(out, "{name:>12} level:   {sn}     |   {pr}    |");
        };
        level("Base", (bases, r.bases), (bases, q.bases));
        level("Exon", (r.exons_matched, r.exons), (q.exons_matched, q.exons));
        if r.introns > 0 {
            level("Intron", (introns, r.introns), (introns, q.introns));
            level("Intron chain", (chains, r.chains), (chains, q.chains));
        }
        level("Transcript", (transcripts, r.transcripts), (transcripts, q.transcripts));
        level("Locus", (r.loci_matched, r.loci), (q.loci_matched, q.loci));
        let _ = write!(
            out,
            "\n     Matching intron chains: {chains:7}\n       Matching transcripts: {transcripts:7}\n              \
             Matching loci: {:7}\n\n",
            r.loci_matched
        );
    }

    fn untouched(&self, out: &mut String) {
        let Counts { reference: r, query: q, .. } = self.counts;
        let mut line = |name: &str, part: u64, whole: u64| {
            let _ = writeln!(out, "{name:>22}: {part:7}/{whole}\t({}%)", percent(part, whole));
        };
        line("Missed exons", r.exons_untouched, r.exons);
        line("Novel exons", q.exons_untouched, q.exons);
        if r.introns > 0 {
            line("Missed introns", r.introns_untouched, r.introns);
        }
        if q.introns > 0 {
            line("Novel introns", q.introns_untouched, q.introns);
        }
        if r.loci > 0 {
            line("Missed loci", r.loci_untouched, r.loci);
        }
        if q.loci > 0 {
            line("Novel loci", q.loci_untouched, q.loci);
        }
    }
}
