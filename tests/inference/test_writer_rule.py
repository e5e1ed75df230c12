"""How the writer picks a site: the hazard rule between genes, the maximum inside."""

import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

pytest.importorskip("torch")
import genet5.inference.writer as writing

EOS, STOP_PLUS, STOP_MINUS, DONOR, START = 0, 1, 2, 4, 5


@st.composite
def anchors(draw):
    """Logits, types and positions of <eos> and anchors, sorted by type and position."""

    count     = draw(st.integers(0, 12))
    positions = draw(st.lists(st.integers(0, 500), min_size=count, max_size=count, unique=True))
    sites     = sorted((draw(st.sampled_from([STOP_PLUS, STOP_MINUS])), position) for position in positions)
    sites     = [(EOS, -1), *sites]
    logits    = draw(st.lists(st.floats(-30, 30), min_size=len(sites), max_size=len(sites)))
    return np.array(logits), np.array([s[0] for s in sites], np.uint8), np.array([s[1] for s in sites], np.int32)


def plain_hazards(logits, positions):
    """(index, hazard) of each anchor along the window, by the definition."""

    total  = sum(math.exp(x) for x in logits)
    share  = [math.exp(x) / total for x in logits]
    order  = sorted(range(1, len(logits)), key=lambda i: positions[i])
    before = 0.0
    for index in order:
        yield index, share[index] / (1.0 - before) if before < 1.0 else 1.0
        before += share[index]


@hypothesis.settings(deadline=None)
@hypothesis.given(anchors(), st.sampled_from([0.05, 0.2, 0.5, 0.9]))
def test_the_first_anchor_above_the_threshold_is_taken(sites, threshold):
    logits, types, positions = sites
    hazards  = list(plain_hazards(logits, positions))
    # rounding may decide what stands on the threshold or after nearly certain sites
    hypothesis.assume(all(abs(h - threshold) > 1e-6 for _, h in hazards))
    expected = next(((i, h) for i, h in hazards if h > threshold), (0, None))
    hypothesis.assume(sum(math.exp(x) for x in logits) * 1e-9 < math.exp(logits[0]))
    index, log_probability = writing.Greedy(threshold)(0, logits, types, positions)
    assert index == expected[0]
    if expected[1] is not None:
        assert math.exp(log_probability) == pytest.approx(expected[1], rel=1e-5)


def test_a_sure_gene_far_away_does_not_hide_a_doubtful_one_before_it():
    types, positions = np.array([EOS, STOP_PLUS, STOP_MINUS], np.uint8), np.array([-1, 100, 9], np.int32)
    logits = np.log(np.array([0.05, 0.65, 0.3]))
    assert writing.Greedy(0.2)(0, logits, types, positions) == (2, pytest.approx(math.log(0.3)))
    assert writing.Greedy(0.4)(0, logits, types, positions) == (1, pytest.approx(math.log(0.65 / 0.7)))
    assert writing.Greedy(0.99)(0, logits, types, positions)[0] == 0


def test_inside_a_gene_the_most_probable_site_is_taken():
    types, positions = np.array([DONOR, DONOR, START], np.uint8), np.array([30, 60, 12], np.int32)
    index, log_probability = writing.Greedy(0.2)(0, np.log(np.array([0.2, 0.5, 0.3])), types, positions)
    assert (index, math.exp(log_probability)) == (1, pytest.approx(0.5))


def test_suppressed_the_end_comes_only_when_no_anchor_is_left():
    greedy = writing.Greedy(0.9, suppress_eos=True)
    types, positions = np.array([EOS, STOP_PLUS, STOP_PLUS], np.uint8), np.array([-1, 5, 9], np.int32)
    assert greedy(0, np.array([9.0, 0.0, 1.0]), types, positions)[0] == 2
    assert greedy(0, np.array([9.0]), types[:1], positions[:1]) == (0, 0.0)


def test_samples_follow_the_distribution_and_their_seed():
    types, positions = np.array([DONOR, START], np.uint8), np.array([30, 12], np.int32)
    logits  = np.log(np.array([0.25, 0.75]))
    sampler = writing.Sampled([7, 8])
    taken   = [sampler(0, logits, types, positions)[0] for _ in range(2000)]
    assert np.mean(taken) == pytest.approx(0.75, abs=0.05)
    # another window's draws change nothing
    again = writing.Sampled([7, 9])
    assert [again(n % 2, logits, types, positions)[0] for n in range(4000)][0::2] == taken
    assert writing.Sampled([7], temperature=1e-3)(0, logits, types, positions)[0] == 1
