//! Rows into records, as gffcompare links them.

use std::path::Path;

use super::kind::{Kind, Names};
use super::objects::{Objects, NONE};
use super::Feature;
use crate::annotation::rows::{format, Line, Row, Rows};
use crate::annotation::Format;
use crate::{Error, Result};

/// Reads all rows of a text.
///
/// # Errors
/// [`Error::Input`] for a malformed row or a transcript without a name.
pub(super) fn load<'a>(path: &'a Path, text: &'a [u8], feature: Feature) -> Result<Objects<'a>> {
    let gff3 = format(path, text)? == Format::Gff3;
    let mut loader = Loader { objects: Objects::default(), gff3, contig: NONE, last: NONE };
    let mut rows = Rows::new(path, text);
    while let Some(line) = rows.next()? {
        let Line::Row(row) = line else { continue };
        if feature == Feature::Cds && row.kind != b"CDS" {
            continue;
        }
        loader.row(path, &row)?;
    }
    Ok(loader.objects)
}

struct Loader<'a> {
    objects: Objects<'a>,
    gff3: bool,
    /// Contig of the row before.
    contig: u32,
    /// Record that the part before belonged to.
    last: u32,
}

/// The names of a `Parent` value.
fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(|item| !item.is_empty())
}

impl<'a> Loader<'a> {
    fn row(&mut self, path: &Path, row: &Row<'a>) -> Result<()> {
        let kind = Kind::of(row.kind);
        if kind == Kind::Match {
            return Ok(());
        }
        let names =
            if self.gff3 { Names::gff3(row.attributes, kind) } else { Names::gtf(row.attributes, kind) };
        if names == Names::default() {
            return Ok(());
        }
        if kind.is_transcript() && names.id.is_none() {
            return Err(Error::input(path, row.line, "a transcript without an ID; give it one (ID=…)"));
        }
        self.contig = self.objects.contig(self.contig, row.contig);
        match names.parent {
            Some(parent) if kind.is_part() => self.part(row, kind, parent),
            _ => self.record(row, kind, names),
        }
        Ok(())
    }

    /// A stretch of one or more transcripts.
    fn part(&mut self, row: &Row<'a>, kind: Kind, parent: &'a [u8]) {
        let mut found_any = false;
        let several = parent.contains(&b',');
        let mut add = |loader: &mut Self, name: &[u8]| {
            let objects = &mut loader.objects;
            let found = objects.find_near(loader.last, name, loader.contig, row.strand, row.start);
            let Some(found) = found else { return };
            loader.last = found;
            found_any = true;
            // an intron of a known transcript says nothing new
            if kind != Kind::Intron {
                if kind == Kind::Coding && objects.list[found as usize].gene {
                    let id = Names::gff3(row.attributes, Kind::Other).id;
                    objects.gene_cds.extend(id.map(|id| (objects.segments.len() as u32, id)));
                }
                objects.extend(found, row, kind);
            }
        };
        if several {
            let kept = |loader: &Self, name: &[u8]| {
                !loader.objects.discarded.contains(name) && loader.objects.head(name).is_some()
            };
            let mut parents: Vec<&[u8]> = items(parent).filter(|name| kept(self, name)).collect();
            if parents.is_empty() {
                parents.extend(items(parent).next());
            }
            parents.iter().for_each(|name| add(self, name));
        } else {
            add(self, parent);
        }
        if !found_any {
            let name = if several { items(parent).next().unwrap_or(parent) } else { parent };
            self.last = self.create(row, kind, name, true);
        }
    }

    /// Makes a record; one made by its own part is given that part.
    fn create(&mut self, row: &Row<'a>, kind: Kind, id: &'a [u8], by_part: bool) -> u32 {
        let number = self.objects.create(row, self.contig, kind, id);
        if by_part {
            self.objects.list[number as usize].by_part = true;
            self.objects.extend(number, row, kind);
        }
        number
    }

    /// A record of its own: a transcript, a gene, something else, or a part without a parent.
    fn record(&mut self, row: &Row<'a>, kind: Kind, names: Names<'a>) {
        let mut seen = None;
        if let (Some(id), false) = (names.id, kind.is_part()) {
            seen = self.objects.find(id, self.contig, row.strand, row.start);
            if let Some(found) = seen {
                seen = Some(self.seen_before(row, kind, id, found));
            }
        }
        let Some(parent) = names.parent else {
            if let (None, Some(id)) = (seen, names.id) {
                self.named(row, kind, id);
            }
            return;
        };
        let in_place = |found: u32| self.objects.list[found as usize].parent != NONE;
        if !self.gff3 && kind.is_transcript() && seen.is_some_and(in_place) {
            return;
        }
        if !self.hang(row, kind, names.id, parent, &mut seen) && seen.is_none() {
            self.child(row, kind, names.id, parent);
        }
    }

    /// What a second row of a name makes of the first.
    fn seen_before(&mut self, row: &Row<'a>, kind: Kind, id: &'a [u8], found: u32) -> u32 {
        self.last = NONE;
        let first = &mut self.objects.list[found as usize];
        if first.by_part {
            first.span.start = row.start;
            first.span.end = row.end;
            first.gene = kind == Kind::Gene;
            first.transcript = kind.is_transcript();
            return found;
        }
        let (gene, parent) = (first.gene, first.parent);
        let number = self.named(row, kind, id);
        if !self.gff3 && gene && kind.is_transcript() {
            // a GTF whose gene and transcript share one name
            self.objects.replace(found, number);
            self.objects.link(number, found);
        } else if parent != NONE {
            self.objects.link(number, parent);
        }
        number
    }

    /// Hangs a row on its known parents; whether there was one.
    fn hang(
        &mut self,
        row: &Row<'a>,
        kind: Kind,
        id: Option<&'a [u8]>,
        parent: &'a [u8],
        seen: &mut Option<u32>,
    ) -> bool {
        let mut found_any = false;
        for name in items(parent) {
            if self.objects.discarded.contains(name) {
                continue;
            }
            let Some(head) = self.objects.head(name) else { continue };
            found_any = true;
            let above = &self.objects.list[head as usize];
            if above.gene || above.transcript {
                let child = match *seen {
                    Some(child) => child,
                    None => self.child(row, kind, id, parent),
                };
                *seen = Some(child);
                self.objects.link(child, head);
            }
        }
        found_any
    }

    /// A row with a parent as a record.
    fn child(&mut self, row: &Row<'a>, kind: Kind, id: Option<&'a [u8]>, parent: &'a [u8]) -> u32 {
        match id {
            Some(id) => self.named(row, kind, id),
            None => self.create(row, kind, items(parent).next().unwrap_or(parent), true),
        }
    }

    /// A row with a name of its own as a record.
    fn named(&mut self, row: &Row<'a>, kind: Kind, id: &'a [u8]) -> u32 {
        let number = self.create(row, kind, id, kind.is_part());
        if self.gff3 && kind == Kind::Other {
            self.objects.list[number as usize].discarded = true;
            self.objects.discarded.insert(id);
        }
        number
    }
}
