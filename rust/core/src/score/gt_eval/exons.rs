//! Exon rows and CDS rows: which ranges are equal, and how many bases are.

use super::stats::{Exons, Nucleotides, Tally};
use super::Pair;
use crate::gene::Strand;
use crate::score::key::{on_contig, Key};

/// Copies of a range: all, single, initial, internal, terminal.
type Copies = [u64; 5];

/// Equal ranges of a sorted slice with their copies.
fn groups(keys: &[Key]) -> impl Iterator<Item = (Key, Copies)> + '_ {
    keys.chunk_by(|a, b| a.untagged() == b.untagged()).map(|same| {
        let mut copies = [same.len() as u64, 0, 0, 0, 0];
        same.iter().for_each(|key| copies[1 + key.tag() as usize] += 1);
        (same[0].untagged(), copies)
    })
}

fn add(tallies: &mut [Tally; 5], amounts: impl Fn(usize) -> u64, part: fn(&mut Tally) -> &mut u64) {
    tallies.iter_mut().enumerate().for_each(|(i, tally)| *part(tally) += amounts(i));
}

/// Matches ranges: as many copies as both sides have, and each range once.
pub(super) fn compare(pair: &Pair, reference: &[Key], prediction: &[Key]) -> Exons {
    let mut found = Exons::default();
    for (key, copies) in groups(reference) {
        if key.place().strand.is_some() {
            add(&mut found.all, |i| copies[i], |tally| &mut tally.reference);
            add(&mut found.collapsed, |i| copies[i].min(1), |tally| &mut tally.reference);
        }
    }
    for keys in prediction.chunk_by(|a, b| a.contig() == b.contig()) {
        let contig = pair.number[keys[0].contig() as usize];
        if pair.knows(contig) || !pair.as_original {
            count_predicted(keys, &mut found);
            match_contig(on_contig(reference, contig), keys, contig, &mut found);
        }
    }
    found
}

fn count_predicted(keys: &[Key], found: &mut Exons) {
    // the original keeps strandless ranges with those of the minus strand
    let mut minus: Option<(u32, u32, Copies)> = None;
    for (key, copies) in groups(keys) {
        let place = key.place();
        let same = |&(start, end, _): &(u32, u32, Copies)| (start, end) == (place.start, place.end);
        let before = match place.strand {
            None => minus.filter(same).map(|(.., copies)| copies).unwrap_or_default(),
            Some(_) => Copies::default(),
        };
        add(&mut found.all, |i| copies[i], |tally| &mut tally.prediction);
        add(
            &mut found.collapsed,
            |i| u64::from(copies[i] > 0 && before[i] == 0),
            |tally| &mut tally.prediction,
        );
        if place.strand == Some(Strand::Minus) {
            minus = Some((place.start, place.end, copies));
        }
    }
}

fn match_contig(reference: &[Key], prediction: &[Key], contig: u32, found: &mut Exons) {
    let mut reference = groups(reference).peekable();
    for (key, copies) in groups(prediction) {
        let key = key.on(contig);
        while reference.next_if(|(other, _)| *other < key).is_some() {}
        let Some((_, known)) = reference.next_if(|(other, _)| *other == key) else { continue };
        if key.place().strand.is_some() {
            add(&mut found.all, |i| copies[i].min(known[i]), |tally| &mut tally.tp);
            add(&mut found.collapsed, |i| copies[i].min(known[i]).min(1), |tally| &mut tally.tp);
        }
    }
}

/// Bases by strand, each once.
pub(super) fn bases(pair: &Pair, reference: &[Key], prediction: &[Key]) -> Nucleotides {
    let mut found = Nucleotides::default();
    let mut predicted_on = vec![None; pair.reference.contigs.len()];
    for keys in prediction.chunk_by(|a, b| a.contig() == b.contig()) {
        let contig = pair.number[keys[0].contig() as usize];
        match predicted_on.get_mut(contig as usize) {
            Some(place) => *place = Some(keys),
            None if pair.as_original => {}
            None => compare_bases(&[], keys, None, &mut found),
        }
    }
    for (contig, predicted) in predicted_on.into_iter().enumerate() {
        // the original counts what lies outside its region, and as often as it is predicted
        let region = pair.as_original.then(|| pair.reference.regions[contig]);
        let known = on_contig(reference, contig as u32);
        compare_bases(known, predicted.unwrap_or_default(), region, &mut found);
    }
    found
}

fn compare_bases(reference: &[Key], prediction: &[Key], region: Option<(u32, u32)>, found: &mut Nucleotides) {
    for strand in [Strand::Plus, Strand::Minus] {
        let (known, _) = union(reference, strand, region);
        let (predicted, outside) = union(prediction, strand, region);
        let tp = overlap(&known, &predicted);
        found.tp += tp;
        found.fn_ += length(&known) - tp;
        found.fp += length(&predicted) - tp + outside;
    }
}

/// Merged intervals on a strand within a region, and the bases outside of it, copies counted.
fn union(keys: &[Key], strand: Strand, region: Option<(u32, u32)>) -> (Vec<(u32, u32)>, u64) {
    let (first, end) = region.unwrap_or((0, u32::MAX));
    let mut merged: Vec<(u32, u32)> = Vec::new();
    let mut outside = 0;
    for place in keys.iter().map(|key| key.place()).filter(|place| place.strand == Some(strand)) {
        let inside = (place.start.clamp(first, end), place.end.clamp(first, end));
        outside += u64::from(place.end - place.start) - u64::from(inside.1 - inside.0);
        match merged.last_mut() {
            _ if inside.0 == inside.1 => {}
            Some(last) if inside.0 <= last.1 => last.1 = last.1.max(inside.1),
            _ => merged.push(inside),
        }
    }
    (merged, outside)
}

fn length(intervals: &[(u32, u32)]) -> u64 {
    intervals.iter().map(|&(start, end)| u64::from(end - start)).sum()
}

fn overlap(a: &[(u32, u32)], b: &[(u32, u32)]) -> u64 {
    let (mut i, mut j, mut bases) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let (start, end) = (a[i].0.max(b[j].0), a[i].1.min(b[j].1));
        bases += u64::from(end.saturating_sub(start));
        if a[i].1 < b[j].1 {
            i += 1;
        } else {
            j += 1;
        }
    }
    bases
}
