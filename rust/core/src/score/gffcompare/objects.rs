//! The records of a file while it is read, and the names that lead to them.

use rustc_hash::{FxHashMap, FxHashSet};

use super::kind::Kind;
use crate::annotation::rows::Row;
use crate::gene::{Interval, Strand};

/// No record.
pub(super) const NONE: u32 = u32::MAX;
/// Rows of one name further apart than this belong to different records.
const MAX_LOCUS: u32 = 7_000_000;

/// A gene, a transcript, or whatever else has a name of its own.
#[derive(Debug, Clone)]
pub(super) struct Object<'a> {
    pub id: &'a [u8],
    pub contig: u32,
    pub source: u32,
    pub span: Interval,
    pub strand: Option<Strand>,
    /// Steps below the topmost record; 4 bits in the original.
    pub level: u8,
    pub parent: u32,
    /// Next record of the same name.
    next: u32,
    pub gene: bool,
    pub transcript: bool,
    pub gene_segment: bool,
    /// Made by a row that names it as its parent.
    pub by_part: bool,
    pub discarded: bool,
}

/// A stretch of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub object: u32,
    pub span: Interval,
    pub coding: bool,
}

/// All records in order of their making, with their stretches.
#[derive(Debug, Default)]
pub(super) struct Objects<'a> {
    pub list: Vec<Object<'a>>,
    pub segments: Vec<Segment>,
    /// IDs of the CDS rows that hang on genes, by number of the stretch.
    pub gene_cds: Vec<(u32, &'a [u8])>,
    pub contigs: Vec<&'a [u8]>,
    pub sources: Vec<&'a [u8]>,
    contig_number: FxHashMap<&'a [u8], u32>,
    source_number: FxHashMap<&'a [u8], u32>,
    /// First record of each name.
    heads: FxHashMap<&'a [u8], u32>,
    /// Names whose rows and all that hangs on them do not count.
    pub discarded: FxHashSet<&'a [u8]>,
}

/// Number of a name, mostly that of the row before.
fn intern<'a>(
    names: &mut Vec<&'a [u8]>,
    numbers: &mut FxHashMap<&'a [u8], u32>,
    last: u32,
    name: &'a [u8],
) -> u32 {
    if names.get(last as usize) == Some(&name) {
        return last;
    }
    *numbers.entry(name).or_insert_with(|| {
        names.push(name);
        names.len() as u32 - 1
    })
}

impl<'a> Objects<'a> {
    /// Number of a contig; `last` is the one to try first.
    pub(super) fn contig(&mut self, last: u32, name: &'a [u8]) -> u32 {
        intern(&mut self.contigs, &mut self.contig_number, last, name)
    }

    /// The first record of a name.
    pub(super) fn head(&self, id: &[u8]) -> Option<u32> {
        self.heads.get(id).copied()
    }

    /// Whether a row at `start` may belong to the record.
    fn fits(&self, object: u32, contig: u32, strand: Option<Strand>, start: u32) -> bool {
        let found = &self.list[object as usize];
        found.contig == contig
            && (found.strand.is_none() || found.strand == strand)
            && found.span.start.abs_diff(start) <= MAX_LOCUS
    }

    /// The first record of a name that is on the contig and strand and not too far away.
    pub(super) fn find(&self, id: &[u8], contig: u32, strand: Option<Strand>, start: u32) -> Option<u32> {
        let mut at = self.head(id)?;
        while at != NONE {
            if self.fits(at, contig, strand, start) {
                return Some(at);
            }
            at = self.list[at as usize].next;
        }
        None
    }

    /// As [`Objects::find`], where `last` is the record that the row before belonged to.
    pub(super) fn find_near(
        &self,
        last: u32,
        id: &[u8],
        contig: u32,
        strand: Option<Strand>,
        start: u32,
    ) -> Option<u32> {
        // names mostly have one record on a contig and strand, and its rows follow each other
        let same = self.list.get(last as usize).is_some_and(|found| found.id == id && found.strand == strand);
        if same && self.fits(last, contig, strand, start) {
            return Some(last);
        }
        self.find(id, contig, strand, start)
    }

    /// Makes a record of a row, reachable under its name.
    pub(super) fn create(&mut self, row: &Row<'a>, contig: u32, kind: Kind, id: &'a [u8]) -> u32 {
        let number = self.list.len() as u32;
        let last = self.list.last().map_or(NONE, |object| object.source);
        let source = intern(&mut self.sources, &mut self.source_number, last, row.source);
        self.list.push(Object {
            id,
            contig,
            source,
            span: Interval::new(row.start, row.end),
            strand: row.strand,
            level: 0,
            parent: NONE,
            next: NONE,
            gene: kind == Kind::Gene,
            transcript: kind.is_part() || kind.is_transcript(),
            gene_segment: kind == Kind::GeneSegment,
            by_part: false,
            discarded: false,
        });
        match self.heads.get(id) {
            None => {
                self.heads.insert(id, number);
            }
            Some(&head) => {
                let mut at = head;
                while self.list[at as usize].next != NONE {
                    at = self.list[at as usize].next;
                }
                self.list[at as usize].next = number;
            }
        }
        number
    }

    /// Puts a record in the place of an older one of the same name.
    pub(super) fn replace(&mut self, old: u32, new: u32) {
        let id = self.list[old as usize].id;
        let Some(&head) = self.heads.get(id) else { return };
        // `new` was appended last: take it off, then let it stand where `old` stood
        let mut names = vec![head];
        while self.list[names[names.len() - 1] as usize].next != NONE {
            names.push(self.list[names[names.len() - 1] as usize].next);
        }
        names.retain(|&at| at != new);
        names.iter_mut().filter(|at| **at == old).for_each(|at| *at = new);
        for pair in names.windows(2) {
            self.list[pair[0] as usize].next = pair[1];
        }
        self.list[names[names.len() - 1] as usize].next = NONE;
        self.heads.insert(id, names[0]);
    }

    /// Hangs a record on another.
    pub(super) fn link(&mut self, child: u32, parent: u32) {
        let level = (self.list[parent as usize].level + 1) & 15;
        let child = &mut self.list[child as usize];
        if child.parent == NONE {
            child.parent = parent;
        }
        child.level = level;
    }

    /// Adds the row's stretch to a record.
    pub(super) fn extend(&mut self, object: u32, row: &Row<'a>, kind: Kind) {
        let found = &mut self.list[object as usize];
        found.strand = found.strand.or(row.strand);
        found.transcript |= matches!(kind, Kind::Exon | Kind::Coding);
        found.span.start = found.span.start.min(row.start);
        found.span.end = found.span.end.max(row.end);
        let span = Interval::new(row.start, row.end);
        self.segments.push(Segment { object, span, coding: kind == Kind::Coding });
    }
}
