//! The golden files, the synthetic cases, and a plain re-derivation.

mod cases;
mod loading;
mod plain;

use std::path::{Path, PathBuf};

use super::{evaluate, Feature, Loaded, Options, Stats};

/// The folder of real data beside the checkout.
fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("GENET5_SHARED").map_or(beside, PathBuf::from);
    folder.join("golden").is_dir().then_some(folder)
}

fn compare(reference: &Path, prediction: &Path, options: &Options) -> Stats {
    let read = |path: &Path| Loaded::read(path, options).expect("a readable file");
    evaluate(&read(reference), &read(prediction), options)
}

#[test]
fn golden_files_come_out_byte_for_byte() {
    let Some(shared) = shared() else {
        eprintln!("skipped: there is no ../shared/golden beside the checkout");
        return;
    };
    let all = Options::default();
    let cds = Options { feature: Feature::Cds, ..all };
    let runs = [
        ("default", "gff3", all),
        ("e0", "gff3", Options { end_range: 0, ..all }),
        ("strict_e0", "gff3", Options { end_range: 0, strict: true, ..all }),
        ("cds_default", "gtf", cds),
        ("cds_e0", "gtf", Options { end_range: 0, ..cds }),
        ("cds_strict_e3_T", "gtf", Options::cds3()),
    ];
    let mut wrong = Vec::new();
    let folders = std::fs::read_dir(shared.join("golden")).expect("a folder");
    for folder in folders.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()) {
        for (name, format, options) in &runs {
            let expected = folder.join(format!("expected/gffcompare.{name}.txt"));
            let expected = std::fs::read_to_string(expected).expect("a golden file");
            let file = |side: &str| folder.join(format!("{side}.{format}.gz"));
            let found = compare(&file("ref"), &file("pred"), options).original();
            if found != expected {
                wrong.push(format!("{} {name}:\n{found}\ninstead of\n{expected}", folder.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A comparison of two texts.
fn compare_texts(reference: &str, prediction: &str, options: &Options) -> Stats {
    let parse = |text: &str| Loaded::parse(Path::new("x"), text.as_bytes(), options).expect("a good text");
    evaluate(&parse(reference), &parse(prediction), options)
}

/// GTF rows of one transcript.
fn gtf(kind: &str, strand: char, name: &str, parts: &[(u32, u32)]) -> String {
    let row = |(start, end): &(u32, u32)| {
        format!("c\t.\t{kind}\t{start}\t{end}\t.\t{strand}\t.\ttranscript_id \"{name}\"; gene_id \"g\";\n")
    };
    parts.iter().map(row).collect()
}
