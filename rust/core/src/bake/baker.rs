//! The folder of a bake: configuration first, species one by one, held-out files last.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::Mutex;

use super::config::{read_settings, Settings};
use super::plan::{self, Plan, Side};
use super::portions::{Portions, Prepared};
use super::write::{Progress, Source, Sums};
use super::{genes, report};
use crate::error::{Error, Result};
use crate::shard::{self, Shard, Writer};
use crate::tokenizer::Tokenizer;

const CONFIG: &str = "bake_config.json";
const TOKENIZER: &str = "tokenizer.json";
const STATS: &str = "stats.json";
const GENES: &str = "gene_index.json";
const VALIDATION: &str = "validation.bin";
const VALIDATION_INDEX: &str = "validation.idx";
const EVAL: &str = "eval.json";
const LOGS: &str = "logs/baker";
/// Held-out windows of finished species until all species are finished.
const UNJOINED: &str = "held_out.tmp";
/// Portions of species until all of a species are there.
const PORTIONS: &str = "portions.tmp";

/// Which files to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Shards of training windows.
    pub train: bool,
    /// validation.bin and eval.json.
    pub eval: bool,
}

impl Parts {
    /// Windows of the sides that are made.
    fn count(self, train: &Side, held_out: &Side) -> u64 {
        let windows = |needed: bool, side: &Side| if needed { side.places.len() as u64 } else { 0 };
        windows(self.train, train) + windows(self.eval, held_out)
    }
}

/// What became of a species.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it had to be baked, or was finished before.
    pub baked: bool,
    /// Its stats.json, empty when no shards are asked for.
    pub stats: String,
}

/// A bake under way.
pub struct Baker {
    raw: PathBuf,
    out: PathBuf,
    settings: Settings,
    tokenizer: Tokenizer,
    parts: Parts,
    strict: bool,
    /// The species whose portions are being baked.
    pub(super) last: Mutex<Option<Prepared>>,
}

impl Baker {
    /// Settles configuration and folder; `force` starts over in a folder that was baked into, `strict`
    /// refuses annotations that must be repaired.
    ///
    /// # Errors
    /// [`Error::Value`] when the folder holds another bake, what [`Settings::complete`] says, and
    /// [`Error::Io`].
    pub fn open(
        raw: &Path,
        out: &Path,
        settings: Settings,
        tokenizer_path: &Path,
        parts: Parts,
        force: bool,
        strict: bool,
    ) -> Result<Self> {
        let tokenizer = Tokenizer::from_file(tokenizer_path)?;
        let settings = settings.complete(raw, &tokenizer)?;
        let (raw, out_dir, last) = (raw.to_path_buf(), out.to_path_buf(), Mutex::new(None));
        let baker = Baker { raw, out: out_dir, settings, tokenizer, parts, strict, last };
        fs::create_dir_all(out).map_err(Error::io(out))?;
        let config = out.join(CONFIG);
        if config.is_file() {
            let old = read_settings(&config);
            // the same bake may have begun in another process, on another machine
            let other = |old: &Settings| *old != baker.settings && !baker.begun(old);
            if force || old.as_ref().is_ok_and(other) {
                baker.clear(old.ok())?;
            } else if !old?.same(&baker.settings) {
                return Err(Error::value(format!(
                    "{} was baked with another configuration (see {CONFIG} there): choose another folder or \
                     start over with --force",
                    out.display()
                )));
            }
        }
        if !config.is_file() {
            let text = fs::read(tokenizer_path).map_err(Error::io(tokenizer_path))?;
            shard::write_file(&out.join(TOKENIZER), &text)?;
            shard::write_file(&config, report::json(&baker.settings)?.as_bytes())?;
        }
        Ok(baker)
    }

    /// The configuration.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether everything asked for is there already.
    pub fn is_finished(&self) -> bool {
        let bare = |index| self.needs(index).train;
        !(0..self.settings.species.len()).any(bare) && (!self.parts.eval || self.out.join(EVAL).is_file())
    }

    /// Bakes the species of that index, if anything of it is missing.
    ///
    /// # Errors
    /// What reading the genome or writing the files says; [`Error::Interrupted`].
    pub fn bake(&self, index: usize, progress: &Progress, stop: &AtomicBool) -> Result<Outcome> {
        self.settle(index, None, progress, stop)
    }

    /// Makes what a species still lacks, from its genome or from all portions of it.
    pub(super) fn settle(
        &self,
        index: usize,
        portions: Option<&Portions>,
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<Outcome> {
        let needs = self.needs(index);
        let species = &self.settings.species[index];
        if needs.train || needs.eval {
            let prepared = self.prepare(index)?;
            let (train, held_out) = (&prepared.plan.train, &prepared.plan.held_out);
            progress.begin(needs.count(train, held_out));
            if needs.eval {
                self.make_held_out(
                    &self.source(&prepared, "held_out"),
                    &prepared.plan,
                    portions,
                    progress,
                    stop,
                )?;
            }
            if needs.train {
                self.make_shards(&self.source(&prepared, "train"), &prepared.plan, portions, progress, stop)?;
            }
        }
        let stats = self.out.join(&species.name).join(STATS);
        let stats = if self.parts.train {
            fs::read_to_string(&stats).map_err(Error::io(&stats))?
        } else {
            String::new()
        };
        Ok(Outcome { baked: needs.train || needs.eval, stats })
    }

    /// Joins the held-out windows of all species into validation.bin and eval.json.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Input`] for the files.
    pub fn finish(&self) -> Result<()> {
        if !self.parts.eval || self.out.join(EVAL).is_file() {
            return Ok(());
        }
        let mut writer = Writer::create(&self.out.join(VALIDATION))?;
        let mut samples = Vec::new();
        for species in &self.settings.species {
            writer.append(&Shard::open(&self.unjoined(&species.name, "tar"))?)?;
            let path = self.unjoined(&species.name, "json");
            let text = fs::read_to_string(&path).map_err(Error::io(&path))?;
            samples.extend(text.lines().map(str::to_string));
        }
        writer.finish()?;
        shard::write_file(&self.out.join(EVAL), report::eval_text(&samples).as_bytes())?;
        let unjoined = self.out.join(UNJOINED);
        fs::remove_dir_all(&unjoined).map_err(Error::io(&unjoined))
    }

    /// Whether anything of a bake is finished; before that its configuration binds nobody.
    fn begun(&self, old: &Settings) -> bool {
        let finished =
            |name: &str| self.out.join(name).join(STATS).is_file() || self.unjoined(name, "json").is_file();
        self.out.join(EVAL).is_file() || old.species.iter().any(|species| finished(&species.name))
    }

    /// What a species still lacks.
    pub(super) fn needs(&self, index: usize) -> Parts {
        let name = &self.settings.species[index].name;
        Parts {
            train: self.parts.train && !self.out.join(name).join(STATS).is_file(),
            eval: self.parts.eval && !self.out.join(EVAL).is_file() && !self.unjoined(name, "json").is_file(),
        }
    }

    fn unjoined(&self, name: &str, extension: &str) -> PathBuf {
        self.out.join(UNJOINED).join(format!("{name}.{extension}"))
    }

    /// Reads a species and plans its windows.
    pub(super) fn prepare(&self, index: usize) -> Result<Prepared> {
        let settings = &self.settings.species[index];
        let folder = self.raw.join(&settings.name);
        let species = genes::read(&folder, &self.settings.grammar_of(settings), self.strict)?;
        let names: Vec<&str> = species.contigs.iter().map(|contig| contig.name.as_str()).collect();
        let flags = settings.flags(&names)?;
        let seed = settings.seed(self.settings.seed);
        let plan = plan::plan(&species, &self.settings, settings.rule(&flags), seed);
        Ok(Prepared { index, species, plan })
    }

    /// One side of a species, to be written.
    pub(super) fn source<'a>(&'a self, prepared: &'a Prepared, split: &'a str) -> Source<'a> {
        let settings = &self.settings.species[prepared.index];
        Source {
            name: &settings.name,
            key_prefix: settings.key_prefix(),
            species: &prepared.species,
            genetic_code: settings.genetic_code,
            split,
            tokenizer: &self.tokenizer,
        }
    }

    /// The folder of a bake's portions.
    pub(super) fn portions_folder(&self) -> PathBuf {
        self.out.join(PORTIONS)
    }

    fn make_held_out(
        &self,
        source: &Source,
        plan: &Plan,
        portions: Option<&Portions>,
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<()> {
        let folder = self.out.join(UNJOINED);
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let places = &plan.held_out.places;
        let path = |_| self.unjoined(source.name, "tar");
        match portions {
            None => source.write(places, 0, true, path, progress, stop)?,
            Some(portions) => portions.join(source.split, true, path, progress)?,
        };
        let samples = report::eval_samples(source, places, self.settings.eval_samples as usize)?;
        shard::write_file(&self.unjoined(source.name, "json"), samples.join("\n").as_bytes())
    }

    fn make_shards(
        &self,
        source: &Source,
        plan: &Plan,
        portions: Option<&Portions>,
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<()> {
        let folder = self.out.join(source.name);
        clear_species(&folder)?;
        fs::create_dir_all(&folder).map_err(Error::io(&folder))?;
        let path = |shard| folder.join(format!("shard_{shard:03}.tar"));
        let sums: Sums = match portions {
            None => source.write(&plan.train.places, 0, false, path, progress, stop)?,
            Some(portions) => portions.join(source.split, false, path, progress)?,
        };
        let (stats, genes) = report::report(source, plan, &sums);
        let logs = self.out.join(LOGS);
        fs::create_dir_all(&logs).map_err(Error::io(&logs))?;
        shard::write_file(&logs.join(format!("{}.log", source.name)), report::log_text(&stats).as_bytes())?;
        shard::write_file(&folder.join(GENES), report::gene_index_text(source.name, &genes)?.as_bytes())?;
        shard::write_file(&folder.join(STATS), report::json(&stats)?.as_bytes())
    }

    /// Removes what a bake wrote, and nothing else.
    fn clear(&self, old: Option<Settings>) -> Result<()> {
        for name in [CONFIG, EVAL, VALIDATION, VALIDATION_INDEX, TOKENIZER] {
            remove(&self.out.join(name))?;
        }
        for folder in [self.out.join(UNJOINED), self.portions_folder()] {
            if folder.is_dir() {
                fs::remove_dir_all(&folder).map_err(Error::io(&folder))?;
            }
        }
        for species in old.iter().flat_map(|old| &old.species).chain(&self.settings.species) {
            clear_species(&self.out.join(&species.name))?;
            remove(&self.out.join(LOGS).join(format!("{}.log", species.name)))?;
        }
        Ok(())
    }
}

/// Removes the files of one species and its folder, if that leaves it empty.
fn clear_species(folder: &Path) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    // first the mark that the species is finished
    remove(&folder.join(STATS))?;
    remove(&folder.join(GENES))?;
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("shard_")) {
            remove(&path)?;
        }
    }
    // files of the user's own keep the folder
    let _ = fs::remove_dir(folder);
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(path)(error)),
        _ => Ok(()),
    }
}
