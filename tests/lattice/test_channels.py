"""Reading-frame channels say how long the open stretch is in which a base lies, in each frame."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import genet5._core as core

STOPS = {1: ("TAA", "TAG", "TGA"), 6: ("TGA",)}


def codes_of(letters):
    return np.array(["ACGTN".index(letter) for letter in letters], dtype=np.uint8)


def plus_frames(letters, genetic_code):
    """Columns 0-2 and 6-8 by the definition, codon by codon."""

    channels = np.zeros((len(letters), 6))
    for frame in range(3):
        codons = [letters[i:i + 3] for i in range(frame, len(letters) - 2, 3)]
        runs   = [[]]
        for index, codon in enumerate(codons):
            if "N" in codon:
                runs.append([])
                continue
            runs[-1].append(index)
            if codon in STOPS[genetic_code]:
                runs.append([])
        for run in runs:
            starts = [index for index in run if codons[index] == "ATG"]
            open_at = [index for index in run if starts and index >= starts[0]]
            for column, part in ((frame, run), (3 + frame, open_at)):
                for index in part:
                    channels[frame + 3 * index:frame + 3 * index + 3, column] = np.log1p(3 * len(part)) / 8
    return channels


@hypothesis.settings(deadline=None, derandomize=True)
@hypothesis.given(st.lists(st.sampled_from(["A", "C", "G", "T", "N", "ATG", "CAT", "TAA", "TTA", "TGA", "GCAGCA"]),
                           max_size=40).map("".join), st.sampled_from([1, 6]))
def test_channels_equal_the_definition(letters, genetic_code):
    mirrored = letters[::-1].translate(str.maketrans("ACGT", "TGCA"))
    plus     = plus_frames(letters, genetic_code)
    minus    = plus_frames(mirrored, genetic_code)[::-1]
    expected = np.concatenate([plus[:, :3], minus[:, :3], plus[:, 3:], minus[:, 3:]], axis=1)
    found    = core.lattice.frame_channels(codes_of(letters), genetic_code)
    assert found.dtype == np.float32 and found.shape == (len(letters), 12)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_reverse_complement_has_the_mirrored_channels():
    codes  = np.random.default_rng(0).integers(0, 4, 5000).astype(np.uint8)
    found  = core.lattice.frame_channels(codes)
    turned = core.lattice.frame_channels((3 - codes[::-1]).astype(np.uint8))[::-1]
    np.testing.assert_array_equal(found, turned[:, [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8]])


def test_an_unknown_genetic_code_is_refused():
    with pytest.raises(ValueError, match="genetic code 99"):
        core.lattice.frame_channels(codes_of("ACGT"), genetic_code=99)
