//! CDS chains of transcripts, and the genes that own them.

use rustc_hash::FxHashMap;

use super::keys;
use crate::score::key::Key;

/// The chains of one file's transcripts.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// Sorted, different keys of each chain, one chain after the other.
    keys: Vec<Key>,
    /// Where each chain ends in `keys`.
    ends: Vec<usize>,
    /// The transcripts' names, one after the other.
    names: Vec<u8>,
    name_ends: Vec<usize>,
    /// Number of each transcript's gene.
    genes: Vec<u32>,
}

impl Chains {
    /// Groups CDS rows into chains; a row is its transcript's number and its key.
    pub(super) fn new(mut rows: Vec<(u32, Key)>, names: &[&[u8]], genes: &[u32]) -> Self {
        if !rows.is_sorted() {
            rows.sort();
        }
        rows.dedup();
        let mut chains = Chains::default();
        for transcript in rows.chunk_by(|a, b| a.0 == b.0) {
            let number = transcript[0].0 as usize;
            chains.add(names[number], genes[number], transcript.iter().map(|row| row.1));
        }
        chains
    }

    /// Adds a transcript with the sorted, different keys of its chain.
    pub(super) fn add(&mut self, name: &[u8], gene: u32, chain: impl IntoIterator<Item = Key>) {
        self.keys.extend(chain);
        self.ends.push(self.keys.len());
        self.names.extend_from_slice(name);
        self.name_ends.push(self.names.len());
        self.genes.push(gene);
    }

    fn name(&self, at: usize) -> &[u8] {
        let from = at.checked_sub(1).map_or(0, |before| self.name_ends[before]);
        &self.names[from..self.name_ends[at]]
    }

    fn each(&self) -> impl Iterator<Item = &[Key]> {
        self.ends.iter().scan(0, |from, &to| Some(&self.keys[std::mem::replace(from, to)..to]))
    }

    /// The chains as a comparison sees them, their contigs renumbered.
    pub(super) fn seen(&self, number: &[u32], phase: bool) -> SeenChains {
        let chains = Vec::with_capacity(self.ends.len());
        let mut seen = SeenChains { keys: Vec::with_capacity(self.keys.len()), chains };
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
        index.reserve(seen.chains.len());
        let mut list: Vec<(&[Key], u32)> = Vec::with_capacity(seen.chains.len());
        let mut first: Vec<usize> = Vec::with_capacity(seen.chains.len());
        for (range, at) in &seen.chains {
            let chain = &seen.keys[range.clone()];
            let place = *index.entry(chain).or_insert(list.len());
            if place == list.len() {
                list.push((chain, chains.genes[*at]));
                first.push(*at);
            } else if chains.name(*at) < chains.name(first[place]) {
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
