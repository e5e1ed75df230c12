"""On a GPU the model computes what it computes on a CPU, in both precisions, gradients included."""

import pathlib

import numpy as np
import pytest

import beside

torch    = pytest.importorskip("torch")
configs  = pytest.importorskip("genet5.model.config")
network  = pytest.importorskip("genet5.model.network")
loss     = pytest.importorskip("genet5.model.loss")
batching = pytest.importorskip("genet5.data.batch")

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

FAMILIES = {"pre-norm with RoPE":               {},
            "post-norm with ALiBi":             {"norm": "post", "positions": "alibi", "activation": "gelu"},
            "four experts, two for each token": {"num_experts": 4, "top_k": 2}}
LENGTHS  = [700, 131, 64, 1, 450]


@pytest.fixture(autouse=True)
def exact_products():
    """Convolutions in full float32, as on a CPU."""

    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES.keys())
def model(request):
    torch.manual_seed(7)
    config = configs.ModelConfig.preset("tiny", vocab_size=64, block_size=16, attention_window=32, **request.param)
    model  = network.GeneT5(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def _windows():
    return beside.load(pathlib.Path(__file__).with_name("windows.py"))


def readings(model, device, dtype=torch.float32):
    """Everything that prefill and write return, and all gradients, on the CPU."""

    windows = _windows()
    rng     = np.random.default_rng(1)
    made    = [windows.random_window(rng, length) for length in LENGTHS]
    batch   = batching.to_torch(windows.pack(made, [[0, 1], [2, 3, 4]]), device)
    types   = torch.from_numpy(rng.integers(1, 6, (len(LENGTHS), 6)).astype(np.uint8)).to(device)
    place   = torch.from_numpy(np.stack([rng.integers(0, n, 6) for n in LENGTHS]).astype(np.int32)).to(device)
    model   = model.to(device)
    model.zero_grad()
    with torch.autocast(device, dtype=torch.bfloat16, enabled=dtype is torch.bfloat16):
        prefix = model.prefill(batch)
        states = model.write(prefix, batch, types, place)
    outputs = {"segmentation": prefix.segmentation, "potentials": prefix.potentials, "keys": prefix.keys,
               "states": states}
    sum(output.float().square().mean() for output in outputs.values()).backward()
    gradients = {name: p.grad.cpu().clone() for name, p in model.named_parameters() if p.grad is not None}
    return {name: output.detach().float().cpu() for name, output in outputs.items()}, gradients


def relative(ours, theirs):
    """Largest difference by the largest size."""

    return float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1e-6))


def test_outputs_and_gradients_equal_the_cpu_s(model):
    (expected, slopes), (found, ours) = readings(model, "cpu"), readings(model, "cuda")
    assert {name: relative(found[name], value) < 1e-4 for name, value in expected.items()} == \
        dict.fromkeys(expected, True)
    assert ours.keys() == slopes.keys()
    assert {name for name, value in slopes.items() if relative(ours[name], value) > 1e-3} == set()


def test_bfloat16_stays_near_float32(model):
    (expected, _), (found, _) = readings(model, "cuda"), readings(model, "cuda", torch.bfloat16)
    # a near-tie of a router may choose another expert in low precision
    bound = 0.5 if model.config.num_experts > 1 else 0.1
    assert {name for name, value in expected.items() if relative(found[name], value) > bound} == set()
