//! Batches from a baked folder: planned an epoch at a time, resumed exactly, one batch ahead.
//!
//! [`Dataset`] maps the shards, [`Plan`] decides an epoch from (epoch, seed) alone, [`Reader`]
//! assembles the batches of one rank and prepares the next one in the background.

mod dataset;
mod plan;

pub use dataset::{Dataset, Part};
pub use plan::{Item, Plan, Wanted};

use std::sync::Arc;
use std::thread::JoinHandle;

use crate::batch::{self, BatchArrays, Rows, Window};
use crate::error::{Error, Result};
use crate::threads::Pool;

/// How a reader makes batches.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// What an epoch is made of.
    pub wanted: Wanted,
    /// Rows of a batch of one rank; a global batch has `world` times as many.
    pub rows_per_batch: usize,
    /// Padding bases between two windows of a row.
    pub gap: usize,
    /// This process.
    pub rank: usize,
    /// Number of processes.
    pub world: usize,
    /// Threads, 0 for one per core.
    pub threads: usize,
}

/// Where a reader stands: everything that a resumed run needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Epoch, from 0.
    pub epoch: u64,
    /// Seed.
    pub seed: u64,
    /// Global batches of this epoch that were taken.
    pub consumed: u64,
}

/// Serves batches without end, epoch after epoch.
pub struct Reader {
    shared: Arc<Shared>,
    state: State,
    plan: Arc<Plan>,
    ahead: Option<Ahead>,
}

struct Shared {
    dataset: Dataset,
    options: Options,
    pool: Pool,
}

/// A batch that is being made in the background, with the plan it belongs to.
struct Ahead {
    state: State,
    /// The process that makes it; a forked child waits for it in vain.
    process: u32,
    work: JoinHandle<Result<(Arc<Plan>, BatchArrays)>>,
}

impl Reader {
    /// A reader at the beginning of epoch 0.
    ///
    /// # Errors
    /// [`Error::Value`] for impossible options or a window longer than a row.
    pub fn new(dataset: Dataset, options: Options, seed: u64) -> Result<Self> {
        if options.world == 0 || options.rank >= options.world {
            return Err(Error::value(format!("rank {} of {} processes", options.rank, options.world)));
        }
        if options.rows_per_batch == 0 {
            return Err(Error::value("a batch needs at least one row"));
        }
        let pool = Pool::new(options.threads)?;
        let shared = Arc::new(Shared { dataset, options, pool });
        let state = State { epoch: 0, seed, consumed: 0 };
        let plan = shared.plan(state)?;
        Ok(Reader { shared, state, plan, ahead: None })
    }

    /// The windows.
    pub fn dataset(&self) -> &Dataset {
        &self.shared.dataset
    }

    /// Where the reader stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Goes to a state, as it was saved or at will.
    ///
    /// # Errors
    /// [`Error::Value`] when the epoch has fewer batches.
    pub fn load_state(&mut self, state: State) -> Result<()> {
        let plan = self.shared.plan(state)?;
        if state.consumed > plan.batches() as u64 {
            return Err(Error::value(format!(
                "batch {} of an epoch of {} batches: the state belongs to other data or options",
                state.consumed,
                plan.batches()
            )));
        }
        self.plan = plan;
        self.state = state;
        drop(self.take_ahead());
        Ok(())
    }

    /// The plan of the epoch under way.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan of any epoch under the reader's seed.
    ///
    /// # Errors
    /// As for [`Reader::new`].
    pub fn plan_of(&self, epoch: u64) -> Result<Arc<Plan>> {
        self.shared.plan(State { epoch, ..self.state })
    }

    /// This rank's part of the next global batch; a finished epoch is followed by the next one.
    ///
    /// # Errors
    /// [`Error::Value`] when there are no windows or fewer than processes, [`Error::Input`] for
    /// damaged shards.
    pub fn next_batch(&mut self) -> Result<BatchArrays> {
        let state = self.shared.settle(self.state, &self.plan);
        let ahead = self.take_ahead().filter(|ahead| ahead.state == state);
        let (plan, batch) = match ahead {
            Some(ahead) => ahead.work.join().map_err(|_| Error::value("the reader's thread stopped"))??,
            None => self.shared.make(state, &self.plan, self.state.epoch)?,
        };
        self.plan = plan;
        self.state = State { consumed: state.consumed + 1, ..state };
        self.look_ahead();
        Ok(batch)
    }

    /// This rank's part of any batch of the epoch under way; the state stays.
    ///
    /// # Errors
    /// [`Error::Value`] when there is no such batch, and as for [`Reader::next_batch`].
    pub fn read(&self, batch: usize) -> Result<BatchArrays> {
        if batch >= self.plan.batches() {
            return Err(Error::value(format!("no batch {batch}: the epoch has {}", self.plan.batches())));
        }
        let state = State { consumed: batch as u64, ..self.state };
        self.shared.make(state, &self.plan, self.state.epoch).map(|(_, arrays)| arrays)
    }

    fn look_ahead(&mut self) {
        let (shared, plan, planned) = (self.shared.clone(), self.plan.clone(), self.state.epoch);
        let state = shared.settle(self.state, &plan);
        let work = std::thread::spawn(move || shared.make(state, &plan, planned));
        self.ahead = Some(Ahead { state, process: std::process::id(), work });
    }

    /// The batch in the making, unless it is made in the process that this one was forked from.
    fn take_ahead(&mut self) -> Option<Ahead> {
        let ahead = self.ahead.take()?;
        if ahead.process == std::process::id() {
            return Some(ahead);
        }
        // not even its handle may be dropped: there is no such thread here
        std::mem::forget(ahead);
        None
    }
}

impl Shared {
    fn plan(&self, state: State) -> Result<Arc<Plan>> {
        let rows = self.options.rows_per_batch * self.options.world;
        let make = || Plan::new(&self.dataset, &self.options.wanted, rows, state.epoch, state.seed);
        self.pool.install(make).map(Arc::new)
    }

    /// The same state, or the beginning of the next epoch when this one is finished.
    fn settle(&self, state: State, plan: &Plan) -> State {
        if state.consumed < plan.batches() as u64 {
            return state;
        }
        State { epoch: state.epoch + 1, seed: state.seed, consumed: 0 }
    }

    /// The batch at a state; `plan` is that of epoch `planned`.
    fn make(&self, state: State, plan: &Arc<Plan>, planned: u64) -> Result<(Arc<Plan>, BatchArrays)> {
        let plan = if state.epoch == planned { plan.clone() } else { self.plan(state)? };
        if plan.batches() == 0 {
            return Err(Error::value("there are no windows to read"));
        }
        let rows = plan.rows(state.consumed as usize, self.options.rank, self.options.world)?;
        let batch = self.pool.install(|| self.assemble(&plan, &rows))?;
        Ok((plan, batch))
    }

    fn assemble(&self, plan: &Plan, rows: &[Vec<u32>]) -> Result<BatchArrays> {
        let windows: Vec<Window> =
            rows.iter().flatten().map(|&item| plan.window(&self.dataset, item)).collect::<Result<_>>()?;
        let mut next = 0..windows.len();
        let rows: Vec<Vec<usize>> = rows.iter().map(|row| next.by_ref().take(row.len()).collect()).collect();
        let dataset = &self.dataset;
        batch::assemble(&windows, &Rows::Given(&rows), dataset.tokenizer(), dataset.rules(), self.options.gap)
    }
}
