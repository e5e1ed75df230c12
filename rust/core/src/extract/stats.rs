//! Numbers of a gene set.

use serde::Serialize;

/// A list of lengths or counts in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Distribution {
    /// How many there are.
    pub count: usize,
    /// Their sum.
    pub sum: u64,
    /// The smallest; none without any.
    pub min: Option<u32>,
    /// A quarter is below.
    pub lower_quartile: Option<u32>,
    /// Half is below.
    pub median: Option<u32>,
    /// Three quarters are below.
    pub upper_quartile: Option<u32>,
    /// The largest.
    pub max: Option<u32>,
    /// The mean.
    pub mean: Option<f64>,
}

impl Distribution {
    /// Nearest-rank quantiles.
    pub(super) fn of(mut values: Vec<u32>) -> Self {
        values.sort_unstable();
        let n = values.len();
        let rank = |quarter: usize| values.get((n * quarter).div_ceil(4).max(1) - 1).copied();
        let sum: u64 = values.iter().map(|&v| u64::from(v)).sum();
        Distribution {
            count: n,
            sum,
            min: values.first().copied(),
            lower_quartile: rank(1),
            median: rank(2),
            upper_quartile: rank(3),
            max: values.last().copied(),
            mean: (n > 0).then(|| sum as f64 / n as f64),
        }
    }
}

/// How often something occurs, most frequent first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Count {
    /// What.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// How often a codon is used.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Codon {
    /// Its letters.
    pub codon: String,
    /// What it means; `*` is a stop.
    pub amino_acid: char,
    /// How often.
    pub count: u64,
    /// Of a thousand codons.
    pub per_thousand: f64,
    /// Of the codons of the same meaning, 0 to 1.
    pub share: f64,
}

/// Shares of G and C among known bases, 0 to 1; none where there is no base.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gc {
    /// The chosen contigs.
    pub genome: Option<f64>,
    /// Genes, introns included.
    pub genes: Option<f64>,
    /// Exons of each transcript.
    pub exons: Option<f64>,
    /// Distinct introns.
    pub introns: Option<f64>,
    /// Between genes.
    pub intergenic: Option<f64>,
    /// Coding sequences.
    pub cds: Option<f64>,
    /// First codon positions.
    pub codon_position_1: Option<f64>,
    /// Second codon positions.
    pub codon_position_2: Option<f64>,
    /// Third codon positions.
    pub codon_position_3: Option<f64>,
}

/// Statistics of the chosen transcripts; introns are counted once per gene.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stats {
    /// NCBI's table.
    pub genetic_code: u8,
    /// Chosen contigs.
    pub contigs: usize,
    /// Their bases.
    pub bases: u64,
    /// Genes with CDS.
    pub genes: usize,
    /// Their chosen transcripts.
    pub transcripts: usize,
    /// Genes without CDS, of the whole file.
    pub noncoding_genes: u64,
    /// Genes whose longest-CDS transcript has one exon.
    pub single_exon_genes: usize,
    /// Exons of the longest-CDS transcript of each gene.
    pub exons_per_gene: Distribution,
    /// Transcripts of each gene.
    pub transcripts_per_gene: Distribution,
    /// Bases of genes.
    pub gene_lengths: Distribution,
    /// Bases of joined exons.
    pub mrna_lengths: Distribution,
    /// Bases of coding sequences, from the first whole codon on.
    pub cds_lengths: Distribution,
    /// Bases of exons.
    pub exon_lengths: Distribution,
    /// Bases of distinct introns.
    pub intron_lengths: Distribution,
    /// Bases between genes.
    pub intergenic_lengths: Distribution,
    /// Gaps between exons too short for an intron.
    pub gaps_below_4: u64,
    /// First and last two bases of distinct introns.
    pub splice_pairs: Vec<Count>,
    /// First codons.
    pub start_codons: Vec<Count>,
    /// Last codons.
    pub stop_codons: Vec<Count>,
    /// Transcripts with a stop codon before their last codon.
    pub in_frame_stops: u64,
    /// Transcripts whose CDS is no whole number of codons.
    pub incomplete_codons: u64,
    /// Codons without an ambiguous base, all 64.
    pub codon_usage: Vec<Codon>,
    /// G and C.
    pub gc: Gc,
}
