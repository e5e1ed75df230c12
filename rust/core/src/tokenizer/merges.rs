//! The merges of a vocabulary, indexed for encoding: trie, splits and pair validity.
//!
//! Inside, a token has two numbers. Its *rank*: 0–3 are the letters A, C, G, T, and 4 + k is what
//! merge k makes. And its *slot*, its place in the alphabet, by which the encoder knows it: a token
//! and its prefixes are neighbours then, in one cache line of the table of pairs (measured: 1.5
//! times as fast as by rank). Ids of the vocabulary are mapped at the edge.

use std::sync::atomic::{AtomicU8, Ordering};

use rustc_hash::FxHashMap;

/// Number of letters that can merge.
pub(super) const LETTERS: usize = 4;

/// Most tokens of DNA in a vocabulary: a rank has 16 bits, two of whose values mean other things.
pub(super) const MAX_RANKS: usize = 65_534;

/// Above this many tokens the pair table (2 bits a pair, 64 MiB here) is not kept.
const MAX_PAIR_TABLE: usize = 16_384;

const NONE: u32 = u32::MAX;
const NO_SLOT: u16 = u16::MAX;

const VALID: u8 = 1;
const INVALID: u8 = 2;

/// The indexed merges.
#[derive(Debug)]
pub(super) struct Merges {
    // left and right part of each rank; letters name themselves
    parts: Vec<(u16, u16)>,
    products: FxHashMap<(u16, u16), u16>,
    // by slot
    ranks: Vec<u16>,
    lengths: Vec<u32>,
    shorter: Vec<u16>,
    // by node of the trie: children by code, and the longest token that is a prefix of its text
    children: Vec<[u32; 4]>,
    longest: Vec<u16>,
    pairs: PairTable,
}

impl Merges {
    /// Indexes `merges`; merge k makes rank 4 + k from two lower ranks, and no pair occurs twice.
    ///
    /// Returns the first rank that its own text does not encode to as an error.
    pub(super) fn new(merges: &[(u16, u16)]) -> Result<Self, u16> {
        let mut parts: Vec<(u16, u16)> = (0..LETTERS as u16).map(|letter| (letter, letter)).collect();
        parts.extend_from_slice(merges);
        let products = (LETTERS as u16..).zip(merges).map(|(rank, &pair)| (pair, rank)).collect();
        let mut table = Merges {
            pairs: PairTable::new(parts.len()),
            parts,
            products,
            ranks: Vec::new(),
            lengths: Vec::new(),
            shorter: Vec::new(),
            children: vec![[NONE; 4]],
            longest: Vec::new(),
        };
        // a token whose parts meet validly below its own rank is what its text encodes to
        for (rank, &(left, right)) in (LETTERS as u16..).zip(merges) {
            if !table.valid_below(left, right, u32::from(rank)) {
                return Err(rank);
            }
        }
        table.build_trie();
        Ok(table)
    }

    /// Ranks of the tokens made of A, C, G and T, by slot.
    pub(super) fn ranks(&self) -> &[u16] {
        &self.ranks
    }

    /// Bases of a token.
    #[inline]
    pub(super) fn length(&self, slot: u16) -> usize {
        self.lengths[usize::from(slot)] as usize
    }

    /// The longest token at the start of `codes`, all of them 0–3; `None` where there are none.
    #[inline]
    pub(super) fn longest(&self, codes: &[u8]) -> Option<u16> {
        let mut node = 0;
        for &code in codes {
            let next = self.children[node][usize::from(code & 3)];
            if next == NONE {
                break;
            }
            node = next as usize;
        }
        Some(self.longest[node]).filter(|&slot| slot != NO_SLOT)
    }

    /// The next shorter token that is a prefix of this one.
    #[inline]
    pub(super) fn shorter(&self, slot: u16) -> Option<u16> {
        Some(self.shorter[usize::from(slot)]).filter(|&slot| slot != NO_SLOT)
    }

    /// Whether BPE of the joined text of two tokens returns these two.
    #[inline]
    pub(super) fn valid(&self, left: u16, right: u16) -> bool {
        match self.pairs.get(left, right) {
            VALID => true,
            INVALID => false,
            _ => {
                let (left_rank, right_rank) = (self.ranks[usize::from(left)], self.ranks[usize::from(right)]);
                let valid = self.valid_below(left_rank, right_rank, u32::MAX);
                self.pairs.set(left, right, if valid { VALID } else { INVALID });
                valid
            }
        }
    }

    // undoes merges at the border, latest first; a merge over the border that would have come
    // before the ones undone so far makes the pair invalid (github/rust-gems, crates/bpe)
    fn valid_below(&self, mut left: u16, mut right: u16, mut limit: u32) -> bool {
        loop {
            if let Some(&product) = self.products.get(&(left, right)) {
                if u32::from(product) < limit {
                    return false;
                }
            }
            if usize::from(left.max(right)) < LETTERS {
                return true;
            }
            if left > right {
                limit = u32::from(left);
                left = self.parts[usize::from(left)].1;
            } else {
                // equal ranks resolve from left to right
                limit = u32::from(right) + 1;
                right = self.parts[usize::from(right)].0;
            }
        }
    }

    fn build_trie(&mut self) {
        // rank of the token that ends at each node
        let mut ends = vec![NONE];
        for rank in 0..self.parts.len() as u16 {
            let node = self.insert(&self.text(rank), &mut ends);
            ends[node] = u32::from(rank);
        }
        self.longest = vec![NO_SLOT; self.children.len()];
        // node, its depth and the longest token above it, in alphabetical order
        let mut todo = vec![(0, 0, NO_SLOT)];
        while let Some((node, depth, above)) = todo.pop() {
            let own = self.ranks.len() as u16;
            self.longest[node] = if ends[node] == NONE { above } else { own };
            if ends[node] != NONE {
                self.ranks.push(ends[node] as u16);
                self.lengths.push(depth);
                self.shorter.push(above);
            }
            let below = self.children[node].iter().rev().filter(|&&child| child != NONE);
            todo.extend(below.map(|&child| (child as usize, depth + 1, self.longest[node])));
        }
    }

    // codes 0–3 of the text of a rank
    fn text(&self, rank: u16) -> Vec<u8> {
        let mut out = Vec::new();
        let mut todo = vec![rank];
        while let Some(rank) = todo.pop() {
            if usize::from(rank) < LETTERS {
                out.push(rank as u8);
            } else {
                let (left, right) = self.parts[usize::from(rank)];
                todo.extend([right, left]);
            }
        }
        out
    }

    fn insert(&mut self, text: &[u8], ends: &mut Vec<u32>) -> usize {
        let mut node = 0;
        for &code in text {
            let slot = usize::from(code);
            if self.children[node][slot] == NONE {
                self.children[node][slot] = self.children.len() as u32;
                self.children.push([NONE; 4]);
                ends.push(NONE);
            }
            node = self.children[node][slot] as usize;
        }
        node
    }
}

/// What is known of each pair: two bits, filled as pairs are met, by any thread.
#[derive(Debug)]
struct PairTable {
    width: usize,
    cells: Vec<AtomicU8>,
}

impl PairTable {
    fn new(width: usize) -> Self {
        let pairs = if width <= MAX_PAIR_TABLE { width * width } else { 0 };
        PairTable {
            width,
            cells: std::iter::repeat_with(AtomicU8::default).take(pairs.div_ceil(4)).collect(),
        }
    }

    #[inline]
    fn get(&self, left: u16, right: u16) -> u8 {
        let index = usize::from(left) * self.width + usize::from(right);
        match self.cells.get(index / 4) {
            Some(cell) => cell.load(Ordering::Relaxed) >> (index % 4 * 2) & 3,
            None => 0,
        }
    }

    #[inline]
    fn set(&self, left: u16, right: u16, value: u8) {
        let index = usize::from(left) * self.width + usize::from(right);
        if let Some(cell) = self.cells.get(index / 4) {
            cell.fetch_or(value << (index % 4 * 2), Ordering::Relaxed);
        }
    }
}
