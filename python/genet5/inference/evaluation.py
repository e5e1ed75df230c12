"""Gene F1 of the decoders on the samples of eval.json, and the choice of decoding settings by it."""

import collections
import contextlib

import genet5.inference.annotate as annotating
import genet5.inference.settings as settings
import genet5.tokenizer as tk

# hazards for the writer; probabilities for the path, whose gene F1 is best where half of itself is the limit
THRESHOLDS    = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
PROBABILITIES = (0.0, 0.1, 0.2, 0.3, 0.4)


def evaluate(model, samples, tokenizer=None, decoders=("writer", "viterbi"), threads=1, **wanted):
    """How many genes of the samples each decoder finds exactly (strand and CDS chain).

    Each sample is annotated as if it were a whole contig. Predictions that overlap a gene which is no target
    (cut by the sample's edge, or no valid reading frame) on its strand count neither for nor against.

    model:     GeneT5; it is in evaluation mode while this runs
    samples:   list of dicts as in eval.json (sequence, genes, others, genetic_code), or the whole of eval.json
    tokenizer: its tokenizer; None reads it from model.folder
    decoders:  names of decoders
    threads:   int, windows read side by side on a CPU
    wanted:    fields of genet5.inference.settings.Settings that differ from the model's own
    returns dict decoder -> {"tp", "fp", "fn", "sensitivity", "precision", "gene_f1", "exon_f1", "nucleotide_f1"}, the
    first five of genes; fractions 0 to 1, 0 where the denominator is 0
    """

    choices = {decoder: {"decoder": decoder, **wanted} for decoder in decoders}
    return _compare(model, samples, tokenizer, choices, threads)


def calibrate(model, samples, tokenizer=None, thresholds=THRESHOLDS, probabilities=PROBABILITIES, threads=1,
              **wanted):
    """Choose the decoder and its thresholds by gene F1; the model's config.decoding is updated.

    thresholds:    hazards to try for the writer; ties go to the higher one, which writes fewer genes
    probabilities: least probabilities to try for the exact path; ties go to the lower one, which drops fewer genes
    wanted:        fields of genet5.inference.settings.Settings that differ from the model's own
    returns dict decoder -> scores as `evaluate` gives them, with the chosen thresholds
    """

    decoding = model.config.decoding
    limits   = {value: {**wanted, "decoder": "viterbi", "min_probability": value} for value in probabilities}
    tried    = _compare(model, samples, tokenizer, limits, threads)
    decoding["min_probability"]  = max(probabilities, key=lambda value: (tried[value]["gene_f1"], -value))
    # the limit holds for the writer's genes as well, so its hazard is chosen under it
    hazards  = {value: {**wanted, "decoder": "writer", "writer_threshold": value} for value in thresholds}
    written  = _compare(model, samples, tokenizer, hazards, threads)
    decoding["writer_threshold"] = max(thresholds, key=lambda value: (written[value]["gene_f1"], value))
    joined   = evaluate(model, samples, tokenizer, ("both",), threads, **wanted)
    scores   = {"viterbi": tried[decoding["min_probability"]], **joined,
                "writer":  written[decoding["writer_threshold"]]}
    decoding["decoder"] = max(scores, key=lambda name: scores[name]["gene_f1"])
    return scores


def _compare(model, samples, tokenizer, choices, threads):
    """Score several ways of decoding.

    choices: dict name -> fields of Settings
    returns dict name -> scores
    """

    samples   = samples["samples"] if isinstance(samples, dict) else samples
    tokenizer = tokenizer if tokenizer is not None else tk.load(model.folder / "tokenizer.json")
    counts    = {name: collections.Counter() for name in choices}
    by_code   = collections.defaultdict(list)
    for sample in samples:
        by_code[sample.get("genetic_code")].append(sample)
    with _evaluating(model):
        for code, group in by_code.items():
            settled = [settings.settle(model.config, genetic_code=code, **wanted) for wanted in choices.values()]
            contigs = [(str(number), sample["sequence"].encode()) for number, sample in enumerate(group)]
            for name, _, found in annotating.compare(model, tokenizer, contigs, settled, threads):
                for count, genes in zip(counts.values(), found):
                    _count(count, genes, group[int(name)])
    return {name: _rates(count) for name, count in counts.items()}


@contextlib.contextmanager
def _evaluating(model):
    before = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(before)


def _count(counts, found, sample):
    """Add a sample's true and false positives and false negatives of genes, CDS segments and coding bases."""

    truth   = {(gene["strand"], tuple(map(tuple, gene["segments"]))) for gene in sample["genes"]}
    correct = {gene.key for gene in found if gene.key in truth}
    wrong   = [gene.key for gene in found if gene.key not in truth and not _touches(gene, sample.get("others", ()))]
    counts.update(tp=len(correct), fn=len(truth) - len(correct), fp=len(wrong))
    for level, parts in (("exon", _segments), ("nucleotide", _bases)):
        true, said = parts(truth), parts([*correct, *wrong])
        hits       = len(true & said)
        counts.update({f"{level}_tp": hits, f"{level}_fn": len(true) - hits, f"{level}_fp": len(said) - hits})


def _segments(keys):
    """The CDS segments of genes, a set of (strand, (start, end))."""

    return {(strand, segment) for strand, segments in keys for segment in segments}


def _bases(keys):
    """The coding bases of genes, a set of (strand, base)."""

    return {(strand, base) for strand, (start, end) in _segments(keys) for base in range(start, end)}


def _touches(gene, others):
    return any(gene.strand == other["strand"] and gene.start < other["end"] and other["start"] < gene.end
               for other in others)


def _rates(counts):
    tp, fp, fn = counts["tp"], counts["fp"], counts["fn"]
    return {"tp": tp, "fp": fp, "fn": fn, "sensitivity": _share(tp, tp + fn), "precision": _share(tp, tp + fp),
            "gene_f1": _f1(tp, fp, fn),
            **{f"{level}_f1": _f1(*(counts[f"{level}_{kind}"] for kind in ("tp", "fp", "fn")))
               for level in ("exon", "nucleotide")}}


def _f1(tp, fp, fn):
    return _share(2 * tp, 2 * tp + fp + fn)


def _share(part, whole):
    return part / whole if whole else 0.0
