//! A stretch of bases with its potentials, read from either end.

use super::automaton::{COLUMNS, MIRROR, UNSEEN};
use crate::dna::{complement, N};

/// The potentials of one base and, last, the 0 that a state without a site pays.
pub(super) type Weights = [f64; COLUMNS + 1];

/// Bases, potentials and, where the path is to follow them, labels; `mirrored` reads the reverse
/// complement, with the columns of the strands swapped.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    /// Base codes.
    pub codes: &'a [u8],
    /// Potentials, [`COLUMNS`] per base.
    pub potentials: &'a [f32],
    /// Labels, 255 = any.
    pub labels: Option<&'a [u8]>,
    /// Read from the right, on the complement.
    pub mirrored: bool,
}

impl View<'_> {
    /// Number of bases.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// The same stretch from its other end.
    pub fn mirror(&self) -> Self {
        View { mirrored: !self.mirrored, ..*self }
    }

    /// Where the stretch holds the `i`-th base of the view.
    #[inline]
    pub fn base(&self, i: usize) -> usize {
        if self.mirrored {
            self.len() - 1 - i
        } else {
            i
        }
    }

    /// The column of the potentials that is column `c` of the view.
    #[inline]
    pub fn column(&self, c: usize) -> usize {
        if self.mirrored {
            MIRROR[c]
        } else {
            c
        }
    }

    /// The `i`-th base, [`UNSEEN`] beyond the end.
    #[inline]
    pub fn code(&self, i: usize) -> u8 {
        if i >= self.len() {
            return UNSEEN;
        }
        let code = self.codes[self.base(i)].min(N);
        if self.mirrored {
            complement(code)
        } else {
            code
        }
    }

    /// One potential of the `i`-th base.
    #[inline]
    pub fn potential(&self, i: usize, column: usize) -> f64 {
        f64::from(self.potentials[self.base(i) * COLUMNS + self.column(column)])
    }

    /// The potentials of the `i`-th base; labels that it must not have are minus infinity.
    #[inline]
    pub fn weights(&self, i: usize) -> Weights {
        let base = self.base(i);
        let potentials = &self.potentials[base * COLUMNS..(base + 1) * COLUMNS];
        let mut weights = [0.0; COLUMNS + 1];
        if self.mirrored {
            (0..COLUMNS).for_each(|c| weights[c] = f64::from(potentials[MIRROR[c]]));
        } else {
            (0..COLUMNS).for_each(|c| weights[c] = f64::from(potentials[c]));
        }
        if let Some(label) = self.labels.map(|l| l[base]).filter(|&l| l != 255) {
            let wanted = if label < 9 { self.column(label as usize) } else { COLUMNS };
            (0..9).filter(|&c| c != wanted).for_each(|c| weights[c] = f64::NEG_INFINITY);
        }
        weights
    }
}
