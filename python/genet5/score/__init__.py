"""How well predicted genes agree with a reference; needs neither torch nor, but for `rewards`, numpy.

Files and gene models are compared by preset `genet5`: exact coordinates of coding sequence, strand in every key. What
each level counts is in `genet5.score.definitions`.
"""

import collections
import os

import genet5._core as core
import genet5.errors as errors

PRESET = "genet5"
LEVELS = ("nucleotide", "exon", "intron", "intron_chain", "start", "stop", "transcript", "gene")
# parts that a score can be broken down into, and classes of genes that can be listed
PARTS = ("contig", "length", "exons", "gc")
LISTS = ("exact", "missed", "wrong", "split", "fused", "extra")

# presets that count as another tool does
TOOLS  = ("cie", "cie-no-phase", "gffcompare", "gffcompare-cds3", "gt-eval")

Windows = collections.namedtuple("Windows", ["window_genes", "gene_minus", "gene_segments", "segments"])
Rewards = collections.namedtuple("Rewards", ["nucleotide_f1", "exon_f1", "gene_f1", "validity", "site_f1"])


def files(reference, predictions, isoforms="longest", feature="CDS", contigs=None, regions=(), min_cds=0, alias=None,
          by=None, genome=None, lists=()):
    """Compare prediction files with a reference file (GFF3 or GTF, plain or compressed); each is read once.

    reference:   path
    predictions: list of paths
    isoforms:    "longest" (the longest CDS of each gene, the first of several) or "all"
    feature:     "CDS", or "exon" for the exon rows, UTRs and transcripts without CDS included
    contigs:     list of str or None for all
    regions:     list of (contig, first, last), 1-based and closed; only transcripts that lie wholly inside count
    min_cds:     int, transcripts with fewer bases are left out on both sides
    alias:       path of a two-column file, tab separated: a contig's name in the predictions, its name in the reference
    by:          None, "contig", "length", "exons" or "gc": adds `parts`
    genome:      path, FASTA; for by="gc"
    lists:       list of (name of LISTS, path): writes these genes as GFF3; with one prediction only
    Returns one dict per prediction:
      levels:          {level: {tp, fp, fn, n_reference, n_prediction, sensitivity, precision, f1}}, the last three None
                       where their denominator is 0; where the sides' matches differ in number, tp is the reference's
                       and tp_reference and tp_prediction are there too
      classes:         {class: genes}: exact, missed, wrong_start, wrong_stop, wrong_splice_site, several, split, fused
                       (these sum to the genes of the reference) and extra
      parts:           with `by` only: list of (name, levels); sensitivity is that of the reference genes of the part,
                       precision that of the predicted genes of the part
      only_reference, only_prediction: contigs with genes on that side only, list of str
      spelt_differently: list of (name in the prediction, name in the reference) that differ in spelling only
      stop_shifted:    int, unmatched predicted genes that differ by the stop codon alone
      reference_repairs, prediction_repairs: dict kind -> times, what was mended or guessed of the file (not of its
                       phases, which no level looks at)
    Raises InputError for a broken file or one that shares no contig with the reference, OSError for a missing one,
    ValueError for an unknown contig or option.
    """

    if lists and len(predictions) != 1:
        raise ValueError("lists of genes need exactly one prediction")
    return core.score.files(os.fspath(reference), [os.fspath(path) for path in predictions], isoforms=isoforms,
                            feature=feature, contigs=contigs, regions=list(regions), min_cds=min_cds,
                            alias=path_or_none(alias), by=by, genome=path_or_none(genome),
                            lists=[(name, os.fspath(path)) for name, path in lists])


def by_preset(reference, predictions, presets=TOOLS, isoforms="all", contigs=None, regions=(), min_cds=0, alias=None,
              end_range=100, strict=False, no_merge=False, drop_duplicates=False, cds_only=False, lenient=False,
              tell=None):
    """Compare prediction files with a reference file by the presets of other tools.

    presets: names of TOOLS; each reads the files as its tool does
    isoforms, contigs, regions, min_cds, alias: as in `files`; rows that are not chosen are not read
    end_range, strict, no_merge, drop_duplicates: gffcompare's -e, --strict-match, --no-merge and -D, for its own preset
    cds_only: bool, preset gffcompare looks at CDS rows only
    lenient:  bool, a preset that cannot read the files has its complaint in place of levels
    tell:     function of a prediction's index and a list of (name, reference's name): contigs that seem to be the same
    Returns one dict per prediction: {preset: {level: counts as in `files`}}. Presets gffcompare and gffcompare-cds3
    always have tp_reference and tp_prediction.
    Raises as `files`, and InputError for files that the tool of a preset refuses.
    """

    options = (end_range, strict, no_merge, drop_duplicates, cds_only)
    paths   = [os.fspath(path) for path in predictions]
    found, spelt = core.score.by_preset(os.fspath(reference), paths, list(presets), options, isoforms=isoforms,
                                        contigs=contigs, regions=list(regions), min_cds=min_cds,
                                        alias=path_or_none(alias))
    for index, pairs in enumerate(spelt if tell else []):
        tell(index, pairs)
    results = [{} for _ in predictions]
    for preset, answers, complaint in found:
        if answers is None and not lenient:
            raise errors.InputError(f"preset {preset}: {complaint}")
        for result, levels in zip(results, answers if answers is not None else [complaint] * len(results)):
            result[preset] = levels
    return results


def original(reference, prediction, preset, level="cds", isoforms="all", contigs=None, regions=(), min_cds=0,
             alias=None, end_range=100, strict=False, no_merge=False, drop_duplicates=False, cds_only=False):
    """What the tool of a preset would print itself, byte for byte and with its defects; str.

    level: "cds", "trans", "gene", "intron", "start" or "stop", for presets cie and cie-no-phase
    The other parameters and errors are those of `by_preset`.
    """

    options = (end_range, strict, no_merge, drop_duplicates, cds_only)
    return core.score.original(os.fspath(reference), os.fspath(prediction), preset, level, options, isoforms=isoforms,
                               contigs=contigs, regions=list(regions), min_cds=min_cds, alias=path_or_none(alias))


def models(reference, prediction):
    """Compare gene models in memory; returns one dict like `files`.

    reference, prediction: iterables of (contig, strand, segments): str, "+" or "-", and a sequence of
                           (start, end), ascending, 0-based half-open
    """

    return core.score.models(list(reference), list(prediction))


def compare(reference, a, b, isoforms="longest", feature="CDS", contigs=None, regions=(), min_cds=0, alias=None,
            resamples=2000, confidence=0.95, seed=0):
    """Whether prediction B is better than A: differences with paired bootstrap intervals over loci.

    A locus is a group of genes of the three files whose ranges overlap on one strand; loci are drawn with
    replacement, and each draw scores both predictions.

    reference, a, b: paths; the other options as in `files`
    resamples:       int
    confidence:      float, share of the resampled differences inside the interval
    seed:            int
    Returns a dict:
      levels:         {level: {a, b (as in `files`), difference (F1 of b less that of a), interval (low, high)}}
      loci:           int
      only_a, only_b: genes of the reference that only one of the two finds (the discordant pairs of McNemar's test)
      p_value:        exact two-sided probability of so uneven a split
    """

    paths = [os.fspath(path) for path in (reference, a, b)]
    return core.score.paired(*paths, isoforms=isoforms, feature=feature, contigs=contigs, regions=list(regions),
                             min_cds=min_cds, alias=path_or_none(alias), resamples=resamples, confidence=confidence,
                             seed=seed)


def check(path, genome=None, genetic_code=1, table_starts=False, min_intron=10):
    """Validate the gene models of a GFF3 file against the acceptance checklist.

    path:         GFF3, plain or compressed
    genome:       path, FASTA; None leaves out the rules that need its letters
    genetic_code: int, NCBI table
    table_starts: bool, every start codon of the table is one; else ATG only
    min_intron:   int, bases
    Returns a list of dicts, one per violated rule, in the order of the list: rule, says (the rule in words), count,
    places (the first of them: line, 0 for the whole file, and what is there).
    Raises InputError for GTF or a broken FASTA, OSError for a missing file, ValueError for an unknown genetic code.
    """

    return core.score.check(os.fspath(path), path_or_none(genome), genetic_code=genetic_code, table_starts=table_starts,
                            min_intron=min_intron)


def baseline(reference, genome, contigs=None, min_length=None, genetic_code=1, output=None):
    """Call the longest open reading frames genes and compare them with a reference.

    reference:    path, GFF3 or GTF
    genome:       path, FASTA
    contigs:      list of str or None for all
    min_length:   int, bases of an ORF with its stop codon; None for the one with the best gene F1
    genetic_code: int, NCBI table
    output:       path of a GFF3 file for the ORFs, or None
    Returns a dict like `models` with `min_length` added.
    """

    return core.score.baseline(os.fspath(reference), os.fspath(genome), contigs=contigs, min_length=min_length,
                               genetic_code=genetic_code, output=path_or_none(output))


def rows(reference, prediction, comparison, levels=LEVELS, preset=PRESET):
    """The rows of `--json` for one comparison, one dict per level; those of the parts follow where there are parts.
    Where a file was repaired, each row says how.

    reference, prediction: str, names as the user gave them
    comparison:            dict with `levels`, as of `files`, `models` or `baseline`
    levels:                which levels; those that the preset lacks are left out
    preset:                str, by which preset it was counted
    """

    head   = {"reference": reference, "prediction": prediction, "preset": preset}
    mended = {name: comparison[name] for name in ("reference_repairs", "prediction_repairs") if comparison.get(name)}
    counts = comparison["levels"]
    listed = [{**head, "level": level, **counts[level], **mended} for level in levels if level in counts]
    for part, counts in comparison.get("parts", ()):
        listed += [{**head, "part": part, "level": level, **counts[level], **mended} for level in levels]
    return listed


def rewards(predictions, references, valid=None, threads=1, sites=False):
    """Score every window of a batch against the same window of another; the GIL is released.

    predictions, references: Windows, or four arrays in its order:
      window_genes:  int64 [W + 1], first gene of each window
      gene_minus:    uint8 or bool [G], 0 plus strand, 1 minus strand
      gene_segments: int64 [G + 1], first segment of each gene
      segments:      int32 [S, 2], start and end, 0-based half-open
    valid:   uint8 or bool [G] of the predictions, 0 for genes that are known to be invalid; None if nothing is known
    threads: int, 0 for one per core
    sites:   bool, whether site_f1 is wanted, which takes as long as all the rest
    Returns Rewards of float32 [W], each 0 to 1:
      nucleotide_f1, exon_f1, gene_f1: as preset genet5 counts; 1 where both sides are empty
      validity: share of the predicted genes whose segments are not empty, ascend without overlap and add up to whole
                codons, and whose flag in `valid` is not 0; 1 where nothing is predicted
      site_f1:  of the starts, stops, donors and acceptors, each with its strand and position; 1 where both are empty;
                None where not asked for
    Raises ValueError when arrays do not fit together.
    """

    import numpy as np

    flags = None if valid is None else np.ascontiguousarray(valid, dtype=np.uint8)
    *found, site_f1 = core.score.rewards(arrays(predictions), arrays(references), flags, sites, threads)
    return Rewards(*found, site_f1 if sites else None)


def windows(batch):
    """Windows of Python lists: for each window a list of (strand, segments), "+" or "-" and (start, end) pairs."""

    import numpy as np

    genes    = [gene for window in batch for gene in window]
    segments = [segment for _, chain in genes for segment in chain]
    return Windows(offsets(batch), np.array([strand == "-" for strand, _ in genes], np.uint8),
                   offsets([chain for _, chain in genes]), np.array(segments, np.int32).reshape(-1, 2))


def offsets(groups):
    """Where each group begins in the row of all their members, and where the last one ends; int64."""

    import numpy as np

    return np.cumsum([0] + [len(group) for group in groups], dtype=np.int64)


def arrays(batch):
    """The four arrays of a batch as the core takes them."""

    import numpy as np

    window_genes, gene_minus, gene_segments, segments = batch
    shaped = np.ascontiguousarray(segments, dtype=np.int32)
    if shaped.ndim != 2 or shaped.shape[1] != 2:
        raise ValueError(f"segments must have the shape [S, 2], not {list(shaped.shape)}")
    return (np.ascontiguousarray(window_genes, dtype=np.int64), np.ascontiguousarray(gene_minus, dtype=np.uint8),
            np.ascontiguousarray(gene_segments, dtype=np.int64), shaped)


def path_or_none(path):
    """A path as str; None stays."""

    return None if path is None else os.fspath(path)
