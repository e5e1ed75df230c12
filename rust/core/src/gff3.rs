//! Writing gene models: GFF3, and proteins and coding sequences as FASTA beside it.

use std::io::Write;

use rustc_hash::FxHashMap;

use crate::dna;
use crate::error::{Error, Result};
use crate::fasta;
use crate::gene::GeneModel;
use crate::genetic_code::GeneticCode;

/// One predicted gene.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputGene {
    /// Index of its contig.
    pub contig: usize,
    /// Its CDS chain, complete, stop codon included.
    pub model: GeneModel,
    /// The probability of the gene, 0 to 1.
    pub score: Option<f32>,
}

/// The IDs of genes in the order in which they are written.
///
/// Genes are sorted by contig, start, end (descending) and numbered within their contig, so that
/// a gene keeps its ID whatever the other contigs hold; a gene that is there twice is listed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Index into the genes and gene ID, in writing order.
    pub order: Vec<(usize, String)>,
    /// Genes left out since the same CDS is listed already.
    pub duplicates: usize,
}

impl Plan {
    /// Orders and names genes.
    ///
    /// # Errors
    /// [`Error::Value`] when a gene names no contig, has no segment or leaves its contig, or when
    /// the prefix has letters that an ID must not have.
    pub fn new(contigs: &[(String, u64)], genes: &[OutputGene], id_prefix: &str) -> Result<Self> {
        if !id_prefix.bytes().all(is_plain) {
            return Err(Error::value(format!(
                "the ID prefix '{id_prefix}' may have letters, digits, '.', '_' and '-' only"
            )));
        }
        for gene in genes {
            check(contigs, gene)?;
        }
        let mut order: Vec<usize> = (0..genes.len()).collect();
        let key = |i: usize| {
            let (gene, model) = (&genes[i], &genes[i].model);
            (gene.contig, model.start(), std::cmp::Reverse(model.end()), model.strand, &model.segments)
        };
        let best = |i: usize| std::cmp::Reverse(genes[i].score.map_or(0, |s| (s.max(0.0) * 1e6) as u64));
        order.sort_by(|&a, &b| key(a).cmp(&key(b)).then(best(a).cmp(&best(b))));
        order.dedup_by(|b, a| key(*a) == key(*b));
        let duplicates = genes.len() - order.len();
        let stems = stems(contigs);
        let (mut last, mut number) = (usize::MAX, 0);
        let named = order.into_iter().map(|i| {
            number = if genes[i].contig == last { number + 1 } else { 1 };
            last = genes[i].contig;
            (i, format!("{id_prefix}{}_g{number:05}", stems[last]))
        });
        Ok(Plan { order: named.collect(), duplicates })
    }
}

fn check(contigs: &[(String, u64)], gene: &OutputGene) -> Result<()> {
    let Some((name, length)) = contigs.get(gene.contig) else {
        return Err(Error::value(format!(
            "a gene on contig {}, of which there are {}",
            gene.contig,
            contigs.len()
        )));
    };
    let segments = &gene.model.segments;
    let disjoint = segments.windows(2).all(|pair| pair[0].end <= pair[1].start);
    if segments.is_empty() || segments.iter().any(|s| s.is_empty()) || !disjoint {
        return Err(Error::value(format!("a gene on '{name}' with empty, overlapping or unsorted segments")));
    }
    if gene.score.is_some_and(|score| !score.is_finite()) {
        return Err(Error::value(format!("a gene on '{name}' whose probability is no number")));
    }
    if u64::from(gene.model.end()) > *length {
        return Err(Error::value(format!(
            "a gene that ends at {} on '{name}' of {length} bases",
            gene.model.end()
        )));
    }
    Ok(())
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
}

/// Contig names as parts of IDs: without blanks, colons and pipes, and unique.
fn stems(contigs: &[(String, u64)]) -> Vec<String> {
    let mut seen: FxHashMap<String, usize> = FxHashMap::default();
    let plain =
        |name: &str| name.bytes().map(|b| if is_plain(b) { b as char } else { '_' }).collect::<String>();
    let taken: std::collections::HashSet<&str> = contigs.iter().map(|(name, _)| name.as_str()).collect();
    contigs
        .iter()
        .map(|(name, _)| {
            let stem = plain(name);
            if stem == *name {
                return stem;
            }
            let n = seen.entry(stem.clone()).or_default();
            *n += 1;
            let mut candidate = if *n == 1 { stem.clone() } else { format!("{stem}.{n}") };
            while taken.contains(candidate.as_str()) {
                candidate.push('_');
            }
            candidate
        })
        .collect()
}

/// Column 1, or the name in `##sequence-region`: what the specification does not allow is escaped.
pub(crate) fn escape(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for &byte in name.as_bytes() {
        if byte.is_ascii_alphanumeric() || b".:^*$@!+_?-|".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Writes genes as GFF3: every contig's `##sequence-region`, then gene, mRNA, exon and CDS rows.
/// Returns the plan with the IDs.
///
/// # Errors
/// As [`Plan::new`]; [`Error::Io`] of the writer.
///
/// ```
/// use genet5_core::{gene::*, gff3};
/// let model = GeneModel { strand: Strand::Minus, segments: vec![Interval::new(4, 10)] };
/// let gene = gff3::OutputGene { contig: 0, model, score: Some(0.5) };
/// let mut out = Vec::new();
/// gff3::write(&mut out, &[("chr1".into(), 20)], &[gene], "", "GeneT5").unwrap();
/// assert!(String::from_utf8(out).unwrap().contains(
///     "chr1\tGeneT5\tCDS\t5\t10\t.\t-\t0\tID=chr1_g00001.t1.cds;Parent=chr1_g00001.t1\n###\n"
/// ));
/// ```
pub fn write(
    out: &mut impl Write,
    contigs: &[(String, u64)],
    genes: &[OutputGene],
    id_prefix: &str,
    source: &str,
) -> Result<Plan> {
    let plan = Plan::new(contigs, genes, id_prefix)?;
    rows(out, contigs, genes, &plan, &escape(source)).map_err(Error::io("the GFF3 output"))?;
    Ok(plan)
}

fn rows(
    out: &mut impl Write,
    contigs: &[(String, u64)],
    genes: &[OutputGene],
    plan: &Plan,
    source: &str,
) -> std::io::Result<()> {
    writeln!(out, "##gff-version 3")?;
    for (name, length) in contigs.iter().filter(|(_, length)| *length > 0) {
        writeln!(out, "##sequence-region {} 1 {length}", escape(name))?;
    }
    for (i, id) in &plan.order {
        let gene = &genes[*i];
        let model = &gene.model;
        let contig = escape(&contigs[gene.contig].0);
        let strand = model.strand.symbol();
        let score = gene.score.map_or_else(|| ".".to_string(), |score| format!("{score:.4}"));
        let (start, end) = (model.start() + 1, model.end());
        writeln!(out, "{contig}\t{source}\tgene\t{start}\t{end}\t{score}\t{strand}\t.\tID={id}")?;
        writeln!(
            out,
            "{contig}\t{source}\tmRNA\t{start}\t{end}\t{score}\t{strand}\t.\tID={id}.t1;Parent={id}"
        )?;
        for (n, s) in model.segments.iter().enumerate() {
            let (start, end, n) = (s.start + 1, s.end, n + 1);
            writeln!(
                out,
                "{contig}\t{source}\texon\t{start}\t{end}\t.\t{strand}\t.\tID={id}.t1.exon{n};Parent={id}.t1"
            )?;
        }
        for (s, phase) in model.segments.iter().zip(model.phases()) {
            let (start, end) = (s.start + 1, s.end);
            writeln!(
                out,
                "{contig}\t{source}\tCDS\t{start}\t{end}\t.\t{strand}\t{phase}\tID={id}.t1.cds;Parent={id}.t1"
            )?;
        }
        writeln!(out, "###")?;
    }
    Ok(())
}

/// Which sequence of a gene goes into a FASTA file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// The coding sequence, stop codon included.
    Cds,
    /// Its translation, without the stop.
    Protein,
}

/// Writes the coding sequences or proteins of planned genes under their mRNA's ID, in the plan's
/// order; `sequence` gives the letters of a contig and is asked once per contig.
///
/// # Errors
/// Whatever `sequence` returns; [`Error::Value`] when a gene leaves its contig; [`Error::Io`] of
/// the writer.
pub fn write_products(
    out: &mut impl Write,
    plan: &Plan,
    genes: &[OutputGene],
    product: Product,
    code: &GeneticCode,
    mut sequence: impl FnMut(usize) -> Result<Vec<u8>>,
) -> Result<()> {
    let mut current: Option<(usize, Vec<u8>)> = None;
    for (i, id) in &plan.order {
        let gene = &genes[*i];
        if current.as_ref().is_none_or(|(contig, _)| *contig != gene.contig) {
            current = Some((gene.contig, dna::encode(&sequence(gene.contig)?)));
        }
        let codes = current.as_ref().map_or(&[][..], |(_, codes)| codes);
        if gene.model.end() as usize > codes.len() {
            return Err(Error::value(format!("gene {id} leaves its contig of {} bases", codes.len())));
        }
        let cds = gene.model.cds(codes);
        let letters = match product {
            Product::Cds => dna::decode(&cds),
            Product::Protein => {
                let protein = code.translate(&cds);
                protein.strip_suffix('*').unwrap_or(&protein).as_bytes().to_vec()
            }
        };
        fasta::write_record(out, &format!("{id}.t1"), &letters).map_err(Error::io("the FASTA output"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation;
    use crate::gene::{Interval, Strand};
    use proptest::prelude::*;
    use std::path::Path;

    fn gene(contig: usize, minus: bool, parts: &[(u32, u32)]) -> OutputGene {
        let strand = if minus { Strand::Minus } else { Strand::Plus };
        let segments = parts.iter().map(|&(a, b)| Interval::new(a, b)).collect();
        OutputGene { contig, model: GeneModel { strand, segments }, score: None }
    }

    #[test]
    fn odd_contig_names_stay_readable_and_ids_unique() {
        let contigs: Vec<(String, u64)> =
            ["a:1-9", "a|1-9", "a_1-9", "sp ace"].iter().map(|n| (n.to_string(), 50)).collect();
        let genes: Vec<_> = (0..4).map(|i| gene(i, false, &[(3, 9)])).collect();
        let mut out = Vec::new();
        let plan = write(&mut out, &contigs, &genes, "x-", "GeneT5").expect("written");
        let mut ids: Vec<_> = plan.order.iter().map(|(_, id)| id.clone()).collect();
        assert!(ids.iter().all(|id| id.starts_with("x-") && id.bytes().all(is_plain)), "{ids:?}");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 4);
        let back = annotation::parse(Path::new("x"), &out).expect("legal");
        assert_eq!(back.contigs, ["a:1-9", "a|1-9", "a_1-9", "sp ace"]);
    }

    #[test]
    fn impossible_genes_are_refused() {
        let contigs = [("a".to_string(), 10u64)];
        for bad in [
            gene(1, false, &[(0, 6)]),
            gene(0, false, &[(5, 11)]),
            gene(0, true, &[]),
            gene(0, true, &[(3, 6), (2, 8)]),
        ] {
            assert!(Plan::new(&contigs, &[bad], "").is_err());
        }
        assert!(Plan::new(&contigs, &[], "a b").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            raw in prop::collection::vec(
                (0usize..3, any::<bool>(), prop::collection::btree_set(0u32..200, 2..9)), 0..12)
        ) {
            let contigs: Vec<(String, u64)> = (0..3).map(|i| (format!("c{i}"), 200)).collect();
            let genes: Vec<_> = raw
                .iter()
                .map(|(contig, minus, cuts)| {
                    let cuts: Vec<u32> = cuts.iter().copied().collect();
                    let parts: Vec<_> = cuts.chunks_exact(2).map(|c| (c[0], c[1])).collect();
                    gene(*contig, *minus, &parts)
                })
                .collect();
            let mut out = Vec::new();
            let plan = write(&mut out, &contigs, &genes, "", "GeneT5").expect("written");
            let back = annotation::parse(Path::new("x"), &out).expect("legal");
            prop_assert!(back.repairs.is_empty(), "{:?}", back.repairs);
            let read: Vec<_> =
                back.genes.iter().map(|g| (g.contig.clone(), g.id.clone(), g.model().expect("coding"))).collect();
            let written: Vec<_> = plan
                .order
                .iter()
                .map(|(i, id)| (format!("c{}", genes[*i].contig), id.clone(), genes[*i].model.clone()))
                .collect();
            prop_assert_eq!(read, written);
        }
    }
}
