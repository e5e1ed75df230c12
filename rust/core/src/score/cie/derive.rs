//! The GTF rows that a CDS chain of a GFF3 file stands for: introns, start and stop codons.

use super::keys::NO_PHASE;
use crate::gene::Strand;
use crate::score::key::{Key, Place};

/// Calls `found` with each gap between neighbours of a sorted chain.
pub(super) fn introns(chain: &[Key], mut found: impl FnMut(Key)) {
    for pair in chain.windows(2) {
        let (left, right) = (pair[0].place(), pair[1].place());
        let (start, end) = (left.end.saturating_add(1), right.start.saturating_sub(1));
        if start <= end && pair[0].contig() == pair[1].contig() {
            let place = Place { start, end, strand: left.strand, tag: NO_PHASE };
            found(Key::new(pair[0].contig(), place));
        }
    }
}

/// Calls `found` with each piece of the first three bases in the direction of translation.
pub(super) fn start_codon(chain: &[Key], found: impl FnMut(Key)) {
    match chain.first().and_then(|key| key.place().strand) {
        Some(Strand::Plus) => pieces(left_pieces(chain.iter().copied()), found),
        Some(Strand::Minus) => pieces(right_pieces(chain.iter().rev().copied()), found),
        _ => {}
    }
}

/// Calls `found` with each piece of the last three bases in the direction of translation.
pub(super) fn stop_codon(chain: &[Key], found: impl FnMut(Key)) {
    let mut cut: Vec<_> = match chain.first().and_then(|key| key.place().strand) {
        Some(Strand::Plus) => right_pieces(chain.iter().rev().copied()).collect(),
        Some(Strand::Minus) => left_pieces(chain.iter().copied()).collect(),
        _ => return,
    };
    cut.reverse();
    pieces(cut.into_iter(), found);
}

/// Numbers a codon's pieces: the phase is the bases of the codon that are still to come.
fn pieces(cut: impl Iterator<Item = (u32, Place)>, mut found: impl FnMut(Key)) {
    let mut before = 0;
    for (contig, place) in cut {
        found(Key::new(contig, Place { tag: [0, 2, 1][before as usize % 3], ..place }));
        before += place.end - place.start + 1;
    }
}

/// The first three bases of segments, cut from their left ends.
fn left_pieces(segments: impl Iterator<Item = Key>) -> impl Iterator<Item = (u32, Place)> {
    three(segments, |place, bases| Place { end: place.start + bases - 1, ..place })
}

/// The first three bases of segments, cut from their right ends.
fn right_pieces(segments: impl Iterator<Item = Key>) -> impl Iterator<Item = (u32, Place)> {
    three(segments, |place, bases| Place { start: place.end - (bases - 1), ..place })
}

fn three(
    segments: impl Iterator<Item = Key>,
    cut: impl Fn(Place, u32) -> Place,
) -> impl Iterator<Item = (u32, Place)> {
    segments.scan(3, move |left, key| {
        let place = key.place();
        let bases = (place.end - place.start + 1).min(*left);
        *left -= bases;
        (bases > 0).then(|| (key.contig(), cut(place, bases)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(strand: Option<Strand>, segments: &[(u32, u32)]) -> Vec<Key> {
        let key = |&(start, end)| Key::new(0, Place { start, end, strand, tag: 0 });
        segments.iter().map(key).collect()
    }

    fn codon(of: fn(&[Key], &mut dyn FnMut(Key)), chain: &[Key]) -> Vec<(u32, u32, u8)> {
        let mut found = Vec::new();
        of(chain, &mut |key: Key| {
            let place = key.place();
            found.push((place.start, place.end, place.tag));
        });
        found
    }

    #[test]
    fn split_codons_keep_count_of_their_bases() {
        let start: fn(&[Key], &mut dyn FnMut(Key)) = |chain, found| start_codon(chain, found);
        let stop: fn(&[Key], &mut dyn FnMut(Key)) = |chain, found| stop_codon(chain, found);
        let plus = chain(Some(Strand::Plus), &[(10, 10), (20, 30), (40, 41)]);
        assert_eq!(codon(start, &plus), [(10, 10, 0), (20, 21, 2)]);
        assert_eq!(codon(stop, &plus), [(30, 30, 0), (40, 41, 2)]);
        let minus = chain(Some(Strand::Minus), &[(10, 10), (20, 30), (40, 41)]);
        assert_eq!(codon(start, &minus), [(40, 41, 0), (30, 30, 1)]);
        assert_eq!(codon(stop, &minus), [(20, 21, 0), (10, 10, 1)]);
        assert_eq!(
            codon(start, &chain(Some(Strand::Plus), &[(1, 1), (5, 5), (9, 9)])),
            [(1, 1, 0), (5, 5, 2), (9, 9, 1)]
        );
        assert_eq!(codon(start, &chain(None, &[(1, 9)])), []);
    }

    #[test]
    fn touching_and_overlapping_segments_have_no_intron_between_them() {
        let mut found = Vec::new();
        introns(&chain(Some(Strand::Plus), &[(1, 9), (10, 20), (20, 30), (32, 40)]), |key| {
            found.push(key.place().start)
        });
        assert_eq!(found, [31]);
    }
}
