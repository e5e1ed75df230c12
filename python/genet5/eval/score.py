"""The three levels of `genet5.score` that this project quotes of its models: nucleotide, exon and gene."""

import genet5.score as score

PRESET = score.PRESET
LEVELS = ("nucleotide", "exon", "gene")


def files(reference, predictions, contigs=None):
    """As `genet5.score.files`, with the levels of LEVELS only."""

    return [summary(result) for result in score.files(reference, predictions, contigs=contigs)]


def models(reference, prediction):
    """As `genet5.score.models`, with the levels of LEVELS only."""

    return summary(score.models(reference, prediction))


def baseline(reference, genome, contigs=None, min_length=None, genetic_code=1, output=None):
    """As `genet5.score.baseline`, with the levels of LEVELS only."""

    return summary(score.baseline(reference, genome, contigs, min_length, genetic_code, output))


def rows(reference, prediction, comparison):
    """The rows of `--json` for one comparison, one dict per level of LEVELS."""

    return score.rows(reference, prediction, comparison, LEVELS)


def summary(comparison):
    """A comparison with these levels only."""

    return {**comparison, "levels": {level: comparison["levels"][level] for level in LEVELS}}
