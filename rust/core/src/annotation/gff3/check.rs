//! What is wrong with how the rows of a GFF3 file name each other.

use std::path::Path;

use super::*;

/// What the parents of a row are.
#[derive(Default, Clone, Copy)]
struct Parentage {
    /// None of them is in the file.
    orphan: bool,
    /// A protein is among them.
    protein: bool,
}

impl<'a> Reader<'a> {
    /// Shared IDs, unknown parents, cycles.
    pub(super) fn check(&mut self, path: &Path) -> Result<()> {
        for node in self.nodes.iter().filter(|node| self.shared && node.role == Role::Middle) {
            let Some(gene) = self.names.get(node.id).and_then(|names| names.gene()) else { continue };
            if !items(node.parents).any(|parent| parent == node.id) {
                let lines = (self.nodes[gene].line.min(node.line), self.nodes[gene].line.max(node.line));
                return Err(used_again(path, lines.1, node.id, lines.0));
            }
            self.repairs.add("id_shared_with_gene", 1, node.line);
        }
        let mut found = Repairs::default();
        for node in self.nodes.iter().filter(|n| n.role != Role::Protein && n.near.is_none()) {
            let orphan = self.parentage(path, node.role, node.parents, node.line)?.orphan;
            found.add("undefined_parent", u64::from(orphan), node.line);
        }
        // the rows of one CDS mostly stand together
        let mut last = (&[][..], Role::Other, Parentage::default());
        for leaf in self.far.iter().map(|&i| &self.leaves[i as usize]) {
            let line = leaf.part.line;
            if (leaf.parents, leaf.role) != (last.0, last.1) {
                last = (leaf.parents, leaf.role, self.parentage(path, leaf.role, leaf.parents, line)?);
            }
            let orphan = last.2.orphan && leaf.role != Role::Exon;
            found.add("undefined_parent", u64::from(orphan), line);
            found.add("parent_is_protein", u64::from(last.2.protein && leaf.role == Role::Cds), line);
        }
        for &(parents, line) in &self.pieces {
            self.parentage(path, Role::Piece, parents, line)?;
        }
        for (_, line) in self.outside.iter().filter(|(contig, _)| !self.circular.contains(contig)) {
            found.add("outside_sequence_region", 1, *line);
        }
        self.repairs.join(found);
        self.check_cycles(path)
    }

    /// A row may be an orphan as a whole, as in a file cut to a region; one that names known and
    /// unknown parents side by side is an error.
    fn parentage(&self, path: &Path, role: Role, parents: &[u8], line: u64) -> Result<Parentage> {
        let (mut known, mut unknown, mut protein) = (0, None, false);
        for id in items(parents) {
            match self.resolve(role, id, None) {
                Some(node) if self.nodes[node].role == Role::Protein => protein = true,
                Some(_) => known += 1,
                None => unknown = unknown.or(Some(id)),
            }
        }
        match unknown {
            // proteins stand beside the transcript as second parents, and may be missing
            Some(id) if known > 0 && !id.ends_with(b"-Protein") => Err(Error::input(
                path,
                line,
                format!("Parent '{}' is not in the file; add it or take it out", id.escape_ascii()),
            )),
            unknown => Ok(Parentage { orphan: unknown.is_some() && known == 0, protein }),
        }
    }

    fn check_cycles(&self, path: &Path) -> Result<()> {
        // a parent right above its child has the lower number, so no cycle is of such alone
        if self.nodes.iter().all(|node| node.near.is_some() || node.parents.is_empty()) {
            return Ok(());
        }
        // 0 unseen, 1 on the way, 2 done
        let mut state = vec![0u8; self.nodes.len()];
        let mut stack = Vec::new();
        for root in 0..self.nodes.len() {
            stack.push((root, false));
            while let Some((at, leaving)) = stack.pop() {
                if leaving {
                    state[at] = 2;
                    continue;
                }
                if state[at] != 0 {
                    continue;
                }
                state[at] = 1;
                stack.push((at, true));
                for parent in self.parents_of(at) {
                    if state[parent] == 1 {
                        let node = &self.nodes[at];
                        let message =
                            format!("'{}' is its own ancestor by its Parent", node.id.escape_ascii());
                        return Err(Error::input(path, node.line, message));
                    }
                    stack.push((parent, false));
                }
            }
        }
        Ok(())
    }
}
