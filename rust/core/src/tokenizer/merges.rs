//! The merges of a vocabulary, indexed for encoding: longest matches and pair validity.
//!
//! Inside, a token is its *rank*: 0–3 are the letters A, C, G, T, and 4 + k is what merge k makes.
//! Ids of the vocabulary are mapped at the edge.

use rustc_hash::FxHashMap;

use super::pairs::PairTable;

/// Number of letters that can merge.
pub(super) const LETTERS: usize = 4;

/// Most tokens of DNA in a vocabulary: a rank has 16 bits, two of whose values mean other things.
pub(super) const MAX_RANKS: usize = 65_534;

/// Bases that the longest match looks at in one step.
const JUMP: usize = 6;

/// Above this many tokens (32 MiB while the table is made) pairs are looked at one by one.
const MAX_TABLE: usize = 16_384;

const NONE: u32 = u32::MAX;
const NO_RANK: u16 = u16::MAX;

/// The indexed merges.
#[derive(Debug)]
pub(super) struct Merges {
    // left and right part of each rank; letters name themselves
    parts: Vec<(u16, u16)>,
    products: FxHashMap<(u16, u16), u16>,
    pairs: Option<PairTable>,
    // by rank
    lengths: Vec<u32>,
    shorter: Vec<u16>,
    // by node of the trie: children by code, and the longest token that is a prefix of its text
    children: Vec<[u32; 4]>,
    longest: Vec<u16>,
    // by JUMP codes, the first one lowest
    jumps: Vec<Jump>,
}

/// Where the trie stands after some bases.
#[derive(Debug, Clone, Copy)]
enum Jump {
    /// It goes on here.
    Node(u32),
    /// It has ended; this is the longest token.
    Longest(u16),
}

impl Merges {
    /// Indexes `merges`; merge k makes rank 4 + k from two lower ranks, and no pair occurs twice.
    ///
    /// Returns the first rank that its own text does not encode to as an error.
    pub(super) fn new(merges: &[(u16, u16)]) -> Result<Self, u16> {
        let mut parts: Vec<(u16, u16)> = (0..LETTERS as u16).map(|letter| (letter, letter)).collect();
        parts.extend_from_slice(merges);
        let mut table = Merges {
            lengths: vec![0; parts.len()],
            shorter: vec![NO_RANK; parts.len()],
            parts,
            products: (LETTERS as u16..).zip(merges).map(|(rank, &pair)| (pair, rank)).collect(),
            pairs: None,
            children: vec![[NONE; 4]],
            longest: Vec::new(),
            jumps: Vec::new(),
        };
        // a token whose parts meet validly below its own rank is what its text encodes to
        for (rank, &(left, right)) in (LETTERS as u16..).zip(merges) {
            if !table.valid_below(left, right, u32::from(rank)) {
                return Err(rank);
            }
        }
        table.build_trie();
        table.jumps = (0..1 << (2 * JUMP)).map(|codes| table.jump(codes)).collect();
        table.pairs = (table.len() <= MAX_TABLE).then(|| PairTable::new(&table.parts));
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

    /// The longest token at the start of `codes`, all of them 0–3; `None` where there are none.
    #[inline]
    pub(super) fn longest(&self, codes: &[u8]) -> Option<u16> {
        let (mut node, mut rest) = (0, codes);
        if let Some((first, others)) = codes.split_first_chunk::<8>() {
            match self.jumps[packed(*first) & ((1 << (2 * JUMP)) - 1)] {
                Jump::Longest(rank) => return Some(rank),
                Jump::Node(jumped) => (node, rest) = (jumped as usize, &codes[JUMP..]),
            }
            debug_assert!(others.len() < rest.len());
        }
        for &code in rest {
            let next = self.children[node][usize::from(code & 3)];
            if next == NONE {
                break;
            }
            node = next as usize;
        }
        Some(self.longest[node]).filter(|&rank| rank != NO_RANK)
    }

    /// The next shorter token that is a prefix of this one.
    #[inline]
    pub(super) fn shorter(&self, rank: u16) -> Option<u16> {
        Some(self.shorter[usize::from(rank)]).filter(|&rank| rank != NO_RANK)
    }

    /// Whether BPE of the joined text of two tokens returns these two.
    #[inline]
    pub(super) fn valid(&self, left: u16, right: u16) -> bool {
        match &self.pairs {
            Some(pairs) => pairs.valid(left, right),
            None => self.valid_below(left, right, u32::MAX),
        }
    }

    // undoes merges at the border, latest first; a merge over the border that would have come
    // before the ones undone so far makes the pair invalid (github/rust-gems, crates/bpe)
    fn valid_below(&self, mut left: u16, mut right: u16, mut limit: u32) -> bool {
        loop {
            if self.products.get(&(left, right)).is_some_and(|&product| u32::from(product) < limit) {
                return false;
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
        let mut ends = vec![NO_RANK];
        for rank in 0..self.parts.len() as u16 {
            let text = self.text(rank);
            self.lengths[usize::from(rank)] = text.len() as u32;
            let node = self.insert(&text, &mut ends);
            ends[node] = rank;
        }
        self.longest = ends;
        // a node is younger than the one above it
        for node in 0..self.children.len() {
            for child in self.children[node].into_iter().filter(|&child| child != NONE) {
                let (above, own) = (self.longest[node], &mut self.longest[child as usize]);
                match *own {
                    NO_RANK => *own = above,
                    rank => self.shorter[usize::from(rank)] = above,
                }
            }
        }
    }

    fn jump(&self, codes: usize) -> Jump {
        let mut node = 0;
        for place in 0..JUMP {
            let next = self.children[node][codes >> (2 * place) & 3];
            if next == NONE {
                return Jump::Longest(self.longest[node]);
            }
            node = next as usize;
        }
        Jump::Node(node as u32)
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

    fn insert(&mut self, text: &[u8], ends: &mut Vec<u16>) -> usize {
        let mut node = 0;
        for &code in text {
            let child = usize::from(code);
            if self.children[node][child] == NONE {
                self.children[node][child] = self.children.len() as u32;
                self.children.push([NONE; 4]);
                ends.push(NO_RANK);
            }
            node = self.children[node][child] as usize;
        }
        node
    }
}

/// Eight codes, each in a byte, as 16 bits, the first one lowest.
#[inline]
fn packed(codes: [u8; 8]) -> usize {
    let mut bits = u64::from_le_bytes(codes);
    bits = (bits | bits >> 6) & 0x000f_000f_000f_000f;
    bits = (bits | bits >> 12) & 0x0000_00ff_0000_00ff;
    ((bits | bits >> 24) & 0xffff) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A vocabulary of those of the drawn pairs that make new and reachable tokens.
    fn vocabulary(draws: &[(u16, u16)]) -> Merges {
        let mut merges: Vec<(u16, u16)> = Vec::new();
        let mut found = Merges::new(&merges).expect("letters alone");
        for &(left, right) in draws {
            let tokens = found.len() as u16;
            let text = [found.text(left % tokens), found.text(right % tokens)].concat();
            if (0..tokens).any(|rank| found.text(rank) == text) {
                continue;
            }
            merges.push((left % tokens, right % tokens));
            match Merges::new(&merges) {
                Ok(larger) => found = larger,
                Err(_) => drop(merges.pop()),
            }
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_table_of_pairs_says_what_undoing_merges_says(
            draws in prop::collection::vec((any::<u16>(), any::<u16>()), 0..90),
        ) {
            let merges = vocabulary(&draws);
            for left in 0..merges.len() as u16 {
                for right in 0..merges.len() as u16 {
                    let plain = merges.valid_below(left, right, u32::MAX);
                    prop_assert_eq!(merges.valid(left, right), plain, "{} {}", left, right);
                }
            }
        }
    }
}
