"""Tokenizers to test with, and Hugging Face's reading of the same files."""

import random

import pytest

import genet5.tokenizer as tk

tokenizers = pytest.importorskip("tokenizers")


class Pair:
    """Our tokenizer and Hugging Face's on one file."""

    def __init__(self, path):
        self.path = path
        self.ours = tk.load(path)
        self.hf   = tokenizers.Tokenizer.from_file(str(path))

    def reference(self, text):
        """Ids and starts by Hugging Face tokenizers on the upper-cased text."""

        encoding = self.hf.encode(text.upper(), add_special_tokens=False)
        return encoding.ids, [start for start, _ in encoding.offsets]

    def found(self, text):
        """Ids and starts by ours."""

        ids, starts = self.ours.encode(text.encode())
        return ids.tolist(), starts.tolist()

    def agree(self, text):
        assert self.found(text) == self.reference(text)


def random_dna(bases, seed, weights=(3, 2, 2, 3)):
    return "".join(random.Random(seed).choices("ACGT", weights, k=bases))


@pytest.fixture(scope="session")
def own(tmp_path_factory):
    """A vocabulary of ours of 300 tokens, trained on random and repetitive sequence."""

    path  = tmp_path_factory.mktemp("own") / "tokenizer.json"
    texts = [random_dna(60_000, 1), random_dna(30_000, 2, (6, 1, 1, 6)), "AT" * 500 + "A" * 300 + "ACGG" * 200]
    tk.train([text.encode() for text in texts], vocab_size=300).save(path)
    return Pair(path)


@pytest.fixture(scope="session")
def dnabert(shared):
    return Pair(shared / "dnabert2" / "tokenizer.json")


@pytest.fixture(params=["own", "dnabert"])
def pair(request):
    """Each tokenizer in turn."""

    return request.getfixturevalue(request.param)
