//! Types (column 3) that mean the same to all readers.

use super::Kind;
use crate::annotation::{self, Feature, Role};
use crate::score::gffcompare;

/// What a row is, where all readers agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Gene,
    Transcript,
    Part(Kind),
    Stop,
    Intron,
    /// Something else that has no parent.
    Landmark,
    /// Likewise, and several rows may have one ID.
    Match,
}

impl Class {
    /// None for a type that they take for different things.
    pub(super) fn of(kind: &[u8]) -> Option<Self> {
        use gffcompare::Kind as Theirs;
        match (annotation::role(kind, Feature::Cds), Theirs::of(kind)) {
            (Role::Gene, Theirs::Gene) => Some(Class::Gene),
            (Role::Middle, Theirs::Transcript) => Some(Class::Transcript),
            (Role::Cds, Theirs::Coding) => Some(Class::Part(Kind::Cds)),
            (Role::Piece, Theirs::Exon) if kind == b"exon" => Some(Class::Part(Kind::Exon)),
            (Role::Piece, Theirs::Exon) => Some(Class::Part(Kind::Other)),
            (Role::Piece, Theirs::Coding) => Some(Class::Part(Kind::Codon)),
            (Role::Stop, Theirs::Coding) => Some(Class::Stop),
            (Role::Other, Theirs::Intron) => Some(Class::Intron),
            (Role::Other, Theirs::Match) => Some(Class::Match),
            (Role::Other | Role::Middle, Theirs::Other) => Some(Class::Landmark),
            _ => None,
        }
    }
}
