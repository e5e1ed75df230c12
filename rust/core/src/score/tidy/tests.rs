use super::*;
use crate::annotation::{self, Feature};
use crate::gene::Interval;
use crate::score::set::{GeneSet, Isoforms, Selection};
use crate::score::{cie, gffcompare, gt_eval, Row};
use proptest::prelude::*;

/// Every gene with its contig, name and chains.
fn listed(set: &GeneSet) -> Vec<(String, String, Strand, Vec<Vec<Interval>>)> {
    set.genes()
        .map(|gene| {
            let chains = gene.chains().map(|chain| chain.segments.to_vec()).collect();
            (set.contigs[gene.contig() as usize].clone(), gene.id().to_string(), gene.strand(), chains)
        })
        .collect()
}

fn read(text: &str) -> Option<Tidy> {
    Tidy::read(Path::new("x"), &Bytes::Owned(text.as_bytes().to_vec()))
}

/// Whether the text is tidy; every preset must then get from it what its own reader gets.
fn agree(text: &str) -> bool {
    let Some(tidy) = read(text) else { return false };
    genes_agree(&tidy, text);
    cie_agrees(&tidy, text);
    gffcompare_agrees(&tidy, text);
    gt_eval_agrees(&tidy, text);
    true
}

fn genes_agree(tidy: &Tidy, text: &str) {
    for (isoforms, min_cds) in
        [(Isoforms::Longest, 0), (Isoforms::All, 0), (Isoforms::All, 12), (Isoforms::Longest, 12)]
    {
        let selection = Selection { isoforms, min_cds, ..Selection::default() };
        let fast = GeneSet::of_tidy(tidy, &selection);
        let slow = annotation::parse_feature(Path::new("x"), text.as_bytes(), Feature::Cds);
        let mut slow = GeneSet::of_annotation(slow.expect("legal"), &selection);
        let leaves = slow.repairs.remove("outside_sequence_region").is_some();
        assert!(!leaves || tidy.leaves_regions(), "{text}");
        assert_eq!(fast.repairs, slow.repairs, "{text}");
        assert_eq!(listed(&fast), listed(&slow), "{text}");
        assert_eq!(fast.contigs, slow.contigs);
    }
}

fn cie_agrees(tidy: &Tidy, text: &str) {
    let parse = |text: &str| cie::Loaded::parse(Path::new("x"), text.as_bytes()).expect("legal");
    let (fast, slow, other) = (cie::Loaded::of_tidy(Path::new("x"), tidy), parse(text), parse(TIDY));
    for phase in [false, true] {
        for level in cie::Level::ALL {
            let say = |a, b| cie::original(a, b, level, phase).map_err(|error| error.to_string());
            assert_eq!(say(&fast, &other), say(&slow, &other), "{text}");
            assert_eq!(say(&other, &fast), say(&other, &slow), "{text}");
            assert_eq!(say(&fast, &fast), say(&slow, &slow), "{text}");
        }
    }
}

fn gffcompare_agrees(tidy: &Tidy, text: &str) {
    let all = gffcompare::Options::default();
    let cds3 = gffcompare::Options::cds3();
    let others = gffcompare::Options { no_merge: true, drop_duplicates: true, end_range: 0, ..all };
    for options in [all, cds3, others] {
        let parse =
            |text: &str| gffcompare::Loaded::parse(Path::new("x"), text.as_bytes(), &options).expect("legal");
        let (fast, slow, other) = (gffcompare::Loaded::of_tidy(tidy, &options), parse(text), parse(TIDY));
        let say = |a, b| {
            let stats = gffcompare::evaluate(a, b, &options);
            (stats.original(), stats.rows())
        };
        assert_eq!(say(&fast, &other), say(&slow, &other), "{text}");
        assert_eq!(say(&other, &fast), say(&other, &slow), "{text}");
        assert_eq!(say(&fast, &fast), say(&slow, &slow), "{text}");
    }
}

fn gt_eval_agrees(tidy: &Tidy, text: &str) {
    let parse = |text: &str| gt_eval::Loaded::parse(Path::new("x"), text.as_bytes()).expect("legal");
    let (fast, slow, other) = (gt_eval::Loaded::of_tidy(tidy), parse(text), parse(TIDY));
    for as_original in [false, true] {
        let say = |a, b| -> (String, Vec<Row>) {
            let stats = gt_eval::evaluate(a, b, &gt_eval::Options { as_original });
            (stats.original(), stats.rows())
        };
        assert_eq!(say(&fast, &other), say(&slow, &other), "{text}");
        assert_eq!(say(&other, &fast), say(&other, &slow), "{text}");
        assert_eq!(say(&fast, &fast), say(&slow, &slow), "{text}");
    }
}

const TIDY: &str = "##gff-version 3\n\
    ##sequence-region a 1 90\n\
    a\t.\tregion\t1\t99\t.\t+\t.\tID=a:1..99\n\
    a\t.\tgene\t1\t99\t.\t-\t.\tID=g%2C1;Name=x\n\
    a\t.\tmRNA\t1\t99\t.\t-\t.\tID=t1;Parent=g%2C1\n\
    a\t.\texon\t1\t69\t.\t-\t.\tParent=t1\n\
    a\t.\tfive_prime_UTR\t72\t99\t.\t-\t.\tID=u;Parent=t1\n\
    a\t.\tstart_codon\t67\t69\t.\t-\t0\tParent=t1\n\
    a\t.\tCDS\t61\t69\t.\t-\t0\tID=c1;Parent=t1\n\
    a\t.\tCDS\t1\t9\t.\t-\t0\tID=c1;Parent=t1\n\
    a\t.\tstop_codon\t1\t3\t.\t-\t0\tParent=t1\n\
    a\t.\tmRNA\t1\t99\t.\t-\t.\tID=t2;Parent=g%2C1\n\
    a\t.\tCDS\t1\t18\t.\t-\t0\tParent=t2\n\
    ###\n\
    b\t.\tgene\t1\t99\t.\t+\t.\tID=g2\n\
    b\t.\tpseudogene\t1\t99\t.\t+\t.\tID=g4\n\
    b\ty\torigin_of_replication\t1\t9\t.\t.\t.\tID=o\n\
    b\t.\texon\t5\t15\t.\t+\t.\tID=e;Parent=g4\n\
    b\t.\tCDS\t7\t15\t.\t+\t1\tID=c4;Parent=g4\n\
    b\tz\tgene\t1\t99\t.\t+\t.\tID=g3\n\
    b\tz\ttranscript\t1\t99\t.\t+\t.\tID=t3;Parent=g3\n\
    b\tz\tintron\t16\t19\t.\t+\t.\tParent=t3\n\
    b\tz\tCDS\t7\t15\t.\t+\t0\tID=c3;Parent=t3\n\
    b\tz\tCDS\t20\t28\t.\t+\t0\tID=c5;Parent=t3\n";

#[test]
fn a_tidy_file_is_read_alike() {
    assert!(agree(TIDY));
    assert!(agree(&TIDY.replace('\n', "\r\n")));
    assert!(agree("##gff-version 3\n"));
    assert!(agree(&format!("{TIDY}##FASTA\n>a\nACGT\n")));
    assert!(agree(&format!("{TIDY}>a x\nACGT\n")));
}

#[test]
fn what_is_not_tidy_is_left_to_the_other_readers() {
    for (from, to) in [
        ("ID=t2;Parent=g%2C1", "ID=t2;Parent=g9"),
        ("ID=g3", "ID=g2"),
        ("ID=c3", "ID=c1"),
        ("ID=u", "ID=t2"),
        ("ID=o", "ID=g2"),
        ("ID=g2", "ID=g2;ID=g5"),
        ("ID=g2", "ID=\"g2\""),
        ("ID=c5", "ID=c3;Parent=t3\nb\tz\tCDS\t30\t38\t.\t+\t0\tID=c5"),
        ("Parent=t2", "Parent=t1,t2"),
        ("Parent=t2", "Parent=t1"),
        ("CDS\t1\t18\t.\t-", "CDS\t1\t18\t.\t+"),
        ("CDS\t1\t18", "CDS\t18\t1"),
        ("CDS\t1\t9", "CDS\t4\t9"),
        ("CDS\t1\t18", "CDS\t1\t100"),
        ("CDS\t1\t18", "a CDS\t1\t18"),
        ("b\t.\tCDS", "a\t.\tCDS"),
        ("b\tz\tCDS", "b\ty\tCDS"),
        ("ID=c3;Parent=t3", "Parent t3"),
        ("\t+\t1\tID=c4", "\t?\t1\tID=c4"),
        ("\t+\t1\tID=c4", "\t+\t3\tID=c4"),
    ] {
        let text = TIDY.replacen(from, to, 1);
        assert_ne!(text, TIDY);
        assert!(read(&text).is_none(), "{from} -> {to}");
    }
    assert!(read(&format!("{TIDY}##FASTA\n>a\tb\nACGT\n")).is_none());
}

#[test]
fn files_are_cut_before_genes() {
    let gene = |n: u32| {
        TIDY.replace("ID=", &format!("ID=n{n}."))
            .replace("Parent=", &format!("Parent=n{n}."))
            .replace("##gff-version 3\n", "")
    };
    let text: String = (0..3 * CHUNK as u32 / TIDY.len() as u32).map(gene).collect();
    let pieces = cut(text.as_bytes());
    assert!(pieces.len() > 2 && pieces[0].start == 0 && pieces[pieces.len() - 1].end == text.len());
    for pair in pieces.windows(2) {
        assert_eq!(pair[0].end, pair[1].start);
        assert!(text[pair[1].clone()].lines().next().expect("a line").contains("gene\t"));
    }
    let tidy = read(&text).expect("tidy");
    assert!(tidy.chunks.len() == pieces.len() && tidy.contigs.len() == 2 && tidy.sources.len() == 3);
    genes_agree(&tidy, &text);
    gt_eval_agrees(&tidy, &text);
    let twice = text.clone() + &text[pieces[2].clone()];
    assert!(read(&twice).is_none(), "names of one piece come back in another");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn the_readers_never_differ(edits in prop::collection::vec((0usize..TIDY.len(), 0usize..24), 0..5), drop in 0usize..24) {
        let mut text: Vec<u8> = TIDY.bytes().collect();
        for (at, letter) in edits {
            text[at] = b"\t\n;=,.0129ab+-?gtc%#> :"[letter % 23];
        }
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        agree(&text);
        // with a line gone, and with one in the place of another
        let gone: Vec<&str> = lines.iter().enumerate().filter(|(i, _)| *i != drop).map(|(_, line)| *line).collect();
        agree(&(gone.join("\n") + "\n"));
        let mut swapped = lines.clone();
        let n = swapped.len();
        swapped.swap(drop % n, (drop * 7 + 3) % n);
        agree(&(swapped.join("\n") + "\n"));
    }
}
