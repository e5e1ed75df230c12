"""Genes of overlapping windows and of two decoders become one set."""

import hypothesis
import hypothesis.strategies as st

import genet5.inference.genes as genes
import genet5.inference.joining as joining


def gene(start, end, strand="+", probability=0.5, edge=100, decoder="writer", inner=None):
    """A candidate with one segment, or with an intron `inner`."""

    segments = ((start, end),) if inner is None else ((start, inner[0]), (inner[1], end))
    return genes.Candidate(strand, segments, probability, decoder, edge)


def test_a_gene_that_two_windows_wrote_is_there_once():
    left, right = gene(100, 400, edge=50), gene(100, 400, edge=80, probability=0.4)
    assert joining.join_windows([(0, left), (1, right)]) == [right]


def test_the_more_central_gene_wins_then_the_more_probable_one():
    cut, whole = gene(200, 400, edge=5, probability=0.9), gene(100, 400, edge=60, probability=0.3)
    assert joining.join_windows([(0, cut), (1, whole)]) == [whole]
    weak, strong = gene(100, 400, edge=60, probability=0.3), gene(130, 400, edge=60, probability=0.4)
    assert joining.join_windows([(0, weak), (1, strong)]) == [strong]


def test_genes_of_one_window_and_of_opposite_strands_do_not_conflict():
    one, two, other = gene(100, 400), gene(300, 700), gene(300, 700, strand="-", edge=7)
    assert set(joining.join_windows([(0, one), (0, two), (1, other)])) == {one, two, other}


def test_a_gene_nested_in_an_intron_does_not_conflict():
    host, nested = gene(100, 2000, inner=(300, 1500)), gene(500, 900, edge=10)
    assert joining.join_windows([(0, host), (1, nested)]) == [host, nested]


CANDIDATES = st.lists(st.tuples(
    st.integers(0, 3),
    st.builds(lambda start, length, strand, probability, edge: gene(start, start + length, strand, probability, edge),
              st.integers(0, 300), st.integers(1, 60), st.sampled_from("+-"), st.sampled_from([0.1, 0.5, 0.9]),
              st.integers(0, 5))), max_size=25)


@hypothesis.settings(deadline=None)
@hypothesis.given(CANDIDATES, st.randoms(use_true_random=False))
def test_joining_equals_the_plain_ranking_in_any_order(candidates, rng):
    ranked = sorted(candidates, key=lambda item: (-item[1].edge, -item[1].probability, item[1].key, item[0]))
    kept   = []
    for window, one in ranked:
        rivals = [(theirs, other) for theirs, other in kept if other.strand == one.strand]
        if not any(one.key == other.key or (window != theirs and one.overlaps(other)) for theirs, other in rivals):
            kept.append((window, one))
    shuffled = list(candidates)
    rng.shuffle(shuffled)
    assert {one.key for _, one in kept} == {one.key for one in joining.join_windows(shuffled)}


def join(viterbi, writer):
    return joining.join_decoders(viterbi, writer, add=0.5, margin=0.2, longest=1000)


def test_the_path_is_the_base_and_sure_genes_of_the_writer_are_added():
    path       = [gene(100, 400, decoder="viterbi")]
    sure, weak = gene(500, 800, probability=0.6), gene(900, 1100, probability=0.4)
    assert join(path, [sure, weak]) == [*path, sure]
    assert join(path, []) == path
    assert join([], [sure]) == [sure]


def test_a_gene_of_the_writer_replaces_what_it_overlaps_only_by_a_margin():
    path = [gene(100, 400, probability=0.4, decoder="viterbi")]
    assert join(path, [gene(130, 400, probability=0.55)]) == path
    better = gene(130, 400, probability=0.65)
    assert join(path, [better]) == [better]
    same = gene(100, 400, probability=0.9)
    assert join(path, [same]) == path
    fused = [*path, gene(450, 700, probability=0.7, decoder="viterbi")]
    assert join(fused, [gene(100, 700, probability=0.85)]) == fused
    assert join(fused, [gene(100, 700, probability=0.95)]) == [gene(100, 700, probability=0.95)]


def test_the_other_strand_and_genes_beyond_the_window_stay():
    minus = [gene(100, 400, strand="-", probability=0.1, decoder="viterbi")]
    assert join(minus, [gene(130, 400, probability=0.9)]) == minus
    long = [gene(100, 1200, probability=0.1, decoder="viterbi")]
    assert join(long, [gene(130, 400, probability=0.9)]) == long
