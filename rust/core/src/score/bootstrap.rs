//! Whether one prediction is better than another: paired bootstrap over loci.

use std::sync::atomic::{AtomicBool, Ordering};

use super::contigs::{Contigs, Located};
use super::keys::{rows, Keys, LEVELS};
use super::set::GeneSet;
use super::Row;
use crate::random::Random;
use crate::{interrupt, Error, Result};

/// How a difference is judged.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Resamples of the loci.
    pub resamples: u32,
    /// Share of the resampled differences that the interval covers.
    pub confidence: f64,
    /// Names the random draws.
    pub seed: u64,
}

/// The difference between two predictions at one level.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The level.
    pub level: &'static str,
    /// The first prediction against the reference.
    pub a: Row,
    /// The second prediction against the reference.
    pub b: Row,
    /// F1 of the second less that of the first; none where either has none.
    pub difference: Option<f64>,
    /// Percentile interval of the difference.
    pub interval: Option<(f64, f64)>,
}

/// Two predictions of the same genes.
#[derive(Debug, Clone, PartialEq)]
pub struct Paired {
    /// One entry a level.
    pub levels: Vec<Difference>,
    /// Loci: groups of genes of all three sets that overlap on one strand.
    pub loci: usize,
    /// Loci whose genes of the reference only the first prediction finds, one or more of them.
    pub only_a: u64,
    /// Genes of the reference that only the second prediction finds.
    pub only_b: u64,
    /// Two-sided exact probability of so uneven a split if both were equally good.
    pub p_value: f64,
}

/// The counts of one locus: matches and keys of the reference, of A and of B.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    tp_a: [u32; 2],
    tp_b: [u32; 2],
    n: [u32; 3],
}

/// Compares two predictions with one reference.
///
/// # Errors
/// [`Error::Value`] for options out of range; [`Error::Interrupted`].
pub fn paired(
    reference: &GeneSet,
    predictions: [&GeneSet; 2],
    options: &Options,
    stop: &AtomicBool,
) -> Result<Paired> {
    if options.resamples == 0 || !(options.confidence > 0.0 && options.confidence < 1.0) {
        return Err(Error::value("resamples must be 1 or more and the confidence between 0 and 1"));
    }
    let mut contigs = Contigs::default();
    let sides = [contigs.locate(reference), contigs.locate(predictions[0]), contigs.locate(predictions[1])];
    let loci = loci(&sides);
    let mut tallies: Vec<Vec<Tally>> = vec![Vec::with_capacity(loci.len()); LEVELS.len()];
    let (mut only_a, mut only_b) = (0, 0);
    for locus in &loci {
        interrupt::check()?;
        let keys = locus.each_ref().map(|genes| Keys::new(genes));
        let (a, b) = (
            rows([&keys[0], &keys[1]], [&keys[0], &keys[1]]),
            rows([&keys[0], &keys[2]], [&keys[0], &keys[2]]),
        );
        for (level, (a, b)) in a.iter().zip(&b).enumerate() {
            tallies[level].push(tally(a, b));
        }
        let [x, y] = discordant(&locus[0], [&keys[1], &keys[2]]);
        only_a += x;
        only_b += y;
    }
    let levels = tallies.iter().zip(LEVELS).map(|(tallies, level)| difference(level, tallies, options, stop));
    Ok(Paired {
        levels: levels.collect::<Result<_>>()?,
        loci: loci.len(),
        only_a,
        only_b,
        p_value: sign_test(only_a, only_b),
    })
}

/// Groups of genes of three sides whose ranges overlap on one strand: equal keys are never apart.
fn loci<'a>(sides: &[Vec<Located<'a>>; 3]) -> Vec<[Vec<Located<'a>>; 3]> {
    let range = |located: &Located| {
        let (start, end) = located.gene.range();
        (located.place(), start, end)
    };
    let mut genes: Vec<_> = (0..3)
        .flat_map(|side| sides[side].iter().map(move |located| (range(located), side, *located)))
        .collect();
    genes.sort_by_key(|gene| (gene.0, gene.1));
    let mut loci: Vec<[Vec<Located>; 3]> = Vec::new();
    let mut last = (u32::MAX, 0);
    for ((place, start, end), side, located) in genes {
        if place != last.0 || start >= last.1 {
            loci.push(Default::default());
            last = (place, end);
        }
        last.1 = last.1.max(end);
        if let Some(locus) = loci.last_mut() {
            locus[side].push(located);
        }
    }
    loci
}

fn tally(a: &Row, b: &Row) -> Tally {
    let pair = |row: &Row| [row.tp_reference as u32, row.tp_prediction as u32];
    let n = [a.n_reference as u32, a.n_prediction as u32, b.n_prediction as u32];
    Tally { tp_a: pair(a), tp_b: pair(b), n }
}

/// Genes of the reference that only one of two predictions finds.
fn discordant(reference: &[Located], found: [&Keys; 2]) -> [u64; 2] {
    let mut genes: Vec<_> = reference
        .iter()
        .map(|located| (located.place(), located.gene.chains().collect::<Vec<_>>()))
        .collect();
    genes.sort_unstable();
    genes.dedup();
    let mut only = [0; 2];
    for (place, chains) in genes {
        let hit = found.map(|keys| chains.iter().any(|chain| keys.has(place, chain.segments)));
        only[0] += u64::from(hit[0] && !hit[1]);
        only[1] += u64::from(hit[1] && !hit[0]);
    }
    only
}

fn difference(
    level: &'static str,
    tallies: &[Tally],
    options: &Options,
    stop: &AtomicBool,
) -> Result<Difference> {
    let all = tallies.iter().fold([0u64; 7], add);
    let (a, b) = sums(level, &all);
    let observed = a.f1().zip(b.f1()).map(|(a, b)| b - a);
    // every level sees the same resamples
    let mut random = Random::new(&[options.seed]);
    let mut drawn = Vec::with_capacity(options.resamples as usize);
    for _ in 0..options.resamples {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let draw = (0..tallies.len()).map(|_| &tallies[random.below(tallies.len() as u64) as usize]);
        let (a, b) = sums(level, &draw.fold([0u64; 7], add));
        drawn.extend(a.f1().zip(b.f1()).map(|(a, b)| b - a));
    }
    drawn.sort_unstable_by(f64::total_cmp);
    let interval = observed.filter(|_| !drawn.is_empty()).map(|_| {
        let tail = (1.0 - options.confidence) / 2.0;
        (quantile(&drawn, tail), quantile(&drawn, 1.0 - tail))
    });
    Ok(Difference { level, a, b, difference: observed, interval })
}

fn add(mut sum: [u64; 7], tally: &Tally) -> [u64; 7] {
    let parts = tally.tp_a.iter().chain(&tally.tp_b).chain(&tally.n);
    sum.iter_mut().zip(parts).for_each(|(sum, &part)| *sum += u64::from(part));
    sum
}

fn sums(level: &'static str, sum: &[u64; 7]) -> (Row, Row) {
    let row = |at: usize, n_prediction| Row {
        level,
        tp_reference: sum[at],
        tp_prediction: sum[at + 1],
        n_reference: sum[4],
        n_prediction,
    };
    (row(0, sum[5]), row(2, sum[6]))
}

/// A quantile of sorted values, between neighbours by their distance.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64)
}

/// Two-sided exact test that `a` and `b` are halves of their sum (McNemar's test).
fn sign_test(a: u64, b: u64) -> f64 {
    let n = a + b;
    // logarithms of binomial coefficients, from one to the next
    let mut log_choose = 0.0f64;
    let mut tail = 0.0;
    for k in 0..=a.min(b) {
        tail += (log_choose - n as f64 * std::f64::consts::LN_2).exp();
        log_choose += ((n - k) as f64).ln() - ((k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gene::{GeneModel, Interval, Strand};

    fn set(genes: &[u32]) -> GeneSet {
        GeneSet::of_models(genes.iter().map(|&at| {
            let segments = vec![Interval::new(100 * at, 100 * at + 30)];
            ("c".to_string(), GeneModel { strand: Strand::Plus, segments })
        }))
    }

    fn run(a: &[u32], b: &[u32]) -> Paired {
        let reference: Vec<u32> = (0..40).collect();
        let options = Options { resamples: 500, confidence: 0.95, seed: 1 };
        paired(&set(&reference), [&set(a), &set(b)], &options, &AtomicBool::new(false)).expect("compared")
    }

    #[test]
    fn the_same_prediction_twice_does_not_differ() {
        let same: Vec<u32> = (3..50).collect();
        let result = run(&same, &same);
        let gene = &result.levels[7];
        assert_eq!((gene.difference, gene.interval), (Some(0.0), Some((0.0, 0.0))));
        assert_eq!((result.only_a, result.only_b, result.p_value, result.loci), (0, 0, 1.0, 50));
    }

    #[test]
    fn a_better_prediction_has_an_interval_above_nothing() {
        let result = run(&(0..10).collect::<Vec<_>>(), &(5..40).collect::<Vec<_>>());
        let gene = &result.levels[7];
        assert_eq!((gene.a.tp_reference, gene.b.tp_reference), (10, 35));
        let (low, high) = gene.interval.expect("an interval");
        assert!(low > 0.0 && low < gene.difference.expect("one") && gene.difference < Some(high));
        assert_eq!((result.only_a, result.only_b), (5, 30));
        assert!(result.p_value < 1e-3, "{}", result.p_value);
    }

    #[test]
    fn the_sign_test_is_exact() {
        let close = |x: f64, y: f64| (x - y).abs() < 1e-9;
        assert!(close(sign_test(0, 5), 2.0 / 32.0) && close(sign_test(2, 3), 1.0));
        assert!(close(sign_test(1, 5), 2.0 * 7.0 / 64.0) && close(sign_test(0, 0), 1.0));
    }
}
