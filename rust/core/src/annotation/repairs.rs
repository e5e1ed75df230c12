//! What was mended or guessed while an annotation was read: counted by kind, with the first line of each.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};

/// Every kind of repair: its name, what was found, and what to do about it.
pub const KINDS: [(&str, &str, &str); 18] = [
    ("attribute_without_value", "an item of column 9 without a value", "write it as key=value"),
    ("cds_id_per_row", "the CDS rows of a transcript have IDs of their own", "give them one ID"),
    ("duplicate_row", "a row is there twice", "remove one"),
    ("id_shared_with_gene", "a transcript has the ID of its gene", "give each its own"),
    ("implicit_gene", "a transcript or CDS has no gene row or name", "add the gene"),
    ("implicit_transcript", "a CDS has no transcript row", "add the transcript"),
    ("mixed_strands", "CDS rows of a transcript are on several strands or on none", "put them on one"),
    ("outside_sequence_region", "a row leaves its ##sequence-region", "correct either of them"),
    ("parent_is_protein", "a CDS lies under a protein", "put it under the transcript"),
    ("phase_missing", "a CDS row has no phase", "write the phase in column 8"),
    ("phase_wrong", "a phase does not follow from the reading frame", "correct column 8"),
    ("several_cds_in_transcript", "a transcript has several CDS", "give each a transcript of its own"),
    ("stop_codon_ignored", "a stop_codon row that ends no CDS", "correct or remove it"),
    ("stop_codon_merged", "a stop codon outside of its CDS", "extend the CDS over it"),
    ("strand_missing", "a CDS row has no strand", "write + or - in column 7"),
    ("transcript_on_several_sequences", "a transcript_id is on several sequences", "give each its own"),
    ("unclosed_quote", "a quoted value without its second quote", "close it"),
    ("undefined_parent", "a Parent that is not in the file", "add it, or take the Parent out"),
];

/// Repairs by kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Repairs(BTreeMap<&'static str, (u64, u64)>);

impl Repairs {
    /// Counts `n` repairs of a kind, the first of them in that line.
    pub(super) fn add(&mut self, kind: &'static str, n: u64, line: u64) {
        if n > 0 {
            let (count, first) = self.0.entry(kind).or_insert((0, line));
            *count += n;
            *first = line.min(*first);
        }
    }

    /// Adds others.
    pub(super) fn join(&mut self, others: Repairs) {
        others.0.into_iter().for_each(|(kind, (n, line))| self.add(kind, n, line));
    }

    /// How many there are of each kind.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.0.iter().map(|(kind, (count, _))| (*kind, *count)).collect()
    }

    /// Where the first of each kind is.
    pub(super) fn lines(&self) -> BTreeMap<&'static str, u64> {
        self.0.iter().map(|(kind, (_, line))| (*kind, *line)).collect()
    }
}

/// The complaint about the first repair of a file.
pub(super) fn refuse(path: &Path, counts: &BTreeMap<&str, u64>, lines: &BTreeMap<&str, u64>) -> Result<()> {
    let Some((kind, line)) = lines.iter().min_by_key(|(_, line)| **line) else { return Ok(()) };
    let known = KINDS.iter().find(|(name, ..)| name == kind);
    let (what, advice) = known.map_or(("a repair", "correct it"), |(_, what, advice)| (*what, *advice));
    let total: u64 = counts.values().sum();
    let more = if total > 1 { format!(" ({total} repairs in the file)") } else { String::new() };
    let message = format!("{kind}: {what}; {advice}, or read the file without strictness{more}");
    Err(Error::input(path, *line, message))
}
