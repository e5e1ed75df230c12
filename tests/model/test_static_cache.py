"""Writing with a cache of fixed size says what writing with a growing one says, from one graph for all steps."""

import pathlib

import numpy as np
import pytest

import beside

torch = pytest.importorskip("torch")

compiling    = pytest.importorskip("genet5.model.compiling")
configs      = pytest.importorskip("genet5.model.config")
network      = pytest.importorskip("genet5.model.network")
static_cache = pytest.importorskip("genet5.model.static_cache")
testing      = pytest.importorskip("torch._dynamo.testing")

windows = beside.load(pathlib.Path(__file__).with_name("windows.py"))

FAMILIES = {"pre-norm with RoPE":               {},
            "post-norm with ALiBi":             {"norm": "post", "positions": "alibi", "activation": "gelu"},
            "four experts, two for each token": {"num_experts": 4, "top_k": 2}}
LENGTHS  = [700, 131, 64, 1, 450]


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES.keys())
def model(request):
    torch.manual_seed(7)
    made = network.GeneT5(configs.ModelConfig.preset("tiny", vocab_size=64, block_size=16, attention_window=32,
                                                     **request.param)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return made


def inputs(lengths, count, seed=1):
    """A batch and `count` steps of each of its windows."""

    rng   = np.random.default_rng(seed)
    made  = [windows.random_window(rng, length) for length in lengths]
    batch = windows.pack(made, [[index] for index in range(len(lengths))])
    types = rng.integers(1, 6, (len(lengths), count)).astype(np.uint8)
    place = np.stack([rng.integers(0, length, count) for length in lengths]).astype(np.int32)
    return {name: torch.from_numpy(value) for name, value in batch.items()}, *map(torch.from_numpy, (types, place))


def written(model, batch, types, place, cache):
    """The states of all windows after <bos> and after each step, [N, S + 1, C]."""

    zeros  = torch.zeros_like(types[:, 0]), torch.zeros_like(place[:, 0])
    states = [cache.step(*zeros)] + [cache.step(types[:, i], place[:, i]) for i in range(types.shape[1])]
    return torch.stack(states, dim=1)


@torch.inference_mode()
@pytest.mark.parametrize("places", [2, 64], ids=["that grows on the way", "with room"])
def test_a_fixed_cache_equals_a_growing_one_and_teacher_forcing(model, places):
    batch, types, place = inputs(LENGTHS, 9)
    prefix  = model.prefill(batch)
    fixed   = written(model, batch, types, place, static_cache.StaticCache(model, model.begin(prefix, batch), places))
    growing = model.begin(prefix, batch)
    states  = [model.step(growing, None, None)] + [model.step(growing, types[:, i], place[:, i]) for i in range(9)]
    torch.testing.assert_close(fixed, torch.stack(states, dim=1), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(fixed, model.write(prefix, batch, types, place), rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_a_fixed_cache_leaves_the_prefix_alone(model):
    batch, types, place = inputs([90, 40], 4)
    prefix = model.prefill(batch)
    before = [x.clone() for pair in prefix.memory for x in pair]
    first  = written(model, batch, types, place, static_cache.StaticCache(model, model.begin(prefix, batch)))
    again  = written(model, batch, types, place, static_cache.StaticCache(model, model.begin(prefix, batch)))
    assert torch.equal(first, again)
    assert all(torch.equal(x, y) for x, y in zip(before, (x for pair in prefix.memory for x in pair)))


@torch.inference_mode()
def test_all_steps_layers_and_batches_share_one_graph(model, monkeypatch):
    monkeypatch.setattr(compiling, "prepare", lambda device: None)
    counter = testing.CompileCounterWithBackend("aot_eager")
    cases   = [inputs(lengths, 7, seed) for seed, lengths in enumerate(([300, 200], [90, 800, 60], [500] * 4))]
    wanted  = [model.write(model.prefill(batch), batch, types, place) for batch, types, place in cases]
    torch._dynamo.reset()
    for layer in model.layers:
        layer.step = compiling._compiled(layer.step, counter)
    for (batch, types, place), expected in zip(cases, wanted):
        # five places: the cache grows while it writes
        cache = static_cache.StaticCache(model, model.begin(model.prefill(batch), batch), 5)
        torch.testing.assert_close(written(model, batch, types, place, cache), expected, rtol=1e-5, atol=1e-5)
    assert counter.frame_count == 1
