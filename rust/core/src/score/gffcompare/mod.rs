//! Presets `gffcompare` and `gffcompare-cds3`: the numbers of gffcompare 0.12.10's stats block
//! for one reference (`-r`) and one query file, to the last printed digit.
//!
//! [`Loaded::read`] turns a GFF3 or GTF file into transcripts as gffcompare sees them, and
//! [`evaluate`] compares two of them. What counts:
//!
//! - **Transcript**: the union of its `exon`, UTR, `CDS`, `start_codon` and `stop_codon` rows;
//!   exons at most 4 bases apart are one. Redundant transcripts of the reference are dropped.
//! - **Locus** ("gene"): transcripts of one strand whose exons overlap; gene IDs play no part.
//! - **Exon, intron**: distinct ones of a locus. The free ends of two terminal exons may differ
//!   by [`Options::end_range`], all other ends must be equal.
//! - **Transcript match**: equal introns (and, with [`Options::strict`], both ends within the
//!   range); two single exons match where they overlap by 80 %.
//!
//! `-T` of the original changes no number and has no option here.

mod compare;
mod contig;
mod duplicates;
mod kind;
mod load;
mod locus;
mod matching;
mod objects;
mod relation;
mod segments;
mod stats;
mod strands;
mod tidy;
mod transcripts;

#[cfg(test)]
mod tests;

use std::path::Path;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

pub(super) use kind::Kind;
pub use stats::Stats;
pub use transcripts::Loaded;
pub(super) use transcripts::LONGEST;

use crate::{annotation, interrupt, Result};

/// Which rows of a file count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Feature {
    /// All that gffcompare looks at.
    #[default]
    All,
    /// Only rows of type `CDS`, as if all others had been removed from the file.
    Cds,
}

/// gffcompare's options that change a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// `-e`: by how many bases the free ends of matching terminal exons may differ.
    pub end_range: u32,
    /// `--strict-match`: a transcript matches only if both its ends are within the range, too.
    pub strict: bool,
    /// `--no-merge`: exons 1 to 4 bases apart stay apart. Counts when a file is read.
    pub no_merge: bool,
    /// `-D`: of query transcripts with the same introns only one counts.
    pub drop_duplicates: bool,
    /// Rows that count. Counts when a file is read.
    pub feature: Feature,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            end_range: 100,
            strict: false,
            no_merge: false,
            drop_duplicates: false,
            feature: Feature::All,
        }
    }
}

impl Options {
    /// BRAKER4's way: CDS rows only, `--strict-match -e 3`, which forgives a stop codon left out.
    pub fn cds3() -> Self {
        Options { end_range: 3, strict: true, feature: Feature::Cds, ..Options::default() }
    }
}

impl Loaded {
    /// Reads a GFF3 or GTF file, compressed or not, as reference or as prediction.
    ///
    /// # Errors
    /// [`crate::Error::Io`] when it cannot be read, [`crate::Error::Input`] with the line when a
    /// row is malformed.
    pub fn read(path: impl AsRef<Path>, options: &Options) -> Result<Self> {
        let path = path.as_ref();
        Loaded::parse(path, &annotation::text(path)?, options)
    }

    /// Reads the text of a GFF3 or GTF file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Loaded::read`].
    pub fn parse(path: &Path, text: &[u8], options: &Options) -> Result<Self> {
        Ok(load::load(path, text, options.feature)?.finish(!options.no_merge))
    }
}

/// Compares a prediction with a reference; contigs go by name and are worked on in parallel.
///
/// ```
/// use genet5_core::score::gffcompare::{evaluate, Loaded, Options};
/// use std::path::Path;
///
/// let options = Options::default();
/// let text = b"chr\t.\texon\t1\t90\t.\t+\t.\ttranscript_id \"a\"; gene_id \"a\";\n";
/// let reference = Loaded::parse(Path::new("a.gtf"), text, &options).unwrap();
/// let stats = evaluate(&reference, &reference, &options);
/// assert!(stats.original().contains("  Transcript level:   100.0     |   100.0    |\n"));
/// assert!(stats.rows().iter().all(|row| row.f1() != Some(0.0)));
/// ```
pub fn evaluate(reference: &Loaded, prediction: &Loaded, options: &Options) -> Stats {
    // names may come together when they are changed, or are no UTF-8: then the first of each side are a pair
    let mut numbers = FxHashMap::default();
    for (number, name) in reference.contigs().enumerate() {
        numbers.entry(name).or_insert(number);
    }
    let mut pairs: Vec<(Option<usize>, Option<usize>)> =
        prediction.contigs().enumerate().map(|(query, name)| (numbers.remove(name), Some(query))).collect();
    let mut alone = vec![true; reference.contigs().len()];
    pairs.iter().filter_map(|pair| pair.0).for_each(|number| alone[number] = false);
    pairs.extend((0..alone.len()).filter(|&number| alone[number]).map(|number| (Some(number), None)));

    // without any reference the original is in another mode, which drops duplicates
    let has_reference = !alone.is_empty();
    let options = Options { drop_duplicates: options.drop_duplicates || !has_reference, ..*options };
    let tracks = duplicates::source_order(reference, prediction);
    let counts = pairs
        .par_iter()
        .map(|&(reference_contig, query_contig)| {
            // whoever asked for the numbers looks at the flag once more
            if interrupt::check().is_err() {
                return stats::Counts::default();
            }
            let reference = reference_contig.map(|number| reference.contig(number));
            let query = query_contig.map(|number| prediction.contig(number));
            contig::compare(reference, query, &tracks, &options)
        })
        .reduce(stats::Counts::default, |a, b| a + b);
    Stats { counts, has_reference }
}
