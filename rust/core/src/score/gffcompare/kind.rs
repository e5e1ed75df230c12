//! What a row is, by its type, and the names it goes by.

use memchr::{memchr, memmem};

/// The part a row plays in a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) enum Kind {
    /// Exon or UTR.
    Exon,
    /// CDS, start codon or stop codon: an exon, too.
    Coding,
    /// Counts as an exon only where its transcript has not been seen before.
    Intron,
    /// Any RNA or transcript.
    Transcript,
    /// A gene's V, D, J or C segment: a transcript whose CDS may hang on its gene.
    GeneSegment,
    /// Gene or pseudogene.
    Gene,
    /// None of these: it hides whatever names it as parent.
    Other,
    /// An alignment, which is left out.
    Match,
}

impl Kind {
    /// The kind of a type (column 3), whatever its case.
    pub(in crate::score) fn of(name: &[u8]) -> Self {
        match name {
            b"exon" => Kind::Exon,
            b"CDS" | b"start_codon" | b"stop_codon" => Kind::Coding,
            b"mRNA" | b"transcript" => Kind::Transcript,
            b"gene" => Kind::Gene,
            b"intron" => Kind::Intron,
            other => Kind::of_lower_case(&other.to_ascii_lowercase()),
        }
    }

    fn of_lower_case(name: &[u8]) -> Self {
        let has = |word: &str| memmem::find(name, word.as_bytes()).is_some();
        let codon = has("codon") || has("cds");
        let redefined = has("redefined") || has("selenocysteine");
        if name.ends_with(b"match") {
            Kind::Match
        } else if has("utr") || name.ends_with(b"exon") {
            Kind::Exon
        } else if name == b"cds" || (has("stop") && codon && !redefined) || (has("start") && codon) {
            Kind::Coding
        } else if name.starts_with(b"intron") || name.ends_with(b"intron") {
            Kind::Intron
        } else if name.ends_with(b"rna") || name.ends_with(b"transcript") {
            Kind::Transcript
        } else if name.ends_with(b"_gene_segment") {
            Kind::GeneSegment
        } else if name.starts_with(b"gene") || name.ends_with(b"gene") {
            Kind::Gene
        } else {
            Kind::Other
        }
    }

    /// A stretch of a transcript.
    pub(super) fn is_part(self) -> bool {
        matches!(self, Kind::Exon | Kind::Coding | Kind::Intron)
    }

    /// A transcript in its own right.
    pub(super) fn is_transcript(self) -> bool {
        matches!(self, Kind::Transcript | Kind::GeneSegment)
    }
}

/// The names in column 9 that link rows; empty ones are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Names<'a> {
    pub id: Option<&'a [u8]>,
    /// One name, or in GFF3 several with commas between.
    pub parent: Option<&'a [u8]>,
}

impl<'a> Names<'a> {
    /// `ID=` and `Parent=`; of a part with a parent the ID is not looked for.
    pub(super) fn gff3(mut text: &'a [u8], kind: Kind) -> Self {
        let mut names = Names::default();
        while !text.is_empty() {
            let end = memchr(b';', text).unwrap_or(text.len());
            let item = text[..end].trim_ascii();
            text = &text[(end + 1).min(text.len())..];
            if let Some(value) = item.strip_prefix(b"Parent=") {
                names.parent = names.parent.or(unquoted(value));
            } else if let Some(value) = item.strip_prefix(b"ID=") {
                names.id = names.id.or(unquoted(value));
            }
            if names.parent.is_some() && (kind.is_part() || names.id.is_some()) {
                break;
            }
        }
        names
    }

    /// `transcript_id` and `gene_id` in the roles of ID and parent; empty for rows that GTF
    /// does not hang on transcripts.
    pub(super) fn gtf(text: &'a [u8], kind: Kind) -> Self {
        match kind {
            Kind::Exon | Kind::Coding => Names { id: None, parent: quoted(text, b"transcript_id") },
            Kind::Transcript | Kind::GeneSegment => match quoted(text, b"transcript_id") {
                None => Names::default(),
                id => Names { id, parent: quoted(text, b"gene_id") },
            },
            Kind::Gene => Names {
                id: quoted(text, b"transcript_id").or_else(|| quoted(text, b"gene_id")),
                parent: None,
            },
            Kind::Intron | Kind::Other | Kind::Match => Names::default(),
        }
    }
}

/// A GFF3 value without quotation marks around it.
fn unquoted(value: &[u8]) -> Option<&[u8]> {
    let value = value.trim_ascii_start();
    let value = match value.strip_prefix(b"\"") {
        Some(inner) => &inner[..memchr(b'"', inner).unwrap_or(inner.len())],
        None => value,
    };
    (!value.is_empty()).then_some(value)
}

/// The value of a GTF key; quoted text is opaque.
fn quoted<'a>(mut text: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    loop {
        text = text.trim_ascii_start();
        if text.is_empty() {
            return None;
        }
        let end = text.iter().position(|b| b" ;\"".contains(b)).unwrap_or(text.len());
        let found = &text[..end] == key;
        text = text[end..].trim_ascii_start();
        let value;
        if let Some(inner) = text.strip_prefix(b"\"") {
            let close = memchr(b'"', inner).unwrap_or(inner.len());
            value = &inner[..close];
            text = &inner[(close + 1).min(inner.len())..];
            text = &text[memchr(b';', text).unwrap_or(text.len())..];
        } else {
            let stop = memchr(b';', text).unwrap_or(text.len());
            value = text[..stop].trim_ascii_end();
            text = &text[stop..];
        }
        if found {
            return (!value.is_empty()).then_some(value);
        }
        text = text.strip_prefix(b";").unwrap_or(text);
    }
}
