//! Cases that the original was run on.

use super::{compare_texts, gtf};
use crate::score::gffcompare::{Options, Stats};

/// Sensitivity and precision as printed: exon, intron chain, transcript, locus.
type Levels = [(&'static str, &'static str); 4];

const ALL: (&str, &str) = ("100.0", "100.0");
const NONE: (&str, &str) = ("0.0", "0.0");
const GENE: [(u32, u32); 3] = [(1001, 1300), (2001, 2300), (3001, 3300)];

fn printed(stats: &Stats) -> Vec<(String, String)> {
    let text = stats.original();
    let level = |name: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{name} level:")));
        let mut columns =
            line.map_or("-|-", |line| &line[line.find(':').map_or(0, |at| at + 1)..]).split('|');
        let mut next = || columns.next().unwrap_or_default().trim().to_string();
        (next(), next())
    };
    ["Exon", "Intron chain", "Transcript", "Locus"].map(level).to_vec()
}

fn check(case: &str, reference: &str, prediction: &str, expected: [Levels; 3]) {
    let strict = |end_range| Options { strict: true, end_range, ..Options::default() };
    for (options, expected) in [Options::default(), strict(3), strict(0)].iter().zip(expected) {
        let found = printed(&compare_texts(reference, prediction, options));
        let expected: Vec<_> = expected.iter().map(|(sn, pr)| (sn.to_string(), pr.to_string())).collect();
        assert_eq!(found, expected, "{case} with {options:?}");
    }
}

fn cds(name: &str, parts: &[(u32, u32)]) -> String {
    gtf("CDS", '+', name, parts)
}

const THIRDS: (&str, &str) = ("66.7", "66.7");
const HALF_RIGHT: (&str, &str) = ("100.0", "50.0");
/// No introns on either side: the level is not printed.
const ABSENT: (&str, &str) = ("-", "-");

#[test]
fn wrong_ends() {
    let with = |first: u32, last: u32| cds("p", &[(first, 1300), (2001, 2300), (3001, last)]);
    let (right, ends) = ([ALL; 4], [THIRDS, ALL, NONE, NONE]);
    let gene = cds("r", &GENE);
    check("start codon 30 bases off", &gene, &with(1031, 3300), [right, ends, ends]);
    check("start codon 200 bases off", &gene, &with(1201, 3300), [[THIRDS, ALL, ALL, ALL], ends, ends]);
    check("stop codon left out", &gene, &with(1001, 3297), [right, right, ends]);
}

#[test]
fn single_exons_by_overlap() {
    let one = |start, end| cds("x", &[(start, end)]);
    let (right, wrong) = ([ALL, ABSENT, ALL, ALL], [NONE, ABSENT, NONE, NONE]);
    check("85 %", &one(1001, 1600), &one(1091, 1690), [right, wrong, wrong]);
    check("75 %", &one(1001, 1600), &one(1151, 1750), [wrong, wrong, wrong]);
}

#[test]
fn several_predictions_of_one_gene() {
    let gene = cds("r", &GENE);
    let twice = cds("p", &GENE) + &cds("q", &GENE);
    let half = [ALL, HALF_RIGHT, HALF_RIGHT, ALL];
    check("every prediction twice", &gene, &twice, [half; 3]);
    let off = |name: &str, by: u32| cds(name, &[(1001 - by, 1300), (2001, 2300), (3001, 3300 + by)]);
    let both_wrong = off("p", 20) + &off("q", 40);
    let strict = [("33.3", "20.0"), ("200.0", "100.0"), NONE, NONE];
    let ends_free = [("100.0", "100.0"), HALF_RIGHT, HALF_RIGHT, ALL];
    check("right introns twice, ends wrong", &gene, &both_wrong, [ends_free, strict, strict]);
    let three = gene + &cds("s", &GENE) + &cds("t", &GENE);
    let third = [ALL, ("100.0", "33.3"), ("100.0", "33.3"), ALL];
    check("three isoforms of one CDS on both sides", &three, &three, [third; 3]);
}

#[test]
fn isoforms_and_overlapping_genes() {
    let other = [(1001, 1300), (2101, 2300), (3001, 3300)];
    let two = cds("r", &GENE) + &cds("s", &other);
    let half_found = [("75.0", "100.0"), ("50.0", "100.0"), ("50.0", "100.0"), ALL];
    check("two isoforms, one predicted", &two, &cds("p", &GENE), [half_found; 3]);
    let beside = |name: &str, border: u32| cds(name, &[(3201, border), (4001, 4300)]);
    let genes = cds("r", &GENE) + &beside("s", 3600);
    let one_right = cds("p", &GENE) + &beside("q", 3700);
    let half = ("50.0", "50.0");
    check("two overlapping genes", &genes, &one_right, [[("80.0", "80.0"), half, half, ALL]; 3]);
}

#[test]
fn split_merged_and_turned_genes() {
    let gene = cds("r", &GENE);
    let split = cds("p", &GENE[..1]) + &cds("q", &GENE[1..]);
    check("one gene predicted as two", &gene, &split, [[ALL, NONE, NONE, NONE]; 3]);
    let gap = cds("r", &[(1001, 1300), (1304, 1500)]);
    check("an intron of 3 bases", &gap, &cds("p", &[(1001, 1500)]), [[ALL, ABSENT, ALL, ALL]; 3]);
    let turned = gtf("CDS", '-', "p", &GENE);
    check("wrong strand", &gene, &turned, [[NONE; 4]; 3]);
}

#[test]
fn untranslated_ends() {
    let row = |kind: &str, (start, end): (u32, u32), names: &str| {
        format!("c\t.\t{kind}\t{start}\t{end}\t.\t+\t.\t{names}\n")
    };
    let head = row("gene", (501, 3800), "ID=g") + &row("mRNA", (501, 3800), "ID=t;Parent=g");
    let rows = |kind: &str, parts: [(u32, u32); 3]| -> String {
        parts.iter().map(|&part| row(kind, part, "Parent=t")).collect()
    };
    let coding = head.clone() + &rows("CDS", GENE);
    let whole = coding.clone() + &rows("exon", [(501, 1300), (2001, 2300), (3001, 3800)]);
    let third = ("33.3", "33.3");
    let strict = [third, ALL, NONE, NONE];
    check("UTRs in the reference", &whole, &coding, [[third, ALL, ALL, ALL], strict, strict]);
    check("the same without exon rows", &coding, &coding, [[ALL; 4]; 3]);
}

#[test]
fn nothing_of_nothing_is_printed_as_in_c() {
    let stats = compare_texts(&cds("r", &GENE), &cds("p", &GENE[..1]), &Options::default());
    assert!(stats.original().contains("\n      Intron level:     0.0     |    -nan    |\n"));
    let empty = compare_texts(&cds("r", &GENE), "", &Options::default()).original();
    assert!(empty.contains("(0 multi-transcript loci, ~-nan transcripts per locus)"));
    assert!(empty.ends_with("(1 multi-exon)\n\n Total union super-loci across all input datasets: 0 \n"));
}
