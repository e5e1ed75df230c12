//! The merges of a vocabulary, indexed for encoding: trie, splits and pair validity.
//!
//! Inside, a token is its *rank*: 0–3 are the letters A, C, G, T, and 4 + k is what merge k
//! makes. Ids of the vocabulary are mapped to and from ranks at the edge.

use std::sync::atomic::{AtomicU8, Ordering};

use rustc_hash::FxHashMap;

/// Number of letters that can merge.
pub(super) const LETTERS: usize = 4;

/// Most tokens of DNA in a vocabulary: a rank has 16 bits, two of whose values mean other things.
pub(super) const MAX_RANKS: usize = 65_534;

/// Above this many tokens the pair table (2 bits a pair, 64 MiB here) is not kept.
const MAX_PAIR_TABLE: usize = 16_384;

const NO_NODE: u32 = u32::MAX;
const NO_RANK: u16 = u16::MAX;

const VALID: u8 = 1;
const INVALID: u8 = 2;

/// The indexed merges.
#[derive(Debug)]
pub(super) struct Merges {
    // left and right part of each rank; letters name themselves
    parts: Vec<(u16, u16)>,
    lengths: Vec<u32>,
    products: FxHashMap<(u16, u16), u16>,
    children: Vec<[u32; 4]>,
    // longest token that is a prefix of the node's text
    longest: Vec<u16>,
    shorter: Vec<u16>,
    pairs: PairTable,
}

impl Merges {
    /// Indexes `merges`; merge k makes rank 4 + k from two lower ranks, and no pair occurs twice.
    ///
    /// Returns the first rank that its own text does not encode to as an error.
    pub(super) fn new(merges: &[(u16, u16)]) -> Result<Self, u16> {
        let ranks = LETTERS + merges.len();
        let mut parts: Vec<(u16, u16)> = (0..LETTERS as u16).map(|letter| (letter, letter)).collect();
        parts.extend_from_slice(merges);
        let mut lengths = vec![1; LETTERS];
        let mut products = FxHashMap::default();
        for (index, &(left, right)) in merges.iter().enumerate() {
            lengths.push(lengths[usize::from(left)] + lengths[usize::from(right)]);
            products.insert((left, right), (LETTERS + index) as u16);
        }
        let mut table = Merges {
            parts,
            lengths,
            products,
            children: vec![[NO_NODE; 4]],
            longest: vec![NO_RANK],
            shorter: vec![NO_RANK; ranks],
            pairs: PairTable::new(ranks),
        };
        // a token whose parts meet validly below its own rank is what its text encodes to
        for (index, &(left, right)) in merges.iter().enumerate() {
            let rank = (LETTERS + index) as u16;
            if !table.valid_below(left, right, u32::from(rank)) {
                return Err(rank);
            }
        }
        table.build_trie();
        Ok(table)
    }

    /// Number of tokens made of A, C, G and T.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Bases of a token.
    #[inline]
    pub(super) fn length(&self, rank: u16) -> usize {
        self.lengths[usize::from(rank)] as usize
    }

    /// Codes (0–3) of a token's text.
    pub(super) fn text(&self, rank: u16) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.length(rank));
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

    /// The longest token at the start of `codes`, all of them 0–3; `None` where there are none.
    #[inline]
    pub(super) fn longest(&self, codes: &[u8]) -> Option<u16> {
        let mut node = 0;
        for &code in codes {
            let next = self.children[node][usize::from(code & 3)];
            if next == NO_NODE {
                break;
            }
            node = next as usize;
        }
        Some(self.longest[node]).filter(|&rank| rank != NO_RANK)
    }

    /// The next shorter token that is a prefix of `rank`.
    #[inline]
    pub(super) fn shorter(&self, rank: u16) -> Option<u16> {
        Some(self.shorter[usize::from(rank)]).filter(|&rank| rank != NO_RANK)
    }

    /// Whether BPE of the joined text of two tokens returns these two.
    #[inline]
    pub(super) fn valid(&self, left: u16, right: u16) -> bool {
        match self.pairs.get(left, right) {
            VALID => true,
            INVALID => false,
            _ => {
                let valid = self.valid_below(left, right, u32::MAX);
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
        for rank in 0..self.len() as u16 {
            let node = self.insert(&self.text(rank));
            self.longest[node] = rank;
        }
        // children come after their parents, so one pass in order suffices
        let mut inherited = vec![NO_RANK; self.children.len()];
        for node in 0..self.children.len() {
            let own = self.longest[node];
            if own == NO_RANK {
                self.longest[node] = inherited[node];
            } else {
                self.shorter[usize::from(own)] = inherited[node];
            }
            for child in self.children[node] {
                if child != NO_NODE {
                    inherited[child as usize] = self.longest[node];
                }
            }
        }
    }

    fn insert(&mut self, text: &[u8]) -> usize {
        let mut node = 0;
        for &code in text {
            let slot = usize::from(code);
            if self.children[node][slot] == NO_NODE {
                self.children[node][slot] = self.children.len() as u32;
                self.children.push([NO_NODE; 4]);
                self.longest.push(NO_RANK);
            }
            node = self.children[node][slot] as usize;
        }
        node
    }
}

/// What is known of each pair: two bits, filled as pairs are met, by any thread.
#[derive(Debug)]
struct PairTable {
    ranks: usize,
    cells: Vec<AtomicU8>,
}

impl PairTable {
    fn new(ranks: usize) -> Self {
        let pairs = if ranks <= MAX_PAIR_TABLE { ranks * ranks } else { 0 };
        PairTable {
            ranks,
            cells: std::iter::repeat_with(AtomicU8::default).take(pairs.div_ceil(4)).collect(),
        }
    }

    #[inline]
    fn get(&self, left: u16, right: u16) -> u8 {
        let index = usize::from(left) * self.ranks + usize::from(right);
        match self.cells.get(index / 4) {
            Some(cell) => cell.load(Ordering::Relaxed) >> (index % 4 * 2) & 3,
            None => 0,
        }
    }

    #[inline]
    fn set(&self, left: u16, right: u16, value: u8) {
        let index = usize::from(left) * self.ranks + usize::from(right);
        if let Some(cell) = self.cells.get(index / 4) {
            cell.fetch_or(value << (index % 4 * 2), Ordering::Relaxed);
        }
    }
}
