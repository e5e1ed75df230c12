//! Rules about genes, their transcripts and the parts of these.

use rustc_hash::{FxHashMap, FxHashSet};

use super::rows::{File, Row};
use super::rules::{Findings, Rule};
use super::Options;

/// One transcript with CDS or of type mRNA, by the places of its rows.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// The transcript's row.
    pub row: usize,
    /// The gene's row, where there is one.
    pub gene: Option<usize>,
    pub exons: Vec<usize>,
    /// In the file's order.
    pub cds: Vec<usize>,
    pub utrs: Vec<usize>,
    /// The model is marked as open at its 5' end, at its 3' end, or as no ordinary reading frame.
    pub open: (bool, bool),
    pub exempt: bool,
}

impl Model {
    /// CDS ranges, ascending, 1-based and closed.
    pub(super) fn ranges(&self, file: &File) -> Vec<(u64, u64)> {
        let mut ranges: Vec<_> = self.cds.iter().map(|&i| (file.rows[i].start, file.rows[i].end)).collect();
        ranges.sort_unstable();
        ranges
    }

    /// The gaps between the CDS rows, 1-based and closed.
    pub(super) fn introns(&self, file: &File) -> Vec<(u64, u64)> {
        let gaps = |pair: &[(u64, u64)]| (pair[0].1 + 1, pair[1].0.saturating_sub(1));
        self.ranges(file).windows(2).map(gaps).filter(|gap| gap.0 <= gap.1).collect()
    }

    /// Whether the model is read from right to left.
    pub(super) fn is_minus(&self, file: &File) -> bool {
        self.cds.first().is_some_and(|&i| file.rows[i].strand == b'-')
    }
}

/// Brings the rows of each transcript together.
pub(super) fn gather(file: &File) -> Vec<Model> {
    let mut models: Vec<Model> = Vec::new();
    let mut model_of: FxHashMap<usize, usize> = FxHashMap::default();
    for (i, row) in file.rows.iter().enumerate() {
        if row.is("mRNA") {
            model_of.entry(i).or_insert_with(|| open(file, &mut models, i));
        }
    }
    for (i, row) in file.rows.iter().enumerate() {
        let is_utr = row.kind.ends_with(b"UTR");
        if !(row.is("CDS") || row.is("exon") || is_utr) {
            continue;
        }
        for id in row.parents() {
            let Some(&parent) = file.named(id).first() else { continue };
            let is_protein = file.rows[parent].is("protein") || file.rows[parent].is("polypeptide");
            // parts of what does not code are none of ours
            if is_protein || (!row.is("CDS") && !model_of.contains_key(&parent)) {
                continue;
            }
            let at = *model_of.entry(parent).or_insert_with(|| open(file, &mut models, parent));
            let model = &mut models[at];
            mark(model, row);
            match () {
                () if row.is("CDS") => model.cds.push(i),
                () if is_utr => model.utrs.push(i),
                () => model.exons.push(i),
            }
        }
    }
    models
}

fn open(file: &File, models: &mut Vec<Model>, row: usize) -> usize {
    let gene = file.rows[row].parents().find_map(|id| file.named(id).first().copied());
    let mut model = Model { row, gene, ..Model::default() };
    mark(&mut model, &file.rows[row]);
    if let Some(gene) = gene {
        mark(&mut model, &file.rows[gene]);
    }
    models.push(model);
    models.len() - 1
}

/// Takes over what a row says about completeness.
fn mark(model: &mut Model, row: &Row) {
    let says = &row.attributes;
    let (left, right) = says.open_ends();
    // NCBI's bare partial=true does not say which end
    let either = says.partial == Some(b"true") && !left && !right;
    let (five, three) = if row.strand == b'-' { (right, left) } else { (left, right) };
    model.open.0 |= five || either || says.start_not_found;
    model.open.1 |= three || either || says.end_not_found;
    model.exempt |= says.pseudo || says.exception.is_some() || row.is("pseudogene");
}

/// Looks at every gene and transcript; the genome is not needed.
pub(super) fn check(file: &File, models: &[Model], options: &Options, findings: &mut Findings) {
    hierarchy(file, models, findings);
    duplicates(file, models, findings);
    for model in models {
        ascending(file, &model.exons, findings);
        ascending(file, &model.cds, findings);
        cds_id(file, model, findings);
        exons_hold_cds(file, model, findings);
        utrs(file, model, findings);
        introns(file, model, options, findings);
        frame(file, model, findings);
    }
}

fn hierarchy(file: &File, models: &[Model], findings: &mut Findings) {
    let mut parents: FxHashSet<&[u8]> = FxHashSet::default();
    file.rows.iter().for_each(|row| parents.extend(row.parents()));
    for row in file.rows.iter().filter(|row| row.is("gene") && !row.attributes.pseudo) {
        if !row.id().is_some_and(|id| parents.contains(id)) {
            findings.add(Rule::Hierarchy, row.line, || format!("{} has no mRNA", row.name()));
        }
    }
    for model in models {
        let row = &file.rows[model.row];
        if !row.is("mRNA") {
            findings
                .add(Rule::Hierarchy, row.line, || format!("{} holds CDS rows and is no mRNA", row.name()));
        }
        if model.cds.is_empty() {
            findings.add(Rule::Hierarchy, row.line, || format!("{} has no CDS", row.name()));
        }
        if model.exons.is_empty() {
            findings.add(Rule::Hierarchy, row.line, || format!("{} has no exon", row.name()));
        }
    }
}

fn ascending(file: &File, rows: &[usize], findings: &mut Findings) {
    for pair in rows.windows(2) {
        if file.rows[pair[0]].start > file.rows[pair[1]].start {
            findings.add(Rule::Sorted, file.rows[pair[1]].line, || file.rows[pair[1]].name());
        }
    }
}

fn cds_id(file: &File, model: &Model, findings: &mut Findings) {
    let ids: FxHashSet<Option<&[u8]>> = model.cds.iter().map(|&i| file.rows[i].id()).collect();
    if ids.len() > 1 || ids.contains(&None) {
        let row = &file.rows[model.row];
        let what = if ids.contains(&None) { "without ID" } else { "with different IDs" };
        findings.add(Rule::CdsId, row.line, || format!("{} has CDS rows {what}", row.name()));
    }
}

fn exons_hold_cds(file: &File, model: &Model, findings: &mut Findings) {
    if model.exons.is_empty() {
        return;
    }
    for &i in &model.cds {
        let cds = &file.rows[i];
        let holds = |&e: &usize| file.rows[e].start <= cds.start && cds.end <= file.rows[e].end;
        if !model.exons.iter().any(holds) {
            findings.add(Rule::ExonsHoldCds, cds.line, || cds.name());
        }
    }
}

fn utrs(file: &File, model: &Model, findings: &mut Findings) {
    if model.utrs.is_empty() {
        return;
    }
    let ranges = |rows: &[usize]| {
        let mut ranges: Vec<_> = rows.iter().map(|&i| (file.rows[i].start, file.rows[i].end)).collect();
        ranges.sort_unstable();
        ranges
    };
    let cds = ranges(&model.cds);
    let mut left = Vec::new();
    for (mut start, end) in ranges(&model.exons) {
        for &(from, to) in cds.iter().filter(|c| c.0 <= end) {
            if to < start {
                continue;
            }
            if from > start {
                left.push((start, from - 1));
            }
            start = start.max(to + 1);
        }
        if start <= end {
            left.push((start, end));
        }
    }
    let row = &file.rows[model.row];
    if ranges(&model.utrs) != left {
        findings.add(Rule::Utr, row.line, || row.name());
    }
}

fn introns(file: &File, model: &Model, options: &Options, findings: &mut Findings) {
    let row = &file.rows[model.row];
    for (start, end) in model.introns(file).into_iter().filter(|_| !model.exempt) {
        let bases = end - start + 1;
        if bases < u64::from(options.min_intron) {
            findings
                .add(Rule::ShortIntron, row.line, || format!("{}: {bases} bases from {start}", row.name()));
        }
    }
}

/// Length and phases of the CDS.
fn frame(file: &File, model: &Model, findings: &mut Findings) {
    let row = &file.rows[model.row];
    let bases: u64 = model.ranges(file).iter().map(|(start, end)| end - start + 1).sum();
    if model.cds.is_empty() || model.exempt {
        return;
    }
    if bases % 3 != 0 && model.open == (false, false) {
        findings.add(Rule::CdsLength, row.line, || format!("{}: {bases} bases", row.name()));
    }
    let mut order: Vec<usize> = model.cds.clone();
    order.sort_unstable_by_key(|&i| file.rows[i].start);
    if model.is_minus(file) {
        order.reverse();
    }
    let phase = |i: usize| match file.rows[i].phase {
        [digit @ b'0'..=b'2'] => Some(u64::from(digit - b'0')),
        _ => None,
    };
    // an open 5' end has its own first phase
    let first = if model.open.0 { phase(order[0]).unwrap_or(0) } else { 0 };
    let mut before = 3 - first;
    for i in order {
        let expected = (3 - before % 3) % 3;
        let cds = &file.rows[i];
        if let Some(found) = phase(i).filter(|&found| found != expected) {
            findings.add(Rule::Phase, cds.line, || format!("{}: {found}, not {expected}", cds.name()));
        }
        before += cds.end - cds.start + 1;
    }
}

fn duplicates(file: &File, models: &[Model], findings: &mut Findings) {
    // sequence, strand and CDS; the gene and the row of the first model that has them
    type Place<'a> = (&'a [u8], u8, Vec<(u64, u64)>);
    let mut seen: FxHashMap<Place, (Option<usize>, usize)> = FxHashMap::default();
    for model in models.iter().filter(|model| !model.cds.is_empty()) {
        let row = &file.rows[model.row];
        let key = (row.seqid, row.strand, model.ranges(file));
        let &mut (gene, first) = seen.entry(key).or_insert((model.gene, model.row));
        let same_transcript = model.row == first;
        if !same_transcript && (gene != model.gene || gene.is_none()) {
            let other = file.rows[first].name();
            findings.add(Rule::Duplicates, row.line, || format!("{} and {other}", row.name()));
        }
    }
}
