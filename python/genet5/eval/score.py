"""Exact agreement of predictions with a reference; the counting is done in Rust, without numpy."""

import os

import genet5._core as core

PRESET = "genet5"
LEVELS = ("nucleotide", "exon", "gene")


def files(reference, predictions, contigs=None):
    """Compare prediction files with a reference file (GFF3 or GTF, plain or compressed).

    reference:   path
    predictions: list of paths
    contigs:     list of str or None for all
    Returns one dict per prediction:
      levels:          {level: {tp, fp, fn, n_reference, n_prediction, sensitivity, precision, f1}}, the
                       last three None where their denominator is 0
      classes:         {class: genes}: exact, missed, wrong_start, wrong_stop, wrong_splice_site, several,
                       split, fused (these sum to the genes of the reference) and extra
      only_reference, only_prediction: contigs with genes on that side only, list of str
      stop_shifted:    int, unmatched predicted genes that differ by the stop codon alone
    Raises InputError for a broken file, OSError for a missing one, ValueError for an unknown contig.
    """

    paths = [os.fspath(path) for path in predictions]
    return core.score.files(os.fspath(reference), paths, contigs=contigs)


def models(reference, prediction):
    """Compare gene models in memory; returns one dict like `files`.

    reference, prediction: iterables of (contig, strand, segments): str, "+" or "-", and a sequence of
                           (start, end), ascending, 0-based half-open
    """

    return core.score.models(list(reference), list(prediction))


def baseline(reference, genome, contigs=None, min_length=None, genetic_code=1, output=None):
    """Call the longest open reading frames genes and compare them with a reference.

    reference:    path, GFF3 or GTF
    genome:       path, FASTA
    contigs:      list of str or None for all
    min_length:   int, bases of an ORF with its stop codon; None for the one with the best gene F1
    genetic_code: int, NCBI table
    output:       path of a GFF3 file for the ORFs, or None
    Returns a dict like `files` with `min_length` added.
    """

    output = None if output is None else os.fspath(output)
    return core.score.baseline(os.fspath(reference), os.fspath(genome), contigs=contigs,
                               min_length=min_length, genetic_code=genetic_code, output=output)


def rows(reference, prediction, comparison):
    """The rows of `--json` for one comparison, one dict per level.

    reference, prediction: str, names as the user gave them
    comparison:            dict of `files`, `models` or `baseline`
    """

    head = {"reference": reference, "prediction": prediction, "preset": PRESET}
    return [{**head, "level": level, **comparison["levels"][level]} for level in LEVELS]
