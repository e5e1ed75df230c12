//! What decides the bytes of a bake, as `bake_config.json` records it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::genes;
use super::windows::{self, HeldOut, Stretch};
use crate::error::{Error, Result};
use crate::grammar::{Grammar, GrammarConfig};
use crate::shard;
use crate::tokenizer::Tokenizer;

/// The configuration of a bake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Layout of all files.
    #[serde(default)]
    pub format: u32,
    /// Version of GeneT5 that began the bake; another one may go on.
    #[serde(default)]
    pub genet5: String,
    /// Hash of the tokenizer.
    #[serde(default)]
    pub tokenizer_hash: String,
    /// Number of its tokens.
    #[serde(default)]
    pub vocab_size: u32,
    /// Bases of a window.
    pub window_size: u32,
    /// Bases from one training window to the next.
    pub stride: u32,
    /// Share of training windows without a gene.
    pub empty_share: f64,
    /// Keep windows that touch a gene without a valid reading frame.
    pub keep_invalid: bool,
    /// Samples of a species in `eval.json`.
    pub eval_samples: u32,
    /// Seed of every draw.
    pub seed: u64,
    /// What counts as a gene; the genetic code is that of species without their own.
    pub grammar: GrammarConfig,
    /// The species in order.
    pub species: Vec<SpeciesSettings>,
}

/// The configuration of one species.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpeciesSettings {
    /// Folder name.
    pub name: String,
    /// NCBI number of the genetic code.
    pub genetic_code: u8,
    /// The whole species is held out.
    pub held_out: bool,
    /// Contigs that are held out.
    pub held_out_contigs: Vec<String>,
    /// Share of the bases held out as blocks, when nothing is held out by name.
    pub held_out_share: f64,
    /// The genome and annotation files with their hashes.
    #[serde(default)]
    pub files: Vec<RawFile>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawFile {
    /// Its name in the species folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its xxh3 hash.
    pub xxh3: String,
}

impl Settings {
    /// Checks the numbers and adds what is read from the files.
    ///
    /// # Errors
    /// [`Error::Value`] for an impossible number, [`Error::Input`] or [`Error::Io`] for files.
    pub fn complete(mut self, raw: &Path, tokenizer: &Tokenizer) -> Result<Self> {
        if self.window_size == 0 || self.stride == 0 || self.stride > self.window_size {
            return Err(Error::value(format!(
                "window size {} and stride {}: both must be at least 1 and the stride no longer than a window",
                self.window_size, self.stride
            )));
        }
        let shares = self.species.iter().map(|species| species.held_out_share).chain([self.empty_share]);
        if shares.into_iter().any(|share| !(0.0..=1.0).contains(&share)) {
            return Err(Error::value("shares of windows or bases must lie between 0 and 1"));
        }
        if self.species.is_empty() {
            return Err(Error::input(raw, None, "no species: it needs folders that hold fna.gz and gff.gz"));
        }
        self.format = shard::FORMAT;
        self.genet5 = env!("CARGO_PKG_VERSION").to_string();
        self.tokenizer_hash = tokenizer.hash();
        self.vocab_size = tokenizer.vocab_size() as u32;
        for species in &self.species {
            Grammar::new(&self.grammar_of(species))?;
        }
        for species in &mut self.species {
            let folder = raw.join(&species.name);
            species.files =
                genes::files(&folder)?.iter().map(|path| RawFile::read(path)).collect::<Result<_>>()?;
        }
        Ok(self)
    }

    /// Whether two configurations give the same bytes.
    pub fn same(&self, other: &Settings) -> bool {
        Settings { genet5: other.genet5.clone(), ..self.clone() } == *other
    }

    /// The grammar of one species.
    pub fn grammar_of(&self, species: &SpeciesSettings) -> GrammarConfig {
        GrammarConfig { genetic_code: species.genetic_code, ..self.grammar.clone() }
    }
}

impl SpeciesSettings {
    /// What the keys of the species' samples begin with; no dot, since WebDataset cuts keys there.
    pub fn key_prefix(&self) -> String {
        format!("{}-", self.name.replace('.', "_"))
    }

    /// The seed of its draws, given that of all species.
    pub fn seed(&self, seed: u64) -> u64 {
        seed ^ xxh3_64(self.name.as_bytes())
    }

    /// The training and held-out stretches of its contigs, given as names and lengths; blocks hold at least `window`
    /// bases.
    ///
    /// # Errors
    /// [`Error::Value`] when a contig to be held out does not exist.
    pub fn stretches(&self, contigs: &[(&str, u32)], window: u32, seed: u64) -> Result<Vec<Stretch>> {
        let (names, lengths): (Vec<&str>, Vec<u32>) = contigs.iter().copied().unzip();
        let flags = self.flags(&names)?;
        Ok(windows::stretches(&lengths, self.rule(&flags), window, self.seed(seed)))
    }

    /// What is held out, given the contigs' names.
    ///
    /// # Errors
    /// [`Error::Value`] when a contig does not exist.
    pub fn flags(&self, contigs: &[&str]) -> Result<Vec<bool>> {
        if let Some(name) = self.held_out_contigs.iter().find(|name| !contigs.contains(&name.as_str())) {
            return Err(Error::value(format!(
                "{} has no contig {name}, which is to be held out; it has {}{}",
                self.name,
                contigs.iter().take(20).copied().collect::<Vec<_>>().join(", "),
                if contigs.len() > 20 { ", …" } else { "" }
            )));
        }
        Ok(contigs.iter().map(|name| self.held_out_contigs.iter().any(|held| held == name)).collect())
    }

    /// What is held out, given [`SpeciesSettings::flags`].
    pub fn rule<'a>(&self, flags: &'a [bool]) -> HeldOut<'a> {
        if self.held_out {
            HeldOut::All
        } else if self.held_out_contigs.is_empty() {
            HeldOut::Share(self.held_out_share)
        } else {
            HeldOut::Contigs(flags)
        }
    }
}

impl RawFile {
    fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io(path))?;
        Ok(RawFile {
            name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
            bytes: bytes.len() as u64,
            xxh3: format!("{:016x}", xxh3_64(&bytes)),
        })
    }
}

/// Reads a bake_config.json.
///
/// # Errors
/// [`Error::Io`] when it is missing, [`Error::Input`] when it is damaged.
pub fn read_settings(path: &Path) -> Result<Settings> {
    let text = std::fs::read(path).map_err(Error::io(path))?;
    serde_json::from_slice(&text).map_err(|error| {
        Error::input(path, error.line() as u64, format!("not a bake configuration: {error}"))
    })
}
