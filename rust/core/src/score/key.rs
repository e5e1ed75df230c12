//! Stranded intervals as numbers that sort by contig, start, end and strand.

use crate::gene::Strand;

/// Low bits that hold the tag.
const TAG: u128 = 0b111;
/// Where the contig's number begins.
const CONTIG: u32 = 69;
/// Everything below the contig's number.
const PLACE: u128 = (1 << CONTIG) - 1;

/// Contig, start, end, strand and a small tag of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key(u128);

/// Where an interval lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub start: u32,
    pub end: u32,
    pub strand: Option<Strand>,
    /// Below 8; what it means is up to the user.
    pub tag: u8,
}

impl Key {
    pub(super) fn new(contig: u32, place: Place) -> Self {
        let strand = match place.strand {
            Some(Strand::Plus) => 0u128,
            Some(Strand::Minus) => 1,
            None => 2,
        };
        let range = u128::from(place.start) << 37 | u128::from(place.end) << 5;
        Key(u128::from(contig) << CONTIG | range | strand << 3 | u128::from(place.tag) & TAG)
    }

    pub(super) fn place(self) -> Place {
        let strand = match self.0 >> 3 & 0b11 {
            0 => Some(Strand::Plus),
            1 => Some(Strand::Minus),
            _ => None,
        };
        Place { start: (self.0 >> 37) as u32, end: (self.0 >> 5) as u32, strand, tag: self.tag() }
    }

    pub(super) fn tag(self) -> u8 {
        (self.0 & TAG) as u8
    }

    pub(super) fn contig(self) -> u32 {
        (self.0 >> CONTIG) as u32
    }

    /// The same interval on another contig.
    pub(super) fn on(self, contig: u32) -> Self {
        Key(u128::from(contig) << CONTIG | self.0 & PLACE)
    }

    /// The key without its tag.
    pub(super) fn untagged(self) -> Self {
        Key(self.0 & !TAG)
    }
}

/// The keys on one contig of a sorted slice.
pub(super) fn on_contig(keys: &[Key], contig: u32) -> &[Key] {
    let from = keys.partition_point(|key| key.contig() < contig);
    let len = keys[from..].partition_point(|key| key.contig() == contig);
    &keys[from..from + len]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_its_place_back_and_sorts_like_it() {
        let place = Place { start: u32::MAX, end: 7, strand: Some(Strand::Minus), tag: 5 };
        let key = Key::new(u32::MAX, place);
        assert_eq!((key.contig(), key.place()), (u32::MAX, place));
        let other = Key::new(u32::MAX, Place { tag: 4, ..place });
        assert!(other < key && key.untagged() == other.untagged());
        assert!(key.on(3) < other && key.on(3).contig() == 3);
        assert!(key < Key::new(u32::MAX, Place { strand: None, tag: 0, ..place }));
    }

    #[test]
    fn keys_of_a_contig_are_found_among_others() {
        let place = Place { start: 1, end: 2, strand: None, tag: 0 };
        let keys = [0, 2, 2, 5].map(|contig| Key::new(contig, place));
        assert_eq!([0, 1, 2, 5, 6].map(|contig| on_contig(&keys, contig).len()), [1, 0, 2, 1, 0]);
    }
}
