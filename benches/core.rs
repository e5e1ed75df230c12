//! Micro-benches of the core's hot paths on generated data: `cargo bench --bench core [FILTER]`.
//!
//! Wall time of one thread unless the name says more; benches/RESULTS.md has the table with peers.

mod data;
mod samples;

use std::path::Path;

use divan::counter::{BytesCount, ItemsCount};
use divan::{black_box, Bencher};
use genet5_core::channels::frame_channels;
use genet5_core::genetic_code::GeneticCode;
use genet5_core::grammar::{Grammar, GrammarConfig};
use genet5_core::lattice::{Lattice, POTENTIALS};
use genet5_core::random::Random;
use genet5_core::reader::{Dataset, Options, Part, Reader, Wanted};
use genet5_core::{annotation, dna, fasta, pack};

/// Bases of a window.
const WINDOW: usize = 20_000;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 10)]
fn fasta_plain(bencher: Bencher) {
    let (folder, text) = (tempfile::tempdir().expect("a folder"), samples::fasta(4, 5_000_000));
    let path = folder.path().join("x.fna");
    std::fs::write(&path, &text).expect("written");
    bencher.counter(BytesCount::new(text.len())).bench_local(|| fasta::read(black_box(&path)));
}

/// Into memory that is there already.
#[divan::bench(sample_count = 10)]
fn fasta_even(bencher: Bencher) {
    let text = samples::fasta(4, 5_000_000);
    let mut bases = vec![0; 5_000_000];
    bencher.counter(BytesCount::new(text.len())).bench_local(|| {
        let records = fasta::even_records(black_box(&text)).expect("even");
        records.iter().all(|record| record.copy_into(&mut bases))
    });
}

#[divan::bench(sample_count = 10)]
fn gff3_split(bencher: Bencher) {
    let text = samples::gff3(20_000);
    let count = || annotation::count_rows(Path::new("x.gff3"), black_box(&text));
    bencher.counter(BytesCount::new(text.len())).bench_local(count);
}

#[divan::bench(sample_count = 10)]
fn gff3_genes(bencher: Bencher) {
    let text = samples::gff3(20_000);
    let parse = || annotation::parse(Path::new("x.gff3"), black_box(&text));
    bencher.counter(BytesCount::new(text.len())).bench_local(parse);
}

#[divan::bench(args = [1_000, 100_000, 10_000_000], sample_count = 10)]
fn bpe_encode(bencher: Bencher, bases: usize) {
    let (tokenizer, letters) = (data::tokenizer(), data::letters(bases));
    bencher.counter(BytesCount::new(bases)).bench_local(|| tokenizer.encode(black_box(&letters)));
}

#[divan::bench(sample_count = 10)]
fn pack_a_million(bencher: Bencher) {
    let lengths = samples::lengths(1_000_000);
    let rows = || pack::best_fit_decreasing(black_box(&lengths), 8192, 0);
    bencher.counter(ItemsCount::new(lengths.len())).bench_local(rows);
}

#[divan::bench]
fn channels(bencher: Bencher) {
    let (codes, code) = (dna::encode(&data::letters(WINDOW)), GeneticCode::ncbi(1).expect("a code"));
    bencher.counter(BytesCount::new(WINDOW)).bench_local(|| frame_channels(black_box(&codes), &code));
}

#[divan::bench]
fn grammar_window(bencher: Bencher) {
    let grammar = Grammar::new(&GrammarConfig::default()).expect("a grammar");
    let codes = dna::encode(&data::letters(WINDOW));
    bencher.counter(BytesCount::new(WINDOW)).bench_local(|| grammar.window(black_box(&codes)));
}

#[divan::bench]
fn grammar_mask(bencher: Bencher) {
    let grammar = Grammar::new(&GrammarConfig::default()).expect("a grammar");
    let window = grammar.window(&dna::encode(&data::letters(WINDOW)));
    let state = window.begin();
    bencher.bench_local(|| window.allowed(black_box(&state)));
}

#[divan::bench(sample_count = 10)]
fn lattice_forward_backward(bencher: Bencher) {
    let lattice = Lattice::new(&GrammarConfig::default()).expect("a lattice");
    let codes = dna::encode(&data::letters(WINDOW));
    let mut random = Random::new(&[1]);
    let potentials: Vec<f32> = (0..WINDOW * POTENTIALS).map(|_| random.below(1000) as f32 / -500.0).collect();
    let labels = vec![0u8; WINDOW];
    let loss = || lattice.loss(black_box(&codes), &potentials, &labels);
    bencher.counter(BytesCount::new(WINDOW)).bench_local(loss);
}

/// Batches of one row, with targets, masks and channels; bases per second.
#[divan::bench(sample_count = 20)]
fn reader(bencher: Bencher) {
    let folder = tempfile::tempdir().expect("a folder");
    let dataset =
        Dataset::open(&samples::bake(folder.path()), Part::Train, None, None).expect("a baked folder");
    let wanted = Wanted::Augmented { row_tokens: 8192, crop: None, reverse_complement: true };
    let options = Options { wanted, rows_per_batch: 1, gap: 64, rank: 0, world: 1, threads: 1 };
    let reader = Reader::new(dataset, options, 0).expect("a reader");
    let bases: i32 = reader.read(0).expect("a batch").window_bases.iter().sum();
    bencher.counter(BytesCount::new(bases as usize)).bench_local(|| reader.read(black_box(0)));
}
