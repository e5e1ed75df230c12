//! `genet5 bake`: genomes into shards of training windows, and the held-out windows beside them.
//!
//! [`Baker::open`] settles the configuration and the folder, [`Baker::bake`] makes one species,
//! [`Baker::finish`] joins the held-out windows of all. Everything is decided by the
//! configuration and the seed: any number of threads writes the same bytes, and a bake that was
//! killed goes on with the species that has no `stats.json` yet. Several machines share a species
//! by [`Baker::bake_portion`], and [`Baker::join`] makes the same files of the portions.

mod baker;
mod config;
mod genes;
mod plan;
mod portions;
mod report;
mod windows;
mod write;

pub use baker::{Baker, Outcome, Parts};
pub use config::{read_settings, RawFile, Settings, SpeciesSettings};
pub use windows::{cut, Stretch, BLOCK};
pub use write::Progress;
