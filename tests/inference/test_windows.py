"""How windows cover a contig."""

import hypothesis
import hypothesis.strategies as st
import pytest

import genet5.inference.windows as windows

CONTIGS = st.tuples(st.integers(1, 300), st.integers(1, 60), st.sampled_from([0.0, 0.25, 0.5, 0.9]))


@hypothesis.settings(deadline=None)
@hypothesis.given(CONTIGS)
def test_windows_cover_every_base_and_the_last_one_ends_with_the_contig(contig):
    length, size, overlap = contig
    tiles = windows.tile(length, size, overlap)
    assert {base for tile in tiles for base in range(tile.start, tile.end)} == set(range(length))
    assert {tile.end - tile.start for tile in tiles} == {min(size, length)}
    assert [tile.first for tile in tiles] == [tile.start == 0 for tile in tiles]
    assert [tile.last for tile in tiles] == [tile.end == length for tile in tiles]
    assert tiles[0].first and tiles[-1].last and sum(tile.last for tile in tiles) == 1


@hypothesis.settings(deadline=None)
@hypothesis.given(CONTIGS)
def test_each_base_belongs_to_the_window_in_which_it_is_most_central(contig):
    length, size, overlap = contig
    tiles = windows.tile(length, size, overlap)
    owner = [tile for tile in tiles for _ in range(tile.own_start, tile.own_end)]
    assert len(owner) == length
    for base, tile in enumerate(owner):
        best = min(abs(2 * base + 1 - other.start - other.end) for other in tiles)
        # a cut between two bases may be half a base off the middle
        assert abs(2 * base + 1 - tile.start - tile.end) <= best + 1


def test_a_contig_shorter_than_a_window_is_one_short_window():
    assert windows.tile(10, 100, 0.5) == [windows.Window(0, 10, 0, 10, True, True)]
    assert windows.tile(0, 100, 0.5) == []


@pytest.mark.parametrize("size, overlap", [(0, 0.5), (100, 1.0), (100, -0.1)])
def test_windows_that_cannot_cover_are_refused(size, overlap):
    with pytest.raises(ValueError, match="cannot cover"):
        windows.tile(1000, size, overlap)


@pytest.mark.parametrize("letters, blank", [(b"", True), (b"NNNN", True), (b"NNnRY", True), (b"NNAN", False)])
def test_a_window_without_any_base_is_blank(letters, blank):
    assert windows.is_blank(letters) is blank
