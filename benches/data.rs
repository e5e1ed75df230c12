//! Input for the benches: random DNA, genes and a vocabulary, the same bytes in every run.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use genet5_core::bake::{Baker, Parts, Progress, Settings, SpeciesSettings};
use genet5_core::grammar::GrammarConfig;
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

/// FASTA text of contigs with 60 letters a line.
pub fn fasta(contigs: usize, bases: usize) -> Vec<u8> {
    let mut text = Vec::new();
    for contig in 0..contigs {
        let written = genet5_core::fasta::write_record(&mut text, &format!("chr{contig}"), &letters(bases));
        written.expect("memory takes everything");
    }
    text
}

/// GFF3 text: genes of two transcripts with six exons each.
pub fn gff3(genes: u32) -> Vec<u8> {
    let mut text = String::from("##gff-version 3\n");
    for gene in 0..genes {
        let (contig, start) = (gene / 2000, 1000 + gene % 2000 * 5000);
        let row = |kind: &str, from: u32, to: u32, phase: &str, column: &str| {
            let (from, to) = (start + from, start + to);
            format!("chr{contig}\tbench\t{kind}\t{from}\t{to}\t.\t+\t{phase}\t{column}\n")
        };
        text +=
            &row("gene", 0, 2199, ".", &format!("ID=gene{gene:06};Name=gene {gene};biotype=protein_coding"));
        for transcript in 1..=2 {
            let name = format!("gene{gene:06}.t{transcript}");
            text += &row("mRNA", 0, 2199, ".", &format!("ID={name};Parent=gene{gene:06}"));
            for exon in 0..6 {
                let (from, to) = (exon * 400, exon * 400 + 149 + 50 * (transcript - 1));
                text += &row("exon", from, to, ".", &format!("ID={name}.exon{exon};Parent={name}"));
                let phase = if transcript == 1 { 0 } else { exon };
                text +=
                    &row("CDS", from, to, &(phase % 3).to_string(), &format!("ID={name}.cds;Parent={name}"));
            }
        }
        let _ = writeln!(text, "###");
    }
    text.into_bytes()
}

/// A vocabulary of 4,096 tokens learnt from random letters.
pub fn tokenizer() -> Tokenizer {
    let mut corpus = Corpus::new(1000).expect("a length");
    corpus.add(&letters(400_000)).expect("room");
    let options = TrainOptions { max_token_length: 32, ..TrainOptions::default() };
    train(corpus, &options, &mut |_, _| {}, &AtomicBool::new(false)).expect("a vocabulary")
}

/// Lengths from 1 to 4,000.
pub fn lengths(count: usize) -> Vec<u32> {
    let mut random = Random::new(&[count as u64]);
    (0..count).map(|_| 1 + random.below(4000) as u32).collect()
}

/// Writes a baked folder of one small species and returns its path.
pub fn bake(folder: &Path) -> PathBuf {
    let (raw, out, file) = (folder.join("raw"), folder.join("baked"), folder.join("tokenizer.json"));
    let species = raw.join("B.enchmark");
    std::fs::create_dir_all(&species).expect("a folder");
    std::fs::write(species.join("fna"), fasta(1, 1_000_000)).expect("written");
    std::fs::write(species.join("gff"), gff3(190)).expect("written");
    tokenizer().save(&file).expect("written");
    let settings = Settings {
        format: 0,
        genet5: String::new(),
        tokenizer_hash: String::new(),
        vocab_size: 0,
        window_size: 20_000,
        stride: 7_358,
        empty_share: 0.1,
        keep_invalid: true,
        eval_samples: 0,
        seed: 0,
        grammar: GrammarConfig::default(),
        species: vec![SpeciesSettings {
            name: "B.enchmark".into(),
            genetic_code: 1,
            held_out: false,
            held_out_contigs: Vec::new(),
            held_out_share: 0.0,
            files: Vec::new(),
        }],
    };
    let baker =
        Baker::open(&raw, &out, settings, &file, Parts { train: true, eval: false }, true).expect("opened");
    baker.bake(0, &Progress::default(), &AtomicBool::new(false)).expect("baked");
    out
}
