//! True annotations read against the grammar: what could have been written at each step.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::site::{decode_sites, Site, SiteType};
use super::state::{SiteList, WindowGrammar};
use super::Grammar;
use crate::error::{Error, Result};
use crate::threads;

/// The allowed sites of each step of one window or several, and which of them is the true one.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The allowed sites of all steps, one step after another.
    pub allowed: SiteList,
    /// Where the sites of each step begin, and the end of the last; one more than steps.
    pub offsets: Vec<i64>,
    /// Per step the index of the true site in `allowed`, -1 when the grammar masks it.
    pub targets: Vec<i64>,
}

impl Default for Replay {
    fn default() -> Self {
        Replay { allowed: SiteList::default(), offsets: vec![0], targets: Vec::new() }
    }
}

impl Replay {
    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.targets.len()
    }

    /// Number of steps whose true site is masked.
    pub fn masked(&self) -> usize {
        self.targets.iter().filter(|&&target| target < 0).count()
    }

    /// Adds the steps of another replay.
    pub fn append(&mut self, other: &Replay) {
        let shift = self.allowed.len() as i64;
        self.allowed.append(&other.allowed);
        self.offsets.extend(other.offsets[1..].iter().map(|offset| offset + shift));
        self.targets.extend(other.targets.iter().map(|&t| if t < 0 { t } else { t + shift }));
    }

    /// Ends a step whose sites have been added.
    fn close(&mut self, truth: Site) {
        let first = self.offsets.last().map_or(0, |&offset| offset as usize);
        let key = (truth.kind as u8, truth.position);
        let sites =
            self.allowed.types[first..].iter().copied().zip(self.allowed.positions[first..].iter().copied());
        let found = sites.clone().position(|site| site == key);
        self.targets.push(found.map_or(-1, |i| (first + i) as i64));
        self.offsets.push(self.allowed.len() as i64);
    }
}

impl WindowGrammar {
    /// Reads the true sites against the grammar, step by step. A true site that is masked gets
    /// target -1 and is written all the same; when its gene cannot be read any further, the rest
    /// of its steps have no allowed sites and target -1.
    ///
    /// # Errors
    /// [`Error::Value`] when the sites are no annotation at all, see [`decode_sites`].
    pub fn replay(&self, sites: &[Site]) -> Result<Replay> {
        decode_sites(sites)?;
        let mut replay = Replay::default();
        let mut state = self.begin();
        let mut lost = false;
        for &site in sites {
            if !lost {
                self.allowed_into(&state, &mut replay.allowed);
            }
            replay.close(site);
            if lost || !self.force(&mut state, site) {
                lost = site.kind != SiteType::Start;
                self.give_up(&mut state);
            }
        }
        Ok(replay)
    }
}

/// Reads many windows on several threads (0 = one per core) and joins the replays; also returns
/// the window of each step. Raising `stop` ends it early.
///
/// # Errors
/// [`Error::Value`] when the sites of a window are no annotation, or threads cannot be had;
/// [`Error::Interrupted`].
pub fn replay_batch(
    grammar: &Grammar,
    windows: &[(&[u8], &[Site])],
    threads: usize,
    stop: &AtomicBool,
) -> Result<(Replay, Vec<i32>)> {
    let one = |&(codes, sites): &(&[u8], &[Site])| {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        grammar.replay(codes, sites)
    };
    let parts: Vec<Replay> =
        threads::pool(threads)?.install(|| windows.par_iter().map(one).collect::<Result<_>>())?;
    let mut joined = Replay::default();
    let mut window_of_step = Vec::new();
    for (window, part) in parts.iter().enumerate() {
        joined.append(part);
        window_of_step.resize(joined.steps(), window as i32);
    }
    Ok((joined, window_of_step))
}
