//! Small files, each with one oddity.

use std::path::Path;

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Annotation {
    parse(Path::new("x.gff"), text.as_bytes()).expect("legal")
}

fn refusal(text: &str) -> String {
    parse(Path::new("x.gff"), text.as_bytes()).expect_err("illegal").to_string()
}

/// Rows from `type start end strand phase attributes` on sequence `c`.
fn rows(lines: &[&str]) -> String {
    let mut out = String::new();
    for line in lines {
        let f: Vec<&str> = line.splitn(6, ' ').collect();
        out.push_str(&format!("c\t.\t{}\t{}\t{}\t.\t{}\t{}\t{}\n", f[0], f[1], f[2], f[3], f[4], f[5]));
    }
    out
}

fn cds(annotation: &Annotation, gene: usize, transcript: usize) -> Vec<(u32, u32, u8)> {
    annotation.genes[gene].transcripts[transcript].cds.iter().map(|c| (c.start, c.end, c.phase)).collect()
}

fn repairs(annotation: &Annotation) -> Vec<(&str, u64)> {
    annotation.repairs.iter().map(|(kind, n)| (*kind, *n)).collect()
}

#[test]
fn parents_may_come_last_and_be_several() {
    let found = read(&rows(&[
        "CDS 1 9 + 0 ID=p;Parent=t,u",
        "CDS 21 26 + 0 ID=p;Parent=t",
        "mRNA 1 40 + . ID=t;Parent=g",
        "mRNA 1 40 + . ID=u;Parent=g",
        "gene 1 40 + . ID=g",
    ]));
    assert_eq!(found.genes.len(), 1);
    assert_eq!(cds(&found, 0, 0), [(0, 9, 0), (20, 26, 0)]);
    assert_eq!(cds(&found, 0, 1), [(0, 9, 0)]);
    assert_eq!(found.genes[0].canonical().map(|t| t.id.as_str()), Some("t"));
    assert!(found.repairs.is_empty());
}

#[test]
fn ties_go_to_the_first_transcript() {
    let found =
        read(&rows(&["CDS 1 9 + 0 ID=a;Parent=g", "CDS 4 12 + 0 ID=b;Parent=g", "gene 1 9 + . ID=g"]));
    assert_eq!(found.genes[0].canonical().map(|t| t.id.as_str()), Some("a"));
}

#[test]
fn cds_rows_group_by_id_unless_each_has_its_own() {
    let shared = read(&rows(&[
        "mRNA 1 40 + . ID=t",
        "CDS 1 9 + 0 ID=x;Parent=t",
        "CDS 21 26 + 0 ID=x;Parent=t",
        "CDS 4 9 + 0 ID=y;Parent=t",
        "CDS 21 26 + 0 ID=y;Parent=t",
    ]));
    assert_eq!(shared.genes[0].transcripts.len(), 2);
    assert_eq!(shared.genes[0].transcripts[1].id, "t.y");
    let own =
        read(&rows(&["mRNA 1 40 + . ID=t", "CDS 1 9 + 0 ID=x1;Parent=t", "CDS 21 26 + 0 ID=x2;Parent=t"]));
    assert_eq!(cds(&own, 0, 0), [(0, 9, 0), (20, 26, 0)]);
    assert_eq!(own.repairs["cds_id_per_row"], 1);
}

#[test]
fn cds_rows_without_parent_are_genes() {
    let found = read(&rows(&["CDS 1 9 + 0 ID=a", "CDS 21 29 - 0 ID=b", "CDS 31 39 + 0 note=x"]));
    let ids: Vec<_> = found.genes.iter().map(|g| g.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "cds_line3"]);
}

#[test]
fn stop_codons_join_the_cds_once() {
    for (strand, stop, expected) in [
        ("+", vec![("20", "22")], vec![(10, 22, 0)]),
        ("+", vec![("17", "19")], vec![(10, 19, 0)]),
        ("+", vec![("20", "20"), ("41", "42")], vec![(10, 20, 0), (40, 42, 2)]),
        ("+", vec![("41", "43")], vec![(10, 19, 0), (40, 43, 0)]),
        ("-", vec![("8", "10")], vec![(7, 19, 0)]),
        ("-", vec![("1", "2"), ("10", "10")], vec![(0, 2, 2), (9, 19, 0)]),
    ] {
        let names = "gene_id \"g\"; transcript_id \"t\";";
        let mut lines = vec![format!("CDS 11 19 {strand} 0 {names}")];
        lines.extend(stop.iter().map(|(a, b)| format!("stop_codon {a} {b} {strand} 0 {names}")));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let found = read(&rows(&lines));
        assert_eq!(cds(&found, 0, 0), expected, "{strand} {stop:?}");
        let changed = expected.iter().map(|e| e.1 - e.0).sum::<u32>() > 9;
        assert_eq!(found.repairs.contains_key("stop_codon_merged"), changed);
    }
}

#[test]
fn phases_follow_one_frame() {
    // frame instead of phase, a whole number of codons: frame 0 from the 5' end
    let wrong = read(&rows(&["mRNA 1 99 - . ID=t", "CDS 1 8 - 1 Parent=t", "CDS 21 30 - 0 Parent=t"]));
    assert_eq!(cds(&wrong, 0, 0), [(0, 8, 2), (20, 30, 0)]);
    assert_eq!(repairs(&wrong), [("implicit_gene", 1), ("phase_wrong", 1)]);
    // an open 5' end keeps its own frame
    let partial = read(&rows(&[
        "mRNA 1 99 + . ID=t;start_range=.,1",
        "CDS 1 8 + 2 Parent=t",
        "CDS 21 30 + 0 Parent=t",
    ]));
    assert_eq!(cds(&partial, 0, 0), [(0, 8, 2), (20, 30, 0)]);
    assert!(partial.genes[0].transcripts[0].partial_start && !partial.genes[0].transcripts[0].partial_end);
    let missing = read(&rows(&["mRNA 1 99 + . ID=t", "CDS 1 8 + . Parent=t", "CDS 21 30 + . Parent=t"]));
    assert_eq!(cds(&missing, 0, 0), [(0, 8, 0), (20, 30, 1)]);
    assert_eq!(missing.repairs["phase_missing"], 2);
}

#[test]
fn departures_are_noted() {
    let found = read(&rows(&[
        "gene 1 40 + . ID=g;pseudo=true",
        "CDS 1 9 + 0 ID=p;Parent=g;exception=trans-splicing",
        "CDS 21 26 - 0 ID=p;Parent=g",
    ]));
    let transcript = &found.genes[0].transcripts[0];
    assert!(found.genes[0].pseudo && transcript.mixed_strands);
    assert_eq!(transcript.exception.as_deref(), Some("trans-splicing"));
    let none = read(&rows(&["gene 1 40 - . ID=g", "CDS 1 9 . 0 Parent=g"]));
    assert!(!none.genes[0].transcripts[0].mixed_strands);
    assert_eq!(none.genes[0].strand, Strand::Minus);
    assert_eq!(none.repairs["strand_missing"], 1);
}

#[test]
fn orphans_of_a_cut_file_are_kept_and_counted() {
    let found = read(&rows(&["CDS 1 9 + 0 Parent=t", "CDS 21 26 + 0 Parent=t", "exon 1 9 + . Parent=t"]));
    assert_eq!((found.genes[0].id.as_str(), cds(&found, 0, 0).len()), ("t", 2));
    assert_eq!(repairs(&found), [("implicit_gene", 1), ("implicit_transcript", 1), ("undefined_parent", 2)]);
}

#[test]
fn proteins_are_no_transcripts() {
    let found = read(&rows(&[
        "gene 1 9 + . ID=g",
        "mRNA 1 9 + . ID=t;Parent=g",
        "protein 1 9 + . ID=t-Protein;Derives_from=t",
        "CDS 1 9 + 0 Parent=t,t-Protein;",
        "mRNA 1 9 + . ID=u;Parent=g",
        "polypeptide 1 9 + . ID=q;Derives_from=u",
        "CDS 1 6 + 0 Parent=q",
    ]));
    let ids: Vec<_> = found.genes[0].transcripts.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, ["t", "u"]);
    assert_eq!(repairs(&found), [("parent_is_protein", 2)]);
}

#[test]
fn layout_does_not_matter() {
    let plain = rows(&["gene 1 40 + . ID=g%2C1;Name=a+b", "CDS 1 9 + 0 Parent=g%2C1"]);
    let expected = read(&plain).genes;
    assert_eq!(expected[0].id, "g,1");
    let odd = format!(
        "\u{feff}##gff-version   3\r\n\r\n# text\r\n{}##FASTA\r\n>c\r\nACGT\r\n",
        plain.replace('\n', " \r\n#x\r\n\r\n")
    );
    let mut found = read(&odd).genes;
    found[0].line = expected[0].line;
    assert_eq!(found, expected);
    assert_eq!(read(plain.trim_end()).genes, expected);
    assert_eq!(read(&format!("{plain}>c\nAC\tGT\n")).genes, expected);
    assert!(read("").genes.is_empty());
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_line() {
    for (lines, line, word) in [
        (vec!["gene 9 1 + . ID=g"], 1, "greater than end"),
        (vec!["gene 0 1 + . ID=g"], 1, "no position"),
        (vec!["gene 1 99999999999 + . ID=g"], 1, "no position"),
        (vec!["gene 1 9 x . ID=g"], 1, "strand"),
        (vec!["CDS 1 9 + 3 ID=g"], 1, "phase"),
        (vec!["gene 1 9 + . ID=g", "gene 2 9 + . ID=g"], 2, "used again (first in line 1)"),
        (vec!["mRNA 1 9 + . ID=t", "exon 1 9 + . Parent=t,u"], 2, "'u' is not in the file"),
        (vec!["gene 1 9 + . ID=g;Parent=t", "mRNA 1 9 + . ID=t;Parent=g"], 2, "own ancestor"),
        (vec!["gene 1 9 + . ID=g;Parent=g"], 1, "own ancestor"),
        (vec!["CDS 1 9 . 0 CDS \"x\""], 1, "GFF2"),
        (vec!["CDS 1 9 + 0 gene_id \"x\";"], 1, "transcript_id"),
    ] {
        let message = refusal(&rows(&lines));
        assert!(message.contains(&format!("line {line}:")) && message.contains(word), "{message}");
    }
    assert!(refusal("c\t.\tgene\t1\t9\t.\t+\t.").contains("8 tab-separated columns"));
    let two = rows(&["CDS 1 9 + 0 ID=g"]) + &rows(&["CDS 1 9 + 0 ID=g"]).replacen('c', "d", 1);
    assert!(refusal(&two).contains("another sequence"));
}

#[test]
fn a_gtf_name_counts_within_its_sequence() {
    let names = "gene_id \"g\"; transcript_id \"t\";";
    let here = rows(&[&format!("CDS 1 9 + 0 {names}"), "gene 30 40 + . gene_id \"h\""]);
    let found = read(&(here.clone() + &here.replace("c\t.", "d\t.")));
    assert_eq!((found.genes.len(), found.noncoding_genes), (2, 2));
    assert_eq!(repairs(&found), [("transcript_on_several_sequences", 1)]);
}

#[test]
fn circular_sequences_may_be_overrun() {
    let text = "##sequence-region c 1 20\n".to_string() + &rows(&["CDS 12 29 + 0 ID=a"]);
    assert_eq!(read(&text).repairs["outside_sequence_region"], 1);
    let circular = text + &rows(&["region 1 20 + . ID=c;Is_circular=true"]);
    assert!(!read(&circular).repairs.contains_key("outside_sequence_region"));
}

proptest! {
    #[test]
    fn no_text_brings_it_down(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(Path::new("x"), &text);
    }

    #[test]
    fn no_rows_bring_it_down(
        rows in prop::collection::vec(
            (
                prop::sample::select(vec!["gene", "mRNA", "CDS", "stop_codon", "exon", "protein", "region"]),
                prop::sample::select(vec!["1", "5", "20", "4294967294", "4294967295"]),
                prop::sample::select(vec!["3", "20", "22", "4294967295"]),
                prop::sample::select(vec!["+", "-", "."]),
                prop::sample::select(vec!["0", "1", "2", "."]),
                prop::sample::select(vec!["a", "b", "c", ""]),
                prop::sample::select(vec!["a", "b", "c,a", ""]),
            ),
            0..12,
        ),
        gtf in any::<bool>(),
    ) {
        let mut text = String::new();
        for (kind, start, end, strand, phase, id, parent) in rows {
            let names = if gtf {
                format!("gene_id \"{parent}\"; transcript_id \"{id}\";")
            } else {
                format!("ID={id};Parent={parent}")
            };
            text.push_str(&format!("c\t.\t{kind}\t{start}\t{end}\t.\t{strand}\t{phase}\t{names}\n"));
        }
        if let Ok(found) = parse(Path::new("x"), text.as_bytes()) {
            for transcript in found.genes.iter().flat_map(|gene| &gene.transcripts) {
                prop_assert!(!transcript.cds.is_empty());
                prop_assert!(transcript.cds.iter().all(|c| c.start < c.end && c.phase < 3));
                prop_assert!(transcript.cds.windows(2).all(|pair| pair[0].start <= pair[1].start));
            }
        }
    }
}

fn structure(text: &str) -> Annotation {
    parse_feature(Path::new("x.gff"), text.as_bytes(), Feature::Structure).expect("legal")
}

#[test]
fn the_structure_has_exons_gene_rows_and_what_does_not_code() {
    let gff = "chr\t.\tgene\t1\t90\t.\t+\t.\tID=g\n\
        chr\t.\tmRNA\t5\t80\t.\t+\t.\tID=t;Parent=g\n\
        chr\t.\tfive_prime_UTR\t5\t10\t.\t+\t.\tParent=t\n\
        chr\t.\tCDS\t11\t20\t.\t+\t0\tParent=t\n\
        chr\t.\texon\t31\t80\t.\t+\t.\tID=e;Parent=t,u\n\
        chr\t.\tCDS\t31\t41\t.\t+\t2\tParent=t\n\
        chr\t.\tmRNA\t31\t80\t.\t+\t.\tID=u;Parent=g\n\
        chr\t.\tgene\t101\t109\t.\t-\t.\tID=h\n\
        chr\t.\tCDS\t101\t109\t.\t-\t0\tID=c;Parent=h\n\
        chr\t.\ttRNA\t201\t209\t.\t-\t.\tID=r\n";
    let gtf = "chr\t.\tgene\t1\t90\t.\t+\t.\tgene_id \"g\";\n\
        chr\t.\texon\t5\t20\t.\t+\t.\tgene_id \"g\"; transcript_id \"t\";\n\
        chr\t.\tCDS\t11\t20\t.\t+\t0\tgene_id \"g\"; transcript_id \"t\";\n\
        chr\t.\texon\t31\t80\t.\t+\t.\tgene_id \"g\"; transcript_id \"t\";\n\
        chr\t.\tCDS\t31\t41\t.\t+\t2\tgene_id \"g\"; transcript_id \"t\";\n\
        chr\t.\texon\t31\t80\t.\t+\t.\tgene_id \"g\"; transcript_id \"u\";\n";
    for text in [gff, gtf] {
        let found = structure(text);
        let gene = &found.genes[0];
        assert_eq!((gene.row, gene.transcripts.len()), (Some(Interval::new(0, 90)), 1));
        assert_eq!(gene.transcripts[0].exons, [Interval::new(4, 20), Interval::new(30, 80)]);
        assert!(!gene.transcripts[0].implicit);
        // the coding genes are those of the plain reading
        let plain = parse(Path::new("x.gff"), text.as_bytes()).expect("legal");
        let cds = |a: &Annotation| {
            a.genes
                .iter()
                .flat_map(|g| &g.transcripts)
                .map(|t| (t.id.clone(), t.cds.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(cds(&found), cds(&plain));
        assert!(plain.occupied.is_empty() && plain.genes[0].transcripts[0].exons.is_empty());
    }
    let found = structure(gff);
    assert!(found.genes[1].transcripts[0].implicit && found.genes[1].transcripts[0].exons.is_empty());
    let occupied = Interval::join(found.occupied["chr"].clone());
    assert_eq!(occupied, [Interval::new(0, 90), Interval::new(100, 109), Interval::new(200, 209)]);
}
