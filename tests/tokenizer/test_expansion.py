"""A vocabulary in use grows: old ids stay, new pieces follow, and a model keeps what it knows."""

import json

import pytest
import tokenizers

import genet5.genome as gm
import genet5.tokenizer as tk


@pytest.fixture(scope="session")
def sequence(shared):
    """Half a megabase with N runs and both cases."""

    return gm.read_fasta(shared / "genomes" / "S.pombe" / "fna.gz")[0][1]


@pytest.fixture(scope="session")
def expanded(dnabert, sequence, tmp_path_factory):
    """DNABERT-2's tokenizer with 500 more tokens: ours, and the file that was written."""

    path = tmp_path_factory.mktemp("expanded") / "tokenizer.json"
    made = tk.expand(tk.read(dnabert.path), [sequence], add=500)
    made.save(path)
    return made, path


def test_old_ids_stay_and_new_ones_follow(dnabert, expanded):
    made, _ = expanded
    old     = tk.read(dnabert.path).tokens()
    assert made.vocab_size == 4596 and made.tokens()[:4096] == old
    assert made.special_tokens() == tk.read(dnabert.path).special_tokens()
    assert len(set(made.tokens())) == made.vocab_size


def test_merges_are_appended_in_rank_order(dnabert, expanded):
    made, path = expanded
    old, new   = (json.loads(file.read_text())["model"]["merges"] for file in (dnabert.path, path))
    assert new[:len(old)] == old
    assert [merge.replace(" ", "") for merge in new[len(old):]] == made.tokens()[4096:]


def test_every_token_encodes_to_itself(expanded):
    made, _ = expanded
    for number, _ in made.token_lengths():
        assert made.encode(made.tokens()[number].encode())[0].tolist() == [number]


@pytest.mark.parity
def test_hugging_face_reads_it_the_same(expanded, sequence):
    made, path = expanded
    text       = sequence[:200_000].decode().upper()
    theirs     = tokenizers.Tokenizer.from_file(str(path)).encode(text, add_special_tokens=False)
    ids, start = made.encode(text.encode())
    assert ids.tolist() == theirs.ids and start.tolist() == [first for first, _ in theirs.offsets]
    assert (ids >= 4096).any()


def test_ids_after_the_special_tokens_serve_as_well(own, sequence):
    assert own.ours.tokens()[-1] == "<start>"
    made = tk.expand(own.ours, [sequence], add=40)
    assert made.tokens()[:300] == own.ours.tokens() and made.vocab_size == 340
    assert made.has_gene_language and made.special_tokens() == own.ours.special_tokens()


def test_expanding_goes_on_where_training_stopped(sequence):
    base, whole = (tk.train([sequence], vocab_size=size) for size in (213, 313))
    merges      = [json.loads(made.json())["model"]["merges"]
                   for made in (whole, tk.expand(base, [sequence], add=100))]
    assert merges[0] == merges[1]


def test_text_without_new_tokens_is_cut_as_before(dnabert, expanded):
    made, _ = expanded
    for token in dnabert.ours.tokens()[5:4096]:
        assert made.encode(token.encode())[0].tolist() == [dnabert.ours.token_id(token)]


def test_expansion_ends_where_pairs_run_out(own):
    assert tk.expand(own.ours, [b"ACGT"], add=50).vocab_size == own.ours.vocab_size


@pytest.mark.parametrize("sequences, add", [([b"NNNN"], 5), ([b"ACGT"], 70_000)])
def test_impossible_requests_are_refused(own, sequences, add):
    with pytest.raises(ValueError):
        tk.expand(own.ours, sequences, add=add)
