//! The original's own output, the original itself where it is installed, and plain counting.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::random::Random;

const AS_ORIGINAL: Options = Options { as_original: true };

fn parse(text: &str) -> Loaded {
    Loaded::parse(Path::new("x.gff3"), text.as_bytes()).expect("legal")
}

/// Rows from `type start end strand phase attributes` on sequence `c`.
fn rows(lines: &[&str]) -> String {
    let mut out = String::from("##gff-version 3\n##sequence-region c 1 1000\n");
    for line in lines {
        let f: Vec<&str> = line.splitn(6, ' ').collect();
        out += &format!("c\t.\t{}\t{}\t{}\t.\t{}\t{}\t{}\n", f[0], f[1], f[2], f[3], f[4], f[5]);
    }
    out
}

fn stats(reference: &str, prediction: &str, options: Options) -> Stats {
    evaluate(&parse(reference), &parse(prediction), &options)
}

const TWO_ISOFORMS: [&str; 7] = [
    "gene 1 100 + . ID=g",
    "mRNA 1 100 + . ID=t;Parent=g",
    "CDS 1 30 + 0 Parent=t",
    "CDS 71 100 + 0 Parent=t",
    "mRNA 1 100 + . ID=u;Parent=g",
    "CDS 1 30 + 0 Parent=u",
    "CDS 61 100 + 0 Parent=u",
];

#[test]
fn genes_with_fewer_isoforms_are_equal_to_the_original_only() {
    let (reference, prediction) = (rows(&TWO_ISOFORMS), rows(&TWO_ISOFORMS[..4]));
    assert_eq!(stats(&reference, &prediction, AS_ORIGINAL).cds.genes.tp, 1);
    assert_eq!(stats(&reference, &prediction, Options::default()).cds.genes.tp, 0);
    assert_eq!(stats(&reference, &reference, Options::default()).cds.genes.tp, 1);
}

#[test]
fn copies_count_as_often_as_the_other_side_has_them() {
    let found = stats(&rows(&TWO_ISOFORMS), &rows(&TWO_ISOFORMS[..4]), Options::default()).cds;
    let numbers = |tally: Tally| (tally.tp, tally.reference, tally.prediction);
    assert_eq!(numbers(found.exons.all[0]), (2, 4, 2));
    assert_eq!(numbers(found.exons.collapsed[0]), (2, 3, 2));
    assert_eq!(numbers(found.mrnas), (1, 2, 1));
    assert_eq!(found.nucleotides, Nucleotides { tp: 60, fp: 0, fn_: 10 });
}

#[test]
fn a_shared_row_has_its_position_in_its_last_parent() {
    let short =
        ["mRNA 1 30 + . ID=u", "mRNA 1 90 + . ID=t", "exon 1 30 + . Parent=u,t", "exon 61 90 + . Parent=t"];
    let initial = |lines: &[&str]| stats(&rows(lines), &rows(&[]), AS_ORIGINAL).mrna.exons.all[2].reference;
    assert_eq!(initial(&short), 2);
    let long =
        ["mRNA 1 90 + . ID=t", "mRNA 61 90 + . ID=u", "exon 1 30 + . Parent=t", "exon 61 90 + . Parent=t,u"];
    assert_eq!(initial(&long), 1);
    // copies for each phase have a position each
    let phases = [
        "mRNA 1 90 + . ID=t",
        "mRNA 2 90 + . ID=u",
        "CDS 1 10 + 0 Parent=t",
        "CDS 2 10 + 0 Parent=u",
        "CDS 61 90 + 0 Parent=t,u",
    ];
    let found = stats(&rows(&phases), &rows(&[]), AS_ORIGINAL).cds.exons.all;
    assert_eq!(found.map(|tally| tally.reference), [4, 0, 2, 0, 2]);
}

#[test]
fn predictions_on_other_sequences_are_wrong() {
    let (reference, prediction) = (rows(&TWO_ISOFORMS[..4]), rows(&TWO_ISOFORMS[..4]).replace("c\t", "d\t"));
    let found = stats(&reference, &prediction, Options::default());
    assert_eq!((found.wrong_genes, found.cds.nucleotides.fp, found.cds.exons.all[0].prediction), (1, 60, 2));
    let found = stats(&reference, &prediction, AS_ORIGINAL);
    assert_eq!((found.wrong_genes, found.cds.nucleotides.fp, found.cds.exons.all[0].prediction), (0, 0, 0));
}

#[test]
fn a_prediction_of_the_same_range_hits_no_neighbour() {
    let reference = rows(&["gene 1 100 + . ID=a", "gene 50 200 + . ID=b", "gene 300 400 - . ID=c"]);
    let found = stats(&reference, &rows(&["gene 1 100 + . ID=a"]), Options::default());
    assert_eq!((found.missing_genes, found.wrong_genes), (2, 0));
    let found = stats(&reference, &rows(&["gene 1 99 + . ID=a"]), Options::default());
    assert_eq!((found.missing_genes, found.wrong_genes), (1, 0));
    let found = stats(&reference, &rows(&["gene 300 400 + . ID=a"]), Options::default());
    assert_eq!((found.missing_genes, found.wrong_genes), (3, 1));
}

#[test]
fn what_is_no_gff3_tree_is_refused_with_its_line() {
    let refusal =
        |text: &str| Loaded::parse(Path::new("x.gff3"), text.as_bytes()).expect_err("illegal").to_string();
    let orphan = rows(&["CDS 1 9 + 0 Parent=t"]);
    assert_eq!(refusal(&orphan), "x.gff3, line 3: Parent 't' is no gene or transcript of this file");
    let circle = rows(&["mRNA 1 9 + . ID=a;Parent=b", "mRNA 1 9 + . ID=b;Parent=a"]);
    assert!(refusal(&circle).contains("c:1-9 is below itself"));
    let nameless = "c\t.\tCDS\t1\t9\t.\t+\t0\tgene_id \"g\";\n";
    assert_eq!(refusal(nameless), "x.gff3, line 1: a row without transcript_id; GTF needs it on every row");
}

fn golden() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    if !folder.is_dir() {
        eprintln!("skipped: the golden pairs of ../shared are not beside the repository");
    }
    folder.is_dir().then_some(folder)
}

fn pairs(golden: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(golden).expect("listing").flatten().map(|entry| entry.path());
    let pairs: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    assert!(!pairs.is_empty(), "the folder of golden pairs is empty");
    pairs
}

#[test]
fn golden_files_come_out_byte_for_byte() {
    let Some(golden) = golden() else { return };
    for pair in pairs(&golden) {
        let read = |side: &str| Loaded::read(pair.join(side)).expect("readable");
        let found = evaluate(&read("ref.gff3.gz"), &read("pred.gff3.gz"), &AS_ORIGINAL);
        let expected = std::fs::read_to_string(pair.join("expected/gt_eval.txt")).expect("readable");
        assert_eq!(found.original(), expected, "{}", pair.display());
    }
}

#[test]
fn ids_may_come_again_in_another_block() {
    let gene = rows(&["gene 1 90 + . ID=g", "exon 1 10 + . Parent=g"]);
    let again = "c\t.\texon\t81\t90\t.\t+\t.\tParent=g\nc\t.\tgene\t1\t90\t.\t+\t.\tID=g\n";
    let single = |text: &str| stats(text, &gene, AS_ORIGINAL).mrna.exons.all[1].reference;
    assert_eq!(single(&format!("{gene}{again}")), 0);
    assert_eq!(single(&format!("{gene}###\n{again}###\n")), 2);
}

#[test]
fn gtf_says_the_same_as_gff3() {
    let row = |kind: &str, start: u32, end: u32, ids: &str| {
        format!("c\t.\t{kind}\t{start}\t{end}\t.\t+\t.\t{ids}\n")
    };
    let ids = "gene_id \"g\"; transcript_id \"t\";";
    let parts = row("CDS", 11, 30, ids) + &row("CDS", 71, 90, ids);
    let spanning = parse(&parts);
    let found = evaluate(&spanning, &spanning, &Options::default());
    assert_eq!((found.cds.genes.tp, found.cds.mrnas.tp, found.cds.exons.all[2].tp), (1, 1, 1));
    // BRAKER's rows; the gene is longer than its parts
    let braker = row("gene", 1, 100, "g") + &row("transcript", 11, 90, "t") + &parts;
    let found = evaluate(&spanning, &parse(&braker), &Options::default());
    assert_eq!((found.cds.genes.tp, found.cds.mrnas.tp), (0, 1));
    let Some(golden) = golden() else { return };
    for pair in pairs(&golden) {
        let levels = ["gff3", "gtf"].map(|format| {
            let read = |side: &str| Loaded::read(pair.join(format!("{side}.{format}.gz"))).expect("readable");
            evaluate(&read("ref"), &read("pred"), &Options::default()).cds
        });
        assert_eq!(levels[0].exons, levels[1].exons, "{}", pair.display());
        assert_eq!(levels[0].nucleotides, levels[1].nucleotides, "{}", pair.display());
    }
}

/// GenomeTools, which may never end on rows that several transcripts share.
fn gt() -> Command {
    let mut command = Command::new("timeout");
    command.args(["10", "gt"]);
    command
}

/// What GenomeTools prints about two texts; none where it is missing or refuses them.
fn gt_eval(reference: &str, prediction: &str) -> Option<String> {
    let folder = tempfile::tempdir().expect("folder");
    let sorted = |name: &str, text: &str| {
        let (from, to) = (folder.path().join(name), folder.path().join(format!("{name}.sorted")));
        std::fs::write(&from, text).expect("written");
        let out = gt().args(["gff3", "-sort", "-tidy", "-retainids"]).arg(from).output().ok()?;
        std::fs::write(&to, &out.stdout).expect("written");
        out.status.success().then_some(to)
    };
    let (reference, prediction) = (sorted("reference", reference)?, sorted("prediction", prediction)?);
    let out = gt().args(["eval", "-nuc", "yes"]).args([reference, prediction]).output().ok()?;
    out.status.success().then(|| String::from_utf8(out.stdout).expect("text"))
}

fn gt_is_here() -> bool {
    let here = gt().arg("--version").output().is_ok_and(|out| out.status.success());
    if !here {
        eprintln!("skipped: GenomeTools (gt) is not installed");
    }
    here
}

/// Rows of a real annotation with genes dropped, borders moved, rows lost and isoforms copied.
fn damaged(text: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut genes: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    let mut gene = "";
    for line in text.lines() {
        let mut columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
        if columns.len() < 9 {
            out += &format!("{line}\n");
            continue;
        }
        if columns[2] == "gene" {
            gene = line;
        }
        let one_in = |n: u64, random: &mut Random| random.below(n) == 0;
        let (dropped, copied) = *genes.entry(gene).or_insert_with(|| (one_in(10, random), one_in(8, random)));
        let leaf = columns[2] == "exon" || columns[2] == "CDS";
        if dropped || leaf && one_in(30, random) {
            continue;
        }
        if leaf && one_in(12, random) {
            let (start, end): (u64, u64) =
                (columns[3].parse().expect("start"), columns[4].parse().expect("end"));
            columns[3] = (start + random.below(9).min(end - start)).to_string();
        }
        out += &(columns.join("\t") + "\n");
        if copied && columns[2] != "gene" && columns[8].contains("Parent=") {
            let own = if leaf { "Parent=" } else { "ID=" };
            out += &(columns.join("\t").replace(own, &format!("{own}copy-")) + "\n");
        }
    }
    out
}

#[test]
fn damaged_copies_of_real_annotations_score_as_in_genometools() {
    let Some(golden) = golden().filter(|_| gt_is_here()) else { return };
    let mut compared = 0;
    for (seed, pair) in pairs(&golden).into_iter().enumerate() {
        let mut random = Random::new(&[seed as u64]);
        let text = crate::files::read(&pair.join("ref.gff3.gz")).expect("readable");
        let reference = String::from_utf8_lossy(&text);
        let (a, b) = (damaged(&reference, &mut random), damaged(&reference, &mut random));
        for (a, b) in [(&*reference, &*a), (&*a, &*b)] {
            let Some(expected) = gt_eval(a, b) else { continue };
            assert_eq!(stats(a, b, AS_ORIGINAL).original(), expected, "{}", pair.display());
            compared += 1;
        }
    }
    assert!(compared > 0, "GenomeTools refused all damaged copies");
}

/// Exon slots and CDS slots of a transcript as bits, and how far its first border is moved.
type Isoform = (u8, u8, u8);
/// Contig, place, strand, isoforms, and bits of oddities.
type Model = (u8, u8, u8, Vec<Isoform>, u8);

fn models() -> impl Strategy<Value = Vec<Model>> {
    let isoform = (1..32u8, 0..32u8, 0..2u8);
    prop::collection::vec((0..3u8, 0..3u8, 0..7u8, prop::collection::vec(isoform, 0..4), any::<u8>()), 0..5)
}

/// A file of models: isoforms share rows, come before their gene, are no mRNAs, lack a gene.
fn gff3(models: &[Model], regions: bool) -> String {
    let mut out = String::from("##gff-version 3\n");
    if regions {
        (0..2).for_each(|contig| out += &format!("##sequence-region c{contig} 1 3000\n"));
    }
    for (n, (contig, place, strand, isoforms, odd)) in models.iter().enumerate() {
        let strand = ['+', '-', '+', '-', '+', '-', '.'][usize::from(*strand)];
        let row = |kind: &str, start: u32, end: u32, phase: &str, attributes: String| {
            format!("c{contig}\ts\t{kind}\t{start}\t{end}\t.\t{strand}\t{phase}\t{attributes}\n")
        };
        let slot = |slot: u32, moved: u8| {
            let start = u32::from(*place) * 400 + 100 * slot + 1;
            (start + u32::from(moved), start + 30 + slot)
        };
        let mut rows = Vec::new();
        let mut leaves: BTreeMap<(&str, (u32, u32)), Vec<String>> = BTreeMap::new();
        let (mut first, mut last) = (u32::MAX, 0);
        for (i, (exons, cds, moved)) in isoforms.iter().enumerate() {
            let ranges = |bits: u8| {
                (0..5u32)
                    .filter(move |s| bits >> s & 1 == 1)
                    .map(|s| slot(s, if s == 0 { *moved } else { 0 }))
            };
            let (start, end) =
                (ranges(*exons).next().expect("a bit").0, ranges(*exons).next_back().expect("a bit").1);
            (first, last) = (first.min(start), last.max(end));
            let kind = if odd & 1 == 1 && i == 0 { "ncRNA" } else { "mRNA" };
            let parent = if odd & 6 == 6 { String::new() } else { format!(";Parent=g{n}") };
            rows.push(row(kind, start, end, ".", format!("ID=g{n}.t{i}{parent}")));
            ranges(*exons)
                .for_each(|range| leaves.entry(("exon", range)).or_default().push(format!("g{n}.t{i}")));
            ranges(*cds & *exons)
                .for_each(|range| leaves.entry(("CDS", range)).or_default().push(format!("g{n}.t{i}")));
        }
        for ((kind, (start, end)), parents) in leaves {
            let phase = if kind == "CDS" { ["0", "1", "2"][usize::from(odd >> 6) % 3] } else { "." };
            // three parents of a CDS row are too many for the original
            if odd & 8 == 8 && odd & 6 != 6 && isoforms.len() < 3 {
                rows.push(row(kind, start, end, phase, format!("Parent={}", parents.join(","))));
            } else {
                rows.extend(
                    parents.iter().map(|parent| row(kind, start, end, phase, format!("Parent={parent}"))),
                );
            }
        }
        let (first, last) = if last == 0 { slot(0, 0) } else { (first, last) };
        rows.insert(0, row("gene", first, last, ".", format!("ID=g{n}")));
        if odd & 16 == 16 {
            rows.push(row(
                "exon",
                first,
                first + 5,
                ".",
                if odd & 32 == 32 { ".".into() } else { format!("Parent=g{n}") },
            ));
        }
        if odd & 32 == 32 {
            rows.reverse();
        }
        out += &rows.concat();
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn random_trees_score_as_in_genometools(a in models(), b in models(), regions: bool) {
        if gt_is_here() {
            let (a, b) = (gff3(&a, regions), gff3(&b, regions));
            if let Some(expected) = gt_eval(&a, &b) {
                prop_assert_eq!(stats(&a, &b, AS_ORIGINAL).original(), expected, "{}\n{}", a, b);
            }
        }
    }
}

/// Contig and strand, and a range or a base there.
type At<T> = (String, T);

/// Ranges of the rows of one type, one for each parent, and the bases they cover.
fn plain(text: &str, kind: &str) -> (Vec<At<String>>, BTreeSet<At<u32>>) {
    let (mut ranges, mut bases) = (Vec::new(), BTreeSet::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let f: Vec<&str> = line.split('\t').collect();
        if f[2] == kind && f[6] != "." {
            let place = format!("{}{}", f[0], f[6]);
            let parents = f[8].split("Parent=").nth(1).map_or(1, |parents| parents.split(',').count());
            ranges.extend(vec![(place.clone(), format!("{}-{}", f[3], f[4])); parents]);
            let (start, end): (u32, u32) = (f[3].parse().expect("start"), f[4].parse().expect("end"));
            bases.extend((start..=end).map(|base| (place.clone(), base)));
        }
    }
    (ranges, bases)
}

proptest! {
    #[test]
    fn equals_plain_counting(mut a in models(), mut b in models()) {
        // strands are known
        a.iter_mut().chain(&mut b).for_each(|model| model.2 %= 6);
        let (a, b) = (gff3(&a, true), gff3(&b, false));
        let found = stats(&a, &b, Options::default());
        for (kind, level) in [("exon", found.mrna), ("CDS", found.cds)] {
            let ((ranges_a, bases_a), (ranges_b, bases_b)) = (plain(&a, kind), plain(&b, kind));
            let tp = bases_a.intersection(&bases_b).count() as u64;
            let (fn_, fp) = (bases_a.len() as u64 - tp, bases_b.len() as u64 - tp);
            prop_assert_eq!(level.nucleotides, Nucleotides { tp, fp, fn_ });
            let mut left = ranges_b.clone();
            let matched = ranges_a.iter().filter(|range| {
                left.iter().position(|other| other == *range).map(|at| left.swap_remove(at)).is_some()
            });
            let all = Tally {
                tp: matched.count() as u64,
                reference: ranges_a.len() as u64,
                prediction: ranges_b.len() as u64,
            };
            prop_assert_eq!(level.exons.all[0], all);
            let (a, b): (BTreeSet<_>, BTreeSet<_>) = (ranges_a.iter().collect(), ranges_b.iter().collect());
            let tp = a.intersection(&b).count() as u64;
            let once = Tally { tp, reference: a.len() as u64, prediction: b.len() as u64 };
            prop_assert_eq!(level.exons.collapsed[0], once);
        }
    }
}
