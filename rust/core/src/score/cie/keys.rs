//! Sorted sets of keys, seen with or without phase; the phase is the key's tag.

use crate::score::key::{on_contig, Key};

/// The tag of a row without phase.
pub(super) const NO_PHASE: u8 = 4;

/// The key as a comparison sees it.
pub(super) fn seen(key: Key, phase: bool) -> Key {
    if phase {
        key
    } else {
        key.untagged()
    }
}

/// Keys of a sorted slice that differ.
pub(super) fn distinct(keys: &[Key], phase: bool) -> u64 {
    let new = |pair: &&[Key]| seen(pair[0], phase) != seen(pair[1], phase);
    keys.windows(2).filter(new).count() as u64 + u64::from(!keys.is_empty())
}

/// Keys that two sorted slices have in common; `number` gives the first side's number of each
/// contig of the second.
pub(super) fn common(a: &[Key], b: &[Key], number: &[u32], phase: bool) -> u64 {
    let mut found = 0;
    for chunk in b.chunk_by(|x, y| x.contig() == y.contig()) {
        let contig = number[chunk[0].contig() as usize];
        let here = on_contig(a, contig).iter().map(|&key| seen(key, phase));
        found += common_sorted(here, chunk.iter().map(|key| seen(key.on(contig), phase)));
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
