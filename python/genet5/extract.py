"""Sequences, tables and statistics of an annotation."""

import json
import os

import genet5._core as core

# what can be written
PRODUCTS = ("proteins", "cds", "mrna", "exons", "introns", "genes", "intergenic", "upstream", "bed", "gtf")


def extract(annotation, genome, outputs, upstream=0, genetic_code=1, longest=False, contigs=None, stats=False):
    """Write sequences and tables of the coding genes of an annotation, all in one pass.

    annotation:   str or path of a GFF3 or GTF file, plain, gzip or bgzip
    genome:       str or path of its FASTA file, plain, gzip or bgzip
    outputs:      dict of product -> path, "-" for standard output; products: proteins (without the stop), cds (with
        it, from the first whole codon on), mrna (joined exons), exons, introns, genes, intergenic (no gene, coding or
        not), upstream; FASTA in the genome's own case, 70 letters a line; bed (BED12), gtf
    upstream:     int, bases before each gene's 5' end
    genetic_code: int, NCBI table
    longest:      bool, of each gene only the transcript with the longest CDS
    contigs:      list of str or None, these contigs only
    stats:        bool, count too
    returns dict: genes, transcripts, mixed_strands (transcripts left out since their CDS lies on both strands), records
        (product -> int), repairs (kind -> int, what was mended or guessed of the annotation), stats (dict as
        `statistics` gives, or None)
    raises InputError when a file cannot be understood, a gene lies on a contig that the genome lacks or beyond its
        end; ValueError for an unknown contig, product or genetic code; OSError. No file is written then.
    """

    chosen = [(product, None if os.fspath(path) == "-" else os.fspath(path)) for product, path in outputs.items()]
    report = json.loads(core.extract.run(os.fspath(annotation), os.fspath(genome), chosen, upstream, genetic_code,
                                         longest, contigs, stats))
    report["records"] = dict(zip(outputs, report["records"]))
    return report


def statistics(annotation, genome, **choice):
    """Count what a gene set looks like.

    annotation, genome: as for `extract`
    choice:             genetic_code, longest, contigs as for `extract`
    returns dict: genetic_code, contigs, bases, genes, transcripts, noncoding_genes, single_exon_genes, gaps_below_4,
        in_frame_stops, incomplete_codons (transcripts); distributions (dict of count, sum, min, lower_quartile, median,
        upper_quartile, max, mean) exons_per_gene, transcripts_per_gene, gene_lengths, mrna_lengths, cds_lengths,
        exon_lengths, intron_lengths, intergenic_lengths; lists of {name, count} splice_pairs, start_codons,
        stop_codons; codon_usage (list of {codon, amino_acid, count, per_thousand, share}); gc (dict of shares)
    """

    return extract(annotation, genome, {}, stats=True, **choice)["stats"]
