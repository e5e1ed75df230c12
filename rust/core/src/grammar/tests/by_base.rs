//! The tables base by base, as they are defined, beside those that are worked out a word at a time.

use proptest::prelude::*;

use crate::dna;
use crate::genetic_code::GeneticCode;
use crate::grammar::carry::{Codons, COUNT, STOP};
use crate::grammar::tables::StrandTables;
use crate::grammar::GrammarConfig;

/// Per base the carries with which it can be read, and those that can be taken up at an acceptor.
fn plain(codes: &[u8], codons: &Codons, config: &GrammarConfig) -> (Vec<u64>, Vec<u64>) {
    let (mut open, mut taken, mut left) = (Vec::new(), Vec::new(), 0);
    for p in 0..codes.len() {
        let donors = (0..p).filter(|&d| fits(codes, d, p, config));
        let carries = donors.fold(0, |set, d| set | open[d]);
        left = if codes[p] < dna::N { codons.before(codes[p], left | carries) } else { 0 };
        open.push(left);
        taken.push(carries);
    }
    (open, taken)
}

/// Whether an intron may lie between a segment's last base and the next one's first.
fn fits(codes: &[u8], donor: usize, acceptor: usize, config: &GrammarConfig) -> bool {
    config.intron_fits((acceptor - donor - 1) as u32)
        && matches!(
            (&codes[donor + 1..donor + 3], &codes[acceptor - 2..acceptor]),
            ([2, 3] | [2, 1], [0, 2]) | ([0, 3], [0, 1])
        )
}

/// Windows of several words, now and then with few kinds of words so that carries stay rare.
fn window() -> impl Strategy<Value = Vec<u8>> {
    let any = prop::sample::select(vec!["A", "C", "G", "T"]);
    let rich = prop::sample::select(vec!["ATG", "TAA", "GT", "AG", "AT", "AC", "C", "N", "TGA", "G"]);
    let rare = prop::sample::select(vec!["C", "C", "C", "C", "AG", "GTC", "ATG", "TAG", "AT", "CAC"]);
    prop_oneof![
        prop::collection::vec(any, 0..400).prop_map(|words| words.concat()),
        prop::collection::vec(rich, 0..300).prop_map(|words| words.concat()),
        prop::collection::vec(rare, 0..300).prop_map(|words| words.concat()),
    ]
    .prop_map(|letters| dna::encode(letters.as_bytes()))
}

fn config() -> impl Strategy<Value = GrammarConfig> {
    let min_intron = prop_oneof![4u32..12, 50u32..80, 100u32..300];
    let extra = prop_oneof![Just(None), (0u32..200).prop_map(Some)];
    let codes = prop::sample::select(vec![1u8, 6, 22]);
    (min_intron, extra, codes, any::<bool>()).prop_map(|(min_intron, extra, genetic_code, table_starts)| {
        let max_intron = extra.map_or(0, |extra| min_intron + extra);
        GrammarConfig { genetic_code, table_starts, min_intron, max_intron }
    })
}

fn check(codes: &[u8], config: &GrammarConfig) {
    let code = GeneticCode::ncbi(config.genetic_code).expect("a code");
    let codons = Codons::new(&code, config.table_starts);
    let (open, taken) = plain(codes, &codons, config);
    let tables = StrandTables::new(codes.to_vec(), &codons, config);
    for p in 0..codes.len() {
        assert_eq!(tables.open(p, &codons), open[p], "carries at {p}");
        assert_eq!(tables.acceptor(p).unwrap_or(0), taken[p], "acceptor at {p}");
        if open[p] & !codons.possible != 0 {
            panic!("carries at {p} that were thought impossible");
        }
    }
    let anchors: Vec<i32> =
        (0..codes.len()).filter(|&p| open[p] >> STOP & 1 == 1).map(|p| p as i32).collect();
    assert_eq!(tables.anchors(), anchors);
    for acceptor in (2..codes.len()).step_by(7) {
        for carry in (acceptor as u8 % 3..COUNT as u8).step_by(3) {
            let found: Vec<u32> = tables.donors(acceptor as u32, carry, &codons, config).collect();
            let donors = (0..acceptor).filter(|&d| fits(codes, d, acceptor, config));
            let donors: Vec<u32> = donors.filter(|&d| open[d] >> carry & 1 == 1).map(|d| d as u32).collect();
            assert_eq!(found, donors, "donors of {acceptor} with carry {carry}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tables_of_words_are_those_of_bases(codes in window(), config in config()) {
        check(&codes, &config);
    }
}

#[test]
fn a_long_window_is_no_special_case() {
    let mut random = crate::random::Random::new(&[7]);
    let mut codes: Vec<u8> = (0..5000).map(|_| random.below(4) as u8).collect();
    codes[3000..3040].fill(dna::N);
    check(&codes, &GrammarConfig::default());
    check(&codes, &GrammarConfig { max_intron: 700, ..GrammarConfig::default() });
}
