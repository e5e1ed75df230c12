use super::*;

const GENOME: &str = ">one x\nccATGaaGTcccAGaTAAcc\nTTTT\n>two\nGGTTAcatGG\n";

const GFF: &str = "##gff-version 3\n\
    two\t.\tgene\t3\t8\t.\t-\t.\tID=h\n\
    two\t.\tmRNA\t3\t8\t.\t-\t.\tID=h.1;Parent=h\n\
    two\t.\tCDS\t3\t8\t.\t-\t0\tParent=h.1\n\
    one\t.\tgene\t1\t20\t.\t+\t.\tID=g\n\
    one\t.\tmRNA\t1\t20\t.\t+\t.\tID=t;Parent=g\n\
    one\t.\texon\t1\t7\t.\t+\t.\tParent=t\n\
    one\t.\texon\t15\t20\t.\t+\t.\tParent=t\n\
    one\t.\tCDS\t3\t7\t.\t+\t0\tParent=t\n\
    one\t.\tCDS\t15\t18\t.\t+\t1\tParent=t\n\
    one\t.\ttRNA\t22\t23\t.\t+\t.\tID=r\n";

struct Case(tempfile::TempDir);

impl Case {
    fn new(genome: &str, gff: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("x.fna"), genome).expect("written");
        std::fs::write(folder.path().join("x.gff"), gff).expect("written");
        Case(folder)
    }

    fn run(&self, product: Product, options: &Options) -> Result<String> {
        let at = |name: &str| self.0.path().join(name);
        let request = Request { product, path: Some(at("out")) };
        run(&at("x.gff"), &at("x.fna"), &[request], options, &AtomicBool::new(false))?;
        Ok(std::fs::read_to_string(at("out")).expect("text"))
    }

    fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.0.path()).expect("listing");
        let mut names: Vec<_> =
            names.map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn plain() -> Options {
    Options { genetic_code: 1, longest: false, contigs: None, stats: false }
}

#[test]
fn each_product_of_a_small_genome() {
    let case = Case::new(GENOME, GFF);
    for (product, expected) in [
        (Product::Cds, ">h.1\natgTAA\n>t\nATGaaaTAA\n"),
        (Product::Proteins, ">h.1\nM\n>t\nMK\n"),
        (Product::Mrna, ">h.1 CDS=1-6\natgTAA\n>t CDS=3-11\nccATGaaaTAAcc\n"),
        (
            Product::Exons,
            ">h.1.exon1 two:3-8(-)\natgTAA\n>t.exon1 one:1-7(+)\nccATGaa\n>t.exon2 one:15-20(+)\naTAAcc\n",
        ),
        (Product::Introns, ">t.intron1 one:8-14(+)\nGTcccAG\n"),
        (Product::Genes, ">h two:3-8(-)\natgTAA\n>g one:1-20(+)\nccATGaaGTcccAGaTAAcc\n"),
        (Product::Intergenic, ">two:1-2\nGG\n>two:9-10\nGG\n>one:21-21\nT\n>one:24-24\nT\n"),
        (Product::Upstream(1), ">h two:9-9(-)\nC\n>g one:1-0(+)\n"),
        (
            Product::Bed,
            "two\t2\t8\th.1\t0\t-\t2\t8\t0\t1\t6,\t0,\none\t0\t20\tt\t0\t+\t2\t18\t0\t2\t7,6,\t0,14,\n",
        ),
    ] {
        assert_eq!(case.run(product, &plain()).expect("runs"), expected, "{product:?}");
    }
    let gtf = case.run(Product::Gtf, &plain()).expect("runs");
    assert!(
        gtf.contains("one\tGeneT5\tCDS\t15\t15\t.\t+\t1\tgene_id \"g\"; transcript_id \"t\";\n"),
        "{gtf}"
    );
    assert!(gtf.contains("one\tGeneT5\tstop_codon\t16\t18\t.\t+\t0\t"), "{gtf}");
    assert!(gtf.contains("two\tGeneT5\tCDS\t6\t8\t.\t-\t0\t"), "{gtf}");
}

#[test]
fn a_split_stop_codon_stands_in_two_rows() {
    let gff = "one\t.\tCDS\t3\t6\t.\t+\t0\tID=t\none\t.\tCDS\t18\t19\t.\t+\t2\tID=t\n";
    let case = Case::new(">one\nccATGTcccccccccccAAcc\n", gff);
    let gtf = case.run(Product::Gtf, &plain()).expect("runs");
    let rows: Vec<Vec<&str>> = gtf.lines().map(|line| line.split('\t').collect()).collect();
    let found: Vec<_> = rows.iter().map(|row| (row[2], row[3], row[4], row[7])).skip(4).collect();
    assert_eq!(
        found,
        [("CDS", "3", "5", "0"), ("stop_codon", "6", "6", "0"), ("stop_codon", "18", "19", "2")]
    );
}

#[test]
fn a_failure_leaves_no_file() {
    for (gff, word) in [
        ("one\t.\tCDS\t3\t99\t.\t+\t0\tID=t\n", "ends at 99, but one has 24 bases"),
        ("ones\t.\tCDS\t3\t9\t.\t+\t0\tID=t\n", "nearest: one"),
    ] {
        let case = Case::new(GENOME, gff);
        let message = case.run(Product::Cds, &plain()).expect_err("impossible").to_string();
        assert!(message.contains("line 1") && message.contains(word), "{message}");
        assert!(!case.files().iter().any(|name| name.contains("out")), "{:?}", case.files());
    }
    let case = Case::new(GENOME, GFF);
    let request = Request { product: Product::Cds, path: Some(case.0.path().join("out")) };
    let stopped = AtomicBool::new(true);
    let at = |name: &str| case.0.path().join(name);
    let found = run(&at("x.gff"), &at("x.fna"), &[request], &plain(), &stopped);
    assert!(matches!(found, Err(Error::Interrupted)));
    assert!(!case.files().iter().any(|name| name.contains("out")), "{:?}", case.files());
}

#[test]
fn contigs_are_chosen_by_name() {
    let case = Case::new(GENOME, GFF);
    let one = Options { contigs: Some(vec!["two".into()]), ..plain() };
    assert_eq!(case.run(Product::Cds, &one).expect("runs"), ">h.1\natgTAA\n");
    assert_eq!(case.run(Product::Intergenic, &one).expect("runs"), ">two:1-2\nGG\n>two:9-10\nGG\n");
    let wrong = Options { contigs: Some(vec!["tow".into()]), ..plain() };
    let message = case.run(Product::Cds, &wrong).expect_err("unknown").to_string();
    assert!(message.contains("no contig tow (nearest: two)"), "{message}");
}
