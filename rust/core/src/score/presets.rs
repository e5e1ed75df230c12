//! Where the name of a preset of another tool becomes rows, or that tool's own report.

use rayon::prelude::*;

use super::text::{Content, Source};
use super::{cie, gffcompare, gt_eval, Row};
use crate::{interrupt, Error, Result};

/// A way of counting that another tool has made known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// compare_intervals_exact.pl.
    Cie,
    /// compare_intervals_exact.pl --no_phase.
    CieNoPhase,
    /// gffcompare.
    Gffcompare,
    /// gffcompare on CDS rows, --strict-match -e 3.
    GffcompareCds3,
    /// gt eval.
    GtEval,
}

/// What of a preset can be chosen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// gffcompare's own.
    pub gffcompare: gffcompare::Options,
    /// Count as gt eval does, defects and all.
    pub as_original: bool,
}

/// One side, read as a preset's tool reads it.
enum Loaded {
    Cie(cie::Loaded),
    Gffcompare(gffcompare::Loaded),
    GtEval(gt_eval::Loaded),
}

impl Preset {
    /// The preset of that name.
    ///
    /// # Errors
    /// [`Error::Value`] for an unknown name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "cie" => Ok(Preset::Cie),
            "cie-no-phase" => Ok(Preset::CieNoPhase),
            "gffcompare" => Ok(Preset::Gffcompare),
            "gffcompare-cds3" => Ok(Preset::GffcompareCds3),
            "gt-eval" => Ok(Preset::GtEval),
            other => Err(Error::value(format!("there is no preset '{other}' of another tool"))),
        }
    }

    fn gffcompare(self, options: &Options) -> gffcompare::Options {
        match self {
            Preset::GffcompareCds3 => gffcompare::Options::cds3(),
            _ => options.gffcompare,
        }
    }

    fn load(self, source: &Source, options: &Options) -> Result<Loaded> {
        let path = &source.path;
        match self {
            Preset::Cie | Preset::CieNoPhase => Ok(Loaded::Cie(match &source.content {
                Content::Tidy(tidy) => cie::Loaded::of_tidy(path, tidy),
                Content::Text(text) => cie::Loaded::parse(path, text)?,
            })),
            Preset::Gffcompare | Preset::GffcompareCds3 => {
                let options = self.gffcompare(options);
                Ok(Loaded::Gffcompare(match &source.content {
                    Content::Tidy(tidy) => gffcompare::Loaded::of_tidy(tidy, &options),
                    Content::Text(text) => gffcompare::Loaded::parse(path, text, &options)?,
                }))
            }
            Preset::GtEval => Ok(Loaded::GtEval(match &source.content {
                Content::Tidy(tidy) => gt_eval::Loaded::of_tidy(tidy),
                Content::Text(text) => gt_eval::Loaded::parse(path, text)?,
            })),
        }
    }

    /// Whether both read files alike.
    fn reads_like(self, other: Preset) -> bool {
        let is_cie = |preset| matches!(preset, Preset::Cie | Preset::CieNoPhase);
        self == other || (is_cie(self) && is_cie(other))
    }

    fn rows(self, reference: &Loaded, prediction: &Loaded, options: &Options) -> Result<Vec<Row>> {
        match (reference, prediction) {
            (Loaded::Cie(a), Loaded::Cie(b)) => cie::evaluate(a, b, self == Preset::Cie),
            (Loaded::Gffcompare(a), Loaded::Gffcompare(b)) => {
                Ok(gffcompare::evaluate(a, b, &self.gffcompare(options)).rows())
            }
            (Loaded::GtEval(a), Loaded::GtEval(b)) => Ok(gt_eval::evaluate(a, b, &gt(options)).rows()),
            _ => Err(Error::value("both sides must be read by one preset")),
        }
    }

    fn report(
        self,
        reference: &Loaded,
        prediction: &Loaded,
        options: &Options,
        level: &str,
    ) -> Result<String> {
        match (reference, prediction) {
            (Loaded::Cie(a), Loaded::Cie(b)) => {
                let unknown = || Error::value(format!("'{level}' is no level of compare_intervals_exact.pl"));
                let level = cie::Level::parse(level).ok_or_else(unknown)?;
                cie::original(a, b, level, self == Preset::Cie)
            }
            (Loaded::Gffcompare(a), Loaded::Gffcompare(b)) => {
                Ok(gffcompare::evaluate(a, b, &self.gffcompare(options)).original())
            }
            (Loaded::GtEval(a), Loaded::GtEval(b)) => Ok(gt_eval::evaluate(a, b, &gt(options)).original()),
            _ => Err(Error::value("both sides must be read by one preset")),
        }
    }
}

fn gt(options: &Options) -> gt_eval::Options {
    gt_eval::Options { as_original: options.as_original }
}

/// The rows of one prediction after the other.
type Answer = Result<Vec<Vec<Row>>>;

/// The rows of each prediction by each preset; presets that read alike share what they have read.
///
/// # Errors
/// What a preset's reader or comparison complains about: one answer a preset.
pub fn rows(
    presets: &[Preset],
    reference: &Source,
    predictions: &[Source],
    options: &Options,
) -> Vec<Answer> {
    let groups: Vec<&[Preset]> = presets.chunk_by(|a, b| a.reads_like(*b)).collect();
    let answer = |group: &&[Preset]| of_group(group, reference, predictions, options);
    let answers: Vec<Vec<Answer>> = match reference.is_tidy() && predictions.iter().all(Source::is_tidy) {
        true => groups.par_iter().map(answer).collect(),
        // what the presets read by themselves takes much memory: one after the other
        false => groups.iter().map(answer).collect(),
    };
    answers.into_iter().flatten().collect()
}

/// The answers of presets that read alike.
fn of_group(
    presets: &[Preset],
    reference: &Source,
    predictions: &[Source],
    options: &Options,
) -> Vec<Answer> {
    let Some((first, others)) = presets.split_first() else { return Vec::new() };
    let (ours, theirs) = rayon::join(
        || interrupt::check().and_then(|()| first.load(reference, options)),
        || predictions.iter().map(|source| first.load(source, options)).collect::<Result<Vec<_>>>(),
    );
    match ours.and_then(|ours| Ok((ours, theirs?))) {
        Ok((ours, theirs)) => {
            let one = |preset: &Preset, theirs| {
                interrupt::check()?;
                let rows = preset.rows(&ours, theirs, options)?;
                interrupt::check()?;
                Ok(rows)
            };
            let rows = |preset: &Preset| theirs.iter().map(|theirs| one(preset, theirs)).collect();
            presets.par_iter().map(rows).collect()
        }
        Err(error) => {
            let mut answers = vec![Err(error)];
            answers.extend(of_group(others, reference, predictions, options));
            answers
        }
    }
}

/// What a preset's tool itself would print; `level` is one of compare_intervals_exact.pl.
///
/// # Errors
/// What the preset's reader or comparison complains about.
pub fn original(
    preset: Preset,
    reference: &Source,
    prediction: &Source,
    options: &Options,
    level: &str,
) -> Result<String> {
    let options = Options { as_original: true, ..*options };
    let (ours, theirs) =
        rayon::join(|| preset.load(reference, &options), || preset.load(prediction, &options));
    preset.report(&ours?, &theirs?, &options, level)
}
