use super::*;

/// One sound gene of two exons on each strand: ATG AAA|gtttttttttag|CCC TAA.
const GENOME: &str = "ATGAAAGTTTTTTTTTAGCCCTAACCTTAGGGCTAAAAAAAAACTTTCAT";

const SOUND: &str = "##gff-version 3\n##sequence-region a 1 50\n\
a\tx\tgene\t1\t24\t.\t+\t.\tID=g1\n\
a\tx\tmRNA\t1\t24\t.\t+\t.\tID=g1.t1;Parent=g1\n\
a\tx\texon\t1\t6\t.\t+\t.\tID=g1.e1;Parent=g1.t1\n\
a\tx\texon\t19\t24\t.\t+\t.\tID=g1.e2;Parent=g1.t1\n\
a\tx\tCDS\t1\t6\t.\t+\t0\tID=g1.c;Parent=g1.t1\n\
a\tx\tCDS\t19\t24\t.\t+\t0\tID=g1.c;Parent=g1.t1\n\
###\n\
a\tx\tgene\t27\t50\t.\t-\t.\tID=g2\n\
a\tx\tmRNA\t27\t50\t.\t-\t.\tID=g2.t1;Parent=g2\n\
a\tx\texon\t27\t32\t.\t-\t.\tID=g2.e1;Parent=g2.t1\n\
a\tx\texon\t45\t50\t.\t-\t.\tID=g2.e2;Parent=g2.t1\n\
a\tx\tCDS\t27\t32\t.\t-\t0\tID=g2.c;Parent=g2.t1\n\
a\tx\tCDS\t45\t50\t.\t-\t0\tID=g2.c;Parent=g2.t1\n\
###\n";

/// The rules that a text violates, with the genome.
fn broken(text: &str, genome: &str) -> Vec<&'static str> {
    let contig = Contig { name: "a".into(), sequence: genome.as_bytes().to_vec() };
    let code = GeneticCode::ncbi(1).expect("table");
    let mut findings = Findings::default();
    let file = File::read(Path::new("x"), text.as_bytes(), &mut findings).expect("GFF3");
    run(&file, Some(&[contig]), &Options::default(), &code, &mut findings).expect("not interrupted");
    findings.violations().iter().map(|violation| violation.rule.name()).collect()
}

#[test]
fn a_sound_file_violates_nothing() {
    assert_eq!(broken(SOUND, GENOME), Vec::<&str>::new());
    assert_eq!(broken("##gff-version 3\n##sequence-region a 1 50\n", GENOME), Vec::<&str>::new());
}

#[test]
fn each_fault_breaks_its_rule() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("##gff-version 3\n", "", &["version"]),
        ("1\t24\t.\t+\t.\tID=g1\n", "1\t24\t+\t.\tID=g1\n", &["columns", "parents"]),
        ("a 1 50", "a 1 49", &["sequence_region"]),
        ("a\tx\tgene\t1", "a\t.\tgene\t1", &["source"]),
        ("gene\t1\t24\t.", "gene\t1\t24\tgood", &["score"]),
        ("gene\t1\t24\t.\t+", "gene\t1\t24\t.\t-", &["strand"]),
        ("1\t6\t.\t+\t0", "1\t6\t.\t+\t.", &["phase_column"]),
        (
            "a\tx\texon\t1\t6\t.\t+\t.\tID=g1.e1;Parent=g1.t1\n\
          a\tx\texon\t19\t24\t.\t+\t.\tID=g1.e2;Parent=g1.t1\n",
            "",
            &["hierarchy"],
        ),
        ("ID=g1.e1;Parent=g1.t1", "ID=g1.e1;Parent=g9.t1", &["parents", "exons_hold_cds"]),
        ("ID=g1.e2", "ID=g1.e1", &["unique_ids"]),
        ("ID=g1.e2", "ID=g1 e2", &["plain_ids"]),
        ("ID=g1.e2", "ID=g1:19-24", &["plain_ids"]),
        ("19\t24\t.\t+\t0\tID=g1.c", "19\t24\t.\t+\t0\tID=g1.d", &["cds_id"]),
        ("###\na\tx\tgene\t27", "a\tx\tgene\t27", &["closed"]),
        ("exon\t19\t24", "exon\t20\t24", &["exons_hold_cds"]),
        ("19\t24\t.\t+\t0", "19\t24\t.\t+\t1", &["phase"]),
        ("CDS\t1\t6", "CDS\t2\t6", &["cds_length", "phase", "start_codon", "in_frame_stop"]),
        ("CDS\t19\t24", "CDS\t19\t21", &["stop_codon"]),
        ("CDS\t1\t6", "CDS\t1\t3", &["splice_sites"]),
    ];
    for (from, to, rules) in cases {
        assert!(SOUND.contains(from), "{from}");
        assert_eq!(broken(&SOUND.replacen(from, to, 1), GENOME), *rules, "{from} -> {to}");
    }
}

#[test]
fn order_and_duplicates_are_seen() {
    let (head, genes) = SOUND.split_at(SOUND.find("a\tx").expect("rows"));
    let (first, second) = genes.split_at(genes.find("a\tx\tgene\t27").expect("second"));
    assert_eq!(broken(&format!("{head}{second}{first}"), GENOME), ["sorted"]);
    let twin = first.replace("g1", "g3");
    assert_eq!(broken(&format!("{head}{first}{twin}{second}"), GENOME), ["duplicates"]);
}

#[test]
fn letters_are_looked_at() {
    let edit = |at: usize, letter: &str| {
        let mut genome = GENOME.to_string();
        genome.replace_range(at..at + letter.len(), letter);
        broken(SOUND, &genome)
    };
    assert_eq!(edit(0, "N"), ["start_codon", "unknown_bases"]);
    assert_eq!(edit(3, "TAG"), ["in_frame_stop"]);
    assert_eq!(edit(6, "C"), ["splice_sites"]);
    assert_eq!(edit(47, "G"), ["start_codon"]);
}

#[test]
fn marked_models_need_not_be_whole() {
    let cut = SOUND.replacen("CDS\t1\t6\t.\t+\t0", "CDS\t2\t6\t.\t+\t2", 1);
    assert_eq!(broken(&cut, GENOME), ["cds_length", "phase", "start_codon", "in_frame_stop"]);
    let marked = cut.replacen("ID=g1\n", "ID=g1;partial=true;start_range=.,1\n", 1);
    assert_eq!(broken(&marked, GENOME), Vec::<&str>::new());
    let noted = cut.replacen("ID=g1\n", "ID=g1;exception=ribosomal slippage\n", 1);
    assert_eq!(broken(&noted, GENOME), Vec::<&str>::new());
}

#[test]
fn untranslated_regions_are_exons_without_cds() {
    let utr = "a\tx\tfive_prime_UTR\t1\t3\t.\t+\t.\tID=g1.u;Parent=g1.t1\n";
    let with = SOUND.replacen("###", &format!("{utr}###"), 1);
    assert_eq!(broken(&with, GENOME), ["utr"]);
}

#[test]
fn rules_have_names_of_their_own() {
    let mut names: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Rule::ALL.len());
    assert!(Rule::ALL.iter().all(|rule| !rule.says().is_empty()));
}

#[test]
fn gtf_is_refused() {
    let text = "a\tx\tCDS\t1\t9\t.\t+\t0\tgene_id \"g\"; transcript_id \"t\";\n";
    let refused = File::read(Path::new("x"), text.as_bytes(), &mut Findings::default());
    assert!(refused.expect_err("GTF").to_string().contains("GTF"));
}

#[test]
fn genes_over_the_origin_of_a_circle_are_read_on_from_its_beginning() {
    let text =
        "##gff-version 3\n##sequence-region a 1 12\na\tx\tregion\t1\t12\t.\t+\t.\tID=a;Is_circular=true\n\
        a\tx\tgene\t10\t18\t.\t+\t.\tID=g\na\tx\tmRNA\t10\t18\t.\t+\t.\tID=t;Parent=g\n\
        a\tx\texon\t10\t18\t.\t+\t.\tID=e;Parent=t\na\tx\tCDS\t10\t18\t.\t+\t0\tID=c;Parent=t\n###\n";
    assert_eq!(broken(text, "AAATAACCCATG"), Vec::<&str>::new());
    assert_eq!(broken(text, "AAATGGCCCATC"), ["start_codon", "stop_codon"]);
}
