//! The lattice against brute force and against itself.

use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::automaton::{Automaton, COLUMNS, MAX_CODING, MIRROR};
use super::forward::{add, Ends};
use super::loss::marginals;
use super::reference::{all_genes, is_gene, score, sums};
use super::view::View;
use super::{DecodedGene, Decoder, Lattice, POTENTIALS};
use crate::dna;
use crate::genetic_code::GeneticCode;
use crate::grammar::GrammarConfig;

fn config(genetic_code: u8, table_starts: bool) -> GrammarConfig {
    GrammarConfig { genetic_code, table_starts, min_intron: 4, max_intron: 0 }
}

fn lattice(config: &GrammarConfig) -> Lattice {
    Lattice::new(config).expect("a valid configuration")
}

/// Short sequences rich in signals of both strands.
fn sequence(pieces: usize) -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "A",
        "C",
        "G",
        "T",
        "N",
        "ATG",
        "CAT",
        "TAA",
        "TTA",
        "TGA",
        "TCA",
        "TAG",
        "CTA",
        "GT",
        "AC",
        "GC",
        "AG",
        "CT",
        "AT",
        "ATGGTAAGTAA",
        "TTACTACCAT",
        "AATGTCAGTGA",
        "AGTAGTG",
        "CACTACT",
        "TGTAGAA",
        "TTCTACA",
        "TAATACA",
        "TGTATTA",
        "TCATGACATAC",
        "CTTATGATACGA",
    ];
    let piece = proptest::sample::select(words.to_vec());
    proptest::collection::vec(piece, 0..=pieces).prop_map(|list| dna::encode(list.concat().as_bytes()))
}

/// Potentials from a seed.
fn potentials(bases: usize, seed: u64, width: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut random = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..bases * POTENTIALS).map(|_| (random() - 0.5) * width).collect()
}

fn codes_to_try() -> impl Strategy<Value = GrammarConfig> {
    proptest::sample::select(vec![config(1, false), config(6, false), config(12, true), config(4, true)])
}

fn decode(mut decoder: Decoder, codes: &[u8], potentials: &[f32], block: usize) -> Vec<DecodedGene> {
    let stop = AtomicBool::new(false);
    let mut genes = Vec::new();
    for (codes, potentials) in codes.chunks(block).zip(potentials.chunks(block * POTENTIALS)) {
        genes.extend(decoder.push(codes, potentials, &stop).expect("valid potentials"));
    }
    genes.extend(decoder.finish(&stop).expect("an annotation"));
    genes
}

fn mirrored(potentials: &[f32]) -> Vec<f32> {
    let rows = potentials.chunks_exact(POTENTIALS).rev();
    rows.flat_map(|row| MIRROR.map(|column| row[column])).collect()
}

fn mirrored_labels(labels: &[u8]) -> Vec<u8> {
    labels.iter().rev().map(|&l| if l == 255 { l } else { MIRROR[l as usize] as u8 }).collect()
}

/// The labels of the best annotation, some of them unknown.
fn labels_of(genes: &[DecodedGene], bases: usize, hidden: u64) -> Vec<u8> {
    let mut labels = vec![0u8; bases];
    for gene in genes {
        let minus = u8::from(gene.model.strand == crate::gene::Strand::Minus);
        labels[gene.model.start() as usize..gene.model.end() as usize].fill(7 + minus);
        let mut coding: Vec<u32> = gene.model.segments.iter().flat_map(|s| s.start..s.end).collect();
        if minus == 1 {
            coding.reverse();
        }
        for (i, &base) in coding.iter().enumerate() {
            labels[base as usize] = 1 + 3 * minus + (i % 3) as u8;
        }
    }
    for (i, label) in labels.iter_mut().enumerate() {
        if hidden >> (i % 64) & 3 == 0 {
            *label = 255;
        }
    }
    labels
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_over_whole_annotations_equal_brute_force(
        codes in sequence(7), seed: u64, config in codes_to_try(),
    ) {
        let potentials = potentials(codes.len(), seed, 3.0);
        let genes = all_genes(&codes, &config);
        let (left, right) = (sums(&genes, &potentials, false, add), sums(&genes, &potentials, true, add));
        let view = View { codes: &codes, potentials: &potentials, labels: None, mirrored: false };
        let automaton = lattice(&config).automaton;
        let (total, expected) = marginals(&automaton, view, Ends::Closed, 4).expect("a path");
        prop_assert!((total - right[0]).abs() < 1e-9, "{total} {}", right[0]);
        prop_assert!((left[codes.len()] - right[0]).abs() < 1e-9);
        // what the genes say about every potential
        let mut wanted = vec![0.0; codes.len() * COLUMNS];
        for gene in &genes {
            let (start, end) = (gene.start() as usize, gene.end() as usize);
            let share = (left[start] + score(gene, &potentials) + right[end] - total).exp();
            for (i, slot) in wanted.iter_mut().enumerate().take(end * COLUMNS).skip(start * COLUMNS) {
                let mut unit = vec![0.0; potentials.len()];
                unit[i] = 1.0;
                *slot += share * score(gene, &unit);
            }
        }
        for base in 0..codes.len() {
            let labelled: f64 = wanted[base * COLUMNS + 1..base * COLUMNS + 9].iter().sum();
            wanted[base * COLUMNS] = 1.0 - labelled;
        }
        for (i, (e, w)) in expected.iter().zip(&wanted).enumerate() {
            prop_assert!((e - w).abs() < 1e-9, "base {} column {}: {e} {w}", i / COLUMNS, i % COLUMNS);
        }
    }

    #[test]
    fn the_decoder_finds_the_best_annotation_and_the_probability_of_its_genes(
        codes in sequence(8), seed: u64, config in codes_to_try(), max_intron in 0u32..14, tile in 1usize..60,
    ) {
        let config = GrammarConfig { max_intron: if max_intron < 4 { 0 } else { max_intron }, ..config };
        let potentials = potentials(codes.len(), seed, 3.0);
        let genes = all_genes(&codes, &config);
        let best = sums(&genes, &potentials, true, f64::max)[0];
        let found = decode(Decoder::new(lattice(&config), tile, 100), &codes, &potentials, 13);
        let mut total = 0.0;
        let mut last = 0;
        for gene in &found {
            prop_assert!(genes.contains(&gene.model), "{:?}", gene.model);
            prop_assert!((gene.score - score(&gene.model, &potentials)).abs() < 1e-9);
            prop_assert!(gene.model.start() >= last);
            total += (last..gene.model.start()).map(|b| f64::from(potentials[b as usize * 17])).sum::<f64>();
            total += gene.score;
            last = gene.model.end();
        }
        total += (last..codes.len() as u32).map(|b| f64::from(potentials[b as usize * 17])).sum::<f64>();
        prop_assert!((total - best).abs() < 1e-9, "{total} {best}");
        let unlimited = all_genes(&codes, &GrammarConfig { max_intron: 0, ..config });
        let left = sums(&unlimited, &potentials, false, add);
        let right = sums(&unlimited, &potentials, true, add);
        for gene in &found {
            let (start, end) = (gene.model.start() as usize, gene.model.end() as usize);
            let wanted = (left[start] + gene.score + right[end] - right[0]).exp();
            prop_assert!((gene.probability - wanted).abs() < 1e-9, "{} {wanted}", gene.probability);
        }
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss(codes in sequence(10), seed: u64, hidden: u64) {
        let config = config(1, false);
        let lattice = lattice(&config);
        let mut potentials = potentials(codes.len(), seed, 4.0);
        let genes = decode(lattice.decoder(), &codes, &potentials, 1000);
        let labels = labels_of(&genes, codes.len(), hidden);
        let loss = lattice.loss(&codes, &potentials, &labels).expect("valid").expect("feasible");
        prop_assert!(loss.nll > -1e-9);
        for i in (0..potentials.len()).step_by(7) {
            let old = potentials[i];
            let mut at = |x: f32| {
                potentials[i] = x;
                lattice.loss(&codes, &potentials, &labels).expect("valid").expect("feasible").nll
            };
            let (up, down) = (old + 0.01, old - 0.01);
            let slope = (at(up) - at(down)) / f64::from(up - down);
            potentials[i] = old;
            prop_assert!((slope - f64::from(loss.gradient[i])).abs() < 2e-5, "{slope} {}", loss.gradient[i]);
        }
    }

    #[test]
    fn the_minus_strand_is_the_mirror_image(codes in sequence(12), seed: u64, hidden: u64, n: bool) {
        let config = config(if n { 1 } else { 6 }, n);
        let lattice = lattice(&config);
        let potentials = potentials(codes.len(), seed, 4.0);
        let genes = decode(lattice.decoder(), &codes, &potentials, 1000);
        let labels = labels_of(&genes, codes.len(), hidden);
        let (other, turned) = (dna::reverse_complement(&codes), mirrored(&potentials));
        let here = lattice.loss(&codes, &potentials, &labels).expect("valid").expect("feasible");
        let there = lattice.loss(&other, &turned, &mirrored_labels(&labels)).expect("valid").expect("feasible");
        prop_assert!((here.nll - there.nll).abs() < 1e-9);
        for (a, b) in mirrored(&here.gradient).iter().zip(&there.gradient) {
            prop_assert!((a - b).abs() < 1e-6);
        }
        let turned_genes = decode(lattice.decoder(), &other, &turned, 1000);
        let total = |genes: &[DecodedGene], pots: &[f32]| {
            let inside = |b: &usize| genes.iter().any(|g| (g.model.start()..g.model.end()).contains(&(*b as u32)));
            let outside = (0..codes.len()).filter(|b| !inside(b)).map(|b| f64::from(pots[b * POTENTIALS]));
            outside.sum::<f64>() + genes.iter().map(|g| g.score).sum::<f64>()
        };
        prop_assert!((total(&genes, &potentials) - total(&turned_genes, &turned)).abs() < 1e-9);
    }

    #[test]
    fn labels_of_a_base_sum_to_one(codes in sequence(30), seed: u64) {
        let lattice = lattice(&GrammarConfig::default());
        let marginals = lattice.label_marginals(&codes, &potentials(codes.len(), seed, 6.0)).expect("a path");
        for row in marginals.chunks(9) {
            prop_assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn blocks_and_tiles_change_nothing(
        codes in sequence(600), seed: u64, block in 1usize..400, tile in 1usize..300, max_intron in 0u32..200,
    ) {
        let max_intron = if max_intron < 100 { 0 } else { max_intron };
        let config = GrammarConfig { max_intron, ..GrammarConfig::default() };
        let mut potentials = potentials(codes.len(), seed, 3.0);
        potentials.chunks_mut(POTENTIALS).for_each(|row| row[0] += 0.3);
        let whole = decode(lattice(&config).decoder(), &codes, &potentials, codes.len().max(1));
        let pieces = decode(lattice(&config).decoder(), &codes, &potentials, block);
        prop_assert_eq!(&whole, &pieces);
        // a margin that reaches the end is exact; a short one sees an open end, which only probabilities feel
        let exact = decode(Decoder::new(lattice(&config), tile, codes.len() + 1), &codes, &potentials, block);
        let short = decode(Decoder::new(lattice(&config), tile, 150), &codes, &potentials, block);
        let models = |genes: &[DecodedGene]| genes.iter().map(|g| g.model.clone()).collect::<Vec<_>>();
        prop_assert_eq!(models(&whole), models(&exact));
        prop_assert_eq!(models(&whole), models(&short));
        for (a, b) in whole.iter().zip(&exact) {
            prop_assert!(is_gene(&a.model, &codes, &config));
            let code = GeneticCode::ncbi(config.genetic_code).expect("table 1");
            prop_assert_eq!(crate::validate::check(&a.model, &codes, &config, &code), Ok(()));
            prop_assert!((a.probability - b.probability).abs() < 1e-9, "{} {}", a.probability, b.probability);
        }
    }
}

/// Beyond some genes the far end no longer matters.
#[test]
fn a_margin_of_many_genes_decides_the_probabilities() {
    let config = GrammarConfig::default();
    let codes: Vec<u8> = potentials(1000, 5, 8.0)[..12_000].iter().map(|p| ((p + 4.0) / 2.0) as u8).collect();
    let mut potentials = potentials(codes.len(), 6, 3.0);
    potentials.chunks_mut(POTENTIALS).for_each(|row| row[0] += 0.3);
    let whole = decode(lattice(&config).decoder(), &codes, &potentials, codes.len());
    let tiles = decode(Decoder::new(lattice(&config), 1000, 2000), &codes, &potentials, 777);
    assert!(whole.len() > 30);
    assert_eq!(whole.len(), tiles.len());
    for (a, b) in whole.iter().zip(&tiles) {
        assert!((a.probability - b.probability).abs() < 1e-3, "{} {}", a.probability, b.probability);
    }
}

#[test]
fn every_genetic_code_fits() {
    for table in 1..=33 {
        let Ok(code) = GeneticCode::ncbi(table) else { continue };
        for table_starts in [false, true] {
            let automaton = Automaton::new(&code, table_starts);
            assert!(automaton.coding <= MAX_CODING, "table {table}: {}", automaton.coding);
        }
    }
    assert_eq!(Automaton::new(&GeneticCode::ncbi(1).expect("table 1"), false).coding, 9);
}

#[test]
fn the_mirror_is_its_own_inverse() {
    (0..COLUMNS).for_each(|c| assert_eq!(MIRROR[MIRROR[c]], c));
}

#[test]
fn tiny_windows_work() {
    let lattice = lattice(&GrammarConfig::default());
    assert_eq!(lattice.loss(&[], &[], &[]).expect("valid").expect("feasible").nll, 0.0);
    assert!(decode(lattice.decoder(), &[], &[], 1).is_empty());
    for code in 0..=4 {
        let potentials = vec![0.0; POTENTIALS];
        let marginals = lattice.label_marginals(&[code], &potentials).expect("a path");
        assert!((marginals.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!(code < 4 || marginals[1..7].iter().sum::<f32>() == 0.0);
        assert!(decode(lattice.decoder(), &[code], &potentials, 1).is_empty());
    }
}

#[test]
fn labels_that_no_path_has_give_no_loss() {
    let lattice = lattice(&GrammarConfig::default());
    let codes = dna::encode(b"ACGTACGT");
    let potentials = vec![0.0; codes.len() * POTENTIALS];
    let impossible = [0, 0, 1, 3, 0, 0, 0, 0];
    assert_eq!(lattice.loss(&codes, &potentials, &impossible).expect("valid"), None);
    let coding_n = lattice.loss(&[0, 4, 0], &potentials[..51], &[255, 2, 255]).expect("valid");
    assert_eq!(coding_n, None);
}

#[test]
fn a_score_far_behind_is_not_lost() {
    // intergenic is 2000 nats ahead before the gene's score turns up
    let codes = dna::encode(format!("CATG{}TAAC", "GAA".repeat(300)).as_bytes());
    let mut potentials = vec![0.0; codes.len() * POTENTIALS];
    for (base, row) in potentials.chunks_mut(POTENTIALS).enumerate() {
        row[0] = if base < 400 { 5.0 } else { -9.0 };
    }
    let genes = decode(lattice(&GrammarConfig::default()).decoder(), &codes, &potentials, 100);
    assert_eq!((genes[0].model.start(), genes[0].model.end()), (1, codes.len() as u32 - 1));
    assert!(genes[0].probability > 0.999);
}

#[test]
fn bad_potentials_are_refused_by_place() {
    let lattice = lattice(&GrammarConfig::default());
    let mut potentials = vec![0.0; 3 * POTENTIALS];
    potentials[POTENTIALS + 2] = f32::NAN;
    let message = lattice.loss(&[0, 1, 2], &potentials, &[0, 0, 0]).expect_err("NaN").to_string();
    assert!(message.contains("column 2 of base 1"), "{message}");
    assert!(lattice.label_marginals(&[0, 1], &potentials).is_err());
}
