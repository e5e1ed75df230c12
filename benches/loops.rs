//! One hot loop a number of times, for benches/instructions.py to count: `loops NAME TIMES`.
//!
//! The three in which the package spends its time while it works by the hour, every epoch over every
//! base: the lattice's forward and backward sums (in each step of training), BPE encoding (in each
//! batch and bake) and the grammar's tables (in each batch, for the choices at each step).

mod data;

use std::hint::black_box;

use genet5_core::dna;
use genet5_core::grammar::{Grammar, GrammarConfig};
use genet5_core::lattice::{Lattice, POTENTIALS};
use genet5_core::random::Random;

/// Bases that a loop goes over: enough to drown what the start of the program costs.
const BASES: usize = 200_000;
/// The same of the lattice, which does most for each base.
const LATTICE_BASES: usize = 10_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let (name, times) = match &words[..] {
        [name, times] => (name.as_str(), times.parse::<usize>().unwrap_or(0)),
        _ => return eprintln!("usage: loops lattice|encode|grammar TIMES"),
    };
    let letters = data::letters(BASES);
    let codes = dna::encode(&letters);
    let config = GrammarConfig::default();
    match name {
        "lattice" => {
            let lattice = Lattice::new(&config).expect("a lattice");
            let mut random = Random::new(&[1]);
            let potentials: Vec<f32> =
                (0..LATTICE_BASES * POTENTIALS).map(|_| random.below(1000) as f32 / -500.0).collect();
            let labels = vec![0; LATTICE_BASES];
            repeat(times, || lattice.loss(&codes[..LATTICE_BASES], &potentials, &labels));
        }
        "encode" => {
            let tokenizer = data::tokenizer();
            repeat(times, || tokenizer.encode(&letters));
        }
        "grammar" => {
            let grammar = Grammar::new(&config).expect("a grammar");
            repeat(times, || grammar.window(&codes));
        }
        other => eprintln!("there is no loop {other}"),
    }
}

fn repeat<T>(times: usize, mut work: impl FnMut() -> T) {
    for _ in 0..times {
        black_box(work());
    }
}
