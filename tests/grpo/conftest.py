"""A small genome prepared for reinforcement, and very small models."""

import pathlib
import types

import pytest

import beside


def _helpers(name):
    """A conftest.py of another folder of tests, as a module."""

    return beside.load(pathlib.Path(__file__).parents[1] / name / "conftest.py")


TRAIN = _helpers("train")


@pytest.fixture(scope="session")
def tools():
    """Helpers that start processes: genet5, stop_after and the environment of one."""

    return types.SimpleNamespace(genet5=TRAIN.genet5, stop_after=TRAIN.stop_after,
                                 environment=TRAIN.environment)


@pytest.fixture(scope="session")
def raw(tmp_path_factory):
    """A folder of two species of two contigs each, with a tokenizer beside them."""

    folder = tmp_path_factory.mktemp("grpo") / "raw"
    for name in ("A.toy", "B.toy"):
        TRAIN.genome(folder / name)
    TRAIN.genet5("tokenizer", "train", folder, folder.parent / "tokenizer.json", "--vocab-size", 64)
    return folder


@pytest.fixture(scope="session")
def prepared(raw):
    """Windows of 512 bases of both species; the second contigs are held out."""

    import genet5.grpo.prep as prep

    prep.prepare([raw], raw.parent / "windows", raw.parent / "tokenizer.json", count=60, held_out=20, window_size=512,
                 val_contigs={"A.toy": ["chr2"], "B.toy": ["chr2"]})
    return raw.parent / "windows"


@pytest.fixture(scope="session")
def start(tmp_path_factory, raw):
    """A very small untrained model."""

    pytest.importorskip("torch")
    import genet5.model.folder as folders

    folder = tmp_path_factory.mktemp("model") / "start"
    folders.create(folder, raw.parent / "tokenizer.json", preset="tiny", width=32, num_layers=1, num_heads=2,
                   feed_forward=64, stem_width=16, base_width=16, key_width=16, stem_dilations=(1, 2), window_size=512)
    return folder


@pytest.fixture(scope="session")
def loaded(prepared, raw):
    """Two models (RoPE before, ALiBi after the norm), a tokenizer, and the letters of four windows."""

    torch = pytest.importorskip("torch")
    import genet5.grpo.windows as windows
    import genet5.model.config as configs
    import genet5.model.network as network
    import genet5.tokenizer as tk

    tokenizer = tk.load(raw.parent / "tokenizer.json")
    models    = {}
    for norm, positions in (("pre", "rope"), ("post", "alibi")):
        torch.manual_seed(3)
        models[positions] = network.GeneT5(configs.ModelConfig.preset(
            "tiny", vocab_size=tokenizer.vocab_size, pad_id=tokenizer.pad_id, width=32, num_layers=2, num_heads=2,
            feed_forward=64, stem_width=16, base_width=16, key_width=16, stem_dilations=(1, 2), window_size=512,
            norm=norm, positions=positions)).eval()
        with torch.no_grad():
            # <eos> is rare, so that completions have genes
            models[positions].eos_key.fill_(-0.5)
    found = windows.load(prepared)
    return types.SimpleNamespace(models=models, tokenizer=tokenizer, letters=[found.bases(i) for i in range(4)])
