//! Reading-frame channels: what the six frames of a window look like from each base.

use crate::dna;
use crate::genetic_code::GeneticCode;

/// Numbers per base that [`frame_channels`] gives.
pub const CHANNELS: usize = 12;

/// For each base and frame, how long the open stretch is that it lies in.
///
/// A run of a frame is a maximal chain of its whole codons without N in which only the last may be
/// a stop codon; it is cut at the window's ends and at N. Columns 0–2 hold log1p(bases of the run)
/// / 8 for the plus frames that start at base 0, 1 and 2; columns 6–8 the same for the run's part
/// from its first ATG to its end, on the bases of that part. Columns 3–5 and 9–11 are those of the
/// reverse complement, mirrored. Bases in no run have 0.
///
/// ```
/// use genet5_core::{channels::frame_channels, dna, genetic_code::GeneticCode};
/// let channels = frame_channels(&dna::encode(b"CCCATGTAAC"), &GeneticCode::ncbi(1).unwrap());
/// assert_eq!(channels[0], (9f32).ln_1p() / 8.0);
/// assert_eq!(channels[3 * 12 + 6], (6f32).ln_1p() / 8.0);
/// ```
pub fn frame_channels(codes: &[u8], code: &GeneticCode) -> Vec<f32> {
    let mut channels = vec![0f32; codes.len() * CHANNELS];
    let last = codes.len().saturating_sub(1);
    for frame in 0..3 {
        fill_frame(codes, code, frame, &mut |base, column, value| {
            channels[base * CHANNELS + column + frame] = value;
        });
    }
    let mirrored = dna::reverse_complement(codes);
    for frame in 0..3 {
        fill_frame(&mirrored, code, frame, &mut |base, column, value| {
            channels[(last - base) * CHANNELS + column + 3 + frame] = value;
        });
    }
    channels
}

/// Calls `set` with base, 0 or 6, and value for all runs of one plus frame.
fn fill_frame(codes: &[u8], code: &GeneticCode, frame: usize, set: &mut impl FnMut(usize, usize, f32)) {
    let mut close = |from: usize, to: usize, column: usize| {
        let value = ((to - from) as f32).ln_1p() / 8.0;
        (from..to).for_each(|base| set(base, column, value));
    };
    let (mut run, mut first_start, mut at) = (frame, None, frame);
    while at + 3 <= codes.len() {
        let codon = (codes[at], codes[at + 1], codes[at + 2]);
        let broken = codon.0 >= dna::N || codon.1 >= dna::N || codon.2 >= dna::N;
        if !broken && first_start.is_none() && codon == (0, 3, 2) {
            first_start = Some(at);
        }
        let end = if broken { at } else { at + 3 };
        if broken || code.is_stop(codon.0, codon.1, codon.2) {
            close(run, end, 0);
            if let Some(start) = first_start.take() {
                close(start, end, 6);
            }
            run = at + 3;
        }
        at += 3;
    }
    close(run, at.max(run), 0);
    if let Some(start) = first_start {
        close(start, at, 6);
    }
}
