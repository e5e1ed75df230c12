"""A model with a larger vocabulary answers as before until it meets a new token."""

import random

import pytest

import genet5.data.batch as batching
import genet5.tokenizer as tk

torch   = pytest.importorskip("torch")
folders = pytest.importorskip("genet5.model.folder")

TEXT = bytes(random.Random(7).choices(b"ACGT", k=2000))


@pytest.fixture
def model(tmp_path):
    """A tiny model and its folder."""

    tk.train([TEXT], vocab_size=40).save(tmp_path / "tokenizer.json")
    return folders.create(tmp_path / "model", tmp_path / "tokenizer.json", preset="tiny").eval(), tmp_path / "model"


def potentials(model, tokenizer, text):
    batch = batching.to_torch(batching.assemble([text], tokenizer, rows=[[0]], threads=1, **model.config.grammar()))
    with torch.inference_mode():
        prefix = model.prefill(batch)
    return batch["tokens"], prefix.potentials, prefix.segmentation


def test_new_rows_are_the_mean_of_their_pieces(model, tmp_path):
    old_model, folder = model
    old       = tk.load(folder)
    new       = tk.expand(old, [TEXT], add=20)
    new_model = folders.expand(folder, new, tmp_path / "larger")
    weight    = new_model.embed.weight.detach()
    assert weight.shape[0] == new_model.config.vocab_size == new.vocab_size == 60
    assert torch.equal(weight[:40], old_model.embed.weight)
    for number in range(40, 60):
        pieces = old.encode(new.tokens()[number].encode())[0].tolist()
        assert len(pieces) > 1
        assert torch.allclose(weight[number], old_model.embed.weight[pieces].mean(dim=0), atol=1e-6)


def test_text_without_new_tokens_has_the_same_outputs(model, tmp_path):
    old_model, folder = model
    old       = tk.load(folder)
    new       = tk.expand(old, [TEXT], add=20)
    folders.expand(folder, new, tmp_path / "larger")
    new_model = folders.load(tmp_path / "larger")
    known        = b"N".join(token.encode() for token in old.tokens() if set(token) <= set("ACGT"))
    before, after = potentials(old_model, old, known), potentials(new_model, tk.load(tmp_path / "larger"), known)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(before, after))
    assert (potentials(new_model, new, TEXT)[0] >= 40).any()
