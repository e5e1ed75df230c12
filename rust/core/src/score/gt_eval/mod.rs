//! Preset `gt-eval`: `gt eval -nuc yes` of GenomeTools 1.6.2, after `gt gff3 -sort -tidy
//! -retainids` of both files.
//!
//! Only rows of type `gene`, `mRNA`, `exon` and `CDS` count, phases never. A gene or mRNA is
//! found when the prediction has one of the same range (UTRs included) on the same strand that
//! is equal in all its `exon` rows ("mRNA level"), or in all its `CDS` rows ("CDS level"); each
//! feature of the reference is found once. Exons are equal ranges on the same strand; a row with
//! several parents counts for each of them, and its position (initial, internal and so on) is
//! that in its last parent.
//!
//! What the original does and users would not expect is done only when asked for:
//! - it takes genes of the same range that differ in their number of mRNAs for equal; here they
//!   are not equal;
//! - it passes over predictions on sequences that the reference does not mention; here they are
//!   false positives;
//! - predicted bases outside the reference's `##sequence-region` (or, without such a line, the
//!   span of its features) count as often as they are predicted; here once.
//!
//! In both modes "missing" and "wrong" are the original's: a prediction with the very range of a
//! feature hits that one only, every other prediction hits all that it overlaps. The original
//! refuses files with features outside their `##sequence-region` and files whose parts of one
//! feature differ in other attributes, and it may never end on a CDS row with three parents that
//! ask for different phases; they are read here.

mod exons;
mod genes;
mod gtf;
mod load;
mod split;
mod stats;
#[cfg(test)]
mod tests;
mod tidy;
mod tree;

use rustc_hash::FxHashMap;

pub use load::Loaded;
pub use stats::{Exons, LevelStats, Nucleotides, Stats, Tally};

/// How two files are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Count as the original does, defects and all.
    pub as_original: bool,
}

/// Two sides and how they are compared.
pub(crate) struct Pair<'a> {
    reference: &'a Loaded,
    prediction: &'a Loaded,
    /// Number of each contig of the prediction in the reference; others follow.
    number: Vec<u32>,
    as_original: bool,
}

impl Pair<'_> {
    /// Whether a number is that of one of the reference's contigs.
    fn knows(&self, contig: u32) -> bool {
        (contig as usize) < self.reference.contigs.len()
    }
}

/// Compares a prediction with a reference.
///
/// ```
/// use genet5_core::score::gt_eval;
/// let text = |end| format!("c\ts\tgene\t1\t9\t.\t+\t.\tID=g\nc\ts\tmRNA\t1\t9\t.\t+\t.\tID=t;Parent=g\n\
///                           c\ts\tCDS\t1\t{end}\t.\t+\t0\tParent=t\n");
/// let read = |text: String| gt_eval::Loaded::parse("x.gff3".as_ref(), text.as_bytes()).unwrap();
/// let stats = gt_eval::evaluate(&read(text(9)), &read(text(6)), &gt_eval::Options::default());
/// assert_eq!((stats.mrna.genes.tp, stats.cds.genes.tp), (1, 0));
/// assert_eq!((stats.cds.nucleotides.tp, stats.cds.nucleotides.fn_), (6, 3));
/// ```
pub fn evaluate(reference: &Loaded, prediction: &Loaded, options: &Options) -> Stats {
    let known: FxHashMap<&[u8], u32> = reference.contigs.iter().map(AsRef::as_ref).zip(0..).collect();
    let numbered = prediction.contigs.iter().zip(reference.contigs.len() as u32..);
    let number = numbered.map(|(name, new)| *known.get(name.as_ref()).unwrap_or(&new)).collect();
    let pair = Pair { reference, prediction, number, as_original: options.as_original };
    let (genes, mrnas) = rayon::join(
        || genes::compare(&pair, &reference.genes, &prediction.genes, genes::genes_are_equal),
        || genes::compare(&pair, &reference.mrnas, &prediction.mrnas, genes::mrnas_are_equal),
    );
    let level = |i: usize, a, b| LevelStats {
        genes: genes.equal[i],
        mrnas: mrnas.equal[i],
        exons: exons::compare(&pair, a, b),
        nucleotides: exons::bases(&pair, a, b),
    };
    let (mrna, cds) = rayon::join(
        || level(0, &reference.exons, &prediction.exons),
        || level(1, &reference.cds, &prediction.cds),
    );
    Stats {
        mrna,
        cds,
        missing_genes: genes.missing,
        wrong_genes: genes.wrong,
        missing_mrnas: mrnas.missing,
        wrong_mrnas: mrnas.wrong,
    }
}
