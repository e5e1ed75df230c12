//! Exact decoding of a contig of any length in bounded memory.

use std::sync::atomic::{AtomicBool, Ordering};

use super::automaton::COLUMNS;
use super::best::{Best, Scored};
use super::forward::{Ends, Forward};
use super::view::View;
use super::{check, Lattice};
use crate::error::{Error, Result};
use crate::gene::GeneModel;

/// Bases worked on at a time.
pub(super) const TILE: usize = 32768;
/// Bases beyond a tile that the sums from the right begin with.
pub(super) const MARGIN: usize = 8192;

/// A gene of the best annotation of a contig.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodedGene {
    /// Strand and segments, in the contig's coordinates.
    pub model: GeneModel,
    /// Probability that the annotation holds exactly this gene.
    pub probability: f64,
    /// Sum of the gene's potentials.
    pub score: f64,
}

/// The best annotation of one contig and the probability of each of its genes.
///
/// Bases and potentials come in blocks of any size, genes go out as soon as no later base can change
/// them; the result does not depend on the blocks. Work goes by tiles of 32,768 bases. The sums from
/// the left are those of the whole contig, the sums from the right begin 8,192 bases beyond the tile
/// with an open end. Memory is that of a tile and some 45 bytes per undecided base: usually a few tiles,
/// but a run of N stays undecided to its end, since an intron may span it.
///
/// ```
/// use genet5_core::{dna, lattice::{Lattice, POTENTIALS}};
/// use std::sync::atomic::AtomicBool;
/// let codes = dna::encode(b"CCATGAAATAGCC");
/// let mut potentials = vec![0.0; codes.len() * POTENTIALS];
/// potentials[2 * POTENTIALS + 9] = 5.0;
/// let mut decoder = Lattice::new(&Default::default()).unwrap().decoder();
/// let mut genes = decoder.push(&codes, &potentials, &AtomicBool::new(false)).unwrap();
/// genes.extend(decoder.finish(&AtomicBool::new(false)).unwrap());
/// assert_eq!((genes[0].model.start(), genes[0].model.end()), (2, 11));
/// ```
#[derive(Debug)]
pub struct Decoder {
    lattice: Lattice,
    best: Best,
    forward: Forward,
    /// bases from the first one not worked on
    codes: Vec<u8>,
    potentials: Vec<f32>,
    /// bases worked on
    done: usize,
    /// by gap, from the one before the history's first base: sums from the left
    left: Vec<f64>,
    /// and sums from the right over all paths
    right: Vec<f64>,
    /// undecided bases at which it is worth looking again
    patience: usize,
    tile: usize,
    margin: usize,
}

impl Decoder {
    pub(super) fn new(lattice: Lattice, tile: usize, margin: usize) -> Self {
        Decoder {
            tile,
            margin,
            best: Best::new(lattice.min_intron, lattice.max_intron),
            forward: Forward::new(Ends::Closed, lattice.min_intron),
            codes: Vec::new(),
            potentials: Vec::new(),
            done: 0,
            left: vec![0.0],
            right: vec![0.0],
            patience: tile,
            lattice,
        }
    }

    /// Adds the next bases of the contig; gives the genes that are decided, in ascending order.
    ///
    /// # Errors
    /// [`Error::Value`] when lengths do not match, a potential is NaN or plus infinity, or the contig
    /// is longer than 4 Gb; [`Error::Interrupted`] soon after `stop` is raised.
    pub fn push(&mut self, codes: &[u8], potentials: &[f32], stop: &AtomicBool) -> Result<Vec<DecodedGene>> {
        check(codes, potentials)?;
        if self.done + self.codes.len() + codes.len() > u32::MAX as usize {
            return Err(Error::value("a contig may not be longer than 4294967295 bases"));
        }
        self.codes.extend_from_slice(codes);
        self.potentials.extend_from_slice(potentials);
        let mut genes = Vec::new();
        let mut used = 0;
        while self.codes.len() - used >= self.tile + self.margin {
            interrupted(stop)?;
            self.work(used..used + self.tile + self.margin, self.tile);
            used += self.tile;
            if self.best.undecided() >= self.patience {
                let decided = self.best.decide(&self.lattice.automaton);
                genes.extend(self.release(decided));
                self.patience = self.tile.max(2 * self.best.undecided());
            }
        }
        self.codes.drain(..used);
        self.potentials.drain(..used * COLUMNS);
        Ok(genes)
    }

    /// Ends the contig; gives the genes left. The decoder is then ready for another contig.
    ///
    /// # Errors
    /// [`Error::Value`] when minus infinities leave no annotation; [`Error::Interrupted`].
    pub fn finish(&mut self, stop: &AtomicBool) -> Result<Vec<DecodedGene>> {
        interrupted(stop)?;
        let rest = self.codes.len();
        self.work(0..rest, rest);
        if !self.best.possible() {
            return Err(Error::value(
                "the potentials leave no annotation: minus infinity where no gene can be",
            ));
        }
        let decided = self.best.finish(&self.lattice.automaton);
        let genes = self.release(decided);
        *self = Decoder::new(self.lattice.clone(), self.tile, self.margin);
        Ok(genes)
    }

    /// Takes all sums over the first `own` bases of a stretch of the buffer; the contig ends with the
    /// stretch if it has no more.
    fn work(&mut self, stretch: std::ops::Range<usize>, own: usize) {
        let view = View {
            codes: &self.codes[stretch.clone()],
            potentials: &self.potentials[stretch.start * COLUMNS..stretch.end * COLUMNS],
            labels: None,
            mirrored: false,
        };
        let ends = if own == view.len() { Ends::Closed } else { Ends::Open };
        let lattice = &self.lattice;
        let (best, forward, left) = (&mut self.best, &mut self.forward, &mut self.left);
        let along = || {
            for i in 0..own {
                best.step(&lattice.automaton, view.code(i), view.code(i + 1), &view.weights(i));
            }
        };
        let sums = || {
            for i in 0..own {
                forward.step(&lattice.automaton, view.code(i), view.code(i + 1), &view.weights(i), None);
                left.push(forward.gap);
            }
            let mut beyond = forward.clone();
            for i in own..view.len() {
                beyond.step(&lattice.automaton, view.code(i), view.code(i + 1), &view.weights(i), None);
            }
            beyond.total_at(&lattice.automaton, ends)
        };
        let (_, (total, gaps)) =
            rayon::join(along, || rayon::join(sums, || gaps_from_right(lattice, view, own, ends)));
        self.right.extend(gaps.iter().map(|gap| gap - total));
        self.done += own;
    }

    /// Gives genes their probabilities and forgets the sums before the history.
    fn release(&mut self, genes: Vec<Scored>) -> Vec<DecodedGene> {
        let origin = self.done + 1 - self.left.len();
        let decoded = genes.into_iter().map(|gene| {
            let left = self.left[gene.model.start() as usize - origin];
            let right = self.right[gene.model.end() as usize - origin];
            let probability = (left + gene.score + right).exp().min(1.0);
            DecodedGene { model: gene.model, probability, score: gene.score }
        });
        let decoded = decoded.collect();
        let decided = self.best.origin() - origin;
        self.left.drain(..decided);
        self.right.drain(..decided);
        decoded
    }
}

/// Sums over all ways from the gap after each of the first `own` bases to the end of the view.
fn gaps_from_right(lattice: &Lattice, view: View, own: usize, ends: Ends) -> Vec<f64> {
    let mirrored = view.mirror();
    let mut forward = Forward::new(ends, lattice.min_intron);
    let mut gaps = Vec::with_capacity(own);
    for i in 0..view.len() {
        if view.len() - i <= own {
            gaps.push(forward.gap);
        }
        let weights = mirrored.weights(i);
        forward.step(&lattice.automaton, mirrored.code(i), mirrored.code(i + 1), &weights, None);
    }
    gaps.reverse();
    gaps
}

fn interrupted(stop: &AtomicBool) -> Result<()> {
    if stop.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    Ok(())
}
