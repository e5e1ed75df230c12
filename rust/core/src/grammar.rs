//! The gene language and its grammar.

use serde::{Deserialize, Serialize};

/// What counts as a gene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrammarConfig {
    /// NCBI's number of the genetic code.
    pub genetic_code: u8,
    /// Whether the table's other start codons count beside ATG.
    pub table_starts: bool,
    /// Shortest intron in bases, at least 4: the two splice dinucleotides.
    pub min_intron: u32,
    /// Longest intron in bases; 0 = no limit.
    pub max_intron: u32,
}

impl Default for GrammarConfig {
    fn default() -> Self {
        GrammarConfig { genetic_code: 1, table_starts: false, min_intron: 10, max_intron: 0 }
    }
}
