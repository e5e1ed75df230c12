//! Which windows a species gives: cut, matched with genes, sorted into kept and dropped.

use super::genes::{Gene, Species};
use super::windows::{self, HeldOut, Stretch};
use super::Settings;
use crate::gene::Interval;

/// A window of a contig with the genes that touch it.
#[derive(Debug, Clone)]
pub struct Place {
    /// Index of the contig.
    pub contig: usize,
    /// Its bases.
    pub bases: Interval,
    /// Indices of genes that touch it, by start.
    pub genes: Vec<usize>,
}

impl Place {
    /// The indices of its target genes.
    pub fn targets<'a>(&'a self, genes: &'a [Gene]) -> impl Iterator<Item = usize> + 'a {
        self.genes.iter().copied().filter(|&index| {
            let model = &genes[index].model;
            genes[index].is_target() && model.start() >= self.bases.start && model.end() <= self.bases.end
        })
    }
}

/// The windows of one side, training or held out.
#[derive(Debug, Default)]
pub struct Side {
    /// Bases of its stretches.
    pub bases: u64,
    /// Windows before any was dropped.
    pub cut: usize,
    /// Dropped since they touch an invalid gene.
    pub dropped_invalid: usize,
    /// Dropped since there are enough windows without a gene.
    pub dropped_empty: usize,
    /// The windows that are written, by contig, then start.
    pub places: Vec<Place>,
}

/// The plan of a species.
#[derive(Debug)]
pub struct Plan {
    /// Training and held-out stretches of all contigs.
    pub stretches: Vec<Stretch>,
    /// Training windows.
    pub train: Side,
    /// Held-out windows; they follow each other without overlap.
    pub held_out: Side,
}

/// Plans a species.
pub fn plan(species: &Species, settings: &Settings, held_out: HeldOut, seed: u64) -> Plan {
    let lengths: Vec<u32> = species.contigs.iter().map(|contig| contig.sequence.len() as u32).collect();
    let stretches = windows::stretches(&lengths, held_out, settings.window_size, seed);
    let mut train = side(&stretches, false, species, settings.window_size, settings.stride);
    let mut held_out = side(&stretches, true, species, settings.window_size, settings.window_size);
    for side in [&mut train, &mut held_out] {
        if !settings.keep_invalid {
            let valid =
                |place: &Place| place.genes.iter().all(|&index| species.genes[index].invalid.is_none());
            side.places.retain(valid);
            side.dropped_invalid = side.cut - side.places.len();
        }
    }
    drop_empty(&mut train, settings.empty_share, seed);
    Plan { stretches, train, held_out }
}

fn side(stretches: &[Stretch], held_out: bool, species: &Species, window: u32, stride: u32) -> Side {
    let mut side = Side::default();
    for stretch in stretches.iter().filter(|stretch| stretch.held_out == held_out) {
        side.bases += u64::from(stretch.bases.len());
        let contig = stretch.contig;
        let mut places: Vec<Place> = windows::cut(stretch.bases, window, stride)
            .into_iter()
            .map(|bases| Place { contig, bases, genes: Vec::new() })
            .collect();
        let first = species.genes.partition_point(|gene| gene.contig < contig);
        let last = species.genes.partition_point(|gene| gene.contig <= contig);
        for (index, gene) in (first..).zip(&species.genes[first..last]) {
            let from = places.partition_point(|place| place.bases.end <= gene.model.start());
            let touched = places[from..].iter_mut().take_while(|place| place.bases.start < gene.model.end());
            touched.for_each(|place| place.genes.push(index));
        }
        side.cut += places.len();
        side.places.append(&mut places);
    }
    side
}

fn drop_empty(side: &mut Side, share: f64, seed: u64) {
    let empty = side.places.iter().filter(|place| place.genes.is_empty()).count();
    let keep = windows::keep_empty(side.places.len() - empty, empty, share, seed);
    let mut keep = keep.into_iter();
    let before = side.places.len();
    side.places.retain(|place| !place.genes.is_empty() || keep.next().unwrap_or(true));
    side.dropped_empty = before - side.places.len();
}
