//! Presets `cie` and `cie-no-phase`: BRAKER's compare_intervals_exact.pl, version v11_2023.
//!
//! A level is a set of keys: contig, start, end, strand and, in preset `cie`, phase. A transcript
//! is the set of its CDS keys; transcripts with equal sets are one. A gene of the reference is
//! found when the prediction has one of the chains it owns, and a chain belongs to the gene of its
//! alphabetically first transcript. A predicted gene with such a chain is *renamed* to the
//! reference's gene before genes are counted, so that two predicted genes on one gene of the
//! reference count once, and one on two genes finds one of them. Which one the original takes
//! depends on the order of a Perl hash, and differs from run to run; here it is the one whose
//! chain comes last in the prediction.
//!
//! Genes and transcripts go by name within the whole file, as in the original: a transcript on
//! two contigs is one chain. Empty names and the name `0` are no names.

mod chain;
mod derive;
mod keys;
mod load;
mod rows;
#[cfg(test)]
mod tests;
mod tidy;

use rustc_hash::{FxHashMap, FxHashSet};

pub use load::Loaded;

use super::key::Key;
use super::Row;
use crate::{Error, Result};
use chain::Owners;
use keys::{common, distinct};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// CDS rows.
    Cds,
    /// Introns.
    Intron,
    /// Start codons.
    Start,
    /// Stop codons.
    Stop,
    /// CDS chains.
    Trans,
    /// Genes with at least one right chain.
    Gene,
}

impl Level {
    /// All levels.
    pub const ALL: [Level; 6] =
        [Level::Cds, Level::Intron, Level::Start, Level::Stop, Level::Trans, Level::Gene];

    /// The level called `cds`, `intron`, `start`, `stop`, `trans` or `gene`.
    pub fn parse(name: &str) -> Option<Self> {
        Level::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The name that [`Level::parse`] takes.
    pub fn name(self) -> &'static str {
        match self {
            Level::Cds => "cds",
            Level::Intron => "intron",
            Level::Start => "start",
            Level::Stop => "stop",
            Level::Trans => "trans",
            Level::Gene => "gene",
        }
    }

    /// The name of the level in a [`Row`].
    pub fn row_name(self) -> &'static str {
        match self {
            Level::Cds => "exon",
            Level::Trans => "transcript",
            _ => self.name(),
        }
    }

    fn keys(self, side: &Loaded) -> &[Key] {
        match self {
            Level::Intron => &side.introns,
            Level::Start => &side.starts,
            Level::Stop => &side.stops,
            Level::Cds | Level::Trans | Level::Gene => &side.cds,
        }
    }

    /// What the original refuses: a file without such rows.
    fn check(self, side: &Loaded) -> Result<()> {
        if self.keys(side).is_empty() {
            let rows = match self {
                Level::Intron => "intron",
                Level::Start => "start_codon",
                Level::Stop => "stop_codon",
                Level::Cds | Level::Trans | Level::Gene => "CDS",
            };
            return Err(Error::input(
                &side.path,
                None,
                format!("no {rows} rows, so level {} cannot be compared", self.name()),
            ));
        }
        Ok(())
    }
}

/// What the original refuses where chains count: CDS rows without names.
fn check_names(side: &Loaded) -> Result<()> {
    match side.nameless {
        Some(line) => Err(Error::input(
            &side.path,
            line,
            "a CDS row that does not name its gene and transcript; \
             GTF needs gene_id \"…\"; transcript_id \"…\"; and GFF3 a Parent",
        )),
        None => Ok(()),
    }
}

/// All levels at once. Introns and codons are left out where one of the files has none; a file
/// without CDS rows, which the original refuses, has no keys.
///
/// # Errors
/// [`Error::Input`] when a CDS row does not name its gene and transcript.
///
/// ```
/// use genet5_core::score::cie;
/// let text = |end| format!("c\ts\tCDS\t1\t{end}\t.\t+\t0\tgene_id \"g\"; transcript_id \"t\";\n");
/// let read = |text: String| cie::Loaded::parse("x.gtf".as_ref(), text.as_bytes());
/// let (reference, prediction) = (read(text(9) + &text(5)).unwrap(), read(text(9)).unwrap());
/// let rows = cie::evaluate(&reference, &prediction, true).unwrap();
/// assert_eq!((rows[0].level, rows[0].tp_reference, rows[0].n_reference), ("exon", 1, 2));
/// assert_eq!((rows[1].level, rows[1].tp_reference, rows[1].n_reference), ("transcript", 0, 1));
/// ```
pub fn evaluate(reference: &Loaded, prediction: &Loaded, phase: bool) -> Result<Vec<Row>> {
    let pair = Pair::new(reference, prediction, phase);
    let mut rows = vec![pair.counted(Level::Cds)];
    rows.extend(
        [Level::Intron, Level::Start, Level::Stop].into_iter().filter_map(|level| pair.keys(level).ok()),
    );
    rows.extend(pair.chains()?);
    Ok(rows)
}

/// One level.
///
/// # Errors
/// [`Error::Input`] when a file has no rows for it, or CDS rows without names where those count.
pub fn level(reference: &Loaded, prediction: &Loaded, level: Level, phase: bool) -> Result<Row> {
    let pair = Pair::new(reference, prediction, phase);
    pair.check(level)?;
    match level {
        Level::Trans => pair.chains().map(|[transcript, _]| transcript),
        Level::Gene => pair.chains().map(|[_, gene]| gene),
        _ => pair.keys(level),
    }
}

/// What the original prints: its complaints about lines that are no rows, a blank line, a row for
/// each file (count, matched, unique, percentage, file) and a blank line.
///
/// # Errors
/// As [`level`](fn@level); the original stops there with an error, too.
pub fn original(reference: &Loaded, prediction: &Loaded, at: Level, phase: bool) -> Result<String> {
    let row = level(reference, prediction, at, phase)?;
    let line = |matched: u64, all: u64, side: &Loaded| {
        let percent = 100.0 * matched as f64 / all as f64;
        format!("{all}\t{matched}\t{}\t{percent:.2}\t{}\n", all - matched, side.path.display())
    };
    let warnings = |side: &Loaded| String::from_utf8_lossy(&side.warnings).into_owned();
    Ok(warnings(reference)
        + &warnings(prediction)
        + "\n"
        + &line(row.tp_reference, row.n_reference, reference)
        + &line(row.tp_prediction, row.n_prediction, prediction)
        + "\n")
}

/// Two sides and how they are compared.
struct Pair<'a> {
    reference: &'a Loaded,
    prediction: &'a Loaded,
    /// Number of each contig of the prediction in the reference; others follow.
    number: Vec<u32>,
    phase: bool,
}

impl<'a> Pair<'a> {
    fn new(reference: &'a Loaded, prediction: &'a Loaded, phase: bool) -> Self {
        let known: FxHashMap<&[u8], u32> = reference.contigs.iter().map(AsRef::as_ref).zip(0..).collect();
        let unknown = reference.contigs.len() as u32..;
        let number = prediction.contigs.iter().zip(unknown);
        let number = number.map(|(name, new)| *known.get(name.as_ref()).unwrap_or(&new)).collect();
        Pair { reference, prediction, number, phase }
    }

    fn check(&self, level: Level) -> Result<()> {
        level.check(self.reference)?;
        level.check(self.prediction)
    }

    fn keys(&self, level: Level) -> Result<Row> {
        self.check(level)?;
        Ok(self.counted(level))
    }

    fn counted(&self, level: Level) -> Row {
        let (a, b) = (level.keys(self.reference), level.keys(self.prediction));
        let found = common(a, b, &self.number, self.phase);
        Row::paired(level.row_name(), found, distinct(a, self.phase), distinct(b, self.phase))
    }

    /// Transcripts and genes.
    fn chains(&self) -> Result<[Row; 2]> {
        check_names(self.reference)?;
        check_names(self.prediction)?;
        let own: Vec<u32> = (0..self.reference.contigs.len() as u32).collect();
        let (a, b) = (&self.reference.chains, &self.prediction.chains);
        let (seen_a, seen_b) = rayon::join(|| a.seen(&own, self.phase), || b.seen(&self.number, self.phase));
        let (a, b) = rayon::join(|| Owners::new(&seen_a, a), || Owners::new(&seen_b, b));
        let found = b.list.iter().filter(|(chain, _)| a.gene(chain).is_some()).count() as u64;
        let transcript =
            Row::paired(Level::Trans.row_name(), found, a.list.len() as u64, b.list.len() as u64);
        Ok([transcript, genes(&a, &b)])
    }
}

fn genes(reference: &Owners, prediction: &Owners) -> Row {
    let mut renamed: FxHashMap<u32, u32> = FxHashMap::default();
    for (chain, gene) in &prediction.list {
        if let Some(name) = reference.gene(chain) {
            renamed.insert(*gene, name);
        }
    }
    let all = |owners: &Owners| owners.list.iter().map(|row| row.1).collect::<FxHashSet<u32>>();
    let found = renamed.values().collect::<FxHashSet<_>>().len() as u64;
    let others = all(prediction).iter().filter(|gene| !renamed.contains_key(gene)).count() as u64;
    Row::paired(Level::Gene.row_name(), found, all(reference).len() as u64, found + others)
}
