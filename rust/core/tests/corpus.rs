//! The inputs that fuzzing has kept (rust/fuzz/seeds) are read without a fault.

use std::path::Path;

#[path = "../../fuzz/src/lib.rs"]
mod targets;

fn replay(name: &str, target: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(name);
    let mut paths: Vec<_> =
        std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no inputs in {}", folder.display());
    for path in paths {
        let input = std::fs::read(&path).expect("an input");
        let outcome = std::panic::catch_unwind(|| target(&input));
        assert!(outcome.is_ok(), "{}", path.display());
    }
}

#[test]
fn fasta() {
    replay("fasta", targets::fasta);
}

#[test]
fn gff() {
    replay("gff", targets::gff);
}

#[test]
fn tokenizer_json() {
    replay("tokenizer_json", targets::tokenizer_json);
}

#[test]
fn shard() {
    replay("shard", targets::shard);
}

#[test]
fn language() {
    replay("language", targets::language);
}
