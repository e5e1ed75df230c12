//! Reading-frame channels: what the six frames of a window look like from each base.
//!
//! One pass over the codons finds the runs of all six frames, a second one writes whole rows of
//! numbers: all that begins or ends in a frame lies at bases of one remainder by 3, so a base has
//! to look at one plus and one minus frame alone.

use std::sync::OnceLock;

use crate::dna;
use crate::genetic_code::GeneticCode;

/// Numbers per base that [`frame_channels`] gives.
pub const CHANNELS: usize = 12;

/// Lengths whose number is looked up; longer runs are rare.
const KNOWN_LENGTHS: usize = 1 << 12;

/// What a codon is on the two strands.
const PLUS_STOP: u8 = 1;
const PLUS_START: u8 = 2;
const MINUS_STOP: u8 = 4;
const MINUS_START: u8 = 8;
/// It holds an N.
const BROKEN: u8 = 16;

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
    let mut frames: [Frame; 3] = std::array::from_fn(|first| Frame::new(first, codes.len()));
    find_runs(codes, &codon_kinds(code), &mut frames);
    // a codon that begins at `first` ends at the reverse complement's base `length - first`
    let columns: [[usize; 2]; 3] = std::array::from_fn(|first| [first, 3 + (codes.len() + 2 * first) % 3]);
    let mut turns = frames.each_mut().map(|frame| [Turns::new(&frame.plus), Turns::new(&frame.minus)]);
    let mut rows: Vec<[f32; CHANNELS]> = Vec::with_capacity(codes.len() + 2);
    let mut row = [0f32; CHANNELS];
    while rows.len() < codes.len() {
        for (turns, columns) in turns.iter_mut().zip(columns) {
            for (turns, column) in turns.iter_mut().zip(columns) {
                while turns.next == rows.len() {
                    (row[column], row[6 + column]) = turns.take();
                }
            }
            rows.push(row);
        }
    }
    rows.truncate(codes.len());
    rows.into_flattened()
}

/// From this base on, until the next turn, a frame has these two numbers.
#[derive(Debug, Clone, Copy)]
struct Turn {
    base: usize,
    run: f32,
    part: f32,
}

/// Walks over the turns of one frame and strand.
struct Turns<'a> {
    rest: &'a [Turn],
    /// The base of the next turn.
    next: usize,
}

impl<'a> Turns<'a> {
    fn new(rest: &'a [Turn]) -> Self {
        Turns { rest, next: rest.first().map_or(usize::MAX, |turn| turn.base) }
    }

    fn take(&mut self) -> (f32, f32) {
        let Some((turn, rest)) = self.rest.split_first() else { return (0.0, 0.0) };
        *self = Turns::new(rest);
        (turn.run, turn.part)
    }
}

/// The codons that begin at bases of one remainder by 3, read from left to right on both strands.
struct Frame {
    /// First base of the runs under way.
    plus_run: usize,
    minus_run: usize,
    /// First base of the plus run's first ATG.
    plus_start: Option<usize>,
    /// One past the last base of the minus run's first ATG, which is the last one from the left.
    minus_start: Option<usize>,
    plus: Vec<Turn>,
    minus: Vec<Turn>,
}

impl Frame {
    fn new(first: usize, bases: usize) -> Self {
        // a run for every 21 codons, with up to two turns
        let guess = bases / 32;
        Frame {
            plus_run: first,
            minus_run: first,
            plus_start: None,
            minus_start: None,
            plus: Vec::with_capacity(guess),
            minus: Vec::with_capacity(guess),
        }
    }

    /// Takes a codon that is a stop or an ATG of either strand.
    fn signal(&mut self, base: usize, kind: u8) {
        if kind & PLUS_START != 0 && self.plus_start.is_none() {
            self.plus_start = Some(base);
        }
        if kind & PLUS_STOP != 0 {
            self.close_plus(base + 3);
            self.plus_run = base + 3;
        }
        // from the right a stop codon ends its run, so from the left it begins one
        if kind & MINUS_STOP != 0 {
            self.close_minus(base);
            self.minus_run = base;
        }
        if kind & MINUS_START != 0 {
            self.minus_start = Some(base + 3);
        }
    }

    /// Ends the runs before a codon with N, or before the window's last bases.
    fn end(&mut self, base: usize) {
        self.close_plus(base);
        self.close_minus(base);
        for turns in [&mut self.plus, &mut self.minus] {
            turns.push(Turn { base, run: 0.0, part: 0.0 });
        }
        (self.plus_run, self.minus_run) = (base + 3, base + 3);
    }

    fn close_plus(&mut self, end: usize) {
        let (run, start) = (self.plus_run, self.plus_start.take());
        if run >= end {
            return;
        }
        let number = scaled(end - run);
        let part = start.map_or(0.0, |start| scaled(end - start));
        if start != Some(run) {
            self.plus.push(Turn { base: run, run: number, part: 0.0 });
        }
        if let Some(start) = start {
            self.plus.push(Turn { base: start, run: number, part });
        }
    }

    fn close_minus(&mut self, end: usize) {
        let (run, start) = (self.minus_run, self.minus_start.take());
        if run >= end {
            return;
        }
        let number = scaled(end - run);
        let part = start.map_or(0.0, |start| scaled(start - run));
        self.minus.push(Turn { base: run, run: number, part });
        if let Some(start) = start.filter(|&start| start < end) {
            self.minus.push(Turn { base: start, run: number, part: 0.0 });
        }
    }
}

/// Reads all codons, those of both strands at once.
fn find_runs(codes: &[u8], kinds: &[u8; 512], frames: &mut [Frame; 3]) {
    for signal in signals(codes, kinds) {
        let (base, kind) = ((signal >> 8) as usize, signal as u8);
        match kind {
            BROKEN => frames[base % 3].end(base),
            _ => frames[base % 3].signal(base, kind),
        }
    }
    // the first codons that no longer fit
    let cut = codes.len().saturating_sub(2);
    for base in cut..cut + 3 {
        frames[base % 3].end(base);
    }
}

/// The codons that are a stop or an ATG of either strand or hold an N: first base × 256 + kind.
///
/// Where they are cannot be foreseen, so each base writes an item and only some of them count.
fn signals(codes: &[u8], kinds: &[u8; 512]) -> Vec<u64> {
    let mut found = vec![0; codes.len() + 1];
    let mut count = 0;
    for (base, codon) in codes.windows(3).enumerate() {
        let kind = kinds[number(codon[0], codon[1], codon[2])];
        found[count] = (base as u64) << 8 | u64::from(kind);
        count += usize::from(kind != 0);
    }
    found.truncate(count);
    found
}

/// The number of a codon, unknown bases included.
#[inline]
fn number(a: u8, b: u8, c: u8) -> usize {
    let [a, b, c] = [a, b, c].map(|code| usize::from(code.min(dna::N)));
    a << 6 | b << 3 | c
}

/// What each codon is, by its number.
fn codon_kinds(code: &GeneticCode) -> [u8; 512] {
    let mut kinds = [BROKEN; 512];
    for codon in 0..64u8 {
        let [a, b, c] = [codon / 16, codon / 4 % 4, codon % 4];
        let [x, y, z] = [c, b, a].map(dna::complement);
        kinds[number(a, b, c)] = [
            (code.is_stop(a, b, c), PLUS_STOP),
            ((a, b, c) == (0, 3, 2), PLUS_START),
            (code.is_stop(x, y, z), MINUS_STOP),
            ((x, y, z) == (0, 3, 2), MINUS_START),
        ]
        .into_iter()
        .fold(0, |kind, (holds, bit)| if holds { kind | bit } else { kind });
    }
    kinds
}

/// log1p(bases) / 8.
fn scaled(bases: usize) -> f32 {
    static KNOWN: OnceLock<Vec<f32>> = OnceLock::new();
    let number = |bases: usize| (bases as f32).ln_1p() / 8.0;
    let known = KNOWN.get_or_init(|| (0..KNOWN_LENGTHS).map(number).collect());
    known.get(bases).copied().unwrap_or_else(|| number(bases))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Frame by frame and number by number, as the definition says.
    fn plain(codes: &[u8], code: &GeneticCode) -> Vec<f32> {
        let mut channels = vec![0f32; codes.len() * CHANNELS];
        let mirrored = dna::reverse_complement(codes);
        for frame in 0..3 {
            plain_frame(codes, code, frame, &mut |base, column, value| {
                channels[base * CHANNELS + column + frame] = value;
            });
            plain_frame(&mirrored, code, frame, &mut |base, column, value| {
                channels[(codes.len() - 1 - base) * CHANNELS + column + 3 + frame] = value;
            });
        }
        channels
    }

    /// Calls `set` with base, 0 or 6, and value for all runs of one plus frame.
    fn plain_frame(codes: &[u8], code: &GeneticCode, frame: usize, set: &mut impl FnMut(usize, usize, f32)) {
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

    fn stretch() -> impl Strategy<Value = Vec<u8>> {
        let words =
            prop::sample::select(vec!["A", "C", "G", "T", "N", "ATG", "CAT", "TAA", "TTA", "TGA", "GCA"]);
        prop::collection::vec(words, 0..80).prop_map(|words| dna::encode(words.concat().as_bytes()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn all_numbers_are_those_of_the_definition(
            codes in stretch(), table in prop::sample::select(vec![1u8, 6, 12])
        ) {
            let code = GeneticCode::ncbi(table).expect("a code");
            prop_assert_eq!(frame_channels(&codes, &code), plain(&codes, &code));
        }
    }

    #[test]
    fn long_runs_are_no_special_case() {
        let code = GeneticCode::ncbi(1).expect("a code");
        let mut codes = vec![1u8; 20_001];
        codes[7000..7003].copy_from_slice(&[0, 3, 2]);
        codes[15_000] = dna::N;
        assert_eq!(frame_channels(&codes, &code), plain(&codes, &code));
    }
}
