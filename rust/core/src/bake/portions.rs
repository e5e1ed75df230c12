//! A species shared out among machines: each bakes some of its contigs, one joins what they made.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::PoisonError;
use std::time::SystemTime;

use super::baker::{Baker, Outcome};
use super::genes::Species;
use super::plan::{Plan, Side};
use super::report;
use super::write::{self, Progress, Sums};
use crate::error::{Error, Result};
use crate::shard::{self, Shard};

/// Bytes of a genome file for one portion, plain and compressed.
const PLAIN: u64 = 8_000_000;
const COMPRESSED: u64 = 2_500_000;
/// The most portions of a species.
const MOST: u64 = 64;
const TAR: &str = "samples.tar";
const SUMS: &str = "sums.json";

/// A species in memory with its plan.
pub struct Prepared {
    /// Its place in the settings.
    pub index: usize,
    /// Contigs and genes.
    pub species: Species,
    /// Its windows.
    pub plan: Plan,
}

/// Where the portions of a species lie.
pub struct Portions {
    /// Folder of the species.
    folder: PathBuf,
    /// Their number.
    count: usize,
}

impl Baker {
    /// How many portions a species is worth; 0 when nothing of it is missing.
    pub fn portions(&self, index: usize) -> usize {
        let needs = self.needs(index);
        if !needs.train && !needs.eval {
            return 0;
        }
        let genome = self.settings().species[index].files.first();
        let share = |file: &super::RawFile| {
            file.bytes.div_ceil(if file.name.ends_with(".gz") { COMPRESSED } else { PLAIN })
        };
        genome.map_or(1, share).clamp(1, MOST) as usize
    }

    /// Bakes the `portion`-th of `count` portions of a species, whole contigs each, unless it is there
    /// already. Any number of processes may do so at once; [`Baker::join`] makes the species of it.
    ///
    /// # Errors
    /// As for [`Baker::bake`], and [`Error::Value`] when there is no such portion.
    pub fn bake_portion(
        &self,
        index: usize,
        portion: usize,
        count: usize,
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<()> {
        if portion >= count {
            return Err(Error::value(format!("there is no portion {portion} of {count}")));
        }
        let needs = self.needs(index);
        let portions = self.portions_of(index, count);
        let sides = [("held_out", needs.eval), ("train", needs.train)];
        let missing = |split: &str| !portions.path(split, portion).is_dir();
        let sides: Vec<&str> = sides
            .into_iter()
            .filter(|&(split, needed)| needed && missing(split))
            .map(|side| side.0)
            .collect();
        if sides.is_empty() {
            return Ok(());
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let prepared = match last.take() {
            Some(prepared) if prepared.index == index => last.insert(prepared),
            _ => last.insert(self.prepare(index)?),
        };
        let lengths: Vec<u64> =
            prepared.species.contigs.iter().map(|contig| contig.sequence.len() as u64).collect();
        let contigs = contigs(&lengths, portion, count);
        for split in sides {
            let side = if split == "train" { &prepared.plan.train } else { &prepared.plan.held_out };
            let places = places(side, &contigs);
            progress.begin(places.len() as u64);
            let unfinished = portions.unfinished(split, portion)?;
            let path = |_| unfinished.join(TAR);
            let source = self.source(prepared, split);
            let sums =
                source.write(&side.places[places.clone()], places.start, true, path, progress, stop)?;
            shard::write_file(&unfinished.join(SUMS), report::json(&sums)?.as_bytes())?;
            portions.keep(&unfinished, split, portion)?;
        }
        Ok(())
    }

    /// Makes the files of a species, byte for byte those of [`Baker::bake`], from all `count` portions of it.
    ///
    /// # Errors
    /// As for [`Baker::bake`], and [`Error::Io`] when a portion is missing.
    pub fn join(
        &self,
        index: usize,
        count: usize,
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<Outcome> {
        let portions = self.portions_of(index, count);
        let outcome = self.settle(index, Some(&portions), progress, stop)?;
        if portions.folder.is_dir() {
            fs::remove_dir_all(&portions.folder).map_err(Error::io(&portions.folder))?;
        }
        // other species may have portions there
        let _ = fs::remove_dir(self.portions_folder());
        Ok(outcome)
    }

    fn portions_of(&self, index: usize, count: usize) -> Portions {
        let name = &self.settings().species[index].name;
        Portions { folder: self.portions_folder().join(name), count }
    }
}

impl Portions {
    fn path(&self, split: &str, portion: usize) -> PathBuf {
        self.folder.join(format!("{split}_{portion:02}_of_{}", self.count))
    }

    /// A folder that no other process writes into.
    fn unfinished(&self, split: &str, portion: usize) -> Result<PathBuf> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_nanos());
        let path = self.path(split, portion).with_extension(format!("{}-{now}", std::process::id()));
        fs::create_dir_all(&path).map_err(Error::io(&path))?;
        Ok(path)
    }

    /// Gives a finished portion its name, unless another process was first: the bytes are the same.
    fn keep(&self, unfinished: &Path, split: &str, portion: usize) -> Result<()> {
        let path = self.path(split, portion);
        match fs::rename(unfinished, &path) {
            Err(_) if path.is_dir() => fs::remove_dir_all(unfinished).map_err(Error::io(unfinished)),
            done => done.map_err(Error::io(&path)),
        }
    }

    /// Writes the tars of a side from its portions; returns the sums over its samples.
    ///
    /// # Errors
    /// As for [`Shard::open`], and [`Error::Io`] when the disk refuses.
    pub fn join(
        &self,
        split: &str,
        one_tar: bool,
        path: impl Fn(usize) -> PathBuf,
        progress: &Progress,
    ) -> Result<Sums> {
        let mut sums = Sums::default();
        for portion in 0..self.count {
            let file = self.path(split, portion).join(SUMS);
            let text = fs::read(&file).map_err(Error::io(&file))?;
            let part: Sums = serde_json::from_slice(&text)
                .map_err(|error| Error::input(&file, error.line() as u64, error.to_string()))?;
            sums.add(&part);
        }
        let shards = (0..self.count).map(|portion| Shard::open(&self.path(split, portion).join(TAR)));
        write::join(shards, one_tar, path, progress)?;
        Ok(sums)
    }
}

/// The contigs of a portion: those whose first base lies in that share of all bases.
fn contigs(lengths: &[u64], portion: usize, count: usize) -> Range<usize> {
    let total = lengths.iter().map(|&length| u128::from(length)).sum::<u128>().max(1);
    let mut before = 0;
    let shares: Vec<usize> = lengths
        .iter()
        .map(|&length| {
            let share = before * count as u128 / total;
            before += u128::from(length);
            (share as usize).min(count - 1)
        })
        .collect();
    shares.partition_point(|&share| share < portion)..shares.partition_point(|&share| share <= portion)
}

/// The windows of these contigs among those of a side.
fn places(side: &Side, contigs: &Range<usize>) -> Range<usize> {
    let first = side.places.partition_point(|place| place.contig < contigs.start);
    first..side.places.partition_point(|place| place.contig < contigs.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_contig_is_in_one_portion_and_portions_are_alike_in_size(
            lengths in prop::collection::vec(0u64..5_000_000_000, 0..40), count in 1usize..70
        ) {
            let portions: Vec<Range<usize>> = (0..count).map(|portion| contigs(&lengths, portion, count)).collect();
            let all: Vec<usize> = portions.iter().cloned().flatten().collect();
            prop_assert_eq!(all, (0..lengths.len()).collect::<Vec<usize>>());
            let total: u64 = lengths.iter().sum();
            let longest = lengths.iter().copied().max().unwrap_or(0);
            for portion in portions {
                let bases: u64 = lengths[portion].iter().sum();
                prop_assert!(bases <= total / count as u64 + longest + 1);
            }
        }
    }
}
