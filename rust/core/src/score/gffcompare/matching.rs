//! When two transcripts are the same.

use super::transcripts::Contig;
use crate::gene::Interval;

/// How well two transcripts agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// Also at both outer ends, within the range.
    Full,
    /// The introns, or enough of two single exons.
    Inner,
}

/// Bases of exons.
pub(super) fn covered(exons: &[Interval]) -> u32 {
    exons.iter().map(Interval::len).sum()
}

/// Whether two chains have the same introns.
pub(super) fn same_introns(a: &[Interval], b: &[Interval]) -> bool {
    a.len() == b.len()
        && a.windows(2).zip(b.windows(2)).all(|(a, b)| a[0].end == b[0].end && a[1].start == b[1].start)
}

/// How well a query's exons agree with a reference's.
pub(super) fn transcripts(query: &[Interval], reference: &[Interval], range: u32) -> Option<Match> {
    if query.len() != reference.len() {
        return None;
    }
    if let ([query], [reference]) = (query, reference) {
        return single_exons(*query, *reference, range);
    }
    same_introns(query, reference).then(|| {
        let n = query.len() - 1;
        let full = within(query[0].start, reference[0].start, range)
            && within(query[n].end, reference[n].end, range);
        if full {
            Match::Full
        } else {
            Match::Inner
        }
    })
}

fn within(a: u32, b: u32, range: u32) -> bool {
    a.abs_diff(b) <= range
}

/// Bases that two stretches share.
pub(super) fn shared(a: Interval, b: Interval) -> u32 {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

/// Two single exons: 80 % of the longer one, or of a shorter reference with 70 % of the query.
pub(super) fn single_exons(query: Interval, reference: Interval, range: u32) -> Option<Match> {
    let overlap = f64::from(shared(query, reference));
    if overlap == 0.0 {
        return None;
    }
    if within(query.start, reference.start, range) && within(query.end, reference.end, range) {
        return Some(Match::Full);
    }
    // in floating point and in this order, as the original does
    let (q, r) = (f64::from(query.len()), f64::from(reference.len()));
    let enough = if q > r {
        overlap >= q * 0.8 || (overlap >= r * 0.8 && overlap >= q * 0.7)
    } else {
        overlap >= r * 0.8
    };
    enough.then_some(Match::Inner)
}

/// As [`transcripts`], by number.
pub(super) fn numbered(a: &Contig, number: u32, b: &Contig, other: u32, range: u32) -> Option<Match> {
    transcripts(a.exons(number), b.exons(other), range)
}
