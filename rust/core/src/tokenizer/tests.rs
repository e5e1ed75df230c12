#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::*;

/// BPE as its definition says: the first merge in the list that applies, leftmost place first.
fn plain_bpe(text: &str, merges: &[[String; 2]]) -> Vec<String> {
    let mut parts: Vec<String> = text.chars().map(String::from).collect();
    let ranks: HashMap<_, _> = merges.iter().enumerate().map(|(rank, pair)| (pair.clone(), rank)).collect();
    let rank = |pair: &[String]| ranks.get(&[pair[0].clone(), pair[1].clone()]).copied();
    while let Some((_, at)) =
        (1..parts.len()).filter_map(|at| rank(&parts[at - 1..=at]).map(|rank| (rank, at))).min()
    {
        let right = parts.remove(at);
        parts[at - 1].push_str(&right);
    }
    parts
}

/// Training as its definition says: count all pairs anew for each merge.
fn plain_training(pieces: &[String], options: &TrainOptions) -> Vec<[String; 2]> {
    let mut merges: Vec<[String; 2]> = Vec::new();
    let mut order: Vec<String> = ["A", "C", "G", "T"].map(String::from).to_vec();
    while merges.len() + 13 < options.vocab_size {
        let mut counts: HashMap<[String; 2], u64> = HashMap::new();
        for piece in pieces {
            for pair in plain_bpe(piece, &merges).windows(2) {
                if pair.concat().len() <= options.max_token_length {
                    *counts.entry([pair[0].clone(), pair[1].clone()]).or_default() += 1;
                }
            }
        }
        let place = |token: &String| order.iter().position(|other| other == token);
        let best = counts
            .into_iter()
            .filter(|(_, count)| *count >= options.min_count)
            .max_by_key(|(pair, count)| (*count, std::cmp::Reverse((place(&pair[0]), place(&pair[1])))));
        let Some((pair, _)) = best else { break };
        order.push(pair.concat());
        merges.push(pair);
    }
    merges
}

fn corpus(pieces: &[String]) -> Corpus {
    let mut corpus = Corpus::new(1000).unwrap();
    for piece in pieces {
        corpus.add(piece.as_bytes()).unwrap();
    }
    corpus
}

fn trained(pieces: &[String], options: &TrainOptions) -> Tokenizer {
    train(corpus(pieces), options, &mut |_, _| {}, &AtomicBool::new(false)).unwrap()
}

fn merges(tokenizer: &Tokenizer) -> Vec<[String; 2]> {
    json::merges_of(&tokenizer.value).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn training_equals_counting_anew(
        pieces in prop::collection::vec("[ACGT]{1,60}|[AT]{1,60}|A{1,40}", 1..6),
        vocab_size in 13usize..40, max_token_length in 2usize..12, min_count in 1u64..4,
    ) {
        let options = TrainOptions { vocab_size, max_token_length, min_count };
        prop_assert_eq!(merges(&trained(&pieces, &options)), plain_training(&pieces, &options));
    }

    #[test]
    fn encoding_equals_plain_bpe(
        pieces in prop::collection::vec("[ACGT]{1,300}|[AT]{1,300}|A{1,40}", 1..6),
        texts in prop::collection::vec("[ACGT]{0,80}|[AT]{0,80}|A{0,200}", 1..20),
        vocab_size in 13usize..120,
    ) {
        let tokenizer = trained(&pieces, &TrainOptions { vocab_size, max_token_length: 32, min_count: 1 });
        for text in &texts {
            let encoding = tokenizer.encode(text.as_bytes());
            let parts: Vec<_> = encoding.ids.iter().map(|&id| tokenizer.tokens()[id as usize].clone()).collect();
            prop_assert_eq!(&parts, &plain_bpe(text, &merges(&tokenizer)));
            let ends: Vec<u32> = encoding.starts.iter().zip(&parts).map(|(start, part)| start + part.len() as u32).collect();
            prop_assert_eq!(&ends[..ends.len().saturating_sub(1)], encoding.starts.get(1..).unwrap_or_default());
        }
    }

    #[test]
    fn expansion_goes_on_where_training_stopped(
        pieces in prop::collection::vec("[ACGT]{1,120}|[AT]{1,120}|A{1,40}", 1..6),
        first in 0usize..20, more in 0usize..20, max_token_length in 2usize..12, min_count in 1u64..4,
    ) {
        let options = |tokens| TrainOptions { vocab_size: 13 + tokens, max_token_length, min_count };
        let base = trained(&pieces, &options(first));
        let add = ExpandOptions { add: more, max_token_length, min_count };
        let expanded = expand(&base, corpus(&pieces), &add, &mut |_, _| {}, &AtomicBool::new(false)).unwrap();
        prop_assert_eq!(merges(&expanded), merges(&trained(&pieces, &options(first + more))));
        prop_assert_eq!(&expanded.tokens()[..base.vocab_size()], base.tokens());
        for token in expanded.tokens().iter().filter(|token| token.bytes().all(|b| b"ACGT".contains(&b))) {
            prop_assert_eq!(expanded.encode(token.as_bytes()).ids, vec![expanded.token_id(token).unwrap()]);
        }
    }

    #[test]
    fn any_letters_encode_and_spell_the_sequence(letters in prop::collection::vec(any::<u8>(), 0..200)) {
        let tokenizer = trained(&["ACGTACGGTTAACC".repeat(20)], &TrainOptions { vocab_size: 30, ..Default::default() });
        let encoding = tokenizer.encode(&letters);
        prop_assert_eq!(tokenizer.encode(&letters.to_ascii_uppercase()), encoding.clone());
        let bases: usize = encoding.ids.iter().map(|&id| {
            if id == tokenizer.unk_id() { 1 } else { tokenizer.tokens()[id as usize].len() }
        }).sum();
        prop_assert_eq!(bases, letters.len());
    }
}

#[test]
fn codes_encode_as_their_letters() {
    let tokenizer =
        trained(&["ACGTACGGTTAACC".repeat(20)], &TrainOptions { vocab_size: 30, ..Default::default() });
    let letters = b"acgtNACGGTTNNAACC";
    assert_eq!(tokenizer.encode_codes(&crate::dna::encode(letters)), tokenizer.encode(letters));
}

#[test]
fn the_gene_language_is_part_of_a_new_vocabulary() {
    let tokenizer = trained(&["ACGT".repeat(50)], &TrainOptions { vocab_size: 20, ..Default::default() });
    assert!(tokenizer.has_gene_language());
    assert_eq!(tokenizer.with_gene_language().unwrap().hash(), tokenizer.hash());
    assert_eq!((tokenizer.unk_id(), tokenizer.pad_id(), tokenizer.token_id("A")), (0, 1, Some(2)));
}

#[test]
fn a_saved_tokenizer_reads_back() {
    let tokenizer = trained(&["ACGTTA".repeat(50)], &TrainOptions { vocab_size: 24, ..Default::default() });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    tokenizer.save(&path).unwrap();
    let again = Tokenizer::from_file(folder.path()).unwrap();
    assert_eq!((again.hash(), again.to_json()), (tokenizer.hash(), tokenizer.to_json()));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn impossible_requests_are_errors() {
    let flag = AtomicBool::new(false);
    let small = TrainOptions { vocab_size: 12, ..Default::default() };
    let corpus = |text: &[u8]| {
        let mut corpus = Corpus::new(10).unwrap();
        corpus.add(text).unwrap();
        corpus
    };
    assert!(train(corpus(b"ACGT"), &small, &mut |_, _| {}, &flag).is_err());
    assert!(train(corpus(b"NNNN"), &TrainOptions::default(), &mut |_, _| {}, &flag).is_err());
    assert!(Corpus::new(0).is_err());
    let stopped = train(corpus(b"ACGT"), &TrainOptions::default(), &mut |_, _| {}, &AtomicBool::new(true));
    assert!(matches!(stopped, Err(Error::Interrupted)));
}
