"""The model with attention by Triton kernels is the model with dense attention, outputs and gradients."""

import os
import pathlib

import numpy as np
import pytest

import beside

torch = pytest.importorskip("torch")
pytest.importorskip("triton")

GPU = torch.cuda.is_available()
if not GPU and os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("test_interpreter.py runs these in Triton's interpreter", allow_module_level=True)

compiling = pytest.importorskip("genet5.model.compiling")
configs   = pytest.importorskip("genet5.model.config")
network   = pytest.importorskip("genet5.model.network")
testing   = pytest.importorskip("torch._dynamo.testing")

windows = beside.load(pathlib.Path(__file__).resolve().parents[1] / "model" / "windows.py")

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


def inputs(lengths=LENGTHS, steps=5):
    rng   = np.random.default_rng(3)
    made  = [windows.random_window(rng, length) for length in lengths]
    rows  = [list(range(2)), list(range(2, len(lengths)))]
    batch = {name: torch.from_numpy(value).to(DEVICE) for name, value in windows.pack(made, rows).items()}
    types = torch.from_numpy(rng.integers(1, 6, (len(lengths), steps)).astype(np.uint8)).to(DEVICE)
    place = torch.from_numpy(np.stack([rng.integers(0, n, steps) for n in lengths]).astype(np.int32)).to(DEVICE)
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


def _gradients(model, batch, types, place):
    model.zero_grad()
    prefix = model.prefill(batch)
    loss   = prefix.keys.square().mean() + model.write(prefix, batch, types, place).square().mean()
    loss.backward()
    return [loss.detach(), *(p.grad for p in model.parameters() if p.grad is not None)]


# torch's own tracing looks at .grad of what is no leaf
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_four_lengths_of_compiled_blocks_make_two_graphs_around_the_kernels(monkeypatch, tmp_path):
    monkeypatch.setenv(compiling.CACHE, str(tmp_path))
    torch._dynamo.reset()
    counter = testing.CompileCounterWithBackend("aot_eager")
    model   = build("triton", {})
    compiling.for_training(model, torch.device(DEVICE), counter)
    for lengths, steps in (([180, 60, 130], 5), ([90, 300, 40, 20], 3), ([400, 30, 200], 7), ([500, 90, 600], 4)):
        found = _gradients(model, *inputs(lengths, steps))
    # the last one stands for all: the interpreter is slow
    for ours, theirs in zip(found, _gradients(build("triton", {}), *inputs(lengths, steps))):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    # one over the prefix, one over steps
    assert counter.frame_count == 2
