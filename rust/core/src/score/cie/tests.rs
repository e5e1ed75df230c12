//! The original's own output, the synthetic cases of the definitions, and plain strings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Loaded {
    Loaded::parse(Path::new("x.gtf"), text.as_bytes()).expect("legal")
}

/// A CDS row of a transcript `gene.n`.
fn cds(gene: &str, transcript: &str, strand: char, (start, end, phase): (u32, u32, u8)) -> String {
    let ids = format!("gene_id \"{gene}\"; transcript_id \"{transcript}\";");
    format!("chr\ts\tCDS\t{start}\t{end}\t.\t{strand}\t{phase}\t{ids}\n")
}

fn transcript(gene: &str, name: &str, chain: &[(u32, u32, u8)]) -> String {
    chain.iter().map(|&segment| cds(gene, name, '+', segment)).collect()
}

/// Sensitivity and precision in percent of CDS, transcripts and genes.
fn scores(reference: &str, prediction: &str) -> [String; 3] {
    let (reference, prediction) = (parse(reference), parse(prediction));
    [Level::Cds, Level::Trans, Level::Gene].map(|at| {
        let row = level(&reference, &prediction, at, true).expect("comparable");
        let percent = |share: Option<f64>| format!("{:.1}", 100.0 * share.expect("not empty"));
        percent(row.sensitivity()) + "/" + &percent(row.precision())
    })
}

const GENE: [(u32, u32, u8); 3] = [(100, 199, 0), (300, 399, 2), (500, 599, 1)];

#[test]
fn ends_that_are_off() {
    let reference = transcript("g", "t", &GENE);
    let in_frame = transcript("p", "p", &[(130, 199, 0), GENE[1], GENE[2]]);
    assert_eq!(scores(&reference, &in_frame), ["66.7/66.7", "0.0/0.0", "0.0/0.0"]);
    let shifted = transcript("p", "p", &[(101, 199, 0), (300, 399, 0), (500, 599, 2)]);
    assert_eq!(scores(&reference, &shifted), ["0.0/0.0", "0.0/0.0", "0.0/0.0"]);
    let without_stop = transcript("p", "p", &[GENE[0], GENE[1], (500, 596, 1)]);
    assert_eq!(scores(&reference, &without_stop), ["66.7/66.7", "0.0/0.0", "0.0/0.0"]);
}

#[test]
fn single_exons_that_overlap_are_not_equal() {
    let reference = transcript("g", "t", &[(1, 100, 0)]);
    for end in [85, 75] {
        let prediction = transcript("p", "p", &[(1, end, 0)]);
        assert_eq!(scores(&reference, &prediction), ["0.0/0.0", "0.0/0.0", "0.0/0.0"]);
    }
}

#[test]
fn copies_count_once() {
    let reference = transcript("g", "t", &GENE);
    let twice = transcript("p", "p", &GENE) + &transcript("q", "q", &GENE);
    assert_eq!(scores(&reference, &twice), ["100.0/100.0"; 3]);
    let isoforms = ["a", "b", "c"].map(|name| transcript("g", name, &GENE)).concat();
    let predicted = ["x", "y", "z"].map(|name| transcript("p", name, &GENE)).concat();
    assert_eq!(scores(&isoforms, &predicted), ["100.0/100.0"; 3]);
}

#[test]
fn right_chains_with_wrong_ends() {
    let six: Vec<(u32, u32, u8)> = (0..6).map(|i| (1000 * i + 1, 1000 * i + 300, 0)).collect();
    let wrong = |by: u32| {
        let mut chain = six.clone();
        chain[0].0 += by;
        chain[5].1 -= by;
        transcript(&format!("p{by}"), &format!("p{by}"), &chain)
    };
    let found = scores(&transcript("g", "t", &six), &(wrong(3) + &wrong(6)));
    assert_eq!(found, ["66.7/50.0", "0.0/0.0", "0.0/0.0"]);
}

#[test]
fn one_isoform_of_two_finds_the_gene() {
    let other = [GENE[0], GENE[1], (700, 799, 1)];
    let reference = transcript("g", "t", &GENE) + &transcript("g", "u", &other);
    assert_eq!(scores(&reference, &transcript("p", "p", &GENE)), ["75.0/100.0", "50.0/100.0", "100.0/100.0"]);
}

#[test]
fn genes_split_bridged_and_on_the_wrong_strand() {
    let reference = transcript("g", "t", &GENE);
    let split = transcript("p", "p", &GENE[..1]) + &transcript("q", "q", &[(300, 399, 0), (500, 599, 2)]);
    assert_eq!(scores(&reference, &split), ["33.3/33.3", "0.0/0.0", "0.0/0.0"]);
    let short_intron = transcript("g", "t", &[(100, 199, 0), (203, 299, 2), (400, 499, 0)]);
    let bridged = transcript("p", "p", &[(100, 299, 0), (400, 499, 0)]);
    assert_eq!(scores(&short_intron, &bridged), ["33.3/50.0", "0.0/0.0", "0.0/0.0"]);
    let other_strand: String = GENE.iter().map(|&segment| cds("p", "p", '-', segment)).collect();
    assert_eq!(scores(&reference, &other_strand), ["0.0/0.0", "0.0/0.0", "0.0/0.0"]);
}

#[test]
fn predicted_genes_take_the_names_of_what_they_find() {
    let one = |gene: &str, start: u32| transcript(gene, &format!("{gene}{start}"), &[(start, start + 8, 0)]);
    // two predicted genes on one gene count once
    let found = scores(&(one("g", 1) + &one("g", 101)), &(one("p", 1) + &one("q", 101)));
    assert_eq!(found[2], "100.0/100.0");
    // one predicted gene over two genes finds one
    let found = scores(&(one("g", 1) + &one("h", 101)), &(one("p", 1) + &one("p", 101)));
    assert_eq!(found[2], "50.0/100.0");
}

#[test]
fn a_chain_belongs_to_its_first_transcript_by_name() {
    let own = transcript("other", "z", &[(900, 999, 0)]);
    let reference = transcript("late", "b", &GENE) + &transcript("early", "a", &GENE) + &own;
    let reference = parse(&reference);
    // gene "late" owns no chain and does not exist
    let row = level(&reference, &reference, Level::Gene, true).expect("comparable");
    assert_eq!((row.n_reference, row.tp_reference), (2, 2));
}

#[test]
fn what_the_original_refuses_is_an_error() {
    let good = parse(&transcript("g", "t", &GENE));
    let nameless = parse("chr\ts\tCDS\t1\t9\t.\t+\t0\tgene_id \"g\"\n");
    assert!(level(&good, &nameless, Level::Cds, true).is_ok());
    let message = level(&good, &nameless, Level::Trans, true).expect_err("nameless").to_string();
    assert!(message.starts_with("x.gtf, line 1: "), "{message}");
    let message = level(&good, &good, Level::Intron, true).expect_err("no introns").to_string();
    assert!(message.contains("no intron rows"), "{message}");
    let levels: Vec<&str> =
        evaluate(&good, &good, true).expect("comparable").iter().map(|row| row.level).collect();
    assert_eq!(levels, ["exon", "transcript", "gene"]);
    assert!(level(&good, &parse(""), Level::Cds, true).is_err());
    assert!(original(&good, &parse(""), Level::Gene, true).is_err());
}

#[test]
fn complaints_about_odd_lines_come_first() {
    let odd = parse(&("chr\ts\tCDS\t1\t9\t.\t?\t0\tx\n".to_owned() + &transcript("g", "t", &GENE)));
    assert_eq!(odd.passed_over(), 1);
    let printed = original(&odd, &odd, Level::Cds, true).expect("comparable");
    let warning = "warning, unxpected line format found in gff: chr\ts\tCDS\t1\t9\t.\t?\t0\tx\n\n";
    let rows = "\n3\t3\t0\t100.00\tx.gtf\n3\t3\t0\t100.00\tx.gtf\n\n";
    assert_eq!(printed, warning.repeat(2) + rows);
}

#[test]
fn gff3_parents_are_transcripts_and_their_topmost_parents_genes() {
    let text = "##gff-version 3\n\
                chr\ts\tCDS\t1\t10\t.\t+\t0\tID=c;Parent=t,u\n\
                chr\ts\tCDS\t21\t31\t.\t+\t2\tID=c;Parent=t\n\
                chr\ts\tmRNA\t1\t40\t.\t+\t.\tID=t;Parent=g\n\
                chr\ts\tmRNA\t1\t40\t.\t+\t.\tID=u;Parent=g\n\
                chr\ts\tCDS\t51\t59\t.\t-\t0\tID=lone\n";
    let found = parse(text);
    let n = |at: Level| level(&found, &found, at, true).expect("comparable").n_reference;
    assert_eq!(Level::ALL.map(n), [3, 1, 2, 3, 3, 2]);
    let message = Loaded::parse(Path::new("x.gff3"), text.replace("51\t59", "59\t51").as_bytes());
    assert!(message.expect_err("reversed").to_string().starts_with("x.gff3, line 6: "));
}

/// The folder of golden pairs, if this checkout has one beside it.
fn golden() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    folder.is_dir().then_some(folder)
}

#[test]
fn golden_files_come_out_byte_for_byte() {
    let Some(golden) = golden() else {
        eprintln!("skipped: the golden pairs of ../shared are not beside the repository");
        return;
    };
    let mut compared = 0;
    for pair in std::fs::read_dir(golden).expect("listing").flatten().filter(|pair| pair.path().is_dir()) {
        for extension in ["gtf", "gff3"] {
            let read = |side: &str| {
                let file = pair.path().join(format!("{side}.{extension}.gz"));
                let mut loaded = Loaded::read(file).expect("readable");
                loaded.path = format!("{side}.gtf").into();
                loaded
            };
            let (reference, prediction) = (read("ref"), read("pred"));
            for at in Level::ALL {
                for (phase, suffix) in [(true, ""), (false, ".no_phase")] {
                    let name = format!("expected/cie.{}{suffix}.txt", at.name());
                    let expected = std::fs::read_to_string(pair.path().join(name)).expect("readable");
                    let printed = original(&reference, &prediction, at, phase).expect("comparable");
                    assert_eq!(printed, expected, "{} {at:?} {phase} {extension}", pair.path().display());
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 0, "the folder of golden pairs is empty");
}

/// Contig, start, end, strand and phase of a CDS row, its gene and its transcript.
type Item = (u8, u32, u32, char, u8, u8, u8);

fn gtf(items: &[Item], number: impl Fn(u8) -> u8) -> String {
    let row = |&(contig, start, end, strand, phase, gene, transcript): &Item| {
        let contig = number(contig);
        format!(
            "c{contig}\ts\tCDS\t{start}\t{end}\t.\t{strand}\t{phase}\t\
             gene_id \"g{gene}\"; transcript_id \"t{transcript}\";\n"
        )
    };
    items.iter().map(row).collect()
}

/// Keys, chains in order of first appearance with their genes: all as plain text.
fn plain(items: &[Item], phase: bool) -> (BTreeSet<String>, Vec<(BTreeSet<String>, String)>) {
    let mut order: Vec<u8> = Vec::new();
    let mut chains: BTreeMap<u8, BTreeSet<String>> = BTreeMap::new();
    let mut genes: BTreeMap<u8, u8> = BTreeMap::new();
    for &(contig, start, end, strand, frame, gene, transcript) in items {
        let key = format!("c{contig}_{start}_{end}_{strand}");
        let key = if phase { format!("{key}_{frame}") } else { key };
        if !order.contains(&transcript) {
            order.push(transcript);
        }
        chains.entry(transcript).or_default().insert(key);
        genes.insert(transcript, gene);
    }
    let owner = |chain: &BTreeSet<String>| {
        let mut equal: Vec<String> =
            chains.iter().filter(|(_, other)| *other == chain).map(|(name, _)| format!("t{name}")).collect();
        equal.sort();
        let first: u8 = equal[0][1..].parse().expect("a number");
        format!("g{}", genes[&first])
    };
    let mut owned: Vec<(BTreeSet<String>, String)> = Vec::new();
    for name in &order {
        if owned.iter().all(|(chain, _)| *chain != chains[name]) {
            owned.push((chains[name].clone(), owner(&chains[name])));
        }
    }
    (chains.values().flatten().cloned().collect(), owned)
}

fn plain_genes(a: &[(BTreeSet<String>, String)], b: &[(BTreeSet<String>, String)]) -> (u64, u64, u64) {
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    for (chain, gene) in b {
        if let Some((_, name)) = a.iter().find(|(other, _)| other == chain) {
            renamed.insert(gene.clone() + " f2", name.clone() + " f1");
        }
    }
    let first: BTreeSet<String> = a.iter().map(|(_, gene)| gene.clone() + " f1").collect();
    let second = b.iter().map(|(_, gene)| gene.clone() + " f2");
    let second: BTreeSet<String> = second.map(|gene| renamed.get(&gene).cloned().unwrap_or(gene)).collect();
    (first.intersection(&second).count() as u64, first.len() as u64, second.len() as u64)
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let item = (0..3u8, 1..4u32, 4..6u32, prop_oneof![Just('+'), Just('-')], 0..2u8, 0..4u8, 0..12u8);
    prop::collection::vec(item, 1..30)
}

proptest! {
    #[test]
    fn equals_sets_of_plain_strings(a in items(), b in items(), phase: bool) {
        let (reference, prediction) = (parse(&gtf(&a, |c| c)), parse(&gtf(&b, |c| c)));
        let row = |at| level(&reference, &prediction, at, phase).expect("comparable");
        let numbers = |row: Row| (row.tp_reference, row.n_reference, row.n_prediction);
        let ((keys_a, chains_a), (keys_b, chains_b)) = (plain(&a, phase), plain(&b, phase));
        let both = keys_a.intersection(&keys_b).count() as u64;
        prop_assert_eq!(numbers(row(Level::Cds)), (both, keys_a.len() as u64, keys_b.len() as u64));
        let both = chains_a.iter().filter(|(a, _)| chains_b.iter().any(|(b, _)| a == b)).count() as u64;
        prop_assert_eq!(numbers(row(Level::Trans)), (both, chains_a.len() as u64, chains_b.len() as u64));
        prop_assert_eq!(numbers(row(Level::Gene)), plain_genes(&chains_a, &chains_b));
    }

    #[test]
    fn the_order_of_contigs_does_not_matter(a in items(), phase: bool) {
        let (one, other) = (parse(&gtf(&a, |c| c)), parse(&gtf(&a.iter().rev().copied().collect::<Vec<_>>(), |c| c)));
        for at in [Level::Cds, Level::Trans] {
            let row = level(&one, &other, at, phase).expect("comparable");
            prop_assert_eq!((row.tp_reference, row.tp_prediction), (row.n_reference, row.n_prediction));
        }
    }
}

#[test]
fn a_file_without_cds_rows_has_no_keys() {
    let good = parse(&transcript("g", "t", &GENE));
    let rows = evaluate(&good, &parse(""), true).expect("an empty side");
    let found: Vec<_> =
        rows.iter().map(|row| (row.level, row.tp_reference, row.n_reference, row.n_prediction)).collect();
    assert_eq!(found, [("exon", 0, 3, 0), ("transcript", 0, 1, 0), ("gene", 0, 1, 0)]);
}
