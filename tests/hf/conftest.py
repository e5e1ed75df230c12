"""Small model folders of both families, and windows with a gene."""

import pathlib
import random
import types

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import genet5.hf as hf
import genet5.model.folder as folders
import genet5.tokenizer as tk

SMALL    = {"width": 64, "num_layers": 3, "num_heads": 2, "feed_forward": 64, "stem_width": 16,
            "stem_dilations": (1, 2), "base_width": 16, "key_width": 16, "block_size": 16, "attention_window": 32,
            "window_size": 1024}
# as tiny, and as base, with experts
FAMILIES = {"dense":   {},
            "experts": {"norm": "post", "positions": "alibi", "activation": "gelu", "num_experts": 4, "top_k": 2}}


def random_dna(seed, length):
    """Letters of a random sequence."""

    return "".join(random.Random(seed).choices("ACGT", k=length))


def window(seed, flank=90):
    """A window with one gene of a single segment on the plus strand.

    returns (letters, genes, labels) as genet5.data.batch.assemble takes them
    """

    codons  = random.Random(seed).choices(("GCT", "GAA", "CTG", "AAA", "GGT", "GAC"), k=40)
    coding  = "ATG" + "".join(codons) + "TAA"
    letters = random_dna(seed, flank) + coding + random_dna(seed + 1, flank)
    labels  = bytes(flank) + bytes((1, 2, 3)) * (len(coding) // 3) + bytes(flank)
    return letters, [("+", [(flank, flank + len(coding))])], labels


def targets(model, count=3):
    """A batch of windows with targets for a model."""

    letters, genes, labels = zip(*(window(10 * number) for number in range(count)))
    return model.prepare(letters, genes=list(genes), labels=list(labels))


@pytest.fixture(scope="session")
def tools():
    """Helpers: random_dna, window, targets."""

    return types.SimpleNamespace(random_dna=random_dna, window=window, targets=targets, SMALL=SMALL)


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory):
    """A tokenizer.json of few tokens."""

    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tk.train([random_dna(1, 30_000).encode()], vocab_size=64).save(path)
    return path


@pytest.fixture(scope="session", params=FAMILIES.values(), ids=FAMILIES.keys())
def folder(request, tokenizer_file, tmp_path_factory):
    """A model folder as `genet5 init` writes it."""

    out = tmp_path_factory.mktemp("model") / "start"
    folders.create(out, tokenizer_file, preset="tiny", seed=3, **SMALL, **request.param)
    return out


@pytest.fixture
def model(folder):
    """The folder's model by Hugging Face's way."""

    return hf.GeneT5ForGenePrediction.from_pretrained(folder)


@pytest.fixture(scope="session")
def document():
    """The text of docs/huggingface.md."""

    return (pathlib.Path(__file__).resolve().parents[2] / "docs" / "huggingface.md").read_text()
