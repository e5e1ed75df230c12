//! Genes of several sets on contigs with common numbers.

use rustc_hash::{FxHashMap, FxHashSet};

use super::set::{GeneSet, SetGene};

/// A gene whose contig goes by the number that both sides of a pair share.
#[derive(Debug, Clone, Copy)]
pub struct Located<'a> {
    /// Number of the contig.
    pub contig: u32,
    /// The gene.
    pub gene: SetGene<'a>,
}

impl Located<'_> {
    /// Strand and contig in one number; all contigs of one strand stand together, so that genes that are
    /// sorted in a file mostly stay so.
    pub(super) fn place(&self) -> u32 {
        (self.gene.strand() as u32) << 31 | self.contig
    }
}

/// The contigs of several sets under common numbers.
#[derive(Debug, Default)]
pub struct Contigs<'a> {
    /// The names by number.
    pub names: Vec<&'a str>,
    numbers: FxHashMap<&'a str, u32>,
}

impl<'a> Contigs<'a> {
    /// The genes of a set with the common numbers of their contigs.
    pub fn locate(&mut self, set: &'a GeneSet) -> Vec<Located<'a>> {
        let number = |name: &'a String| {
            let next = self.names.len() as u32;
            let number = *self.numbers.entry(name).or_insert(next);
            if number == next {
                self.names.push(name);
            }
            number
        };
        let numbers: Vec<u32> = set.contigs.iter().map(number).collect();
        set.genes().map(|gene| Located { contig: numbers[gene.contig() as usize], gene }).collect()
    }

    /// Names of the contigs that have genes on the first side and none on the other.
    pub(super) fn only_in(&self, here: &[Located], there: &[Located]) -> Vec<String> {
        let numbers = |genes: &[Located]| genes.iter().map(|gene| gene.contig).collect::<FxHashSet<u32>>();
        let (here, there) = (numbers(here), numbers(there));
        (0..self.names.len() as u32)
            .filter(|i| here.contains(i) && !there.contains(i))
            .map(|i| self.names[i as usize].to_string())
            .collect()
    }
}
