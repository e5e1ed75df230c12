"""Training learns the merges of Hugging Face's trainer, always the same."""

import json

import hypothesis
import hypothesis.strategies as st
import pytest
import tokenizers

import genet5.genome as gm
import genet5.tokenizer as tk

FIXED = 13


def merges(tokenizer):
    return json.loads(tokenizer.json())["model"]["merges"]


def hf_merges(pieces, count, min_count=2, max_token_length=None):
    """Merges of Hugging Face's trainer; its limit on the length is exclusive."""

    model   = tokenizers.Tokenizer(tokenizers.models.BPE())
    options = {} if max_token_length is None else {"max_token_length": max_token_length + 1}
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=4 + count, min_frequency=min_count, show_progress=False,
                                             initial_alphabet=list("ACGT"), **options)
    model.train_from_iterator(pieces, trainer)
    return [" ".join(pair) for pair in json.loads(model.to_str())["model"]["merges"]]


@pytest.mark.parity
@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(pieces=st.lists(st.text("ACGT", min_size=1, max_size=100) | st.text("AT", min_size=1, max_size=60)
                                  | st.builds("A".__mul__, st.integers(1, 60)), min_size=1, max_size=5),
                  count=st.integers(0, 60), min_count=st.integers(1, 3))
def test_merges_equal_hugging_face(pieces, count, min_count):
    ours = tk.train([piece.encode() for piece in pieces], vocab_size=FIXED + count, min_count=min_count,
                    max_token_length=10_000)
    assert merges(ours) == hf_merges(pieces, count, min_count)


@pytest.mark.parity
@pytest.mark.parametrize("longest", [6, 32])
def test_merges_equal_hugging_face_on_a_genome(shared, longest):
    _, sequence = gm.read_fasta(shared / "genomes" / "S.pombe" / "fna.gz")[0]
    text   = sequence[:300_000].decode()
    pieces = [run[i:i + 1000] for run in text.split("N") for i in range(0, len(run), 1000)]
    ours   = tk.train([sequence[:300_000]], vocab_size=FIXED + 800, max_token_length=longest)
    assert merges(ours) == hf_merges(pieces, 800, max_token_length=longest)


def test_ties_go_to_the_smallest_pair():
    assert merges(tk.train([b"TGTGNACACNGTGT"], vocab_size=FIXED + 1)) == ["G T"]
    assert merges(tk.train([b"TGNTGNACNACNCANCA"], vocab_size=FIXED + 3)) == ["A C", "C A", "T G"]


def test_no_merge_goes_over_a_cut():
    assert merges(tk.train([b"ACNNACRACyAC"], vocab_size=FIXED + 9)) == ["A C"]
    assert merges(tk.train([b"ACACACAC"], vocab_size=FIXED + 9, piece=2)) == ["A C"]


def test_tokens_keep_to_the_longest_length():
    tokenizer = tk.train([b"A" * 5000], vocab_size=60, max_token_length=8)
    assert max(length for _, length in tokenizer.token_lengths()) == 8


def test_the_vocabulary_has_the_size_asked_for(own):
    assert own.ours.vocab_size == 300
    assert own.ours.tokens()[:6] == ["[UNK]", "[PAD]", "A", "C", "G", "T"]
    assert tuple(own.ours.tokens()[-7:]) == tk.GENE_LANGUAGE
    assert tk.train([b"ACGTACGT"], vocab_size=300).vocab_size < 300


def test_case_and_threads_change_nothing(shared):
    genomes = tk.raw_genomes(shared / "genomes", ["S.pombe", "T.brucei", "H.sapiens"])
    texts   = [tk.train(genomes=genomes, vocab_size=200, threads=threads).json() for threads in (1, 2, 5)]
    loaded  = [sequence.lower() for path, _ in genomes for _, sequence in gm.read_fasta(path)]
    assert texts[0] == texts[1] == texts[2] == tk.train(loaded, vocab_size=200).json()


def test_progress_is_told_to_the_end():
    told = []
    tk.train([b"ACGTTGCAGGATC" * 100], vocab_size=20, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (7, 7)


@pytest.mark.parametrize("options", [{"vocab_size": 12}, {"vocab_size": 70_000}, {"piece": 0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError):
        tk.train([b"ACGT"], **options)


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="no sequence"):
        tk.train([b"NNNN", b""])
