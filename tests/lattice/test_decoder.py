"""The decoder gives the best annotation of a contig, in bounded memory, whatever the blocks."""

import itertools

import numpy as np
import pytest

import genet5._core as core

GENE   = "ATGGCTGAAGCTGAA" + "GTAAGTTTTTTTTTTTTTAG" + "GCTGAAGCTTAA"
CODING = [(0, 15), (35, 47)]


def codes_of(letters):
    return np.array(["ACGTN".index(letter) for letter in letters], dtype=np.uint8)


def contig():
    """A gene on either strand between N runs, potentials that favour both, and the genes."""

    mirrored         = GENE[::-1].translate(str.maketrans("ACGT", "TGCA"))
    letters          = "C" * 30 + GENE + "N" * 40 + mirrored + "C" * 7
    plus             = [(30 + a, 30 + b) for a, b in CODING]
    end              = 30 + len(GENE) + 40 + len(GENE)
    minus            = [(end - b, end - a) for a, b in CODING[::-1]]
    potentials       = np.zeros((len(letters), 17), dtype=np.float32)
    potentials[:, 0] = 0.2
    for segments, start, donor, acceptor in ((plus, 9, 11, 12), (minus, 13, 16, 15)):
        for first, last in segments:
            potentials[first:last, 0] -= 2.0
        potentials[segments[0][0] if start == 9 else segments[-1][1] - 1, start] = 4.0
        potentials[segments[0][1] - 1, donor]    = 4.0
        potentials[segments[1][0], acceptor]     = 4.0
    return codes_of(letters), potentials, [("+", plus), ("-", minus)]


def decode(codes, potentials, block=1 << 30, **grammar):
    decoder = core.lattice.Decoder(**grammar)
    genes   = []
    for at in range(0, len(codes), block):
        genes += decoder.push(codes[at:at + block], potentials[at:at + block])
    return genes + decoder.finish()


def test_genes_of_both_strands_are_found_with_probability_and_score():
    codes, potentials, expected = contig()
    genes = decode(codes, potentials)
    assert [(strand, segments) for strand, segments, _, _ in genes] == expected
    assert all(0.5 < probability <= 1 for _, _, probability, _ in genes)
    assert all(score == pytest.approx(12, abs=1e-5) for _, _, _, score in genes)


def test_a_maximum_intron_is_never_exceeded():
    codes, potentials, expected = contig()
    assert [gene[:2] for gene in decode(codes, potentials, max_intron=20)] == expected
    for _, segments, _, _ in decode(codes, potentials, max_intron=19):
        assert all(b - a <= 19 for (_, a), (b, _) in itertools.pairwise(segments))


def test_genes_may_touch_the_ends_of_a_contig_and_each_other():
    codes      = codes_of("ATGGCTTAA" + "TTAAGCCAT" + "ATGTAA")
    potentials = np.zeros((len(codes), 17), dtype=np.float32)
    potentials[:, 0] = -3.0
    assert [gene[:2] for gene in decode(codes, potentials)] == [
        ("+", [(0, 9)]), ("-", [(9, 18)]), ("+", [(18, 24)])]


def test_blocks_do_not_change_the_result():
    rng        = np.random.default_rng(5)
    codes      = rng.integers(0, 4, 150_000).astype(np.uint8)
    potentials = rng.normal(size=(len(codes), 17)).astype(np.float32)
    potentials[:, 0] += 0.8
    whole = decode(codes, potentials)
    assert len(whole) > 50
    assert whole == decode(codes, potentials, block=7001) == decode(codes, potentials, block=60_000)


def test_genes_are_given_out_before_the_contig_ends():
    codes      = np.random.default_rng(6).integers(0, 4, 200_000).astype(np.uint8)
    potentials = np.zeros((len(codes), 17), dtype=np.float32)
    potentials[:, 0]    = 0.1
    potentials[:, 9:11] = 2.0
    decoder = core.lattice.Decoder()
    early   = decoder.push(codes, potentials)
    assert early and early[-1][1][-1][1] > 100_000
    assert decoder.finish()


def test_a_decoder_takes_one_contig_after_another():
    codes, potentials, _ = contig()
    decoder = core.lattice.Decoder()
    first   = decoder.push(codes, potentials) + decoder.finish()
    assert first == decoder.push(codes, potentials) + decoder.finish()
    assert decoder.finish() == []


def test_an_n_run_is_intergenic_or_intron():
    codes, potentials, _ = contig()
    potentials[:, 1:7] += 5.0
    known = set(np.flatnonzero(codes < 4))
    for _, segments, _, _ in decode(codes, potentials):
        assert all(base in known for a, b in segments for base in range(a, b))
