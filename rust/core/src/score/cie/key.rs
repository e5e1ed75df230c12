//! Intervals as numbers, in order of contig, start, end, strand and phase.

/// Low bits that hold the phase.
const PHASE: u128 = 0b111;
/// Where the contig's number begins.
const CONTIG: u32 = 69;
/// Everything below the contig's number.
const PLACE: u128 = (1 << CONTIG) - 1;

/// Contig, start, end, strand and phase of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key(pub u128);

/// Where an interval lies: start and end as in the file, strand and phase as their characters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub start: u32,
    pub end: u32,
    pub strand: u8,
    pub phase: u8,
}

impl Key {
    pub(super) fn new(contig: u32, place: Place) -> Self {
        let Place { start, end, strand, phase } = place;
        let strand = b"+-.".iter().position(|&s| s == strand).unwrap_or(3) as u128;
        let phase = b"0123.".iter().position(|&p| p == phase).unwrap_or(5) as u128;
        let place = u128::from(start) << 37 | u128::from(end) << 5 | strand << 3 | phase;
        Key(u128::from(contig) << CONTIG | place)
    }

    pub(super) fn place(self) -> Place {
        let strand = b"+-.?"[(self.0 >> 3 & 0b11) as usize];
        let phase = b"0123.???"[(self.0 & PHASE) as usize];
        Place { start: (self.0 >> 37) as u32, end: (self.0 >> 5) as u32, strand, phase }
    }

    pub(super) fn contig(self) -> u32 {
        (self.0 >> CONTIG) as u32
    }

    /// The same interval on another contig.
    pub(super) fn on(self, contig: u32) -> Self {
        Key(u128::from(contig) << CONTIG | self.0 & PLACE)
    }

    /// The key as the comparison sees it.
    pub(super) fn seen(self, phase: bool) -> Self {
        if phase {
            self
        } else {
            Key(self.0 | PHASE)
        }
    }
}

/// Keys of a sorted slice that differ when seen with or without phase.
pub(super) fn distinct(keys: &[Key], phase: bool) -> u64 {
    let new = |pair: &&[Key]| pair[0].seen(phase) != pair[1].seen(phase);
    keys.windows(2).filter(new).count() as u64 + u64::from(!keys.is_empty())
}

/// Keys that two sorted slices have in common; `number` gives the first side's number of each
/// contig of the second.
pub(super) fn common(a: &[Key], b: &[Key], number: &[u32], phase: bool) -> u64 {
    let mut found = 0;
    for chunk in b.chunk_by(|x, y| x.contig() == y.contig()) {
        let contig = number[chunk[0].contig() as usize];
        let from = a.partition_point(|key| key.contig() < contig);
        let len = a[from..].partition_point(|key| key.contig() == contig);
        let moved = chunk.iter().map(|key| key.on(contig).seen(phase));
        found += common_sorted(a[from..from + len].iter().map(|key| key.seen(phase)), moved);
    }
    found
}

fn common_sorted(a: impl Iterator<Item = Key>, b: impl Iterator<Item = Key>) -> u64 {
    let mut a = a.peekable();
    let (mut found, mut last) = (0, None);
    for key in b {
        while a.next_if(|&other| other < key).is_some() {}
        if a.peek() == Some(&key) && last != Some(key) {
            found += 1;
            last = Some(key);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_its_place_back_and_sorts_like_it() {
        let place = Place { start: u32::MAX, end: 7, strand: b'-', phase: b'.' };
        let key = Key::new(u32::MAX, place);
        assert_eq!(key.contig(), u32::MAX);
        let back = key.place();
        assert_eq!((back.start, back.end, back.strand, back.phase), (u32::MAX, 7, b'-', b'.'));
        let other = Key::new(u32::MAX, Place { phase: b'0', ..place });
        assert!(key != other && key.seen(false) == other.seen(false));
        assert!(key.on(3) < other && key.on(3).contig() == 3);
    }
}
