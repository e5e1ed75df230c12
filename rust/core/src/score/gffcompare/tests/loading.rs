//! What becomes a transcript, and on which strand.

use std::path::Path;

use super::gtf;
use crate::gene::Strand;
use crate::score::gffcompare::{evaluate, Feature, Loaded, Options};

fn parse(text: &str, options: &Options) -> Loaded {
    Loaded::parse(Path::new("x"), text.as_bytes(), options).expect("a good text")
}

/// 1-based and closed.
type Exons = Vec<(u32, u32)>;

/// Strand and exons of all transcripts in order.
fn transcripts(text: &str, options: &Options) -> Vec<(Option<Strand>, Exons)> {
    let loaded = parse(text, options);
    let contigs = 0..loaded.contigs().len();
    let of = |contig| {
        let contig = loaded.contig(contig);
        let exons = |at: u32| contig.exons(at).iter().map(|exon| (exon.start + 1, exon.end)).collect();
        let one = |(at, t): (usize, &super::super::transcripts::Transcript)| (t.strand, exons(at as u32));
        contig.transcripts.iter().enumerate().map(one).collect::<Vec<_>>()
    };
    contigs.flat_map(of).collect()
}

fn exons(text: &str) -> Vec<Exons> {
    transcripts(text, &Options::default()).into_iter().map(|(_, exons)| exons).collect()
}

fn gff3(rows: &[(&str, u32, u32, &str)]) -> String {
    let row = |(kind, start, end, names): &(&str, u32, u32, &str)| {
        format!("c\t.\t{kind}\t{start}\t{end}\t.\t+\t.\t{names}\n")
    };
    rows.iter().map(row).collect()
}

#[test]
fn codons_count_and_close_exons_are_one() {
    let text = gtf("CDS", '+', "t", &[(101, 200), (206, 300), (305, 397)])
        + &gtf("stop_codon", '+', "t", &[(398, 400)])
        + &gtf("intron", '+', "t", &[(201, 205)]);
    assert_eq!(exons(&text), [[(101, 200), (206, 400)]]);
    let apart = Options { no_merge: true, feature: Feature::Cds, ..Options::default() };
    assert_eq!(transcripts(&text, &apart)[0].1, [(101, 200), (206, 300), (305, 397)]);
}

#[test]
fn parts_find_their_transcripts() {
    let text = gff3(&[
        ("gene", 1, 900, "ID=g"),
        ("mRNA", 1, 500, "ID=a;Parent=g"),
        ("mRNA", 1, 500, "ID=b;Parent=g"),
        ("exon", 1, 100, "Parent=a,b"),
        ("exon", 401, 500, "Parent=b"),
        ("tRNA", 700, 800, "ID=n;Parent=g"),
        ("CDS", 1001, 1100, "ID=alone"),
    ]);
    let expected = [vec![(1, 100)], vec![(1, 100), (401, 500)], vec![(700, 800)], vec![(1001, 1100)]];
    assert_eq!(exons(&text), expected);
}

#[test]
fn unknown_parents_hide_their_parts() {
    let text = gff3(&[
        ("protein", 1, 90, "ID=p"),
        ("CDS", 1, 90, "Parent=p"),
        ("cDNA_match", 1, 90, "ID=m"),
        ("gene", 201, 400, "ID=g"),
        ("CDS", 201, 300, "Parent=g"),
        ("stop_codon_redefined_as_selenocysteine", 250, 252, "Parent=g"),
        ("exon", 501, 508, "Parent=lost"),
    ]);
    // a gene with a CDS of its own is a transcript; a lone part of 8 bases is not
    assert_eq!(exons(&text), [[(201, 300)]]);
}

#[test]
fn names_may_come_back_on_other_contigs_and_strands() {
    let text = gtf("exon", '+', "t", &[(1, 100), (201, 300)]);
    let elsewhere = text.replace("c\t.", "d\t.");
    let turned = text.replace('+', "-");
    assert_eq!(exons(&(text + &elsewhere + &turned)).len(), 3);
}

#[test]
fn a_cds_on_a_gene_goes_to_its_gene_segment() {
    let text = gff3(&[
        ("gene", 1, 500, "ID=g"),
        ("V_gene_segment", 1, 500, "ID=v;Parent=g"),
        ("exon", 1, 100, "Parent=v"),
        ("exon", 201, 500, "Parent=v"),
        ("CDS", 51, 100, "ID=c;Parent=g"),
        ("CDS", 201, 400, "ID=c;Parent=g"),
    ]);
    assert_eq!(exons(&text), [[(1, 100), (201, 500)]]);
}

#[test]
fn a_transcript_without_a_name_is_an_error() {
    let text = gff3(&[("gene", 1, 500, "ID=g"), ("mRNA", 1, 500, "Parent=g")]);
    let error = Loaded::parse(Path::new("x.gff3"), text.as_bytes(), &Options::default()).expect_err("no ID");
    assert!(error.to_string().starts_with("x.gff3, line 2: a transcript without an ID"));
}

#[test]
fn a_strand_is_borrowed_from_the_best_overlap() {
    let options = Options::default();
    let reference = gtf("exon", '-', "r", &[(1001, 1500)]) + &gtf("exon", '+', "s", &[(1401, 3000)]);
    let unknown = gtf("exon", '.', "u", &[(1001, 1480)]);
    let stats = evaluate(&parse(&reference, &options), &parse(&unknown, &options), &options);
    assert_eq!(stats.rows()[4].tp_prediction, 1);
    // far from all others it stays a false locus of its own, and a reference's is dropped
    let far = gtf("exon", '.', "f", &[(9001, 9100)]);
    let stats = evaluate(&parse(&(reference + &far), &options), &parse(&far, &options), &options);
    assert_eq!((stats.rows()[5].n_reference, stats.rows()[5].n_prediction), (2, 1));
    assert!(stats.original().ends_with("super-loci across all input datasets: 1 \n"));
}

#[test]
fn duplicates_are_dropped_on_demand() {
    let all = Options::default();
    let dropping = Options { drop_duplicates: true, ..all };
    let text =
        gtf("exon", '+', "a", &[(1, 100), (201, 300)]) + &gtf("exon", '+', "b", &[(31, 100), (201, 390)]);
    let counted = |options: &Options| {
        let row = evaluate(&parse(&text, options), &parse(&text, options), options).rows()[4];
        (row.n_reference, row.n_prediction)
    };
    // neither lies within the other, which the reference asks for
    assert_eq!((counted(&all), counted(&dropping)), ((2, 2), (2, 1)));
}

#[test]
fn contigs_can_be_renamed_and_left_out() {
    let options = Options::default();
    let here = gtf("exon", '+', "t", &[(1, 100)]);
    let mut loaded = parse(&(here.replace("c\t.", "d\t.") + &here), &options);
    loaded.rename(|name| format!("chr{name}"));
    assert_eq!(loaded.contigs().collect::<Vec<_>>(), ["chrd", "chrc"]);
    loaded.retain(|name| name == "chrc");
    loaded.rename(|_| "c".into());
    let rows = evaluate(&parse(&here, &options), &loaded, &options).rows();
    assert!(rows.iter().all(|row| row.f1().is_none_or(|f1| f1 == 1.0)));
}
