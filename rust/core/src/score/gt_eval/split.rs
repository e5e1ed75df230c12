//! CDS rows of several transcripts that need a phase for each of them.
//!
//! `gt gff3 -tidy` gives wrong phases the value that the rows before them ask for. Where a CDS row
//! has several parents that ask for different phases it makes a row for each parent of it, and
//! then the row's position in each transcript counts instead of that in the last one.

use rustc_hash::{FxHashMap, FxHashSet};

use super::tree::{Kind, Tree};
use crate::gene::Strand;

/// No parent: the row is still one for all.
const ALL: u32 = u32::MAX;

/// CDS rows that are split; `multi` are rows that share ID and parents with others.
pub(super) fn split_cds(tree: &Tree, multi: &FxHashSet<u32>) -> FxHashSet<u32> {
    let mut phases = Phases { tree, multi, split: FxHashSet::default(), phase: FxHashMap::default() };
    while phases.pass() {}
    phases.split
}

struct Phases<'t> {
    tree: &'t Tree,
    multi: &'t FxHashSet<u32>,
    split: FxHashSet<u32>,
    /// Corrected phases by row and parent.
    phase: FxHashMap<(u32, u32), u8>,
}

impl Phases<'_> {
    /// Corrects the phases; says whether rows were split on the way.
    fn pass(&mut self) -> bool {
        let tree = self.tree;
        let mut checked = FxHashMap::default();
        let mut split = Vec::new();
        for &root in tree.roots() {
            let correct = |parent, _| self.correct(parent, &mut checked, &mut split);
            tree.walk(root, |_, position| position, correct);
        }
        for &(row, first) in &split {
            let phase = self.of((row, ALL));
            self.split.insert(row);
            // the first parent keeps the row, the others get copies without phase
            self.phase.extend(phase.map(|phase| ((row, first), phase)));
        }
        !split.is_empty()
    }

    fn of(&self, key: (u32, u32)) -> Option<u8> {
        let own = || self.tree.node(key.0).phase.filter(|_| key.1 == ALL);
        self.phase.get(&key).copied().or_else(own)
    }

    fn correct(
        &mut self,
        parent: u32,
        checked: &mut FxHashMap<(u32, u32), u32>,
        split: &mut Vec<(u32, u32)>,
    ) {
        let rows = self.tree.children_of_kind(parent, Kind::Cds).filter(|row| !self.multi.contains(row));
        let mut rows: Vec<u32> = rows.collect();
        if rows.first().is_some_and(|&row| self.tree.node(row).strand == Some(Strand::Minus)) {
            rows.reverse();
        }
        let mut right = 0;
        for (i, row) in rows.into_iter().enumerate() {
            let key = (row, if self.split.contains(&row) { parent } else { ALL });
            let mut phase = self.of(key);
            let wrong = if i == 0 { phase.is_none() } else { phase != Some(right) };
            match checked.get(&key) {
                Some(&first) if wrong => split.push((row, first)),
                None if wrong => {
                    self.phase.insert(key, right);
                    phase = Some(right);
                }
                _ => {}
            }
            checked.entry(key).or_insert(parent);
            let node = self.tree.node(row);
            let left = u64::from(node.end - node.start).wrapping_sub(u64::from(phase.unwrap_or(3)));
            right = ((3 - left % 3) % 3) as u8;
        }
    }
}
