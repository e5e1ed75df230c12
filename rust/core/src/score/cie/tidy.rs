//! Tidy files, read already.

use std::path::Path;

use super::chain::Chains;
use super::derive;
use super::keys::NO_PHASE;
use super::load::{set, Loaded};
use crate::score::key::{Key, Place};
use crate::score::tidy::Tidy;

impl Loaded {
    /// What [`Loaded::parse`] makes of the text of a tidy file.
    pub(in crate::score) fn of_tidy(path: &Path, tidy: &Tidy) -> Self {
        // what is not used is never touched
        let list = |room| Vec::with_capacity(room);
        let (parts, transcripts) = (tidy.n_parts(), tidy.n_transcripts());
        let (mut cds, mut introns) = (list(parts), list(parts));
        let (mut starts, mut stops) = (list(transcripts), list(transcripts));
        let (mut chains, mut chain) = (Chains::default(), Vec::new());
        for (number, (chunk, gene)) in tidy.genes().enumerate() {
            for transcript in chunk.transcripts(gene) {
                chain.clear();
                chain.extend(chunk.cds(transcript).map(|part| {
                    let tag = part.phase.unwrap_or(NO_PHASE);
                    let strand = Some(transcript.strand);
                    Key::new(gene.contig, Place { start: part.start + 1, end: part.end, strand, tag })
                }));
                if chain.is_empty() {
                    continue;
                }
                if !chain.is_sorted() {
                    chain.sort();
                }
                chain.dedup();
                derive::introns(&chain, |key| introns.push(key));
                derive::start_codon(&chain, |key| starts.push(key));
                derive::stop_codon(&chain, |key| stops.push(key));
                cds.extend_from_slice(&chain);
                chains.add(chunk.name(transcript), number as u32, chain.iter().copied());
            }
        }
        Loaded {
            path: path.to_path_buf(),
            contigs: tidy.contigs.clone(),
            cds: set(cds),
            introns: set(introns),
            starts: set(starts),
            stops: set(stops),
            chains,
            nameless: None,
            warnings: Vec::new(),
            passed_over: 0,
        }
    }
}
