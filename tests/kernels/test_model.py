"""The model with attention by Triton kernels is the model with dense attention, outputs and gradients."""

import importlib.util
import os
import pathlib

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton")

GPU = torch.cuda.is_available()
if not GPU and os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("test_interpreter.py runs these in Triton's interpreter", allow_module_level=True)

configs = pytest.importorskip("genet5.model.config")
network = pytest.importorskip("genet5.model.network")

SPEC    = importlib.util.spec_from_file_location(
    "windows", pathlib.Path(__file__).resolve().parents[1] / "model" / "windows.py")
windows = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(windows)

DEVICE   = "cuda" if GPU else "cpu"
FAMILIES = {"pre-norm with RoPE":  {},
            "post-norm with ALiBi": {"norm": "post", "positions": "alibi", "global_tokens": 3}}
LENGTHS  = [180, 60, 1, 130]


@pytest.fixture(autouse=True)
def exact_products(monkeypatch):
    """Convolutions in full float32 on a GPU, too."""

    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def build(attention, changes):
    torch.manual_seed(7)
    model = network.GeneT5(configs.ModelConfig.preset("tiny", vocab_size=64, block_size=16, attention_window=16,
                                                      num_layers=1, attention=attention, **changes))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.to(DEVICE)


def inputs():
    rng   = np.random.default_rng(3)
    made  = [windows.random_window(rng, length) for length in LENGTHS]
    batch = {name: torch.from_numpy(value).to(DEVICE) for name, value in windows.pack(made, [[0, 1], [2, 3]]).items()}
    types = torch.from_numpy(rng.integers(1, 6, (4, 5)).astype(np.uint8)).to(DEVICE)
    place = torch.from_numpy(np.stack([rng.integers(0, length, 5) for length in LENGTHS]).astype(np.int32)).to(DEVICE)
    return batch, types, place


@pytest.mark.parametrize("changes", FAMILIES.values(), ids=FAMILIES.keys())
def test_kernels_and_dense_attention_make_one_model(changes):
    batch, types, place = inputs()
    real, results       = batch["base_window"] >= 0, []
    for name in ("dense", "triton"):
        model   = build(name, changes)
        prefix  = model.prefill(batch)
        outputs = [prefix.segmentation[real], prefix.potentials[real], prefix.keys[real],
                   model.write(prefix, batch, types, place)]
        torch.stack([output.square().mean() for output in outputs]).sum().backward()
        results.append([*outputs, *(parameter.grad for parameter in model.parameters() if parameter.grad is not None)])
    for dense, triton in zip(*results):
        largest = float(dense.detach().abs().max().clamp(min=1.0))
        torch.testing.assert_close(triton, dense, rtol=0.0, atol=1e-5 * largest)


def test_kernels_write_step_by_step_as_they_are_taught():
    batch, types, place = inputs()
    model = build("triton", FAMILIES["post-norm with ALiBi"]).eval()
    with torch.no_grad():
        prefix  = model.prefill(batch)
        cache   = model.begin(prefix, batch)
        written = [model.step(cache, None, None), *(model.step(cache, types[:, i], place[:, i]) for i in range(5))]
        taught  = model.write(prefix, batch, types, place)
    torch.testing.assert_close(torch.stack(written, dim=1), taught, rtol=1e-4, atol=1e-5)
