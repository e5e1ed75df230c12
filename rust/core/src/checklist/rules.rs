//! The rules by name, and what is found against them.

use super::Violation;

/// How many places of a rule are kept.
const PLACES: usize = 3;

macro_rules! rules {
    ($($rule:ident $name:literal $says:literal,)*) => {
        /// One rule of the list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $says] $rule,)*
        }

        impl Rule {
            /// Every rule, in the order in which they are reported.
            pub const ALL: &'static [Rule] = &[$(Rule::$rule,)*];

            /// The stable name.
            pub fn name(self) -> &'static str {
                match self { $(Rule::$rule => $name,)* }
            }

            /// What the rule says.
            pub fn says(self) -> &'static str {
                match self { $(Rule::$rule => $says,)* }
            }
        }
    };
}

rules! {
    Version "version" "the first line is ##gff-version 3",
    Columns "columns" "a row has nine tab-separated columns, a start from 1 on and an end not before it",
    SequenceRegion "sequence_region" "every sequence has one ##sequence-region line, with the length of the genome's",
    SequenceName "sequence_name" "a sequence is named as the genome names it, odd characters escaped",
    InsideSequence "inside_sequence" "no feature leaves its sequence",
    Source "source" "column 2 names the tool",
    Score "score" "column 6 is . or a number",
    Strand "strand" "gene models lie on + or -, parents and children on the same strand",
    PhaseColumn "phase_column" "column 8 is 0, 1 or 2 in CDS rows and . in all others",
    Hierarchy "hierarchy" "a coding gene has mRNA rows, and each of them exon and CDS rows",
    Parents "parents" "mRNA, exon and CDS rows name a parent that is in the file, before them, and holds them",
    UniqueIds "unique_ids" "an ID is used once, but for the rows of one CDS",
    PlainIds "plain_ids" "no ID has blanks, quotes, pipes or ends in :start-end",
    CdsId "cds_id" "all CDS rows of an mRNA share one ID",
    Sorted "sorted" "genes are sorted by sequence, start, and end descending; exon and CDS rows ascend",
    Closed "closed" "### follows each gene",
    ExonsHoldCds "exons_hold_cds" "every CDS row lies in an exon row of its mRNA",
    Utr "utr" "where there are UTR rows, they are what is left of the exons without the CDS",
    Duplicates "duplicates" "no two genes have the same CDS",
    ShortIntron "short_intron" "no intron is shorter than the shortest allowed",
    CdsLength "cds_length" "the CDS has a whole number of codons, unless the model is marked partial",
    Phase "phase" "phases follow from the 5' end of the CDS",
    StartCodon "start_codon" "the CDS begins with a start codon, unless marked partial",
    StopCodon "stop_codon" "the CDS ends with its stop codon, unless marked partial",
    InFrameStop "in_frame_stop" "no stop codon before the last, also across introns",
    SpliceSites "splice_sites" "introns are GT-AG, GC-AG or AT-AC, unless the model has an exception",
    UnknownBases "unknown_bases" "no exon or CDS row begins or ends in N",
}

/// Counts and first places by rule.
#[derive(Debug, Default)]
pub(super) struct Findings(std::collections::BTreeMap<Rule, (u64, Vec<(u64, String)>)>);

impl Findings {
    /// Notes one departure; the text is made only for the first places.
    pub(super) fn add(&mut self, rule: Rule, line: u64, what: impl FnOnce() -> String) {
        let (count, places) = self.0.entry(rule).or_default();
        *count += 1;
        if places.len() < PLACES {
            places.push((line, what()));
        }
    }

    pub(super) fn violations(self) -> Vec<Violation> {
        self.0.into_iter().map(|(rule, (count, places))| Violation { rule, count, places }).collect()
    }
}
