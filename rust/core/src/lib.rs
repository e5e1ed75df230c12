//! The fast half of GeneT5: everything that touches bases by the million, and no Python.
//!
//! Data flows one way: [`fasta`] and [`annotation`] read a genome into gene models, [`bake`]
//! cuts it into windows with [`tokenizer`] and [`grammar`] and writes shards, [`batch`] packs
//! windows into arrays for the model, [`lattice`] turns the model's scores into the best genes,
//! [`gff3`] writes them and [`score`] compares them with a reference. [`extract`] takes sequences
//! and statistics out of any annotation.
//!
//! Coordinates are 0-based and half-open everywhere; GFF and GTF files are 1-based and closed,
//! and only their readers and writers know it.

pub mod annotation;
pub mod bake;
pub mod baseline;
pub mod batch;
mod bits;
pub mod channels;
pub mod checklist;
pub mod dna;
pub mod error;
pub mod extract;
pub mod fasta;
pub mod files;
pub mod gene;
pub mod genetic_code;
pub mod gff3;
pub mod grammar;
mod inflate;
pub mod inspect;
pub mod interrupt;
pub mod labels;
pub mod lattice;
pub mod pack;
pub mod random;
pub mod reader;
pub mod score;
pub mod shard;
pub mod threads;
pub mod tokenizer;
pub mod validate;

pub use error::{Error, Result};
