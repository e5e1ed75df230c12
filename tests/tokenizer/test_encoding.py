"""Ids and token starts are those of Hugging Face tokenizers on the same file."""

import random

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import genet5.genome as gm
import genet5.tokenizer as tk

pytestmark = pytest.mark.parity

IUPAC = "ACGTURYSWKMBDHVN"

# stretches as genomes have them: plain, low complexity, soft-masked, unknown, ambiguous
STRETCH = st.one_of(
    st.text("ACGT", max_size=200),
    st.text("acgt", max_size=60),
    st.text("AT", max_size=80),
    st.text(IUPAC + IUPAC.lower(), max_size=40),
    st.builds(lambda letter, n: letter * n, st.sampled_from("ACGTNacgtn"), st.integers(0, 150)),
    st.builds(lambda unit, n: unit * n, st.text("ACGT", min_size=1, max_size=6), st.integers(0, 40)),
)

SETTINGS = hypothesis.settings(max_examples=150, deadline=None,
                               suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])


@SETTINGS
@hypothesis.given(stretches=st.lists(STRETCH, max_size=6))
def test_any_sequence(pair, stretches):
    pair.agree("".join(stretches))


def test_empty_sequence_has_no_tokens(pair):
    ids, starts = pair.ours.encode(b"")
    assert (ids.dtype, starts.dtype, len(ids), len(starts)) == (np.int32, np.int32, 0, 0)


@pytest.mark.parametrize("letter", sorted(set(IUPAC + IUPAC.lower())))
def test_single_letters(pair, letter):
    pair.agree(letter)
    if letter.upper() not in "ACGT":
        assert pair.found(letter)[0] == [pair.ours.unk_id]


@pytest.mark.parametrize("unit", ["A", "T", "G", "AT", "ACG", "AACCGGTT"])
@pytest.mark.parametrize("length", [2, 7, 31, 32, 33, 255, 1000, 10_000])
def test_homopolymers_and_repeats(pair, unit, length):
    pair.agree((unit * length)[:length])


def test_runs_of_unknown_bases_are_single_tokens(pair):
    text = "ACGTTGCA" + "N" * 500 + "GATTACA" + "n" * 3 + "ACG"
    pair.agree(text)
    assert pair.found(text)[0].count(pair.ours.unk_id) == 503


def test_lower_case_is_the_same_as_upper_case(pair):
    text = "ACGTTGCAGATTACANNACGATATATAGCGC" * 20
    assert pair.found(text.lower()) == pair.found(text)


def test_every_token_encodes_to_itself(pair):
    tokens = pair.ours.tokens()
    for id_, length in pair.ours.token_lengths():
        assert pair.found(tokens[id_]) == ([id_], [0])
        assert len(tokens[id_]) == length


def test_pairs_of_tokens(pair):
    tokens = [pair.ours.tokens()[id_] for id_, _ in pair.ours.token_lengths()]
    draw   = random.Random(3)
    pairs  = [draw.choice(tokens) + draw.choice(tokens) for _ in range(15_000)]
    hf     = [encoding.ids for encoding in pair.hf.encode_batch(pairs, add_special_tokens=False)]
    assert [pair.found(text)[0] for text in pairs] == hf


@pytest.mark.parametrize("species, start, bases", [
    ("S.cerevisiae", 0, 400_000), ("P.falciparum", 50_000, 200_000), ("H.sapiens", 0, 150_000),
    ("L.fermentati", 0, 100_000),
])
def test_real_chromosomes(pair, shared, species, start, bases):
    _, sequence = gm.read_fasta(shared / "genomes" / species / "fna.gz")[0]
    pair.agree(sequence[start:start + bases].decode())


def test_starts_are_the_sums_of_lengths(pair):
    text       = random.Random(4).choices("ACGTN", [9, 9, 9, 9, 1], k=5000)
    ids, start = pair.ours.encode("".join(text).encode())
    lengths    = dict(pair.ours.token_lengths())
    sizes      = np.array([lengths.get(int(id_), 1) for id_ in ids])
    assert start.tolist() == [0, *np.cumsum(sizes)[:-1].tolist()]


def test_parts_are_encoded_alike_in_any_order(own):
    """What is known of pairs is kept between calls and changes no result."""

    texts = ["".join(random.Random(seed).choices("ACGT", k=2000)) for seed in range(20)]
    fresh = tk.load(own.path)
    there = [own.found(text) for text in texts]
    back  = [[values.tolist() for values in fresh.encode(text.encode())] for text in reversed(texts)]
    assert [list(pair) for pair in there] == back[::-1]
