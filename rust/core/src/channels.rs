//! Reading-frame channels: what the six frames of a window look like from each base.
//!
//! One pass over the codons finds the runs of all six frames, a second one writes whole rows of
//! numbers: all that begins or ends in a frame lies at bases of one remainder by 3, so a base has
//! to look at one plus and one minus frame alone.

use std::sync::OnceLock;

use crate::bits::{self, Bases, Trail, WORD};
use crate::dna;
use crate::genetic_code::GeneticCode;

/// Numbers per base that [`frame_channels`] gives.
pub const CHANNELS: usize = 12;

/// Lengths whose number is looked up; longer runs are rare.
const KNOWN_LENGTHS: usize = 1 << 12;

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
    let mut frames = Frames::new(codes.len());
    frames.read(codes, code);
    frames.rows(codes.len())
}

/// The numbers of one frame of one strand, in their columns, and 0 in all others; four at a time,
/// as processors add them.
type Part = [[f32; 4]; CHANNELS / 4];

/// One frame of one strand.
struct Frame {
    /// First base of the run under way.
    run: usize,
    /// Where its part from the first ATG on begins, on the minus strand where it ends.
    start: Option<usize>,
    /// The columns of the run and of its part.
    columns: [usize; 2],
    /// What changes along the window: the numbers from one turn to the next.
    parts: Vec<Part>,
}

impl Frame {
    fn new(first: usize, column: usize, bases: usize) -> Self {
        let mut parts = Vec::with_capacity(bases / 24 + 4);
        parts.push(Part::default());
        Frame { run: first, start: None, columns: [column, 6 + column], parts }
    }

    /// From a base on, until the next turn, the frame has these numbers.
    fn turn(&mut self, turns: &mut [u8], base: usize, run: f32, part: f32) {
        self.parts.push(Part::default());
        if let Some(numbers) = self.parts.last_mut().map(|part| part.as_flattened_mut()) {
            (numbers[self.columns[0]], numbers[self.columns[1]]) = (run, part);
        }
        turns[base] = 1;
    }

    fn close_plus(&mut self, turns: &mut [u8], end: usize) {
        let (run, start) = (self.run, self.start.take());
        if run >= end {
            return;
        }
        let number = scaled(end - run);
        if start != Some(run) {
            self.turn(turns, run, number, 0.0);
        }
        if let Some(start) = start {
            self.turn(turns, start, number, scaled(end - start));
        }
    }

    fn close_minus(&mut self, turns: &mut [u8], end: usize) {
        let (run, start) = (self.run, self.start.take());
        if run >= end {
            return;
        }
        let number = scaled(end - run);
        self.turn(turns, run, number, start.map_or(0.0, |start| scaled(start - run)));
        if let Some(start) = start.filter(|&start| start < end) {
            self.turn(turns, start, number, 0.0);
        }
    }
}

/// The frames of both strands, by the remainder of their codons' first bases by 3.
struct Frames {
    plus: [Frame; 3],
    minus: [Frame; 3],
    /// Whether a frame has a turn at a base.
    plus_turns: Vec<u8>,
    minus_turns: Vec<u8>,
}

impl Frames {
    fn new(bases: usize) -> Self {
        Frames {
            plus: std::array::from_fn(|first| Frame::new(first, first, bases)),
            // a codon that begins at `first` ends at the reverse complement's base `bases - first`
            minus: std::array::from_fn(|first| Frame::new(first, 3 + (bases + 2 * first) % 3, bases)),
            plus_turns: vec![0; bases + 3],
            minus_turns: vec![0; bases + 3],
        }
    }

    /// Reads all codons, from left to right on both strands.
    fn read(&mut self, codes: &[u8], code: &GeneticCode) {
        let is_start = |a, b, c| code.is_start(a, b, c, false);
        let mirrored = |[a, b, c]: [u8; 3]| [c, b, a].map(dna::complement);
        let plus = [bits::codons_with(|a, b, c| code.is_stop(a, b, c)), bits::codons_with(is_start)];
        let minus = plus.each_ref().map(|codons| codons.iter().copied().map(mirrored).collect::<Vec<_>>());
        let mut before = Bases::default();
        for (i, word) in codes.chunks(WORD).enumerate() {
            let now = bits::bases(word);
            let trail = Trail::new(&now, &before);
            before = now;
            let within = u64::MAX >> (WORD - word.len()) & if i == 0 { !3 } else { u64::MAX };
            let broken = within & !trail.known();
            let (stops, starts) = (trail.codons(&plus[0]), trail.codons(&plus[1]));
            for place in bits::ones(stops | starts | broken) {
                let bit = |bits: u64| bits >> place & 1 == 1;
                self.plus_signal(i * WORD + place - 2, bit(stops), bit(starts), bit(broken));
            }
            let (stops, starts) = (trail.codons(&minus[0]), trail.codons(&minus[1]));
            for place in bits::ones(stops | starts | broken) {
                let bit = |bits: u64| bits >> place & 1 == 1;
                self.minus_signal(i * WORD + place - 2, bit(stops), bit(starts), bit(broken));
            }
        }
        // the first codons that no longer fit
        let cut = codes.len().saturating_sub(2);
        for base in cut..cut + 3 {
            self.plus_signal(base, false, false, true);
            self.minus_signal(base, false, false, true);
        }
    }

    /// Takes a codon of the plus strand that is a stop, an ATG, or holds an N.
    #[inline]
    fn plus_signal(&mut self, base: usize, stop: bool, start: bool, broken: bool) {
        let (frame, turns) = (&mut self.plus[base % 3], &mut self.plus_turns);
        if start {
            frame.start = frame.start.or(Some(base));
        }
        if stop {
            frame.close_plus(turns, base + 3);
            frame.run = base + 3;
        }
        if broken {
            frame.close_plus(turns, base);
            frame.turn(turns, base, 0.0, 0.0);
            frame.run = base + 3;
        }
    }

    /// The same on the minus strand, whose stop codons begin a run from the left.
    #[inline]
    fn minus_signal(&mut self, base: usize, stop: bool, start: bool, broken: bool) {
        let (frame, turns) = (&mut self.minus[base % 3], &mut self.minus_turns);
        if start {
            // the first ATG of the strand is the last one from the left
            frame.start = Some(base + 3);
        }
        if stop {
            frame.close_minus(turns, base);
            frame.run = base;
        }
        if broken {
            frame.close_minus(turns, base);
            frame.turn(turns, base, 0.0, 0.0);
            frame.run = base + 3;
        }
    }

    /// The numbers of all bases. No column has two frames, so a sum of parts takes all over.
    fn rows(&self, bases: usize) -> Vec<f32> {
        let (mut plus, mut minus) =
            (self.plus.each_ref().map(Walk::new), self.minus.each_ref().map(Walk::new));
        let (mut second, mut third) = (Part::default(), Part::default());
        let turns = self.plus_turns.chunks_exact(3).zip(self.minus_turns.chunks_exact(3));
        let threes = turns.take(bases.div_ceil(3)).map(|(ahead, back)| {
            let first = sum(plus[0].at(ahead[0]), minus[0].at(back[0]));
            let row = sum(sum(second, third), first);
            second = sum(plus[1].at(ahead[1]), minus[1].at(back[1]));
            let next = sum(sum(first, third), second);
            third = sum(plus[2].at(ahead[2]), minus[2].at(back[2]));
            [row, next, sum(sum(first, second), third)]
        });
        let mut rows: Vec<[Part; 3]> = Vec::with_capacity(bases.div_ceil(3));
        rows.extend(threes);
        let mut rows = rows.into_flattened();
        rows.truncate(bases);
        rows.into_flattened().into_flattened()
    }
}

/// Walks along the turns of a frame.
struct Walk<'a> {
    parts: &'a [Part],
    turns: usize,
}

impl<'a> Walk<'a> {
    fn new(frame: &'a Frame) -> Self {
        Walk { parts: &frame.parts, turns: 0 }
    }

    /// The numbers at the next base of the frame, 1 if it has a turn there.
    #[inline(always)]
    fn at(&mut self, turn: u8) -> Part {
        self.turns += usize::from(turn);
        self.parts[self.turns]
    }
}

#[inline(always)]
fn sum(one: Part, other: Part) -> Part {
    let four = |i: usize| {
        let ([a, b, c, d], [e, f, g, h]) = (one[i], other[i]);
        [a + e, b + f, c + g, d + h]
    };
    [four(0), four(1), four(2)]
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
