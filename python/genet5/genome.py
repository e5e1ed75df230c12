"""Genomes and annotations: FASTA, GFF3 and GTF in, gene models out, GFF3 and FASTA written.

Positions are 0-based and half-open; only the files are 1-based and closed. Grammar options, where a
function takes them as **grammar: genetic_code=1 (NCBI table), table_starts=False (the table's other start
codons), min_intron=10 and max_intron=0 (bases; 0 = no limit).
"""

import json
import os

import genet5._core as core


def read_fasta(path):
    """Read every sequence of a FASTA file, plain, gzip or bgzip.

    path: str or path
    returns list of (str name, bytes letters), upper-case, U as T, IUPAC codes kept, in the file's order
    raises InputError with the line when the file is no FASTA file of DNA or names a sequence twice
    """

    return core.genome.read_fasta(os.fspath(path))


def open_fasta(path):
    """Open a FASTA file for random access through its `.fai`, which is made where it is missing or stale.

    path: str or path; a compressed file is loaded whole
    returns an object with contigs() -> list of (str, int bases) and fetch(contig, start=0, end=None) -> bytes
    """

    return core.genome.Fasta(os.fspath(path))


def count_rows(path):
    """Count the feature rows of an annotation and check the form of each; nothing is linked.

    path: str or path of a GFF3 or GTF file
    returns int
    raises InputError with the line when a row cannot be understood
    """

    return core.genome.count_rows(os.fspath(path))


def inspect(path, genome=None, strict=False, **grammar):
    """Count what is in an annotation.

    path:   str or path of a GFF3 or GTF file
    genome: str or path of its FASTA file, or None; with it, genes are checked as reading frames
    strict: bool, refuse a file that must be repaired
    returns dict: format, contigs, genes, transcripts, cds_segments, single_exon_share (of transcripts, None
        without any), noncoding_genes, pseudogenes, repairs (kind -> rows or transcripts), valid_genes,
        invalid_genes (reason -> genes); the last two are None without a genome
    raises InputError with the line when a row cannot be understood, and when the genome has none of the sequences
    """

    return json.loads(core.genome.summary(os.fspath(path), _path(genome), strict=strict, **grammar))


def repairs(path, strict=False):
    """Say what of an annotation had to be mended or guessed; docs/formats.md says what each kind means.

    path:   str or path of a GFF3 or GTF file
    strict: bool, refuse a file that must be repaired
    returns list of (str kind, int times, int line of the first)
    raises InputError with the line when a row cannot be understood
    """

    return core.genome.repairs(os.fspath(path), strict)


def read_genes(path, genome=None, strict=False, **grammar):
    """Read the coding genes of an annotation.

    path:   str or path of a GFF3 or GTF file
    genome: str or path of its FASTA file, or None
    strict: bool, refuse a file that must be repaired
    returns list of dict: id, contig, strand, start, end (of the canonical transcript), line, pseudo,
        canonical (index of the transcript with the longest CDS), transcripts (list of dict: id, cds as list
        of [start, end, phase] ascending, partial_start, partial_end, mixed_strands, exception); with a genome
        also valid (bool) and, where it is not, reason (str)
    raises InputError with the line when a row cannot be understood, and when the genome has none of the sequences
    """

    return [json.loads(line) for line in gene_lines(path, genome, strict, **grammar)]


def gene_lines(path, genome=None, strict=False, **grammar):
    """Read the coding genes of an annotation as JSON text.

    takes what `read_genes` takes
    returns list of str, one JSON object for each gene
    """

    return core.genome.gene_lines(os.fspath(path), _path(genome), strict=strict, **grammar).split("\n")[:-1]


def _path(path):
    return None if path is None else os.fspath(path)


def segments(gene):
    """Segments of the canonical transcript of a gene from `read_genes`.

    gene: dict
    returns list of (int start, int end), ascending
    """

    return [(start, end) for start, end, _ in gene["transcripts"][gene["canonical"]]["cds"]]


def check(sequence, strand, segments, **grammar):
    """Say why a gene model is no valid reading frame.

    sequence: bytes, letters of the whole contig or window
    strand:   str, "+" or "-"
    segments: list of (int start, int end), ascending
    returns None for a valid gene, else the name of the first reason, such as "in_frame_stop"
    """

    return core.genome.check(sequence, strand, segments, **grammar)


def translate(sequence, genetic_code=1):
    """Translate a coding sequence.

    sequence:     bytes, letters in the gene's own direction
    genetic_code: int, NCBI table
    returns str, `*` for a stop, X for a codon with an unknown base
    """

    return core.genome.translate(sequence, genetic_code)


def reverse_complement(sequence):
    """Reverse complement of a sequence of letters; whatever is no base becomes N.

    sequence: bytes
    returns bytes
    """

    return core.genome.reverse_complement(sequence)


def write_gff3(path, contigs, genes, id_prefix="", source="GeneT5"):
    """Write complete gene models as GFF3, sorted, under a temporary name first.

    path:      str or path
    contigs:   list of (str name, int bases), all of the genome
    genes:     list of (int contig index, str strand, list of (int start, int end), float probability or None)
    id_prefix: str put before every ID; letters, digits, `.`, `_`, `-`
    source:    str, column 2
    returns list of (int index into genes, str gene ID) in the order written; the mRNA's ID is that plus ".t1";
        a gene with the same CDS as another is written once
    raises ValueError when a gene leaves its contig or its segments overlap
    """

    return core.genome.write_gff3(os.fspath(path), contigs, genes, id_prefix, source)


def write_proteins(path, genome, genes, genetic_code=1, id_prefix=""):
    """Write the proteins of genes as FASTA, IDs as in `write_gff3`, 60 letters a line, without the stop.

    path:   str or path of the output
    genome: str or path of the genome's FASTA file, or what `open_fasta` returns
    genes:  as for `write_gff3`, contig indices in the order of the FASTA file
    """

    core.genome.write_products(os.fspath(path), genome, genes, "protein", genetic_code, id_prefix)


def write_cds(path, genome, genes, id_prefix=""):
    """Write the coding sequences of genes as FASTA, stop codon included; otherwise as `write_proteins`."""

    core.genome.write_products(os.fspath(path), genome, genes, "cds", 1, id_prefix)
