"""The loss is the exact negative log likelihood of the labels over all annotations of a window."""

import pathlib

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import beside
import genet5._core as core

reference = beside.load(pathlib.Path(__file__).with_name("reference.py"))

WORDS    = ["A", "C", "G", "T", "N", "ATG", "CAT", "TAA", "TTA", "TGA", "TCA", "GT", "AG", "AT", "AC", "CT",
            "AGTAGTG", "CACTACT", "TGTAGAA", "TTCTACA", "ATGTAA", "TTACAT"]
LETTERS  = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map("".join)
GRAMMARS = st.sampled_from([{"genetic_code": 1}, {"genetic_code": 6}, {"genetic_code": 12, "table_starts": True}])
SETTINGS = hypothesis.settings(deadline=None, max_examples=20, derandomize=True)


def codes_of(letters):
    return np.array(["ACGTN".index(letter) for letter in letters], dtype=np.uint8)


def draw(letters, seed, width=1.5):
    """Random potentials [B, 17]."""

    return np.random.default_rng(seed).normal(size=(len(letters), 17), scale=width).astype(np.float32)


def one_window(letters, potentials, labels, **grammar):
    """nll and gradient of one window."""

    zero      = np.zeros(1, dtype=np.int32)
    count     = np.array([len(letters)], dtype=np.int32)
    nll, grad = core.lattice.loss(codes_of(letters)[None], zero, zero, count, potentials[None],
                                  np.asarray(labels, dtype=np.uint8)[None], **grammar)
    return nll[0], grad[0]


def sample_labels(window, seed):
    """Labels of a random path, some of them unknown."""

    rng    = np.random.default_rng(seed)
    paths  = window.paths()
    labels = [c for _, c in sorted(p for p in paths[rng.integers(len(paths))] if p[1] < 9)]
    return [255 if rng.random() < 0.2 else label for label in labels]


@SETTINGS
@hypothesis.given(LETTERS.filter(lambda letters: len(letters) <= 10), st.integers(0, 2**32), GRAMMARS)
def test_loss_and_gradient_equal_the_enumeration_of_all_paths(letters, seed, grammar):
    window     = reference.Window(letters, min_intron=4, **grammar)
    potentials = draw(letters, seed)
    labels     = sample_labels(window, seed)
    scores, ok = [], []
    paths      = window.paths()
    for paid in paths:
        scores.append(sum(float(potentials[b, c]) for b, c in paid))
        ok.append(all(labels[b] in (255, c) for b, c in paid if c < 9))
    scores, ok = np.array(scores), np.array(ok)
    all_log    = np.logaddexp.reduce(scores)
    true_log   = np.logaddexp.reduce(scores[ok])
    expected   = np.zeros((len(letters), 17))
    for paid, score, hit in zip(paths, scores, ok):
        for base, column in paid:
            expected[base, column] += np.exp(score - all_log) - (np.exp(score - true_log) if hit else 0)
    nll, grad = one_window(letters, potentials, labels, min_intron=4, **grammar)
    assert nll == pytest.approx(all_log - true_log, rel=1e-6, abs=1e-9)
    np.testing.assert_allclose(grad, expected, atol=1e-6)


@SETTINGS
@hypothesis.given(LETTERS, st.integers(0, 2**32), GRAMMARS, st.integers(4, 6))
def test_loss_equals_sums_over_explicit_states(letters, seed, grammar, min_intron):
    window     = reference.Window(letters, min_intron=min_intron, **grammar)
    potentials = draw(letters, seed, width=4.0)
    unknown    = np.full(len(letters), 255)
    labels     = unknown.copy()
    start      = np.random.default_rng(seed).integers(len(letters))
    labels[start:start + 6] = np.random.default_rng(seed).choice([0, 7, 8])
    truth      = window.total(potentials.astype(np.float64), labels)
    total      = window.total(potentials.astype(np.float64), unknown)
    nll, grad  = one_window(letters, potentials, labels, min_intron=min_intron, **grammar)
    if truth == -np.inf:
        assert np.isnan(nll) and not grad.any()
    else:
        assert nll == pytest.approx(total - truth, rel=1e-6, abs=1e-9)


def batch(seed=3):
    """Two rows with three windows and a gap, labels from the best annotation of other potentials."""

    rng        = np.random.default_rng(seed)
    bases      = rng.integers(0, 4, (2, 900)).astype(np.uint8)
    potentials = rng.normal(size=(2, 900, 17)).astype(np.float32)
    labels     = np.full((2, 900), 255, dtype=np.uint8)
    row        = np.array([0, 0, 1], dtype=np.int32)
    base       = np.array([0, 464, 0], dtype=np.int32)
    count      = np.array([400, 436, 870], dtype=np.int32)
    labels[0, 100:200] = 0
    labels[1, 300:320] = 7
    bases[0, 400:464], bases[1, 870:] = 5, 5
    return bases, row, base, count, potentials, labels


def test_windows_of_a_batch_do_not_see_each_other():
    bases, row, base, count, potentials, labels = batch()
    nll, grad = core.lattice.loss(bases, row, base, count, potentials, labels)
    assert nll.dtype == np.float64 and grad.dtype == np.float32 and grad.shape == potentials.shape
    assert not grad[0, 400:464].any() and not grad[1, 870:].any()
    for w, (r, b, n) in enumerate(zip(row, base, count)):
        alone, alone_grad = core.lattice.loss(
            np.ascontiguousarray(bases[None, r, b:b + n]), np.zeros(1, np.int32), np.zeros(1, np.int32),
            np.array([n], np.int32), np.ascontiguousarray(potentials[None, r, b:b + n]),
            np.ascontiguousarray(labels[None, r, b:b + n]))
        assert alone[0] == nll[w]
        np.testing.assert_array_equal(alone_grad[0], grad[r, b:b + n])


def test_threads_do_not_change_the_loss():
    one, two = (core.lattice.loss(*batch(), threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


def test_labels_without_a_path_give_nan_and_no_gradient():
    nll, grad = one_window("ACGTACGT", draw("ACGTACGT", 0), [0, 0, 1, 3, 0, 0, 0, 0])
    assert np.isnan(nll) and not grad.any()


def test_extreme_potentials_stay_exact():
    letters    = "CC" + "ATG" + "GAA" * 12 + "TAA" + "CC"
    potentials           = np.zeros((len(letters), 17), dtype=np.float32)
    potentials[:15, 0]   = 400.0
    potentials[15:, 1:4] = 400.0
    labels               = [0, 0] + [1, 2, 3] * 14 + [0, 0]
    window     = reference.Window(letters)
    truth      = window.total(potentials.astype(np.float64), labels)
    total      = window.total(potentials.astype(np.float64), [255] * len(letters))
    nll, _     = one_window(letters, potentials, labels)
    assert nll == pytest.approx(total - truth, rel=1e-6)


def test_bad_input_is_refused():
    bases, row, base, count, potentials, labels = batch()
    with pytest.raises(ValueError, match="window 1 does not lie in the batch"):
        core.lattice.loss(bases, row, base, count + 31, potentials, labels)
    potentials[1, 5, 3] = np.nan
    with pytest.raises(ValueError, match="column 3 of base 5"):
        core.lattice.loss(bases, row, base, count, potentials, labels)


def test_label_marginals_are_probabilities():
    bases, _, _, _, potentials, _ = batch()
    marginals = core.lattice.label_marginals(bases[1], potentials[1])
    assert marginals.shape == (900, 9)
    np.testing.assert_allclose(marginals.sum(1), 1, atol=1e-5)
    assert not marginals[870:, 1:7].any(), "no coding base on N"
