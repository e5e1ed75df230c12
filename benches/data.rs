//! Input for the benches: random DNA and a vocabulary, the same bytes in every run.

use std::sync::atomic::AtomicBool;

use genet5_core::random::Random;
use genet5_core::tokenizer::{train, Corpus, Tokenizer, TrainOptions};

/// Random letters A, C, G, T, richer in A and T, with repeats as genomes have them.
pub fn letters(bases: usize) -> Vec<u8> {
    let mut random = Random::new(&[bases as u64]);
    let mut letters: Vec<u8> = Vec::with_capacity(bases + 64);
    while letters.len() < bases {
        match random.below(400) {
            0 if letters.len() > 2000 => {
                let from = random.below(letters.len() as u64 - 1000) as usize;
                letters.extend_from_within(from..from + 20 + random.below(500) as usize);
            }
            1 => letters.resize(letters.len() + 10 + random.below(40) as usize, b'A'),
            draw => letters.push(b"AAACCGGTTT"[draw as usize % 10]),
        }
    }
    letters.truncate(bases);
    letters
}

/// A vocabulary of 4,096 tokens learnt from random letters.
pub fn tokenizer() -> Tokenizer {
    let mut corpus = Corpus::new(1000).expect("a length");
    corpus.add(&letters(400_000)).expect("room");
    let options = TrainOptions { max_token_length: 32, ..TrainOptions::default() };
    train(corpus, &options, &mut |_, _| {}, &AtomicBool::new(false)).expect("a vocabulary")
}
