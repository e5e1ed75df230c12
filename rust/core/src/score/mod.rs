//! How well a prediction agrees with a reference.
//!
//! Preset `genet5` ([`compare`]): exact coordinates of coding sequence, strand in every key, phases
//! and UTRs ignored, by default one transcript per gene (the longest CDS). Every gene of the
//! reference counts, also those that the grammar cannot write.
//!
//! The presets of other tools, number for number, are modules of their own: [`cie`],
//! [`gffcompare`](mod@gffcompare) and [`gt_eval`]; [`presets`] finds them by name.

pub mod bins;
pub mod bootstrap;
pub mod cie;
mod classes;
mod contigs;
pub mod gffcompare;
pub mod gt_eval;
mod key;
mod keys;
pub mod lists;
pub mod names;
mod nearly;
pub mod presets;
pub mod rewards;
mod row;
mod set;
mod sides;
pub mod text;
mod tidy;

use classes::classify;
pub use classes::{Class, Verdict};
pub use contigs::{Contigs, Located};
pub use keys::{rows, Keys, LEVELS};
pub use row::Row;
pub use set::{ChainRef, GeneSet, Isoforms, Selection, SetGene};
pub(crate) use sides::refuse_unknown;
pub use sides::Sides;

use crate::gene::{Interval, Strand};

/// All that is said about one prediction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Counts, one row a level.
    pub rows: [Row; 8],
    /// What became of the genes.
    pub verdicts: Vec<Verdict>,
    /// Contigs with genes in the reference only.
    pub only_reference: Vec<String>,
    /// Contigs with genes in the prediction only.
    pub only_prediction: Vec<String>,
    /// Unmatched predicted genes that would match with the stop end moved by one codon.
    pub stop_shifted: u64,
}

impl Comparison {
    /// Genes by class, in the order in which they are printed.
    pub fn classes(&self) -> [(&'static str, u64); 9] {
        let count = |class| self.verdicts.iter().filter(|verdict| verdict.class == class).count() as u64;
        Class::ALL.map(|class| (class.name(), count(class)))
    }
}

/// Compares two sets of genes; contigs go by name.
///
/// ```
/// use genet5_core::{gene::*, score};
/// let gene = |end| ("chr1".to_string(), GeneModel {
///     strand: Strand::Plus,
///     segments: vec![Interval::new(0, 30), Interval::new(60, end)],
/// });
/// let reference = score::GeneSet::of_models([gene(90)]);
/// let compared = score::compare(&reference, &score::GeneSet::of_models([gene(93)]));
/// let f1 = |level| compared.rows.iter().find(|row| row.level == level).unwrap().f1();
/// assert_eq!((f1("exon"), f1("intron"), f1("gene")), (Some(0.5), Some(1.0), Some(0.0)));
/// ```
pub fn compare(reference: &GeneSet, prediction: &GeneSet) -> Comparison {
    let mut contigs = Contigs::default();
    let sides = [contigs.locate(reference), contigs.locate(prediction)];
    let (reference_keys, prediction_keys) = rayon::join(|| Keys::new(&sides[0]), || Keys::new(&sides[1]));
    let keys = [&reference_keys, &prediction_keys];
    let (ours, theirs) = (reference_keys.hits(&prediction_keys), prediction_keys.hits(&reference_keys));
    Comparison {
        rows: keys::rows_of_hits(keys, keys, [&ours, &theirs]),
        verdicts: classify(&sides[0], &sides[1], keys, [&ours, &theirs]),
        only_reference: contigs.only_in(&sides[0], &sides[1]),
        only_prediction: contigs.only_in(&sides[1], &sides[0]),
        stop_shifted: stop_shifted(keys, &theirs, &sides[1]),
    }
}

/// How many different predicted genes miss a chain of the reference by exactly the stop codon, as they do when
/// one of the two files counts it in the CDS and the other does not.
fn stop_shifted(keys: [&Keys; 2], hits: &[bool], prediction: &[Located]) -> u64 {
    let mut moved = Vec::new();
    let missed = keys[1].genes(hits).filter(|gene| !gene.1);
    let shifted = |(gene, _): &(usize, bool)| {
        let located = &prediction[*gene];
        keys[1].chains_of(*gene).any(|segments| {
            let mut matches = |bases: i64| {
                moved.clear();
                moved.extend_from_slice(segments);
                move_stop(&mut moved, located.gene.strand(), bases) && keys[0].has(located.place(), &moved)
            };
            matches(3) || matches(-3)
        })
    };
    missed.filter(shifted).count() as u64
}

/// Moves the stop end of a chain outwards by that many bases; whether that leaves a chain.
fn move_stop(segments: &mut [Interval], strand: Strand, bases: i64) -> bool {
    let segment = match strand {
        Strand::Plus => segments.last_mut(),
        Strand::Minus => segments.first_mut(),
    };
    let Some(segment) = segment else { return false };
    let (end, change) = match strand {
        Strand::Plus => (&mut segment.end, bases),
        Strand::Minus => (&mut segment.start, -bases),
    };
    let Ok(place) = u32::try_from(i64::from(*end) + change) else { return false };
    *end = place;
    segment.start < segment.end
}
