//! The acceptance checklist of a GFF3 file of gene models, as a validator.
//!
//! Unlike [`crate::annotation`], which mends what it can, this reads the rows as they are and counts
//! every departure from the rules.

mod models;
mod rows;
mod rules;
mod sequence;
mod structure;

pub use rules::Rule;

use std::path::Path;

use rows::File;
use rules::Findings;

use crate::fasta::Contig;
use crate::genetic_code::GeneticCode;
use crate::score::names;
use crate::{annotation, fasta, interrupt, Result};

/// What the rules depend on.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// NCBI table.
    pub genetic_code: u8,
    /// Every start codon of the table is one; else ATG only.
    pub table_starts: bool,
    /// The shortest intron in bases.
    pub min_intron: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options { genetic_code: 1, table_starts: false, min_intron: 10 }
    }
}

/// One rule that a file violates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// How often.
    pub count: u64,
    /// The first places: line, or 0 for the whole file, and what is there.
    pub places: Vec<(u64, String)>,
}

/// The rules that a GFF3 file violates, in the order of the list; with a genome those that need one
/// are looked at too.
///
/// # Errors
/// What the file system or the FASTA reader complains about; [`crate::Error::Input`] for a GTF file; an
/// unknown genetic code; [`crate::Error::Interrupted`].
///
/// ```
/// use genet5_core::checklist;
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("x.gff3");
/// std::fs::write(&path, "##gff-version 3\n##sequence-region a 1 9\n").unwrap();
/// assert!(checklist::check(&path, None, &Default::default()).unwrap().is_empty());
/// std::fs::write(&path, "a\tx\tCDS\t1\t9\t.\t+\t.\tID=c\n").unwrap();
/// let rules: Vec<_> = checklist::check(&path, None, &Default::default()).unwrap()
///     .iter().map(|violation| violation.rule.name()).collect();
/// assert_eq!(rules, ["version", "sequence_region", "phase_column", "parents"]);
/// ```
pub fn check(path: &Path, genome: Option<&Path>, options: &Options) -> Result<Vec<Violation>> {
    let code = GeneticCode::ncbi(options.genetic_code)?;
    let text = annotation::text(path)?;
    let contigs = genome.map(fasta::read).transpose()?;
    let mut findings = Findings::default();
    let file = File::read(path, &text, &mut findings)?;
    if let (Some(contigs), Some(genome)) = (&contigs, genome) {
        let names: Vec<&str> = contigs.iter().map(|contig| contig.name.as_str()).collect();
        names::refuse_foreign_genome(path, &file.contigs(), genome, &names)?;
    }
    run(&file, contigs.as_deref(), options, &code, &mut findings)?;
    Ok(findings.violations())
}

fn run(
    file: &File,
    genome: Option<&[Contig]>,
    options: &Options,
    code: &GeneticCode,
    findings: &mut Findings,
) -> Result<()> {
    structure::check(file, genome, findings);
    interrupt::check()?;
    let genes = models::gather(file);
    interrupt::check()?;
    models::check(file, &genes, options, findings);
    interrupt::check()?;
    if let Some(genome) = genome {
        sequence::check(file, &genes, genome, options, code, findings);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
