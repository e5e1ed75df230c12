"""Annotations are written site by site, in one window or in many, and read as text."""

import numpy as np
import pytest

import genet5.grammar as grammar

#            0         10        20        30
LETTERS = b"CATGAAATAGCCATGTGAAATAACATGCCCTAA"


def random_windows(seed, count=7):
    """Windows of letters with many genes."""

    random = np.random.default_rng(seed)
    pieces = np.array(["ATG", "TAA", "GT", "AG", "CAT", "TTA", "A", "C", "G", "T", "N"])
    return ["".join(random.choice(pieces, 90)).encode() for _ in range(count)]


def write(windows, threads, seed, copies=1):
    """Fill windows with genes, whichever the draw, until the end is the only way on."""

    random = np.random.default_rng(seed)
    writer = grammar.Writer(windows, min_intron=4, threads=threads, copies=copies)
    alone  = [grammar.WindowGrammar(window, min_intron=4) for window in windows for _ in range(copies)]
    steps  = [[] for _ in alone]
    while not writer.finished.all():
        active                    = np.flatnonzero(~writer.finished)
        offsets, types, positions = writer.allowed(active)
        chosen                    = []
        for window, first, end in zip(active, offsets[:-1], offsets[1:]):
            own_types, own_positions = alone[window].allowed()
            np.testing.assert_array_equal(types[first:end], own_types)
            np.testing.assert_array_equal(positions[first:end], own_positions)
            chosen.append(random.integers(first + (own_types[0] == 0 and end - first > 1), end))
            steps[window].append((types[chosen[-1]], positions[chosen[-1]]))
            alone[window].advance(*steps[window][-1])
        writer.advance(active, types[chosen], positions[chosen])
    genes = [writer.genes(window) for window in range(len(alone))]
    assert genes == [window.genes() for window in alone]
    return genes, [tuple(np.array(column, dtype) for column, dtype in zip(zip(*each), (np.uint8, np.int32)))
                   for each in steps]


@pytest.mark.parametrize("seed", range(5))
def test_a_batch_writes_what_single_windows_write_on_any_number_of_threads(seed):
    windows      = random_windows(seed)
    genes, steps = write(windows, 1, seed)
    assert genes == write(windows, 2, seed)[0]
    assert sum(map(len, genes)) > 20 and {strand for each in genes for strand, _ in each} == {"+", "-"}
    for each, (types, positions) in zip(genes, steps):
        assert grammar.decode_sites(types, positions) == each
        np.testing.assert_array_equal(grammar.encode_genes(each), (types, positions))
        np.testing.assert_array_equal(grammar.parse_text(grammar.to_text(types, positions)), (types, positions))


def test_several_annotations_of_a_window_are_written_apart():
    windows  = random_windows(2)
    genes, _ = write(windows, 1, 4, copies=3)
    assert genes == write([window for window in windows for _ in range(3)], 1, 4)[0]
    assert genes[0] != genes[1]
    with pytest.raises(ValueError, match="copies is 0"):
        grammar.Writer(windows, copies=0)


@pytest.mark.parametrize("threads", [1, 2])
def test_replay_names_the_true_site_among_the_allowed_ones(threads):
    windows                                    = random_windows(3)
    _, steps                                   = write(windows, 1, 3)
    offsets, types, positions, targets, window = grammar.replay(windows, steps, min_intron=4, threads=threads)
    assert targets.dtype == offsets.dtype == np.int64 and len(offsets) == len(targets) + 1
    np.testing.assert_array_equal(window, np.repeat(range(len(windows)), [len(each) for each, _ in steps]))
    assert (targets >= offsets[:-1]).all() and (targets < offsets[1:]).all()
    np.testing.assert_array_equal(types[targets], np.concatenate([each for each, _ in steps]))
    np.testing.assert_array_equal(positions[targets], np.concatenate([each for _, each in steps]))


def test_letters_in_either_case_and_codes_are_the_same_window():
    codes = np.array([b"ACGTN".index(letter) for letter in LETTERS], dtype=np.uint8)
    ways  = [LETTERS, LETTERS.lower(), codes]
    first = [np.stack(grammar.WindowGrammar(way).allowed()) for way in ways]
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_array_equal(first[0], first[2])
    assert grammar.to_text(*grammar.WindowGrammar(LETTERS).allowed()) == "<eos> <stop+>9 <stop+>17 <stop+>32"


def test_an_empty_window_holds_no_gene():
    window = grammar.WindowGrammar(b"")
    assert window.allowed()[0].tolist() == [grammar.EOS]
    window.advance(grammar.EOS)
    assert window.finished and window.genes() == [] and len(window.allowed()[0]) == 0


def test_what_is_not_allowed_is_refused_and_changes_nothing():
    window = grammar.WindowGrammar(LETTERS)
    for site in [(grammar.STOP_PLUS, 8), (grammar.START, 1), (grammar.STOP_MINUS, 9), (grammar.EOS, 3), (9, 1)]:
        with pytest.raises(ValueError):
            window.advance(*site)
    window.advance(grammar.STOP_PLUS, 9)
    with pytest.raises(ValueError, match="<start>2 here"):
        window.advance(grammar.START, 2)
    window.advance(grammar.START, 1)
    assert window.genes() == [("+", [(1, 10)])]


def test_bad_arguments_are_named():
    writer = grammar.Writer([LETTERS])
    one    = np.zeros(1, np.int64)
    with pytest.raises(ValueError, match="no window 4"):
        writer.allowed(one + 4)
    with pytest.raises(ValueError, match="1 windows but 2 sites"):
        writer.advance(one, np.zeros(2, np.uint8), np.full(2, -1, np.int32))
    with pytest.raises(ValueError, match="window 0: the grammar does not allow <start>1"):
        writer.advance(one, np.full(1, grammar.START, np.uint8), np.ones(1, np.int32))
    with pytest.raises(ValueError, match="min_intron is 2"):
        grammar.Writer([LETTERS], min_intron=2)
    with pytest.raises(ValueError, match="the strand is"):
        grammar.encode_genes([("x", [(0, 6)])])
    with pytest.raises(ValueError, match="ascending"):
        grammar.encode_genes([("+", [(9, 12), (0, 6)])])
    with pytest.raises(ValueError, match="is no site"):
        grammar.parse_text("<exon>4 <eos>")


def test_a_true_site_that_is_masked_gets_no_target():
    truth                     = grammar.parse_text("<stop+>9 <start>1 <stop+>22 <start>12 <eos>")
    offsets, _, _, targets, _ = grammar.replay([LETTERS], [truth])
    assert (targets >= 0).tolist() == [True, True, False, False, True]
    assert offsets[3] == offsets[4]
