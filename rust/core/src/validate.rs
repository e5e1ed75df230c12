//! Whether a gene model is a valid reading frame in its genome: exactly what the grammar can write.

use crate::annotation::{Gene, Transcript};
use crate::dna;
use crate::gene::{GeneModel, Strand};
use crate::genetic_code::GeneticCode;
use crate::grammar::GrammarConfig;

/// Why a gene is no training target; the first of these that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The file calls it a pseudogene.
    Pseudogene,
    /// CDS rows on both strands or on none, as after trans-splicing.
    MixedStrands,
    /// The file notes an `exception=`, such as ribosomal slippage.
    Exception,
    /// The file says that an end is missing, or its frame begins inside a codon.
    Partial,
    /// Its sequence is not in the genome.
    UnknownContig,
    /// It leaves its sequence.
    OutsideContig,
    /// Segments are empty, out of order or overlap.
    OverlappingSegments,
    /// A gap between segments is shorter than the shortest intron.
    IntronTooShort,
    /// A gap between segments is longer than the longest intron.
    IntronTooLong,
    /// Coding bases are no whole number of codons, or fewer than a start and a stop.
    LengthNotMultipleOfThree,
    /// An unknown base in a segment.
    NInSegment,
    /// The first codon is no start codon.
    NoStart,
    /// The last codon is no stop codon.
    NoStop,
    /// A stop codon before the last, also across introns.
    InFrameStop,
    /// An intron that is not GT-AG, GC-AG or AT-AC.
    NonCanonicalSplice,
}

impl Reason {
    /// Every reason, in the order in which they are looked for.
    pub const ALL: [Reason; 15] = [
        Reason::Pseudogene,
        Reason::MixedStrands,
        Reason::Exception,
        Reason::Partial,
        Reason::UnknownContig,
        Reason::OutsideContig,
        Reason::OverlappingSegments,
        Reason::IntronTooShort,
        Reason::IntronTooLong,
        Reason::LengthNotMultipleOfThree,
        Reason::NInSegment,
        Reason::NoStart,
        Reason::NoStop,
        Reason::InFrameStop,
        Reason::NonCanonicalSplice,
    ];

    /// The stable name for reports.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Pseudogene => "pseudogene",
            Reason::MixedStrands => "mixed_strands",
            Reason::Exception => "exception",
            Reason::Partial => "partial",
            Reason::UnknownContig => "unknown_contig",
            Reason::OutsideContig => "outside_contig",
            Reason::OverlappingSegments => "overlapping_segments",
            Reason::IntronTooShort => "intron_too_short",
            Reason::IntronTooLong => "intron_too_long",
            Reason::LengthNotMultipleOfThree => "length_not_multiple_of_three",
            Reason::NInSegment => "n_in_segment",
            Reason::NoStart => "no_start",
            Reason::NoStop => "no_stop",
            Reason::InFrameStop => "in_frame_stop",
            Reason::NonCanonicalSplice => "non_canonical_splice",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Checks a gene model against the base codes of its contig.
///
/// # Errors
/// The first [`Reason`] why the grammar of that configuration cannot write it.
///
/// ```
/// use genet5_core::{dna, validate, gene::*, genetic_code::GeneticCode, grammar::GrammarConfig};
/// let codes = dna::encode(b"CCATGGTAAGTTTTCAGTGACC");
/// let (code, config) = (GeneticCode::ncbi(1).unwrap(), GrammarConfig::default());
/// let model = |parts: &[(u32, u32)]| GeneModel {
///     strand: Strand::Plus,
///     segments: parts.iter().map(|&(a, b)| Interval::new(a, b)).collect(),
/// };
/// assert_eq!(validate::check(&model(&[(2, 5), (17, 20)]), &codes, &config, &code), Ok(()));
/// let reason = validate::check(&model(&[(2, 8), (17, 20)]), &codes, &config, &code).unwrap_err();
/// assert_eq!(reason.name(), "intron_too_short");
/// ```
pub fn check(
    model: &GeneModel,
    codes: &[u8],
    config: &GrammarConfig,
    code: &GeneticCode,
) -> Result<(), Reason> {
    check_layout(model, codes.len(), config)?;
    let cds = model.cds(codes);
    if cds.len() % 3 != 0 || cds.len() < 6 {
        return Err(Reason::LengthNotMultipleOfThree);
    }
    if cds.iter().any(|&c| c >= dna::N) {
        return Err(Reason::NInSegment);
    }
    let is_stop = |c: &[u8]| code.is_stop(c[0], c[1], c[2]);
    let (last, others) = (&cds[cds.len() - 3..], &cds[..cds.len() - 3]);
    if !code.is_start(cds[0], cds[1], cds[2], config.table_starts) {
        return Err(Reason::NoStart);
    }
    if !is_stop(last) {
        return Err(Reason::NoStop);
    }
    if others.chunks_exact(3).any(is_stop) {
        return Err(Reason::InFrameStop);
    }
    let canonical = model
        .segments
        .windows(2)
        .all(|pair| is_intron(&codes[pair[0].end as usize..pair[1].start as usize], model.strand));
    canonical.then_some(()).ok_or(Reason::NonCanonicalSplice)
}

fn check_layout(model: &GeneModel, length: usize, config: &GrammarConfig) -> Result<(), Reason> {
    let segments = &model.segments;
    if segments.iter().any(|s| s.end as usize > length) {
        return Err(Reason::OutsideContig);
    }
    let ordered = segments.windows(2).all(|pair| pair[0].end <= pair[1].start);
    if segments.is_empty() || segments.iter().any(|s| s.is_empty()) || !ordered {
        return Err(Reason::OverlappingSegments);
    }
    let introns = || segments.windows(2).map(|pair| pair[1].start - pair[0].end);
    // the two splice dinucleotides need four bases
    if introns().any(|bases| bases < config.min_intron.max(4)) {
        return Err(Reason::IntronTooShort);
    }
    if config.max_intron > 0 && introns().any(|bases| bases > config.max_intron) {
        return Err(Reason::IntronTooLong);
    }
    Ok(())
}

/// Whether an intron, given in contig direction, has one of the three pairs of splice sites.
pub(crate) fn is_intron(bases: &[u8], strand: Strand) -> bool {
    const A: u8 = 0;
    const C: u8 = 1;
    const G: u8 = 2;
    const T: u8 = 3;
    let ends = match bases {
        [a, b, .., c, d] => [*a, *b, *c, *d],
        _ => return false,
    };
    let [a, b, c, d] = match strand {
        Strand::Plus => ends,
        Strand::Minus => [3, 2, 1, 0].map(|i| dna::complement(ends[i])),
    };
    matches!([a, b, c, d], [G, T | C, A, G] | [A, T, A, C])
}

/// Checks a transcript of an annotation: what its file says about it, then its reading frame.
///
/// # Errors
/// The first [`Reason`] why it is no training target.
pub fn check_transcript(
    gene: &Gene,
    transcript: &Transcript,
    codes: &[u8],
    config: &GrammarConfig,
    code: &GeneticCode,
) -> Result<(), Reason> {
    if gene.pseudo {
        return Err(Reason::Pseudogene);
    }
    if transcript.mixed_strands {
        return Err(Reason::MixedStrands);
    }
    if transcript.exception.is_some() {
        return Err(Reason::Exception);
    }
    if transcript.partial_start || transcript.partial_end {
        return Err(Reason::Partial);
    }
    let first = match gene.strand {
        Strand::Plus => transcript.cds.first(),
        Strand::Minus => transcript.cds.last(),
    };
    let in_codon = first.is_some_and(|cds| cds.phase != 0);
    check(&transcript.model(gene.strand), codes, config, code).map_err(|reason| {
        if in_codon {
            Reason::Partial
        } else {
            reason
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gene::Interval;
    use proptest::prelude::*;

    fn reason(letters: &str, parts: &[(u32, u32)], config: &GrammarConfig) -> Option<&'static str> {
        let codes = dna::encode(letters.as_bytes());
        let code = GeneticCode::ncbi(config.genetic_code).expect("table");
        let segments = parts.iter().map(|&(a, b)| Interval::new(a, b)).collect();
        let model = GeneModel { strand: Strand::Plus, segments };
        let mirrored = check(
            &model.mirror(codes.len().max(model.end() as usize) as u32),
            &dna::reverse_complement(&codes),
            config,
            &code,
        );
        let found = check(&model, &codes, config, &code);
        if model.end() as usize <= codes.len() {
            assert_eq!(found, mirrored, "the strands disagree");
        }
        found.err().map(Reason::name)
    }

    #[test]
    fn each_fault_has_its_reason() {
        let plain = GrammarConfig::default();
        assert_eq!(reason("ATGTAA", &[(0, 6)], &plain), None);
        assert_eq!(reason("ATGTAA", &[(0, 7)], &plain), Some("outside_contig"));
        assert_eq!(reason("ATGTAA", &[], &plain), Some("overlapping_segments"));
        assert_eq!(reason("ATGCTAA", &[(0, 7)], &plain), Some("length_not_multiple_of_three"));
        assert_eq!(reason("TAA", &[(0, 3)], &plain), Some("length_not_multiple_of_three"));
        assert_eq!(reason("ATGNCATAA", &[(0, 9)], &plain), Some("n_in_segment"));
        assert_eq!(reason("TTGAAATAA", &[(0, 9)], &plain), Some("no_start"));
        assert_eq!(reason("ATGAAAAAA", &[(0, 9)], &plain), Some("no_stop"));
        assert_eq!(reason("ATGTGATAA", &[(0, 9)], &plain), Some("in_frame_stop"));
        let gene = "ATGTGTCCCCCCAGAATAA";
        assert_eq!(reason(gene, &[(0, 4), (14, 19)], &plain), Some("in_frame_stop"));
        let gene = "ATGCGTCCCCCCAGAATAA";
        assert_eq!(reason(gene, &[(0, 4), (14, 19)], &plain), None);
        assert_eq!(reason(gene, &[(0, 4), (4, 6)], &plain), Some("intron_too_short"));
        let short = GrammarConfig { max_intron: 10, min_intron: 5, ..plain.clone() };
        assert_eq!(reason("ATGCGTCCCCCCCAGAATAA", &[(0, 4), (15, 20)], &short), Some("intron_too_long"));
        assert_eq!(reason("ATGCGTCCCCCCACAATAA", &[(0, 4), (14, 19)], &plain), Some("non_canonical_splice"));
        assert_eq!(reason("ATGCATCCCCCCACAATAA", &[(0, 4), (14, 19)], &plain), None);
        let table = GrammarConfig { table_starts: true, ..plain.clone() };
        assert_eq!(reason("TTGAAATAA", &[(0, 9)], &table), None);
        let ciliate = GrammarConfig { genetic_code: 6, ..plain };
        assert_eq!(reason("ATGTAATGA", &[(0, 9)], &ciliate), None);
    }

    #[test]
    fn names_are_snake_case_and_unique() {
        let mut names: Vec<_> = Reason::ALL.iter().map(|r| r.name()).collect();
        assert!(names.iter().all(|n| n.chars().all(|c| c.is_ascii_lowercase() || c == '_')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
    }

    /// The definition in words, on letters, without any shortcut.
    fn plainly_valid(letters: &[u8], parts: &[(usize, usize)]) -> bool {
        let cds: Vec<u8> = parts.iter().flat_map(|&(a, b)| letters[a..b].to_vec()).collect();
        let codons: Vec<&[u8]> = cds.chunks(3).collect();
        let stop = |c: &[u8]| [b"TAA", b"TAG", b"TGA"].iter().any(|s| &s[..] == c);
        let introns_fit = parts.windows(2).all(|pair| {
            let intron = &letters[pair[0].1..pair[1].0];
            let pairs: [(&[u8], &[u8]); 3] = [(b"GT", b"AG"), (b"GC", b"AG"), (b"AT", b"AC")];
            intron.len() >= 4 && pairs.iter().any(|(d, a)| intron.starts_with(d) && intron.ends_with(a))
        });
        cds.len() >= 6
            && cds.len() % 3 == 0
            && !cds.contains(&b'N')
            && codons[0] == b"ATG"
            && codons.iter().position(|c| stop(c)) == Some(codons.len() - 1)
            && introns_fit
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn it_agrees_with_the_definition_in_words(
            body in "[ACGTN]{0,12}",
            donor in "(GT|GC|AT|AA)",
            acceptor in "(AG|AC|TT)",
            tail in "([ACGT]{0,4})(TAA|TAG|TGA|TTT)",
            middle in "[ACGT]{0,3}",
            cut in 0usize..8,
        ) {
            let head = format!("ATG{body}");
            let letters = format!("{head}{donor}{middle}{acceptor}{tail}");
            let first = head.len().saturating_sub(cut).max(1);
            let parts = [(0, first), (head.len() + 4 + middle.len(), letters.len())];
            let config = GrammarConfig { min_intron: 4, ..GrammarConfig::default() };
            let found = reason(&letters, &parts.map(|(a, b)| (a as u32, b as u32)), &config);
            prop_assert_eq!(found.is_none(), plainly_valid(letters.as_bytes(), &parts), "{:?}", found);
        }
    }
}
