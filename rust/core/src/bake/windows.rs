//! Where windows lie: training and held-out stretches of each contig, and the windows cut in them.

use crate::gene::Interval;
use crate::random::Random;

/// Bases of a block, at the most, when no contig is held out by name.
pub const BLOCK: u32 = 200_000;

/// A stretch of a contig that belongs to one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Index of the contig.
    pub contig: usize,
    /// The bases.
    pub bases: Interval,
    /// Kept out of training.
    pub held_out: bool,
}

/// What is held out of a species.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HeldOut<'a> {
    /// Everything.
    All,
    /// The contigs whose flag is set.
    Contigs(&'a [bool]),
    /// Blocks drawn until they hold this share of all bases; never all blocks. They have [`BLOCK`]
    /// bases; in a genome of which one block were more than the share, as many as the share or
    /// one window.
    Share(f64),
}

/// Cuts every contig into maximal training and held-out stretches, in order.
pub fn stretches(lengths: &[u32], held_out: HeldOut, window: u32, seed: u64) -> Vec<Stretch> {
    match held_out {
        HeldOut::All => whole(lengths, |_| true),
        HeldOut::Contigs(flags) => whole(lengths, |contig| flags[contig]),
        HeldOut::Share(share) => {
            let total: f64 = lengths.iter().map(|&length| f64::from(length)).sum();
            let block = ((share * total) as u32).max(window).min(BLOCK);
            let mut blocks: Vec<Stretch> = lengths
                .iter()
                .enumerate()
                .flat_map(|(contig, &length)| {
                    (0..length).step_by(block as usize).map(move |start| Stretch {
                        contig,
                        bases: Interval::new(start, length.min(start.saturating_add(block))),
                        held_out: false,
                    })
                })
                .collect();
            draw(&mut blocks, share, seed);
            join(blocks)
        }
    }
}

fn whole(lengths: &[u32], held_out: impl Fn(usize) -> bool) -> Vec<Stretch> {
    lengths
        .iter()
        .enumerate()
        .filter(|&(_, &length)| length > 0)
        .map(|(contig, &length)| Stretch {
            contig,
            bases: Interval::new(0, length),
            held_out: held_out(contig),
        })
        .collect()
}

fn draw(blocks: &mut [Stretch], share: f64, seed: u64) {
    let total: f64 = blocks.iter().map(|block| f64::from(block.bases.len())).sum();
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    Random::new(&[seed, 1]).shuffle(&mut order);
    let mut drawn = 0.0;
    for &index in order.iter().take(blocks.len().saturating_sub(1)) {
        if drawn >= share * total {
            break;
        }
        blocks[index].held_out = true;
        drawn += f64::from(blocks[index].bases.len());
    }
}

fn join(blocks: Vec<Stretch>) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::new();
    for block in blocks {
        match joined.last_mut() {
            Some(last) if last.contig == block.contig && last.held_out == block.held_out => {
                last.bases.end = block.bases.end;
            }
            _ => joined.push(block),
        }
    }
    joined
}

/// The windows of a stretch: one every `stride` bases, the last shifted back to end at its end; a
/// stretch shorter than a window is one short window.
pub fn cut(stretch: Interval, window: u32, stride: u32) -> Vec<Interval> {
    let mut windows = Vec::new();
    let mut start = stretch.start;
    while stretch.end - start > window {
        windows.push(Interval::new(start, start + window));
        start = start.saturating_add(stride).min(stretch.end - window);
        if start + window == stretch.end {
            break;
        }
    }
    if !stretch.is_empty() {
        windows.push(Interval::new(start, stretch.end.min(start.saturating_add(window))));
    }
    windows
}

/// Which of `empty` windows to keep, so that they make up `share` of all that are kept.
pub fn keep_empty(with_genes: usize, empty: usize, share: f64, seed: u64) -> Vec<bool> {
    let wanted = match share {
        share if share >= 1.0 => empty,
        share => ((with_genes as f64 * share / (1.0 - share)).round() as usize).min(empty),
    };
    let mut order: Vec<usize> = (0..empty).collect();
    Random::new(&[seed, 2]).shuffle(&mut order);
    let mut keep = vec![false; empty];
    for &index in &order[..wanted] {
        keep[index] = true;
    }
    keep
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn windows_cover_a_stretch_and_none_leaves_it(
            start in 0u32..1000, length in 1u32..5000, window in 1u32..600, part in 0.1f64..1.0
        ) {
            let stride = ((f64::from(window) * part) as u32).max(1);
            let stretch = Interval::new(start, start + length);
            let windows = cut(stretch, window, stride);
            prop_assert_eq!(windows[0].start, start);
            prop_assert_eq!(windows[windows.len() - 1].end, stretch.end);
            prop_assert!(windows.iter().all(|w| w.len() == window.min(length)));
            prop_assert!(windows.windows(2).all(|w| w[1].start > w[0].start && w[1].start - w[0].start <= stride));
            prop_assert!(windows.windows(3).all(|w| w[1].start - w[0].start == stride));
        }

        #[test]
        fn stretches_cover_every_base_once_and_hold_out_the_share(
            lengths in prop::collection::vec(0u32..2_000_000, 1..6), share in 0.0f64..0.5, seed: u64
        ) {
            let stretches = stretches(&lengths, HeldOut::Share(share), 20_000, seed);
            let mut covered = vec![0u32; lengths.len()];
            for stretch in &stretches {
                prop_assert_eq!(covered[stretch.contig], stretch.bases.start);
                covered[stretch.contig] = stretch.bases.end;
            }
            prop_assert_eq!(&covered, &lengths);
            let total: f64 = lengths.iter().map(|&length| f64::from(length)).sum();
            let held: f64 = stretches.iter().filter(|s| s.held_out).map(|s| f64::from(s.bases.len())).sum();
            prop_assert!(held <= share * total + (share * total).max(20_000.0).min(f64::from(BLOCK)));
            prop_assert!(total == 0.0 || held < total);
        }
    }

    #[test]
    fn a_short_contig_is_one_short_window() {
        assert_eq!(cut(Interval::new(0, 70), 100, 37), [Interval::new(0, 70)]);
        assert_eq!(cut(Interval::new(0, 100), 100, 37), [Interval::new(0, 100)]);
        assert_eq!(cut(Interval::new(0, 101), 100, 37), [Interval::new(0, 100), Interval::new(1, 101)]);
    }

    #[test]
    fn empty_windows_are_kept_up_to_their_share() {
        let kept = |with, empty, share| keep_empty(with, empty, share, 3).iter().filter(|&&k| k).count();
        assert_eq!(kept(90, 50, 0.1), 10);
        assert_eq!(kept(90, 5, 0.1), 5);
        assert_eq!(kept(90, 50, 0.0), 0);
        assert_eq!(kept(90, 50, 1.0), 50);
        assert_eq!(kept(0, 50, 0.1), 0);
    }
}
