//! Files as text for the tools' own readers, with only the chosen rows and the reference's names.

use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter, memrchr2};
use rustc_hash::{FxHashMap, FxHashSet};

use super::names;
use super::set::{Isoforms, Selection};
use super::sides::refuse_unknown;
use super::tidy::Tidy;
use crate::annotation::attributes::{decode, items, Attributes};
use crate::annotation::{self, Format};
use crate::files::Bytes;
use crate::gff3::escape;
use crate::{interrupt, Result};

/// Contig names of the predictions and of the reference.
type Alias = FxHashMap<String, String>;

/// A file as the tools' readers see it.
#[derive(Debug)]
pub struct Source {
    /// Where it came from, for messages.
    pub path: PathBuf,
    /// Names of the sequences that it has rows on.
    pub contigs: Vec<String>,
    pub(super) content: Content,
}

/// What a file holds.
#[derive(Debug)]
pub(super) enum Content {
    /// Read already, for all presets.
    Tidy(Tidy),
    /// Rows that each preset reads by itself.
    Text(Bytes),
}

impl Source {
    /// A text, read already where it is tidy.
    fn new(path: &Path, text: Bytes, alias: &Alias) -> Self {
        match Tidy::read(path, &text) {
            Some(tidy) => {
                let contigs = tidy.contigs.iter().map(|name| renamed(name, alias)).collect();
                Source { path: path.to_path_buf(), contigs, content: Content::Tidy(tidy) }
            }
            None => Source::of_rows(path, text, alias),
        }
    }

    /// A text as it is.
    fn of_rows(path: &Path, text: Bytes, alias: &Alias) -> Self {
        Source { path: path.to_path_buf(), contigs: contigs(&text, alias), content: Content::Text(text) }
    }

    pub(super) fn is_tidy(&self) -> bool {
        matches!(self.content, Content::Tidy(_))
    }

    fn chosen(self, selection: &Selection, alias: &Alias, as_written: bool) -> Result<Self> {
        match self.content {
            Content::Text(text) if !(as_written && is_all(selection, alias)) => {
                let chosen =
                    Source::new(&self.path, choose(&self.path, text, selection, alias)?, &Alias::default());
                Ok(Source { contigs: self.contigs, ..chosen })
            }
            content => Ok(Source { content, ..self }),
        }
    }
}

/// What makes two names of contigs the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// The same bytes, as the tools themselves see it.
    AsWritten,
    /// The same name, in whichever way it is percent-encoded.
    Decoded,
}

/// A reference and predictions, chosen from and renamed like [`super::Sides`].
///
/// # Errors
/// As [`super::Sides::read`].
pub fn sources(
    reference: &Path,
    predictions: &[impl AsRef<Path> + Sync],
    selection: &Selection,
    alias: Option<&Path>,
    spelling: Spelling,
) -> Result<(Source, Vec<Source>)> {
    let alias = alias.map(names::read_alias).transpose()?.unwrap_or_default();
    let own = Alias::default();
    let texts =
        |paths: &[PathBuf]| paths.iter().map(|path| annotation::text(path)).collect::<Result<Vec<_>>>();
    let paths: Vec<PathBuf> = predictions.iter().map(|path| path.as_ref().to_path_buf()).collect();
    let (ours, theirs) = rayon::join(|| annotation::text(reference), || texts(&paths));
    let (ours, theirs) = (ours?, theirs?);
    interrupt::check()?;
    let as_written = spelling == Spelling::AsWritten
        || !std::iter::once(&ours).chain(&theirs).any(|text| has_coded_names(text));
    let read = |path: &Path, text, alias| match as_written && is_all(selection, alias) {
        true => Source::new(path, text, alias),
        false => Source::of_rows(path, text, alias),
    };
    let (ours, theirs) = rayon::join(
        || read(reference, ours, &own),
        || paths.iter().zip(theirs).map(|(path, text)| read(path, text, &alias)).collect::<Vec<_>>(),
    );
    interrupt::check()?;
    let mut all: FxHashSet<&str> = ours.contigs.iter().map(String::as_str).collect();
    for source in &theirs {
        names::refuse_strangers(reference, &ours.contigs, &source.path, &source.contigs)?;
        all.extend(source.contigs.iter().map(String::as_str));
    }
    refuse_unknown(selection.contigs.as_deref().unwrap_or_default(), |name| all.contains(name))?;
    for (name, _) in &selection.regions {
        refuse_unknown(std::slice::from_ref(name), |name| all.contains(name))?;
    }
    let predictions = theirs.into_iter().map(|source| source.chosen(selection, &alias, as_written));
    Ok((ours.chosen(selection, &own, as_written)?, predictions.collect::<Result<_>>()?))
}

/// Whether a name of a contig has a percent sign.
fn has_coded_names(text: &[u8]) -> bool {
    memchr_iter(b'%', text).any(|at| match memrchr2(b'\t', b'\n', &text[..at]) {
        Some(before) if text[before] == b'\t' => false,
        before => text[before.map_or(0, |newline| newline + 1)] != b'#',
    })
}

/// Whether all rows are chosen and keep their names.
fn is_all(selection: &Selection, alias: &Alias) -> bool {
    !by_model(selection) && selection.contigs.is_none() && alias.is_empty()
}

/// Whether transcripts are chosen, and not only rows.
fn by_model(selection: &Selection) -> bool {
    selection.isoforms == Isoforms::Longest || !selection.regions.is_empty() || selection.min_cds > 0
}

/// Lines up to the FASTA section, with their ends.
fn lines(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let end = memchr(b'\n', text).map_or(text.len(), |at| at + 1);
        let (line, rest) = text.split_at(end);
        text = rest;
        (!line.is_empty() && line[0] != b'>' && !line.starts_with(b"##FASTA")).then_some(line)
    })
}

/// Names of the sequences with rows, in order of first appearance.
fn contigs(text: &[u8], alias: &Alias) -> Vec<String> {
    let (mut seen, mut names, mut last) = (FxHashSet::default(), Vec::new(), &[][..]);
    for line in lines(text).filter(|line| line[0] != b'#' && line.contains(&b'\t')) {
        let name = line.split(|&b| b == b'\t').next().unwrap_or_default();
        if name != last && seen.insert(name) {
            names.push(renamed(name, alias));
        }
        last = name;
    }
    names
}

fn renamed(name: &[u8], alias: &Alias) -> String {
    let name = decode(name);
    alias.get(&name).cloned().unwrap_or(name)
}

fn choose(path: &Path, text: Bytes, selection: &Selection, alias: &Alias) -> Result<Bytes> {
    let kept = by_model(selection).then(|| Kept::new(path, &text, selection, alias)).transpose()?;
    let mut out = Vec::with_capacity(text.len());
    let chosen = |name: &String| selection.contigs.as_ref().is_none_or(|contigs| contigs.contains(name));
    for line in lines(&text) {
        if let Some(rest) = line.strip_prefix(b"##sequence-region") {
            let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            let name = renamed(words.next().unwrap_or_default(), alias);
            if chosen(&name) {
                out.extend_from_slice(format!("##sequence-region {}", escape(&name)).as_bytes());
                words.for_each(|word| out.extend([b" ", word].concat()));
                out.push(b'\n');
            }
        } else if line[0] == b'#' {
            out.extend_from_slice(line);
        } else if let Some(at) = memchr(b'\t', line) {
            let name = renamed(&line[..at], alias);
            let rest = line[at..].trim_ascii_end();
            let rest = match &kept {
                _ if !chosen(&name) => None,
                Some(kept) => kept.row(&decode(&line[..at]), rest),
                None => Some(rest.to_vec()),
            };
            if let Some(rest) = rest {
                out.extend_from_slice(escape(&name).as_bytes());
                out.extend(rest);
                out.push(b'\n');
            }
        }
    }
    Ok(Bytes::Owned(out))
}

/// The transcripts that were chosen and their genes, by contig and name.
struct Kept {
    format: Format,
    transcripts: FxHashSet<(String, String)>,
    genes: FxHashSet<(String, String)>,
}

impl Kept {
    fn new(path: &Path, text: &[u8], selection: &Selection, alias: &Alias) -> Result<Self> {
        let annotation = annotation::parse(path, text)?;
        let mut kept = Kept {
            format: annotation.format,
            transcripts: FxHashSet::default(),
            genes: FxHashSet::default(),
        };
        for gene in &annotation.genes {
            let contig = renamed(gene.contig.as_bytes(), alias);
            for transcript in selection.transcripts(gene) {
                let model = transcript.model(gene.strand);
                if selection.holds(&contig, model.start(), model.end()) {
                    kept.transcripts.insert((gene.contig.clone(), transcript.id.clone()));
                    kept.genes.insert((gene.contig.clone(), gene.id.clone()));
                }
            }
        }
        Ok(kept)
    }

    /// The row after its contig, without parents that are not kept; none if it belongs to none that is.
    fn row(&self, contig: &str, rest: &[u8]) -> Option<Vec<u8>> {
        let column = rest.split(|&b| b == b'\t').nth(8)?;
        match self.format {
            Format::Gtf => self.gtf_row(contig, column).then(|| rest.to_vec()),
            Format::Gff3 => self.gff3_row(contig, rest, column),
        }
    }

    fn gtf_row(&self, contig: &str, column: &[u8]) -> bool {
        let attributes = Attributes::gtf(column);
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let key = |name| (contig.to_string(), text(name));
        match (attributes.transcript_id, attributes.gene_id.or(attributes.id)) {
            (Some(name), _) => self.transcripts.contains(&key(name)),
            // BRAKER's rows hold one bare word, of a gene or of a transcript
            (None, Some(name)) => self.genes.contains(&key(name)) || self.transcripts.contains(&key(name)),
            (None, None) => false,
        }
    }

    fn gff3_row(&self, contig: &str, rest: &[u8], column: &[u8]) -> Option<Vec<u8>> {
        let attributes = Attributes::gff3(column);
        let key = |name: &[u8]| (contig.to_string(), decode(name));
        let id = attributes.id.map(key);
        let is_kept = id.as_ref().is_some_and(|id| self.transcripts.contains(id));
        let Some(parents) = attributes.parent else {
            let is_gene = id.is_some_and(|id| self.genes.contains(&id));
            return (is_kept || is_gene).then(|| rest.to_vec());
        };
        let under = |parent: &&[u8]| {
            self.transcripts.contains(&key(parent)) || (is_kept && self.genes.contains(&key(parent)))
        };
        let kept: Vec<&[u8]> = items(parents).filter(under).collect();
        if kept.is_empty() {
            return None;
        }
        if kept.len() == items(parents).count() {
            return Some(rest.to_vec());
        }
        // the value is a part of this very row
        let from = parents.as_ptr() as usize - rest.as_ptr() as usize;
        Some([&rest[..from], &kept.join(&b','), &rest[from + parents.len()..]].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gene::Interval;

    const GFF3: &str = "##gff-version 3\n##sequence-region 1 1 900\n##sequence-region 2 1 900\n\
        1\tx\tgene\t1\t90\t.\t+\t.\tID=g\n\
        1\tx\tmRNA\t1\t90\t.\t+\t.\tID=t;Parent=g\n\
        1\tx\tmRNA\t1\t60\t.\t+\t.\tID=u;Parent=g\n\
        1\tx\texon\t1\t60\t.\t+\t.\tParent=t,u;note=y\n\
        1\tx\tCDS\t1\t60\t.\t+\t0\tID=c;Parent=t\n\
        1\tx\tCDS\t1\t30\t.\t+\t0\tID=d;Parent=u\n\
        2\tx\tgene\t1\t90\t.\t+\t.\tID=h\n\
        2\tx\tCDS\t1\t90\t.\t+\t0\tID=e;Parent=h\n";

    const GTF: &str = "1\tx\tCDS\t1\t60\t.\t+\t0\tgene_id \"g\"; transcript_id \"t\";\n\
        1\tx\tCDS\t1\t30\t.\t+\t0\tgene_id \"g\"; transcript_id \"u\";\n";

    fn chosen(text: &str, selection: &Selection, alias: &[(&str, &str)]) -> String {
        let alias = alias.iter().map(|pair| (pair.0.into(), pair.1.into())).collect();
        let bytes = Bytes::Owned(text.as_bytes().to_vec());
        let out = choose(Path::new("x"), bytes, selection, &alias).expect("chosen");
        String::from_utf8(out.to_vec()).expect("text")
    }

    fn all() -> Selection {
        Selection { isoforms: Isoforms::All, ..Selection::default() }
    }

    #[test]
    fn nothing_asked_is_nothing_changed() {
        assert_eq!(chosen(GFF3, &all(), &[]), GFF3);
    }

    #[test]
    fn contigs_are_dropped_and_renamed_everywhere() {
        let text = chosen(GFF3, &Selection { contigs: Some(vec!["chr2".into()]), ..all() }, &[("2", "chr2")]);
        let expected = "##gff-version 3\n##sequence-region chr2 1 900\n\
            chr2\tx\tgene\t1\t90\t.\t+\t.\tID=h\nchr2\tx\tCDS\t1\t90\t.\t+\t0\tID=e;Parent=h\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_name_is_the_same_however_it_is_encoded() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, contig: &str| {
            let path = folder.path().join(name);
            let text = format!("{contig}\tx\tCDS\t1\t90\t.\t+\t0\tID=c;Note=a%2Cb\n");
            std::fs::write(&path, text).expect("a file");
            path
        };
        let (plain, coded) = (write("plain.gff3", "a=1"), write("coded.gff3", "a%3d1"));
        let text = |source: &Source| match &source.content {
            Content::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Content::Tidy(tidy) => String::from_utf8_lossy(&tidy.contigs[0]).into_owned(),
        };
        let all = Selection { isoforms: Isoforms::All, ..Selection::default() };
        let read = |spelling| sources(&plain, &[&coded], &all, None, spelling).expect("two files");
        let (ours, theirs) = read(Spelling::Decoded);
        assert_eq!(text(&ours), text(&theirs[0]));
        let (ours, theirs) = read(Spelling::AsWritten);
        assert!(text(&ours).starts_with("a=1") && text(&theirs[0]).starts_with("a%3d1"));
    }

    #[test]
    fn names_with_a_percent_sign_are_told_from_other_columns() {
        assert!(!has_coded_names(b"#a%2C\na\tx\t%2C\n\tb%2C\n"));
        assert!(has_coded_names(b"#\na\tx\nb%2C\tx\n") && has_coded_names(b"a%20b\tx"));
    }

    #[test]
    fn only_rows_of_chosen_transcripts_stay() {
        let text = chosen(GFF3, &Selection::default(), &[]);
        assert!(!text.contains("ID=u") && !text.contains("ID=d") && text.contains("ID=e"));
        assert!(text.contains("\tParent=t;note=y\n"), "{text}");
        let text = chosen(GFF3, &Selection { min_cds: 70, ..all() }, &[]);
        assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 2);
        let regions = vec![("1".to_string(), Interval::new(0, 40))];
        let text = chosen(GFF3, &Selection { regions, ..all() }, &[]);
        assert!(text.contains("ID=d;") && !text.contains("ID=c;") && !text.contains("ID=h"));
        let text = chosen(GTF, &Selection::default(), &[]);
        assert_eq!(text, GTF.split_inclusive('\n').next().expect("a line"));
    }
}
