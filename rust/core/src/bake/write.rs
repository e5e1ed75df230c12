//! Turning planned windows into samples and writing them: the parallel part of a bake.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::genes::Species;
use super::plan::Place;
use crate::batch;
use crate::error::{Error, Result};
use crate::grammar;
use crate::labels;
use crate::shard::{Encoded, GeneRecord, Meta, Sample, Shard, Writer};
use crate::tokenizer::Tokenizer;

/// Samples of one shard.
pub const SHARD: usize = 512;
/// Windows that are made at once; the writer works on one such piece while the next is made.
const PIECE: usize = 64;

/// How far a bake has come, readable from another thread.
#[derive(Debug, Default)]
pub struct Progress {
    /// Windows written.
    pub done: AtomicU64,
    /// Windows to be written.
    pub total: AtomicU64,
}

impl Progress {
    /// Starts from zero.
    pub(super) fn begin(&self, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }
}

/// What the samples of one species share.
pub struct Source<'a> {
    /// Folder name.
    pub name: &'a str,
    /// What keys begin with.
    pub key_prefix: String,
    /// Contigs and genes.
    pub species: &'a Species,
    /// NCBI number of the genetic code.
    pub genetic_code: u8,
    /// `train` or `held_out`.
    pub split: &'a str,
    /// The tokenizer of the bake.
    pub tokenizer: &'a Tokenizer,
}

/// Sums over the samples of one side.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Bases of all windows, overlaps counted each time.
    pub bases: u64,
    /// Tokens.
    pub tokens: u64,
    /// Steps, the ends included.
    pub steps: u64,
    /// Target genes, each as often as windows hold it.
    pub targets: u64,
    /// Bases of each label, unknown last.
    pub labels: [u64; labels::CLASSES + 1],
}

impl Source<'_> {
    /// One window with everything that is written about it.
    pub fn sample(&self, index: usize, place: &Place) -> Sample {
        let contig = &self.species.contigs[place.contig];
        let (start, end) = (place.bases.start, place.bases.end);
        let letters = contig.sequence[start as usize..end as usize].to_vec();
        let genes = &self.species.genes;
        let targets: Vec<usize> = place.targets(genes).collect();
        let models: Vec<_> = targets.iter().map(|&i| genes[i].model.shift(-i64::from(start))).collect();
        let encoding = self.tokenizer.encode(&letters);
        Sample {
            reverse_tokens: self.tokenizer.encode(&batch::reverse_complement(&letters)).ids.len() as u32,
            labels: self.labels(place),
            steps: grammar::to_text(&grammar::encode_genes(&models)),
            meta: Meta {
                key: format!("{}{}-{index:07}", self.key_prefix, self.split),
                species: self.name.to_string(),
                contig: contig.name.clone(),
                start,
                end,
                genetic_code: self.genetic_code,
                split: self.split.to_string(),
                genes: targets
                    .iter()
                    .map(|&i| GeneRecord::new(&genes[i].id, &genes[i].model, start))
                    .collect(),
                others: place
                    .genes
                    .iter()
                    .filter(|i| !targets.contains(i))
                    .map(|&i| genes[i].id.clone())
                    .collect(),
            },
            letters,
            ids: encoding.ids,
            starts: encoding.starts,
        }
    }

    fn labels(&self, place: &Place) -> Vec<u8> {
        let mut labels = vec![labels::INTERGENIC; place.bases.len() as usize];
        let touching = || place.genes.iter().map(|&index| &self.species.genes[index]);
        for gene in touching().filter(|gene| gene.invalid.is_none()) {
            labels::paint(&mut labels, place.bases.start, &gene.model);
        }
        for gene in touching().filter(|gene| gene.invalid.is_some()) {
            labels::blot(&mut labels, place.bases.start, &gene.model);
        }
        labels
    }

    /// Writes places into one tar or into tars of at most [`SHARD`] samples; `path` names the
    /// n-th tar, `first` is the number of the first place among all of its side.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk refuses, [`Error::Interrupted`] when `stop` is raised.
    pub fn write(
        &self,
        places: &[Place],
        first: usize,
        one_tar: bool,
        path: impl Fn(usize) -> std::path::PathBuf + Sync,
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<Sums> {
        let (sender, receiver) = sync_channel::<Vec<Encoded>>(2);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let receiver = receiver;
                let mut tars = Tars { path: &path, one_tar, count: 0, open: None };
                for piece in receiver.iter() {
                    let samples = piece.len() as u64;
                    tars.write(piece)?;
                    progress.done.fetch_add(samples, Ordering::Relaxed);
                }
                tars.finish()
            });
            let mut sums = Sums::default();
            let mut interrupted = false;
            for (piece, first) in places.chunks(PIECE).zip((first..).step_by(PIECE)) {
                if stop.load(Ordering::Relaxed) {
                    interrupted = true;
                    break;
                }
                let made = self.piece(piece, first)?;
                made.iter().for_each(|(_, part)| sums.add(part));
                if sender.send(made.into_iter().map(|(encoded, _)| encoded).collect()).is_err() {
                    break;
                }
            }
            drop(sender);
            match writer.join() {
                _ if interrupted => Err(Error::Interrupted),
                Ok(result) => result.map(|()| sums),
                Err(_) => Err(Error::value("the shard writer stopped unexpectedly")),
            }
        })
    }

    fn piece(&self, places: &[Place], first: usize) -> Result<Vec<(Encoded, Sums)>> {
        places
            .par_iter()
            .enumerate()
            .map(|(i, place)| {
                let sample = self.sample(first + i, place);
                Ok((sample.encode()?, Sums::of(&sample)))
            })
            .collect()
    }
}

impl Sums {
    fn of(sample: &Sample) -> Self {
        let mut sums = Sums {
            bases: sample.letters.len() as u64,
            tokens: sample.ids.len() as u64,
            steps: sample.steps.split_whitespace().count() as u64,
            targets: sample.meta.genes.len() as u64,
            ..Sums::default()
        };
        sample.labels.iter().for_each(|&label| sums.labels[(label as usize).min(labels::CLASSES)] += 1);
        sums
    }

    /// Adds those of other samples.
    pub fn add(&mut self, other: &Sums) {
        self.bases += other.bases;
        self.tokens += other.tokens;
        self.steps += other.steps;
        self.targets += other.targets;
        self.labels.iter_mut().zip(other.labels).for_each(|(sum, count)| *sum += count);
    }
}

/// Writes the samples of finished tars as [`Source::write`] would have written them at once.
///
/// # Errors
/// As for [`Shard::open`], and [`Error::Io`] when the disk refuses.
pub fn join(
    shards: impl Iterator<Item = Result<Shard>>,
    one_tar: bool,
    path: impl Fn(usize) -> std::path::PathBuf,
    progress: &Progress,
) -> Result<()> {
    let mut tars = Tars { path: &path, one_tar, count: 0, open: None };
    for shard in shards {
        let shard = shard?;
        for sample in 0..shard.entries().len() {
            tars.write(vec![shard.encoded(sample)])?;
            progress.done.fetch_add(1, Ordering::Relaxed);
        }
    }
    tars.finish()
}

/// The tars of one side, opened one after another.
struct Tars<'a, F: Fn(usize) -> std::path::PathBuf> {
    path: &'a F,
    one_tar: bool,
    count: usize,
    open: Option<Writer>,
}

impl<F: Fn(usize) -> std::path::PathBuf> Tars<'_, F> {
    fn write(&mut self, piece: Vec<Encoded>) -> Result<()> {
        for encoded in piece {
            if !self.one_tar && self.open.as_ref().is_some_and(|writer| writer.len() == SHARD) {
                self.close()?;
            }
            let writer = match &mut self.open {
                Some(writer) => writer,
                None => {
                    self.count += 1;
                    self.open.insert(Writer::create(Path::new(&(self.path)(self.count - 1)))?)
                }
            };
            writer.write(&encoded)?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        self.open.take().map_or(Ok(()), Writer::finish)
    }

    fn finish(mut self) -> Result<()> {
        if self.one_tar && self.open.is_none() {
            self.open = Some(Writer::create(&(self.path)(0))?);
        }
        self.close()
    }
}
