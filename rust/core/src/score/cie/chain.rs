//! CDS chains of transcripts, and the genes that own them.

use rustc_hash::FxHashMap;

use super::keys;
use crate::score::key::Key;

/// The different chains of one file, in order of first appearance.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// Sorted keys of all chains, one chain after the other.
    keys: Vec<Key>,
    /// Where each chain ends in `keys`.
    ends: Vec<usize>,
    /// Alphabetically first transcript of each chain.
    names: Vec<Box<[u8]>>,
    /// Number of the gene of that transcript.
    genes: Vec<u32>,
}

impl Chains {
    /// Groups CDS rows into chains; a row is its transcript's number and its key.
    pub(super) fn new(mut rows: Vec<(u32, Key)>, names: &[&[u8]], genes: &[u32]) -> Self {
        if !rows.is_sorted() {
            rows.sort();
        }
        rows.dedup();
        let keys: Vec<Key> = rows.iter().map(|row| row.1).collect();
        let mut ends = Vec::with_capacity(names.len());
        let mut number_of: FxHashMap<&[Key], usize> = FxHashMap::default();
        let mut first: Vec<u32> = Vec::new();
        let mut from = 0;
        for transcript in rows.chunk_by(|a, b| a.0 == b.0) {
            let name = transcript[0].0;
            let to = from + transcript.len();
            let number = *number_of.entry(&keys[from..to]).or_insert(first.len());
            if number == first.len() {
                first.push(name);
                ends.push(from..to);
            } else if names[name as usize] < names[first[number] as usize] {
                first[number] = name;
            }
            from = to;
        }
        let mut chains = Chains::default();
        for (range, &name) in ends.into_iter().zip(&first) {
            chains.keys.extend_from_slice(&keys[range]);
            chains.ends.push(chains.keys.len());
            chains.names.push(names[name as usize].into());
            chains.genes.push(genes[name as usize]);
        }
        chains
    }

    fn each(&self) -> impl Iterator<Item = &[Key]> {
        self.ends.iter().scan(0, |from, &to| Some(&self.keys[std::mem::replace(from, to)..to]))
    }

    /// The chains as a comparison sees them, their contigs renumbered.
    pub(super) fn seen(&self, number: &[u32], phase: bool) -> SeenChains {
        let mut seen = SeenChains { keys: Vec::with_capacity(self.keys.len()), chains: Vec::new() };
        for (i, chain) in self.each().enumerate() {
            let from = seen.keys.len();
            seen.keys
                .extend(chain.iter().map(|key| keys::seen(key.on(number[key.contig() as usize]), phase)));
            let own = &mut seen.keys[from..];
            if !own.is_sorted() {
                own.sort_unstable();
            }
            // without phase two keys of one chain may be one
            let mut to = from + 1;
            for at in from + 1..seen.keys.len() {
                if seen.keys[at] != seen.keys[to - 1] {
                    seen.keys[to] = seen.keys[at];
                    to += 1;
                }
            }
            seen.keys.truncate(to);
            seen.chains.push((from..to, i));
        }
        seen
    }
}

/// Chains as one comparison sees them.
pub(super) struct SeenChains {
    keys: Vec<Key>,
    /// Where each chain's keys are, and its place in [`Chains`].
    chains: Vec<(std::ops::Range<usize>, usize)>,
}

/// Chains that differ, in order of first appearance, each with its gene.
pub(super) struct Owners<'a> {
    /// Chain and its gene's number.
    pub list: Vec<(&'a [Key], u32)>,
    index: FxHashMap<&'a [Key], usize>,
}

impl<'a> Owners<'a> {
    /// A chain belongs to the gene of its alphabetically first transcript.
    pub(super) fn new(seen: &'a SeenChains, chains: &Chains) -> Self {
        let mut index: FxHashMap<&[Key], usize> = FxHashMap::default();
        let mut list: Vec<(&[Key], u32)> = Vec::with_capacity(seen.chains.len());
        let mut first: Vec<usize> = Vec::with_capacity(seen.chains.len());
        for (range, at) in &seen.chains {
            let chain = &seen.keys[range.clone()];
            let place = *index.entry(chain).or_insert(list.len());
            if place == list.len() {
                list.push((chain, chains.genes[*at]));
                first.push(*at);
            } else if chains.names[*at] < chains.names[first[place]] {
                list[place].1 = chains.genes[*at];
                first[place] = *at;
            }
        }
        Owners { list, index }
    }

    /// The gene that owns a chain.
    pub(super) fn gene(&self, chain: &[Key]) -> Option<u32> {
        self.index.get(chain).map(|&at| self.list[at].1)
    }
}
