"""Rewards of batches of windows: what plain Python counts, in one call."""

import subprocess
import sys

import hypothesis as hy
import hypothesis.strategies as st
import numpy as np
import pytest

import genet5.score as score

ENDS = st.integers(0, 30)


@st.composite
def genes(draw):
    """A gene that is mostly, but not always, well formed."""

    if draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from("+-")), draw(st.lists(st.tuples(ENDS, ENDS), max_size=3))
    ends = sorted(draw(st.sets(ENDS, min_size=2, max_size=6)))
    return draw(st.sampled_from("+-")), list(zip(ends[::2], ends[1::2]))


@st.composite
def batches(draw):
    """Predictions and references of several windows, with some genes in both, and flags of the predictions."""

    references  = draw(st.lists(st.lists(genes(), max_size=4), max_size=5))
    predictions = [draw(st.lists(genes(), max_size=3)) + (draw(st.lists(st.sampled_from(window), max_size=3))
                                                          if window else []) for window in references]
    count = sum(map(len, predictions))
    return predictions, references, draw(st.none() | st.lists(st.booleans(), min_size=count, max_size=count))


def f1(a, b):
    return 2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0


def plainly(prediction, reference, flags):
    """Nucleotide, exon and gene F1, validity and site F1 of one window."""

    def keys(window):
        return ({(s, x) for s, chain in window for a, b in chain for x in range(a, b)},
                {(s, *segment) for s, chain in window for segment in chain},
                {(s, tuple(chain)) for s, chain in window},
                {site for s, chain in window for site in sites(s, [x for segment in chain for x in segment])})

    def sites(strand, ends):
        for number, end in enumerate(ends):
            outer = number in (0, len(ends) - 1)
            left  = (number % 2 == 0) == (strand == "+")
            yield strand, ("start" if left else "stop") if outer else ("acceptor" if left else "donor"), end

    def well_formed(chain):
        ends = [end for segment in chain for end in segment]
        return bool(chain) and all(a < b for a, b in chain) and ends == sorted(ends) and \
            sum(b - a for a, b in chain) % 3 == 0

    good = sum(flag and well_formed(chain) for flag, (_, chain) in zip(flags, prediction))
    *scores, site = map(f1, keys(prediction), keys(reference))
    return [*scores, good / len(prediction) if prediction else 1.0, site]


@hy.given(batches(), st.integers(0, 2))
@hy.settings(max_examples=300, deadline=None)
def test_every_window_is_scored_as_plain_sets_are(batch, threads):
    predictions, references, flags = batch
    found = score.rewards(score.windows(predictions), score.windows(references), flags, threads, sites=True)
    rest  = iter(flags if flags is not None else [True] * sum(map(len, predictions)))
    for i, (prediction, reference) in enumerate(zip(predictions, references)):
        expected = plainly(prediction, reference, [next(rest) for _ in prediction])
        assert [measure[i] for measure in found] == [np.float32(value) for value in expected]
    assert all(measure.dtype == np.float32 and measure.shape == (len(references),) for measure in found)


def test_no_window_and_empty_windows():
    nothing = score.windows([])
    assert all(measure.size == 0 for measure in score.rewards(nothing, nothing, sites=True))
    one = score.windows([[], [("+", [(0, 9)])]])
    two = score.windows([[], []])
    expected = [[1, 0], [1, 0], [1, 0], [1, 1], [1, 0]]
    assert [list(measure) for measure in score.rewards(two, one, sites=True)] == expected
    assert [list(measure) for measure in score.rewards(one, two, sites=True)] == expected


def test_sites_are_scored_where_they_are_asked_for():
    one = score.windows([[("+", [(0, 9)])]])
    assert score.rewards(one, one).site_f1 is None
    assert score.rewards(one, one, sites=True).site_f1.tolist() == [1]


@pytest.mark.parametrize(("name", "value", "message"), [
    ("window_genes", [0, 2], "window_genes"), ("window_genes", [0, 1, 0, 1], "window_genes"),
    ("gene_segments", [0], "gene_segments"), ("gene_minus", [2], "strand"), ("segments", [[-3, 0]], "negative"),
    ("segments", [0, 9], "shape"), ("window_genes", [0, 0, 1], "windows"),
])
def test_arrays_that_do_not_fit_are_refused(name, value, message):
    good = score.windows([[("+", [(0, 9)])]])
    with pytest.raises(ValueError, match=message):
        score.rewards(good._replace(**{name: value}), good)
    with pytest.raises(ValueError, match="flag"):
        score.rewards(good, good, valid=[True, False])


def test_the_module_needs_no_numpy_until_rewards_are_asked_for():
    code = ("import sys, genet5.score as score\n"
            "assert score.models([], [])['levels']['gene']['f1'] is None\n"
            "assert not {'numpy', 'torch'} & set(sys.modules)\n")
    subprocess.run([sys.executable, "-c", code], check=True)
