//! What the types of rows (column 3) mean.

use super::Feature;

/// What a row is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Gene,
    /// mRNA, transcript and every other type that may lie between gene and CDS.
    Middle,
    Protein,
    Cds,
    Stop,
    /// Exons and UTRs, where they are asked for.
    Exon,
    /// Exons, UTRs, introns: only their parents are looked at.
    Piece,
    /// Alignments and landmarks.
    Other,
}

/// The role of a type (column 3).
pub(crate) fn role(kind: &[u8], feature: Feature) -> Role {
    match kind {
        b"exon" if feature == Feature::Exon => Role::Cds,
        b"CDS" | b"stop_codon" if feature == Feature::Exon => Role::Piece,
        b"CDS" => Role::Cds,
        b"exon" if feature == Feature::Structure => Role::Exon,
        b"exon" | b"start_codon" | b"pseudogenic_exon" => Role::Piece,
        b"stop_codon" => Role::Stop,
        b"intron" | b"match_part" => Role::Other,
        b"protein" | b"polypeptide" => Role::Protein,
        b"mRNA" | b"transcript" => Role::Middle,
        b"match" | b"region" | b"chromosome" | b"contig" | b"gap" => Role::Other,
        _ if kind.ends_with(b"_match") => Role::Other,
        _ if (kind.ends_with(b"UTR") || kind.ends_with(b"utr")) && feature == Feature::Structure => {
            Role::Exon
        }
        _ if kind.ends_with(b"UTR") || kind.ends_with(b"utr") => Role::Piece,
        _ if kind.ends_with(b"gene") && kind != b"mRNA_TE_gene" => Role::Gene,
        _ => Role::Middle,
    }
}

/// Whether a type is a gene or transcript, whose ID may stand in one row only.
pub(super) fn holds_cds(kind: &[u8]) -> bool {
    kind.ends_with(b"gene") || kind.ends_with(b"RNA") || kind.ends_with(b"transcript")
}
