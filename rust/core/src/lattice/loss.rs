//! The likelihood of labels, its gradient, and the marginals of all labels and sites.

use super::automaton::{Automaton, COLUMNS, LEFT_SITE, RIGHT_SITE};
use super::forward::{Ends, Exit, Forward};
use super::view::View;

/// exp of less than this adds nothing to a marginal that a float holds
const NEGLIGIBLE: f64 = -40.0;

/// The forward sums of a whole stretch.
struct Trace {
    rows: Vec<f64>,
    exits: Vec<Exit>,
    end: Forward,
    total: f64,
}

impl Trace {
    fn new(automaton: &Automaton, view: View, ends: Ends, min_intron: u32) -> Self {
        let states = automaton.states();
        let mut rows = Vec::with_capacity(view.len() * states);
        let mut exits = Vec::new();
        let mut forward = Forward::new(ends, min_intron);
        for i in 0..view.len() {
            forward.step(automaton, view.code(i), view.code(i + 1), &view.weights(i), Some(&mut exits));
            rows.extend_from_slice(&forward.row[..states]);
        }
        let total = forward.total(automaton);
        Trace { rows, exits, end: forward, total }
    }
}

/// The log partition function and the expected number of times that a path pays each potential,
/// none when there is no path.
pub(super) fn marginals(
    automaton: &Automaton,
    view: View,
    ends: Ends,
    min_intron: u32,
) -> Option<(f64, Vec<f64>)> {
    let left = Trace::new(automaton, view, ends, min_intron);
    if left.total == f64::NEG_INFINITY {
        return None;
    }
    let right = Trace::new(automaton, view.mirror(), ends, min_intron);
    let mut expected = vec![0.0; view.len() * COLUMNS];
    add_states(automaton, view, &left, &right, &mut expected);
    add_exits(automaton, view, &left, &right, left.total, &mut expected);
    add_exits(automaton, view.mirror(), &right, &left, left.total, &mut expected);
    for strand in 0..2 {
        // from the right, the minus strand's introns are the plus strand's
        let first = right.end.introns(automaton, 1 - strand) - left.total;
        let first = if ends == Ends::Open { first.exp() } else { 0.0 };
        add_introns(strand, first, &mut expected);
    }
    Some((left.total, expected))
}

/// Intergenic and coding labels, starts and stops.
fn add_states(automaton: &Automaton, view: View, left: &Trace, right: &Trace, expected: &mut [f64]) {
    let states = automaton.states();
    for i in 0..view.len() {
        let here = &left.rows[i * states..(i + 1) * states];
        let mirrored = (view.len() - 1 - i) * states;
        let there = &right.rows[mirrored..mirrored + states];
        let out = &mut expected[i * COLUMNS..(i + 1) * COLUMNS];
        for s in 0..states {
            let both = here[s] + there[automaton.swapped(s)];
            if both == f64::NEG_INFINITY {
                continue;
            }
            let (label, site) = (automaton.label[s] as usize, automaton.site[s] as usize);
            // both sums hold the base's own potentials
            let own = view.potential(i, label) + if site < COLUMNS { view.potential(i, site) } else { 0.0 };
            let share = both - own - left.total;
            if share > NEGLIGIBLE {
                let share = share.exp();
                out[label] += share;
                if site < COLUMNS {
                    out[site] += share;
                }
            }
        }
    }
}

/// The sites at the right ends of introns as the view sees them.
fn add_exits(
    automaton: &Automaton,
    view: View,
    own: &Trace,
    other: &Trace,
    total: f64,
    expected: &mut [f64],
) {
    let states = automaton.states();
    for exit in &own.exits {
        let (strand, i) = (exit.group / 2, exit.after);
        let base = view.base(i);
        let site = view.column(RIGHT_SITE[strand]);
        let toll = view.potential(i, RIGHT_SITE[strand]) - total;
        let row = &other.rows[(view.len() - 1 - i) * states..];
        let mut sum = 0.0;
        for &(carried, to) in &automaton.leave[strand][view.code(i) as usize] {
            let share = exit.sums[carried as usize] + row[automaton.swapped(to as usize)] + toll;
            if share > NEGLIGIBLE {
                sum += share.exp();
            }
        }
        expected[base * COLUMNS + site] += sum;
    }
}

/// Intron labels: what was there before, plus what begins, minus what has ended.
fn add_introns(strand: usize, first: f64, expected: &mut [f64]) {
    let mut inside = first;
    for base in 0..expected.len() / COLUMNS {
        if base > 0 {
            inside += expected[(base - 1) * COLUMNS + LEFT_SITE[strand]];
            inside -= expected[base * COLUMNS + RIGHT_SITE[strand]];
        }
        expected[base * COLUMNS + 7 + strand] = inside.max(0.0);
    }
}

/// Negative log likelihood of the labels and its gradient, none when no path follows them.
pub(super) fn loss(automaton: &Automaton, view: View, min_intron: u32) -> Option<(f64, Vec<f32>)> {
    let any = View { labels: None, ..view };
    let (truth, wanted) = marginals(automaton, view, Ends::Open, min_intron)?;
    let (all, expected) = marginals(automaton, any, Ends::Open, min_intron)?;
    let gradient = expected.iter().zip(&wanted).map(|(e, w)| (e - w) as f32).collect();
    Some((all - truth, gradient))
}
