//! The sequence that a vocabulary is learnt from.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::encode::code;
use super::merges::LETTERS;
use crate::{fasta, Error, Result};

/// Stands where no merge goes over.
pub(super) const BREAK: u16 = u16::MAX;

/// Sequence to learn from, cut at every letter other than A, C, G, T and into pieces.
///
/// Only the strand that is added counts: genes lie on both, so the other strand would say the
/// same twice.
#[derive(Debug)]
pub struct Corpus {
    // letters as ranks; BREAK stands before, between and after the pieces
    pub(super) symbols: Vec<u16>,
    piece: usize,
    bases: u64,
}

impl Corpus {
    /// An empty corpus of pieces of at most `piece` bases (no merge goes over a cut).
    pub fn new(piece: usize) -> Result<Self> {
        if piece == 0 {
            return Err(Error::value("the piece length must be at least 1"));
        }
        Ok(Corpus { symbols: vec![BREAK], piece, bases: 0 })
    }

    /// Adds a sequence of letters of either case.
    pub fn add(&mut self, letters: &[u8]) -> Result<()> {
        // one break for each base at worst
        self.check_room(2 * letters.len())?;
        self.symbols.reserve(letters.len() + letters.len() / self.piece + 1);
        for run in letters.split(|&letter| usize::from(code(letter)) >= LETTERS) {
            for piece in run.chunks(self.piece) {
                self.symbols.extend(piece.iter().map(|&letter| u16::from(code(letter))));
                self.symbols.push(BREAK);
            }
            self.bases += run.len() as u64;
        }
        Ok(())
    }

    /// Reads genomes, several at a time, and adds them in their order.
    ///
    /// # Errors
    /// Those of [`fasta::read`]; [`Error::Input`] when a contig to leave out is not there.
    pub fn read(genomes: &[Genome], piece: usize, threads: usize, stop: &AtomicBool) -> Result<Self> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Error::value(format!("{threads} threads: {error}")))?;
        let parts: Vec<Result<Corpus>> =
            pool.install(|| genomes.par_iter().map(|genome| genome.corpus(piece, stop)).collect());
        let mut whole = Corpus::new(piece)?;
        for part in parts {
            let part = part?;
            whole.check_room(part.symbols.len())?;
            whole.symbols.extend_from_slice(&part.symbols[1..]);
            whole.bases += part.bases;
        }
        Ok(whole)
    }

    fn check_room(&self, symbols: usize) -> Result<()> {
        match u32::try_from(self.symbols.len() + symbols) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::value("too much sequence to train on: at most 2 Gb; choose fewer species")),
        }
    }

    /// Bases added so far, those of unknown letters excepted.
    pub fn bases(&self) -> u64 {
        self.bases
    }
}

/// A genome to learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genome {
    /// Its FASTA file.
    pub path: PathBuf,
    /// Contigs to leave out.
    pub exclude: Vec<String>,
}

impl Genome {
    fn corpus(&self, piece: usize, stop: &AtomicBool) -> Result<Corpus> {
        let mut corpus = Corpus::new(piece)?;
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let contigs = fasta::read(&self.path)?;
        if let Some(name) =
            self.exclude.iter().find(|name| contigs.iter().all(|contig| contig.name != **name))
        {
            return Err(Error::input(&self.path, None, format!("there is no contig {name:?} to leave out")));
        }
        for contig in contigs.iter().filter(|contig| !self.exclude.contains(&contig.name)) {
            corpus.add(&contig.sequence)?;
        }
        Ok(corpus)
    }
}
