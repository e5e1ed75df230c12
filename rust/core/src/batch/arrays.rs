//! Laying prepared windows into flat row-major arrays.

use super::prepare::Prepared;
use super::{Window, MULTIPLE, NO_BASE, NO_SITE};
use crate::channels;
use crate::grammar::Replay;
use crate::labels;

/// A batch as flat row-major arrays: R rows, T tokens and B bases a row, W windows.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct BatchArrays {
    /// R.
    pub rows: usize,
    /// T.
    pub row_tokens: usize,
    /// B.
    pub row_bases: usize,
    /// Token ids `[R, T]`.
    pub tokens: Vec<i32>,
    /// Index of each token's first base in the row's base stream `[R, T]`.
    pub token_start: Vec<i32>,
    /// Position of each token's first base in its window `[R, T]`.
    pub token_position: Vec<i32>,
    /// Window of each token `[R, T]`, -1 at padding.
    pub token_window: Vec<i32>,
    /// Base codes `[R, B]`, [`NO_BASE`] at padding.
    pub bases: Vec<u8>,
    /// Token of each base, counted in the row `[R, B]`, -1 at padding.
    pub base_token: Vec<i32>,
    /// Window of each base `[R, B]`, -1 at padding.
    pub base_window: Vec<i32>,
    /// Reading-frame channels `[R, B, 12]`.
    pub channels: Vec<f32>,
    /// Row of each window `[W]`.
    pub window_row: Vec<i32>,
    /// First base of each window in its row `[W]`.
    pub window_base: Vec<i32>,
    /// Number of bases of each window `[W]`.
    pub window_bases: Vec<i32>,
    /// First token of each window in its row `[W]`.
    pub window_token: Vec<i32>,
    /// Number of tokens of each window `[W]`.
    pub window_tokens: Vec<i32>,
    /// Genetic code of each window `[W]`.
    pub window_genetic_code: Vec<u8>,
    /// What reports call each window `[W]`.
    pub window_names: Vec<String>,
    /// First base of each window in its contig `[W]`.
    pub window_starts: Vec<i64>,
    /// What is to be learned, none for inference.
    pub targets: Option<Targets>,
}

/// The targets of a batch: S steps a window at most, n steps in all, m allowed sites in all.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Targets {
    /// S.
    pub steps: usize,
    /// Segmentation labels `[R, B]`.
    pub labels: Vec<u8>,
    /// Site types `[W, S]`, [`NO_SITE`] after the last step.
    pub step_type: Vec<u8>,
    /// Site positions `[W, S]`, -1 for the end and after it.
    pub step_position: Vec<i32>,
    /// Number of steps of each window, the end included `[W]`.
    pub step_count: Vec<i32>,
    /// Where each step's allowed sites begin `[n + 1]`.
    pub allowed_offsets: Vec<i64>,
    /// Types of the allowed sites `[m]`.
    pub allowed_type: Vec<u8>,
    /// Positions of the allowed sites `[m]`.
    pub allowed_position: Vec<i32>,
    /// Index of the true site among all allowed ones `[n]`, -1 when the grammar masks it.
    pub allowed_target: Vec<i64>,
    /// Window of each step `[n]`.
    pub allowed_window: Vec<i32>,
}

/// Lays `prepared[i]` of `windows[i]` into the rows.
pub(super) fn fill(
    windows: &[Window],
    prepared: &[Prepared],
    rows: &[Vec<usize>],
    gap: usize,
    pad: u32,
) -> BatchArrays {
    let mut batch = empty(windows, prepared, rows, gap, pad);
    let has_truth = windows.first().is_some_and(|window| window.truth.is_some());
    let mut row_labels = vec![labels::UNKNOWN; if has_truth { batch.bases.len() } else { 0 }];
    for (row, members) in rows.iter().enumerate() {
        let (mut token, mut base) = (0, 0);
        for &index in members {
            place(&mut batch, &prepared[index], index, row, token, base);
            if let Some(truth) = &windows[index].truth {
                let at = row * batch.row_bases + base;
                row_labels[at..at + truth.labels.len()].copy_from_slice(&truth.labels);
            }
            token += prepared[index].ids.len();
            base += prepared[index].codes.len() + gap;
        }
    }
    batch.targets = has_truth.then(|| targets(prepared, row_labels));
    batch
}

fn empty(
    windows: &[Window],
    prepared: &[Prepared],
    rows: &[Vec<usize>],
    gap: usize,
    pad: u32,
) -> BatchArrays {
    let longest = |size: &dyn Fn(&[usize]) -> usize| {
        rows.iter().map(|members| size(members)).max().unwrap_or(0).next_multiple_of(MULTIPLE)
    };
    let row_tokens = longest(&|members| members.iter().map(|&i| prepared[i].ids.len()).sum());
    let row_bases = longest(&|members| {
        members.iter().map(|&i| prepared[i].codes.len()).sum::<usize>()
            + gap * members.len().saturating_sub(1)
    });
    let (tokens, bases, count) = (rows.len() * row_tokens, rows.len() * row_bases, windows.len());
    BatchArrays {
        rows: rows.len(),
        row_tokens,
        row_bases,
        tokens: vec![pad as i32; tokens],
        token_start: vec![0; tokens],
        token_position: vec![0; tokens],
        token_window: vec![-1; tokens],
        bases: vec![NO_BASE; bases],
        base_token: vec![-1; bases],
        base_window: vec![-1; bases],
        channels: vec![0.0; bases * channels::CHANNELS],
        window_row: vec![0; count],
        window_base: vec![0; count],
        window_bases: vec![0; count],
        window_token: vec![0; count],
        window_tokens: vec![0; count],
        window_genetic_code: windows.iter().map(|window| window.genetic_code).collect(),
        window_names: windows.iter().map(|window| window.name.clone()).collect(),
        window_starts: windows.iter().map(|window| window.start as i64).collect(),
        targets: None,
    }
}

/// Writes one window at token `token` and base `base` of a row.
fn place(batch: &mut BatchArrays, window: &Prepared, index: usize, row: usize, token: usize, base: usize) {
    let (tokens, bases) = (window.ids.len(), window.codes.len());
    let first = row * batch.row_tokens + token;
    let ends = window.starts.iter().skip(1).copied().chain([bases as u32]);
    for (i, ((&id, &start), end)) in window.ids.iter().zip(&window.starts).zip(ends).enumerate() {
        batch.tokens[first + i] = id as i32;
        batch.token_start[first + i] = (base + start as usize) as i32;
        batch.token_position[first + i] = start as i32;
        let at = row * batch.row_bases + base;
        batch.base_token[at + start as usize..at + end as usize].fill((token + i) as i32);
    }
    batch.token_window[first..first + tokens].fill(index as i32);
    let at = row * batch.row_bases + base;
    batch.bases[at..at + bases].copy_from_slice(&window.codes);
    batch.base_window[at..at + bases].fill(index as i32);
    let channel = at * channels::CHANNELS;
    batch.channels[channel..channel + window.channels.len()].copy_from_slice(&window.channels);
    batch.window_row[index] = row as i32;
    batch.window_base[index] = base as i32;
    batch.window_bases[index] = bases as i32;
    batch.window_token[index] = token as i32;
    batch.window_tokens[index] = tokens as i32;
}

fn targets(prepared: &[Prepared], labels: Vec<u8>) -> Targets {
    let all = || prepared.iter().filter_map(|window| window.steps.as_ref());
    let steps = all().map(|(sites, _)| sites.len()).max().unwrap_or(0);
    let mut choices = Replay::default();
    let mut out = Targets {
        steps,
        labels,
        step_type: vec![NO_SITE; prepared.len() * steps],
        step_position: vec![-1; prepared.len() * steps],
        ..Targets::default()
    };
    for (index, (sites, replay)) in all().enumerate() {
        out.step_count.push(sites.len() as i32);
        for (i, site) in sites.iter().enumerate() {
            out.step_type[index * steps + i] = site.kind as u8;
            out.step_position[index * steps + i] = site.position;
        }
        choices.append(replay);
        out.allowed_window.resize(choices.steps(), index as i32);
    }
    out.allowed_offsets = choices.offsets;
    out.allowed_type = choices.allowed.types;
    out.allowed_position = choices.allowed.positions;
    out.allowed_target = choices.targets;
    out
}
