//! One line of a score, for tools that count the matches of each side apart.

/// How many keys of a level either side has, and how many of them the other side confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// `nucleotide`, `exon`, `intron`, `intron_chain`, `start`, `stop`, `transcript` or `gene`.
    pub level: &'static str,
    /// Keys of the reference that the prediction has.
    pub tp_reference: u64,
    /// Keys of the prediction that the reference has.
    pub tp_prediction: u64,
    /// Keys of the reference.
    pub n_reference: u64,
    /// Keys of the prediction.
    pub n_prediction: u64,
}

impl Row {
    /// A level at which a match is one key on both sides.
    pub fn paired(level: &'static str, tp: u64, n_reference: u64, n_prediction: u64) -> Self {
        Row { level, tp_reference: tp, tp_prediction: tp, n_reference, n_prediction }
    }

    /// Found share of the reference; none when the reference is empty.
    pub fn sensitivity(&self) -> Option<f64> {
        share(self.tp_reference, self.n_reference)
    }

    /// Right share of the prediction; none when the prediction is empty.
    pub fn precision(&self) -> Option<f64> {
        share(self.tp_prediction, self.n_prediction)
    }

    /// Harmonic mean of sensitivity and precision; none when both sides are empty, 0 when one is.
    pub fn f1(&self) -> Option<f64> {
        if self.tp_reference == self.tp_prediction {
            return share(2 * self.tp_reference, self.n_reference + self.n_prediction);
        }
        match (self.sensitivity(), self.precision()) {
            (Some(s), Some(p)) if s + p > 0.0 => Some(2.0 * s * p / (s + p)),
            (None, None) => None,
            _ => Some(0.0),
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
