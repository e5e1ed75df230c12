//! Scores of parts: by contig, by coding length, by number of exons, by GC content.

use std::path::Path;

use rustc_hash::FxHashMap;

use super::contigs::{Contigs, Located};
use super::keys::{rows, Keys};
use super::names::with_nearest;
use super::set::{ChainRef, GeneSet};
use super::Row;
use crate::fasta;
use crate::{interrupt, Error, Result};

/// What genes are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The contig.
    Contig,
    /// Coding bases of the longest chain.
    Length,
    /// Segments of the longest chain.
    Exons,
    /// Share of G and C among the bases of the longest chain.
    Gc,
}

impl By {
    /// The breakdown of that name.
    ///
    /// # Errors
    /// [`Error::Value`] for an unknown name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "contig" => Ok(By::Contig),
            "length" => Ok(By::Length),
            "exons" => Ok(By::Exons),
            "gc" => Ok(By::Gc),
            other => Err(Error::value(format!("'{other}' is none of contig, length, exons, gc"))),
        }
    }
}

/// Upper limits of the bins of coding length, in bases.
const LENGTHS: [u32; 5] = [300, 600, 1200, 2400, 4800];
/// Upper limits of the bins of segments.
const EXONS: [u32; 5] = [1, 2, 4, 8, 16];
/// Upper limits of the bins of GC content, in per cent.
const GC: [u32; 6] = [30, 40, 45, 50, 55, 65];

/// The rows of each part that holds a gene of either side, in the order of the parts. Each part's keys
/// are sought on the whole other side: sensitivity is that of the reference genes of the part,
/// precision that of the predicted genes of the part.
///
/// # Errors
/// [`Error::Value`] when GC content is asked for without a genome or the genome lacks a contig;
/// [`Error::Interrupted`]; what the FASTA reader complains about.
pub fn breakdown(
    reference: &GeneSet,
    prediction: &GeneSet,
    by: By,
    genome: Option<&Path>,
) -> Result<Vec<(String, [Row; 8])>> {
    let mut contigs = Contigs::default();
    let sides = [contigs.locate(reference), contigs.locate(prediction)];
    let bins = match by {
        By::Gc => {
            let genome =
                genome.ok_or_else(|| Error::value("a breakdown by gc needs the genome (--genome)"))?;
            let share = gc(genome, &contigs.names)?;
            let bin = |located: &Located| Ok(upper(share(located)?, &GC));
            [numbers(&sides[0], bin)?, numbers(&sides[1], bin)?]
        }
        By::Contig => {
            sides.each_ref().map(|side| side.iter().map(|located| located.contig as usize).collect())
        }
        By::Length => sides
            .each_ref()
            .map(|side| side.iter().map(|located| upper(longest(located).cds_len(), &LENGTHS)).collect()),
        By::Exons => sides.each_ref().map(|side| {
            side.iter().map(|located| upper(longest(located).segments.len() as u32, &EXONS)).collect()
        }),
    };
    let names: Vec<String> = match by {
        By::Contig => contigs.names.iter().map(|name| name.to_string()).collect(),
        By::Length => ranges(&LENGTHS, 1, ""),
        By::Exons => ranges(&EXONS, 1, ""),
        By::Gc => ranges(&GC, 0, "%"),
    };
    parts(&sides, &bins, names, by)
}

fn numbers(side: &[Located], bin: impl Fn(&Located) -> Result<usize>) -> Result<Vec<usize>> {
    side.iter().map(bin).collect()
}

fn parts(
    sides: &[Vec<Located>; 2],
    bins: &[Vec<usize>; 2],
    names: Vec<String>,
    by: By,
) -> Result<Vec<(String, [Row; 8])>> {
    // keys name their contig: the whole other side has no more of a contig's keys than its part has
    let whole = (by != By::Contig).then(|| sides.each_ref().map(|side| Keys::new(side)));
    let mut members: [Vec<Vec<Located>>; 2] = std::array::from_fn(|_| vec![Vec::new(); names.len()]);
    for side in 0..2 {
        for (located, &bin) in sides[side].iter().zip(&bins[side]) {
            members[side][bin].push(*located);
        }
    }
    let [reference, prediction] = members;
    names
        .into_iter()
        .zip(reference.iter().zip(&prediction))
        .filter(|(_, (r, p))| !r.is_empty() || !p.is_empty())
        .map(|(name, (r, p))| {
            interrupt::check()?;
            let own = [Keys::new(r), Keys::new(p)];
            let other = whole.as_ref().unwrap_or(&own);
            Ok((name, rows([&own[0], &own[1]], [&other[0], &other[1]])))
        })
        .collect()
}

/// The chain with most coding bases, the first of several.
fn longest<'a>(located: &Located<'a>) -> ChainRef<'a> {
    let chains = located.gene.chains();
    let best =
        |best: ChainRef<'a>, next: ChainRef<'a>| if next.cds_len() > best.cds_len() { next } else { best };
    chains.reduce(best).unwrap_or(ChainRef { segments: &[], introns: &[] })
}

/// The bin of a value: that of the first limit that it does not exceed.
fn upper(value: u32, limits: &[u32]) -> usize {
    limits.iter().position(|&limit| value <= limit).unwrap_or(limits.len())
}

fn ranges(limits: &[u32], first: u32, unit: &str) -> Vec<String> {
    let mut names = Vec::with_capacity(limits.len() + 1);
    let mut from = first;
    for &limit in limits {
        names.push(if from == limit { format!("{limit}{unit}") } else { format!("{from}-{limit}{unit}") });
        from = limit + 1;
    }
    names.push(format!(">{}{unit}", from - 1));
    names
}

/// A function that gives the share of G and C in a gene's longest chain, in whole per cent, rounded.
fn gc(genome: &Path, names: &[&str]) -> Result<impl Fn(&Located) -> Result<u32>> {
    let contigs = fasta::read(genome)?;
    let (path, known): (_, Vec<String>) =
        (genome.to_path_buf(), contigs.iter().map(|contig| contig.name.clone()).collect());
    let mut letters: FxHashMap<String, Vec<u8>> =
        contigs.into_iter().map(|contig| (contig.name, contig.sequence)).collect();
    let sequences: Vec<Option<Vec<u8>>> = names.iter().map(|name| letters.remove(*name)).collect();
    let names: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    Ok(move |located: &Located| {
        let name = &names[located.contig as usize];
        let Some(sequence) = &sequences[located.contig as usize] else {
            return Err(Error::input(
                &path,
                None,
                format!("has no contig {}; give the genome of the genes", with_nearest(name, &known)),
            ));
        };
        let model = longest(located);
        let mut counts = [0u32; 2];
        for segment in model.segments {
            let Some(letters) = sequence.get(segment.start as usize..segment.end as usize) else {
                return Err(Error::input(
                    &path,
                    None,
                    format!("gene {} leaves contig {name}", located.gene.id()),
                ));
            };
            for letter in letters {
                match letter {
                    b'G' | b'C' => counts[0] += 1,
                    b'A' | b'T' => counts[1] += 1,
                    _ => {}
                }
            }
        }
        let all = (counts[0] + counts[1]).max(1);
        Ok(((f64::from(counts[0]) / f64::from(all)) * 100.0).round() as u32)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_the_bin_that_names_it() {
        let names = ranges(&EXONS, 1, "");
        assert_eq!(names, ["1", "2", "3-4", "5-8", "9-16", ">16"]);
        assert_eq!(
            [1, 2, 3, 4, 5, 16, 17].map(|n| names[upper(n, &EXONS)].as_str()),
            ["1", "2", "3-4", "3-4", "5-8", "9-16", ">16"]
        );
        assert_eq!(ranges(&GC, 0, "%")[0], "0-30%");
    }
}
