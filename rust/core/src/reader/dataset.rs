//! The windows of a baked folder, mapped into memory.

use std::fs;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::bake::{read_settings, Settings, SpeciesSettings};
use crate::batch::{Rules, Window};
use crate::error::{Error, Result};
use crate::shard::{Entry, Shard};
use crate::tokenizer::Tokenizer;

/// Which windows of a bake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The shards.
    Train,
    /// validation.bin.
    HeldOut,
}

/// All windows of one part, in the order of the files.
pub struct Dataset {
    shards: Vec<Shard>,
    /// Shard and sample of each window.
    samples: Vec<(u32, u32)>,
    settings: Settings,
    tokenizer: Tokenizer,
    counted: bool,
    rules: Rules,
    hash: String,
}

impl Dataset {
    /// Opens a baked folder, all species or those named, read with the tokenizer of the bake or
    /// another one.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Input`] for missing, unfinished or damaged files,
    /// [`Error::Value`] for a species that was not baked.
    pub fn open(
        folder: &Path,
        part: Part,
        species: Option<&[String]>,
        tokenizer: Option<&Path>,
    ) -> Result<Self> {
        let settings = read_settings(&folder.join("bake_config.json"))?;
        let chosen = choose(&settings, species)?;
        let tokenizer = match tokenizer {
            Some(path) => Tokenizer::from_file(path)?,
            None => Tokenizer::from_file(folder.join("tokenizer.json"))?,
        };
        let counted = tokenizer.hash() == settings.tokenizer_hash;
        let codes: Vec<u8> = chosen.iter().map(|species| species.genetic_code).collect();
        let rules = Rules::new(&settings.grammar, &codes)?;
        let shards = match part {
            Part::Train => train_shards(folder, &chosen)?,
            Part::HeldOut => vec![Shard::open(&folder.join("validation.bin"))?],
        };
        let prefixes: Vec<String> = chosen.iter().map(|species| species.key_prefix()).collect();
        let mut samples = Vec::new();
        let mut hash = Xxh3::new();
        for (number, shard) in shards.iter().enumerate() {
            hash.update(&shard.hash().to_le_bytes());
            let wanted = |entry: &Entry| prefixes.iter().any(|prefix| entry.key.starts_with(prefix));
            let entries = shard.entries().iter().enumerate().filter(|(_, entry)| wanted(entry));
            samples.extend(entries.map(|(sample, _)| (number as u32, sample as u32)));
        }
        hash.update(tokenizer.hash().as_bytes());
        prefixes.iter().for_each(|prefix| hash.update(prefix.as_bytes()));
        let hash = format!("{:016x}", hash.digest());
        Ok(Dataset { shards, samples, settings, tokenizer, counted, rules, hash })
    }

    /// Number of windows.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Changes when anything about the data does.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The configuration of the bake.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the index counts the tokens of this tokenizer.
    pub fn counted(&self) -> bool {
        self.counted
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The grammars of the species.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Sizes of a window.
    pub fn entry(&self, index: usize) -> &Entry {
        let (shard, sample) = self.samples[index];
        &self.shards[shard as usize].entries()[sample as usize]
    }

    /// Letters of a window.
    pub fn letters(&self, index: usize) -> &[u8] {
        let (shard, sample) = self.samples[index];
        self.shards[shard as usize].letters(sample as usize)
    }

    /// A window with its targets.
    ///
    /// # Errors
    /// [`Error::Input`] when the shard is damaged.
    pub fn window(&self, index: usize) -> Result<Window> {
        let (shard, sample) = self.samples[index];
        self.shards[shard as usize].window(sample as usize)
    }
}

fn choose<'a>(settings: &'a Settings, species: Option<&[String]>) -> Result<Vec<&'a SpeciesSettings>> {
    let Some(names) = species else {
        return Ok(settings.species.iter().collect());
    };
    let find = |name: &String| {
        settings.species.iter().find(|species| species.name == *name).ok_or_else(|| {
            let known: Vec<&str> = settings.species.iter().map(|species| species.name.as_str()).collect();
            Error::value(format!("species {name} was not baked; there are {}", known.join(", ")))
        })
    };
    names.iter().map(find).collect()
}

fn train_shards(folder: &Path, species: &[&SpeciesSettings]) -> Result<Vec<Shard>> {
    let mut shards = Vec::new();
    for species in species {
        let folder = folder.join(&species.name);
        if !folder.join("stats.json").is_file() {
            return Err(Error::input(&folder, None, "not baked to the end: run genet5 bake again"));
        }
        let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
            .map_err(Error::io(&folder))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<_>>()
            .map_err(Error::io(&folder))?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "tar"));
        // shard_1000.tar comes after shard_999.tar
        paths.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
        for path in paths {
            shards.push(Shard::open(&path)?);
        }
    }
    Ok(shards)
}
