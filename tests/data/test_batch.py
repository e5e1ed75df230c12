"""A batch holds exactly what a plain derivation of its windows gives."""

import itertools
import random

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import genet5._core as core
import genet5.data.batch as batch

CODES = {"A": 0, "C": 1, "G": 2, "T": 3}


@pytest.fixture(scope="module")
def tokenizer(synthetic, tmp_path_factory):
    return core.tokenizer.Tokenizer(synthetic.tokenizer(tmp_path_factory.mktemp("tok") / "tokenizer.json"))


@pytest.fixture(scope="module")
def windows(synthetic):
    """Letters, target genes and labels of some windows."""

    found = []
    for seed in range(7):
        text, genes = synthetic.contig(random.Random(seed), "c", 600 * (seed + 1), invalid_share=0)
        models      = [(g["strand"], g["segments"]) for g in genes]
        found.append((text, models, bytes(synthetic.labels(len(text), models))))
    # two genes must not share a stop codon, and random ones do not
    return found


def check_layout(arrays, texts, synthetic, gap):
    """Every base and token stands where the arrays say, and all else is padding."""

    rows, bases  = arrays["bases"].shape
    owned_bases  = np.full((rows, bases), -1)
    owned_tokens = np.full(arrays["tokens"].shape, -1)
    assert bases % 64 == 0 and arrays["tokens"].shape[1] % 64 == 0
    for w, text in enumerate(texts):
        row, base, token = (int(arrays[k][w]) for k in ("window_row", "window_base", "window_token"))
        ids, starts      = synthetic.encode(text.upper())
        length, count    = len(text), len(ids)
        assert (arrays["window_bases"][w], arrays["window_tokens"][w]) == (length, count)
        assert arrays["bases"][row, base:base + length].tolist() == [CODES.get(x, 4) for x in text.upper()]
        assert arrays["tokens"][row, token:token + count].tolist() == ids
        assert arrays["token_position"][row, token:token + count].tolist() == starts
        assert arrays["token_start"][row, token:token + count].tolist() == [base + s for s in starts]
        assert (arrays["token_window"][row, token:token + count] == w).all()
        owner = np.searchsorted(starts, np.arange(length), side="right") - 1 + token
        assert (arrays["base_token"][row, base:base + length] == owner).all()
        assert (owned_bases[row, max(0, base - gap):base + length + gap] == -1).all()
        owned_bases[row, base:base + length]    = w
        owned_tokens[row, token:token + count] = w
    assert (arrays["base_window"] == owned_bases).all()
    assert (arrays["token_window"] == owned_tokens).all()
    for row in owned_tokens:
        used = np.flatnonzero(row >= 0)
        assert used.tolist() == list(range(len(used)))
    empty = owned_bases < 0
    assert (arrays["bases"][empty] == 5).all() and (arrays["base_token"][empty] == -1).all()
    assert (arrays["channels"][empty] == 0).all()
    assert (arrays["tokens"][owned_tokens < 0] == 1).all()


def test_bases_and_tokens_lie_where_the_arrays_say(windows, tokenizer, synthetic):
    texts = [text for text, _, _ in windows]
    for rows, gap in ((None, 64), ([[3, 0], [1], [2, 6, 5, 4]], 10), ([[i] for i in range(7)], 0)):
        arrays = batch.assemble([t.encode() for t in texts], tokenizer, rows=rows, row_tokens=5000, gap=gap)
        check_layout(arrays, texts, synthetic, gap)
        if rows:
            assert all(set(np.flatnonzero(arrays["window_row"] == r)) == set(row) for r, row in enumerate(rows))
    assert "labels" not in arrays and "step_type" not in arrays


def test_lower_case_and_unknown_letters(tokenizer, synthetic):
    texts  = ["acgtNNNNacgtRYKacgt", "N", "nnnn"]
    arrays = batch.assemble([t.encode() for t in texts], tokenizer)
    check_layout(arrays, texts, synthetic, 64)


def test_labels_and_steps_of_each_window(windows, tokenizer, synthetic):
    texts, genes, labels = zip(*windows)
    arrays = batch.assemble([t.encode() for t in texts], tokenizer, genes=genes, labels=labels, row_tokens=5000)
    kinds  = ["<eos>", "<stop+>", "<stop->", "<acceptor>", "<donor>", "<start>"]
    for w in range(len(texts)):
        row, base = arrays["window_row"][w], arrays["window_base"][w]
        assert arrays["labels"][row, base:base + len(texts[w])].tolist() == list(labels[w])
        steps = [(kinds[t], int(p)) for t, p in zip(arrays["step_type"][w], arrays["step_position"][w]) if t != 255]
        assert " ".join(k if k == "<eos>" else f"{k}{p}" for k, p in steps) == synthetic.steps(genes[w])
        assert arrays["step_count"][w] == len(steps)
        assert (arrays["step_type"][w, len(steps):] == 255).all()
        assert (arrays["step_position"][w, len(steps):] == -1).all()
    assert (arrays["labels"][arrays["base_window"] < 0] == 255).all()


def test_allowed_sites_hold_the_truth_and_nothing_twice(windows, tokenizer):
    texts, genes, labels = zip(*windows)
    arrays  = batch.assemble([t.encode() for t in texts], tokenizer, genes=genes, labels=labels, row_tokens=5000)
    offsets = arrays["allowed_offsets"]
    steps   = [(w, t, p) for w in range(len(texts))
               for t, p in list(zip(arrays["step_type"][w], arrays["step_position"][w]))[:arrays["step_count"][w]]]
    assert len(steps) == len(offsets) - 1 == len(arrays["allowed_target"]) == len(arrays["allowed_window"])
    for i, (w, kind, position) in enumerate(steps):
        choices = list(zip(arrays["allowed_type"][offsets[i]:offsets[i + 1]].tolist(),
                           arrays["allowed_position"][offsets[i]:offsets[i + 1]].tolist()))
        assert choices == sorted(set(choices))
        assert arrays["allowed_window"][i] == w
        assert choices[arrays["allowed_target"][i] - offsets[i]] == (kind, position)
        check_stops(texts[w], choices)


def check_stops(text, choices):
    """Stops end in a letter that stop codons end in; the rest may lie before an intron."""

    for kind, position in choices:
        assert kind != 1 or text[position] in "AG"
        assert kind != 2 or text[position] in "TC"


def test_a_gene_that_the_grammar_cannot_write_counts_as_masked(tokenizer):
    text   = "CC" + "ATG" + "GCA" * 20 + "GCC" + "CC"
    arrays = batch.assemble([text.encode()], tokenizer, genes=[[("+", [(2, 68)])]], labels=[bytes(len(text))])
    assert arrays["allowed_target"][0] == -1
    assert len(arrays["allowed_target"]) == 3


def test_the_genetic_code_and_the_grammar_are_obeyed(tokenizer):
    text = ("ATG" + "GCA" * 10 + "TGA").encode()
    ends = {code: batch.assemble([text], tokenizer, genes=[[("+", [(0, 36)])]], labels=[bytes(36)], genetic_code=code)
            for code in (1, 4)}
    assert ends[1]["allowed_target"][0] >= 0 and ends[4]["allowed_target"][0] == -1
    assert ends[4]["window_genetic_code"].tolist() == [4]


def test_the_arrays_do_not_depend_on_threads(windows, tokenizer):
    texts, genes, labels = zip(*windows)
    made = [batch.assemble([t.encode() for t in texts], tokenizer, genes=genes, labels=labels, row_tokens=5000,
                           threads=n) for n in (1, 3)]
    for key, value in made[0].items():
        assert np.array_equal(value, made[1][key])


@pytest.mark.parametrize(("arguments", "message"), [
    ({"rows": [[0]]}, "do not name window 1"),
    ({"rows": [[0, 1, 0]]}, "window 0 twice"),
    ({"rows": [[0, 1, 2]]}, "window 2"),
    ({"row_tokens": 3}, "use longer rows"),
    ({"genes": [[], []]}, "come together"),
    ({"genes": [[], []], "labels": [b"\0", b"\0" * 30]}, "30 bases and 1 labels"),
    ({"names": ["one"]}, "must have 2 items"),
    ({"genetic_code": 99}, "genetic code 99"),
    ({"genes": [[("+", [(0, 60)])], []], "labels": [b"\0" * 30] * 2}, "gene"),
    ({"genes": [[("+", [(9, 3)])], []], "labels": [b"\0" * 30] * 2}, "gene"),
])
def test_arguments_that_do_not_fit_are_refused(tokenizer, arguments, message):
    with pytest.raises(ValueError, match=message):
        batch.assemble([b"ACGTACGTAC" * 3] * 2, tokenizer, **arguments)


def test_an_empty_window_is_refused_and_no_window_is_an_empty_batch(tokenizer):
    with pytest.raises(ValueError, match="empty"):
        batch.assemble([b"ACGT", b""], tokenizer)
    assert batch.assemble([], tokenizer)["tokens"].shape == (0, 0)


def test_tensors_have_the_same_keys_types_and_values(windows, tokenizer):
    torch  = pytest.importorskip("torch")
    arrays = batch.assemble([text.encode() for text, _, _ in windows], tokenizer, row_tokens=5000)
    tensors = batch.to_torch(arrays)
    assert set(tensors) == set(arrays)
    assert tensors["tokens"].dtype == torch.int32 and tensors["window_names"] == arrays["window_names"]
    assert np.array_equal(tensors["channels"].numpy(), arrays["channels"])


@hypothesis.settings(deadline=None)
@hypothesis.given(lengths=st.lists(st.integers(0, 100), max_size=80), row=st.integers(100, 300), seed=st.integers(0, 9))
def test_packed_rows_hold_every_item_once_and_no_more_than_a_row(lengths, row, seed):
    lengths        = np.array(lengths, dtype=np.uint32)
    offsets, items = batch.pack(lengths, row, seed)
    assert sorted(items.tolist()) == list(range(len(lengths)))
    assert all(lengths[items[i:j]].sum() <= row for i, j in itertools.pairwise(offsets))
    again = batch.pack(lengths, row, seed)
    assert offsets.tolist() == again[0].tolist() and items.tolist() == again[1].tolist()


def test_an_item_longer_than_a_row_is_refused():
    with pytest.raises(ValueError, match="item 1 has 11 tokens"):
        batch.pack(np.array([3, 11], dtype=np.uint32), 10)
