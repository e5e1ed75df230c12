"""What a completion is worth: exact scores against the reference, in one call for all completions of a step."""

import dataclasses
import importlib
import pathlib
import sys
import traceback

import numpy as np

import genet5.errors as errors
import genet5.score as score

# measure -> its name in genet5.score.rewards; each lies between 0 and 1
MEASURES = {"gene": "gene_f1", "exon": "exon_f1", "site": "site_f1", "nucleotide": "nucleotide_f1",
            "validity": "validity"}
# a completion may have so many times the steps of the reference before its length costs something
SLACK = 1.5


@dataclasses.dataclass
class Scored:
    """Completions and what they should have been, C of each.

    predictions: genet5.score.Windows
    references:  genet5.score.Windows
    letters:     list of bytes, the window of each completion
    steps:       int64 [C], steps written
    terminated:  bool [C], whether <eos> was written; what was cut before has its whole genes only
    """

    predictions: tuple
    references:  tuple
    letters:     list
    steps:       np.ndarray
    terminated:  np.ndarray


def measures(scored, custom=(), threads=1):
    """Every measure of every completion.

    scored:  Scored
    custom:  list of (name, function), from `load`
    threads: int
    returns dict name -> float64 [C]: gene, exon, site (starts, stops and splice sites) and nucleotide F1, which are 1
    where prediction and reference are both empty, so that silence is right there and nothing else is; validity; the
    custom ones
    raises DataError where a function fails or returns something else
    """

    found  = score.rewards(scored.predictions, scored.references, threads=threads, sites=True)
    result = {name: getattr(found, field).astype(np.float64) for name, field in MEASURES.items()}
    for name, function in custom:
        result[name] = _own(name, function, scored)
    return result


def _own(name, function, scored):
    """What a function of the user's own returns, checked."""

    try:
        values = np.asarray(function(scored), dtype=np.float64)
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        raise errors.DataError(f"the reward {name} failed: {type(error).__name__}: {error} ({at.filename}, line "
                               f"{at.lineno}; --debug shows more)") from error
    wrong = (f"its result has the shape {list(values.shape)}" if values.shape != scored.steps.shape
             else "" if np.isfinite(values).all() else "some are NaN or infinite")
    if wrong:
        raise errors.DataError(f"the reward {name} must return {len(scored.steps)} finite numbers, one a completion; "
                               f"{wrong}")
    return values


def total(parts, weights, excess, penalty):
    """The reward: the weighted mean of the measures, less the penalty for needless length.

    parts:   dict from `measures`
    weights: dict name -> float, their sum more than 0; a measure that is not named counts nothing
    excess:  float64 [C], from `length_excess`
    penalty: float, the reward lost at an excess of 1
    returns float64 [C]
    """

    whole = sum(weights.values())
    return sum(weight * parts[name] for name, weight in weights.items()) / whole - penalty * excess


def length_excess(steps, reference_steps, slack=SLACK):
    """How much longer than allowed a completion is, in lengths of the reference, 0 to 1.

    steps, reference_steps: int [C], <eos> included
    slack:                  float, lengths of the reference that are allowed
    """

    return np.clip((steps - slack * reference_steps) / reference_steps, 0.0, 1.0)


def reference_steps(references):
    """Steps of the gene language that spell each window's reference: two a segment, and <eos>; int64 [W].

    references: genet5.score.Windows
    """

    segments = references.gene_segments[references.window_genes]
    return 1 + 2 * np.diff(segments)


def gather(windows, indices):
    """Some windows, in any order and as often as wanted.

    windows: genet5.score.Windows
    indices: int [C]
    returns genet5.score.Windows of C windows
    """

    genes, window_genes   = _ranges(windows.window_genes, indices)
    members, gene_segments = _ranges(windows.gene_segments, genes)
    return score.Windows(window_genes, windows.gene_minus[genes], gene_segments, windows.segments[members])


def _ranges(offsets, indices):
    """The members of some groups, one group after the other, and the groups' offsets among them."""

    counts = np.diff(offsets)[indices]
    ends   = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return np.repeat(offsets[indices] - ends[:-1], counts) + np.arange(ends[-1]), ends


def load(text):
    """A reward of the user's own.

    text: str, `module:function`; the module is looked for in the working folder, too
    returns (name of the function, function), which takes a Scored and returns C numbers, best between 0 and 1
    raises DataError
    """

    module, colon, name = text.partition(":")
    if not (module and colon and name):
        raise errors.DataError(f"--reward {text}: it must be module:function")
    here = str(pathlib.Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        function = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise errors.DataError(f"--reward {text}: {type(error).__name__}: {error}") from error
    if not callable(function) or name in MEASURES:
        raise errors.DataError(f"--reward {text}: it must be a function, and not be called {', '.join(MEASURES)}")
    return name, function
