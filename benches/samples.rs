//! Input for the benches of whole files: genomes, annotations, lengths and a baked folder.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use genet5_core::bake::{Baker, Parts, Progress, Settings, SpeciesSettings};
use genet5_core::grammar::GrammarConfig;
use genet5_core::random::Random;

use crate::data::{letters, tokenizer};

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
    let baker = Baker::open(&raw, &out, settings, &file, Parts { train: true, eval: false }, true, false)
        .expect("opened");
    baker.bake(0, &Progress::default(), &AtomicBool::new(false)).expect("baked");
    out
}
