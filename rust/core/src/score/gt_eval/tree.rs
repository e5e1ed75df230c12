//! The features of a file as the trees that their parents make of them.

use rustc_hash::FxHashMap;

use crate::gene::Strand;

/// What a feature is to the evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gene,
    Mrna,
    Exon,
    Cds,
    Other,
}

/// Where in its transcript an exon or CDS lies; one without parent counts as single.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Single,
    Initial,
    Internal,
    Terminal,
}

/// One feature row, 0-based and half-open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub contig: u32,
    pub start: u32,
    pub end: u32,
    pub strand: Option<Strand>,
    pub kind: Kind,
    pub phase: Option<u8>,
    /// It has several parents.
    pub shared: bool,
}

impl Node {
    pub(super) fn range(&self) -> (u32, u32) {
        (self.start, self.end)
    }
}

/// Features and their children; children are in order of start and end, then of the file.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    children: Vec<u32>,
    /// Where each node's children begin, and one more.
    first: Vec<u32>,
    roots: Vec<u32>,
}

impl Tree {
    /// Joins nodes by their edges from parent to child, which are in order of the file.
    pub(super) fn new(mut nodes: Vec<Node>, edges: &[(u32, u32)]) -> Self {
        let mut parents = vec![0u8; nodes.len()];
        let mut first = vec![0u32; nodes.len() + 1];
        for &(parent, child) in edges {
            let count = &mut parents[child as usize];
            *count = count.saturating_add(1);
            nodes[child as usize].shared = *count > 1;
            first[parent as usize + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let mut next = first.clone();
        let mut children = vec![0; edges.len()];
        for &(parent, child) in edges {
            let at = &mut next[parent as usize];
            children[*at as usize] = child;
            *at += 1;
        }
        let roots = (0..nodes.len() as u32).filter(|&at| parents[at as usize] == 0).collect();
        Tree::nested(nodes, children, first, roots)
    }

    /// The tree of features that are nested in the file: `children` holds those of each node in the nodes'
    /// order, `first` where each begins and one more.
    pub(super) fn nested(nodes: Vec<Node>, children: Vec<u32>, first: Vec<u32>, roots: Vec<u32>) -> Self {
        let mut tree = Tree { nodes, children, first, roots };
        tree.sort();
        tree
    }

    /// Sorts children by start and end, and roots by contig, too.
    fn sort(&mut self) {
        let Tree { nodes, children, first, roots } = self;
        for pair in first.windows(2) {
            let own = &mut children[pair[0] as usize..pair[1] as usize];
            own.sort_by_key(|&child| nodes[child as usize].range());
        }
        roots.sort_by_key(|&root| (nodes[root as usize].contig, nodes[root as usize].range()));
    }

    pub(super) fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Features without parent, in order of contig, start and end.
    pub(super) fn roots(&self) -> &[u32] {
        &self.roots
    }

    pub(super) fn children(&self, at: u32) -> &[u32] {
        &self.children[self.first[at as usize] as usize..self.first[at as usize + 1] as usize]
    }

    pub(super) fn children_of_kind(&self, at: u32, kind: Kind) -> impl Iterator<Item = u32> + Clone + '_ {
        self.children(at).iter().copied().filter(move |&child| self.node(child).kind == kind)
    }

    /// Any feature with several parents.
    pub(super) fn any_shared(&self, kind: Option<Kind>) -> bool {
        self.nodes.iter().any(|node| node.shared && kind.is_none_or(|kind| kind == node.kind))
    }

    /// Calls `visit` with a root and all below it, parents first, along every path, and with the
    /// position of each in the parent it was reached from. `position` may change positions; it
    /// sees them when the parent is visited.
    pub(super) fn walk(
        &self,
        root: u32,
        mut position: impl FnMut(u32, Position) -> Position,
        mut visit: impl FnMut(u32, Position),
    ) {
        let mut stack = vec![(root, Position::Single)];
        while let Some((at, place)) = stack.pop() {
            visit(at, place);
            if self.children(at).is_empty() {
                continue;
            }
            let from = stack.len();
            self.positions(at, |child, place| stack.push((child, position(child, place))));
            stack[from..].reverse();
        }
    }

    /// Calls `found` with each child and its position among those of its kind.
    pub(super) fn positions(&self, parent: u32, mut found: impl FnMut(u32, Position)) {
        let count = |kind| self.children_of_kind(parent, kind).count();
        let all = [count(Kind::Exon), count(Kind::Cds)];
        let mut seen = [0, 0];
        let reverse = self.node(parent).strand == Some(Strand::Minus);
        for &child in self.children(parent) {
            let kind = match self.node(child).kind {
                Kind::Exon => 0,
                Kind::Cds => 1,
                _ => {
                    found(child, Position::Single);
                    continue;
                }
            };
            seen[kind] += 1;
            let position = match (seen[kind], all[kind]) {
                (_, 1) => Position::Single,
                (1, _) if reverse => Position::Terminal,
                (1, _) => Position::Initial,
                (n, all) if n < all => Position::Internal,
                _ if reverse => Position::Initial,
                _ => Position::Terminal,
            };
            found(child, position);
        }
    }

    /// Positions of the shared features: each parent sets them, the last one stands.
    pub(super) fn shared_positions(&self) -> FxHashMap<u32, Position> {
        let mut last = FxHashMap::default();
        let mut note = |child, position| {
            if self.node(child).shared {
                last.insert(child, position);
            }
            position
        };
        self.roots.iter().for_each(|&root| self.walk(root, &mut note, |_, _| {}));
        last
    }

    /// Whether nothing lies below the children of a feature.
    pub(super) fn is_flat(&self, at: u32) -> bool {
        self.children(at).iter().all(|&child| self.children(child).is_empty())
    }

    /// Sorted ranges of all features of a kind below a feature.
    pub(super) fn ranges_below(&self, at: u32, kind: Kind) -> Vec<(u32, u32)> {
        let mut found = Vec::new();
        let mut stack = self.children(at).to_vec();
        while let Some(at) = stack.pop() {
            if self.node(at).kind == kind {
                found.push(self.node(at).range());
            }
            stack.extend_from_slice(self.children(at));
        }
        found.sort_unstable();
        found
    }
}
