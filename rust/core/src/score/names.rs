//! Contig names that differ between files: found, explained, and mapped by a table.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{files, Error, Result};

/// How many names a message shows.
const SHOWN: usize = 3;

/// A two-column table, tab separated: the predictions' name, the reference's name.
///
/// # Errors
/// [`Error::Io`]; [`Error::Input`] with the line that has not two names or repeats one.
pub fn read_alias(path: &Path) -> Result<FxHashMap<String, String>> {
    let bytes = files::read(path)?;
    let mut table = FxHashMap::default();
    for (line, number) in String::from_utf8_lossy(&bytes).lines().zip(1u64..) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let mut names = line.split('\t').map(str::trim);
        let (Some(from), Some(to), None) = (names.next(), names.next(), names.next()) else {
            let message =
                "an alias file has two tab-separated columns: the predictions' name, the reference's";
            return Err(Error::input(path, number, message));
        };
        if table.insert(from.to_string(), to.to_string()).is_some() {
            return Err(Error::input(path, number, format!("{from} is named twice in the first column")));
        }
    }
    Ok(table)
}

/// Refuses a pair of files of which both name contigs and share none.
///
/// # Errors
/// [`Error::Input`] with the nearest names.
pub fn refuse_strangers(
    reference: &Path,
    reference_names: &[String],
    prediction: &Path,
    prediction_names: &[String],
) -> Result<()> {
    let known: FxHashSet<&String> = reference_names.iter().collect();
    let strangers = prediction_names.iter().all(|name| !known.contains(name));
    if reference_names.is_empty() || prediction_names.is_empty() || !strangers {
        return Ok(());
    }
    let pairs: Vec<String> = prediction_names
        .iter()
        .take(SHOWN)
        .filter_map(|name| Some(format!("{name} (nearest: {})", nearest(name, reference_names)?)))
        .collect();
    let cause = if same_style_but_spelling(reference_names, prediction_names) {
        "the same sequences under other names; "
    } else {
        ""
    };
    Err(Error::input(
        prediction,
        None,
        format!(
            "has no contig of {}: {}; {cause}map the names with --alias FILE (two columns: name here, name \
             in the reference)",
            reference.display(),
            pairs.join(", "),
        ),
    ))
}

/// Refuses a genome that has none of the sequences that an annotation has features on.
///
/// # Errors
/// [`Error::Input`] with the nearest names.
pub fn refuse_foreign_genome(
    annotation: &Path,
    names: &[String],
    genome: &Path,
    contigs: &[impl AsRef<str>],
) -> Result<()> {
    let contigs: Vec<String> = contigs.iter().map(|name| name.as_ref().to_string()).collect();
    let known: FxHashSet<&String> = contigs.iter().collect();
    if names.is_empty() || names.iter().any(|name| known.contains(name)) {
        return Ok(());
    }
    let pairs: Vec<String> = names.iter().take(SHOWN).map(|name| with_nearest(name, &contigs)).collect();
    let message = format!(
        "no sequence of it is in {}: {}; give the genome that belongs to it, or rename the sequences of one",
        genome.display(),
        pairs.join(", ")
    );
    Err(Error::input(annotation, None, message))
}

/// A name that is not among the others, with those that come nearest.
pub fn with_nearest(name: &str, others: &[String]) -> String {
    let mut near: Vec<&String> = others.iter().collect();
    let bare = core(name);
    near.sort_by_cached_key(|other| (core(other) != bare, edits(name.as_bytes(), other.as_bytes())));
    let near: Vec<&str> = near.iter().take(SHOWN).map(|other| other.as_str()).collect();
    format!("{name} (nearest: {})", near.join(", "))
}

/// Whether names that do not match would match if spelt alike: chr1, 1, NC_000001.11.
pub fn same_style_but_spelling(a: &[String], b: &[String]) -> bool {
    let bare: FxHashSet<String> = a.iter().map(|name| core(name)).collect();
    b.iter().any(|name| bare.contains(&core(name)))
}

/// The pairs of names, this side's and the other's, that would match if spelt alike and do not.
pub fn spelt_differently(here: &[String], there: &[String]) -> Vec<(String, String)> {
    let known: FxHashSet<&String> = there.iter().collect();
    let mine: FxHashSet<&String> = here.iter().collect();
    let bare: FxHashMap<String, &String> = there.iter().map(|name| (core(name), name)).collect();
    here.iter()
        .filter(|name| !known.contains(name))
        .filter_map(|name| Some((name.clone(), (*bare.get(&core(name))?).clone())))
        .filter(|(_, other)| !mine.contains(other))
        .collect()
}

/// A name without `chr`, version, leading zeros and case; RefSeq chromosomes by their number.
fn core(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let stem = match lower.rsplit_once('.') {
        Some((stem, version)) if version.bytes().all(|b| b.is_ascii_digit()) && !stem.is_empty() => stem,
        _ => &lower,
    };
    let bare = ["nc_", "chromosome_", "chromosome", "chr_", "chr"]
        .iter()
        .find_map(|prefix| stem.strip_prefix(prefix).filter(|rest| !rest.is_empty()))
        .unwrap_or(stem);
    let number = bare.trim_start_matches('0');
    match (number, stem.starts_with("nc_")) {
        ("", _) => bare.to_string(),
        ("23", true) => "x".to_string(),
        ("24", true) => "y".to_string(),
        ("12920", true) | ("mt", false) => "m".to_string(),
        (number, _) => number.to_string(),
    }
}

/// The name with the fewest edits, one that is spelt alike first.
pub fn nearest<'a>(name: &str, others: &'a [String]) -> Option<&'a String> {
    let bare = core(name);
    others.iter().min_by_key(|other| (core(other) != bare, edits(name.as_bytes(), other.as_bytes())))
}

/// Levenshtein's distance.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn three_spellings_of_one_chromosome_are_recognised() {
        for [a, b] in [["chr1", "1"], ["1", "NC_000001.11"], ["chrX", "NC_000023.11"], ["Chr01", "chr1"]] {
            assert_eq!(core(a), core(b), "{a} {b}");
            assert!(same_style_but_spelling(&names(&[a]), &names(&[b])));
        }
        for [a, b] in [["chr1", "chr2"], ["1", "11"], ["chrX", "chrY"]] {
            assert_ne!(core(a), core(b));
        }
    }

    #[test]
    fn the_error_names_the_nearest() {
        let refused = refuse_strangers(
            Path::new("r"),
            &names(&["chr10", "chr1"]),
            Path::new("p"),
            &names(&["NC_000001.11", "x"]),
        );
        let message = refused.expect_err("nothing in common").to_string();
        assert!(message.contains("NC_000001.11 (nearest: chr1)") && message.contains("--alias"), "{message}");
        assert!(refuse_strangers(Path::new("r"), &names(&["a"]), Path::new("p"), &[]).is_ok());
    }

    #[test]
    fn a_foreign_genome_is_refused_with_the_nearest_names() {
        let refuse = |names: &[String], contigs: &[&str]| {
            refuse_foreign_genome(Path::new("x.gff"), names, Path::new("x.fna"), contigs)
        };
        let message =
            refuse(&names(&["chr2"]), &["scaffold_9", "2", "chr21"]).expect_err("foreign").to_string();
        assert!(message.starts_with("x.gff: ") && message.contains("chr2 (nearest: 2, chr21, scaffold_9)"));
        assert!(refuse(&names(&["chr2", "M"]), &["M"]).is_ok() && refuse(&[], &["M"]).is_ok());
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!([edits(b"kitten", b"sitting"), edits(b"", b"ab"), edits(b"a", b"a")], [3, 2, 0]);
    }
}
