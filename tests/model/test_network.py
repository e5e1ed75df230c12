"""The model reads packed windows as it reads lone ones, and writes step by step as it trains."""

import importlib.util
import pathlib

import numpy as np
import pytest

import genet5.tokenizer as tk

torch = pytest.importorskip("torch")

configs   = pytest.importorskip("genet5.model.config")
attention = pytest.importorskip("genet5.model.attention")
network   = pytest.importorskip("genet5.model.network")
folder    = pytest.importorskip("genet5.model.folder")


def _sibling(name):
    spec   = importlib.util.spec_from_file_location(name, pathlib.Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


windows = _sibling("windows")

FAMILIES = {"pre-norm with RoPE":                {},
            "post-norm with ALiBi":              {"norm": "post", "positions": "alibi", "activation": "gelu"},
            "four experts, two for each token":  {"num_experts": 4, "top_k": 2},
            "dense attention":                   {"attention": "dense"},
            "global tokens":                     {"global_tokens": 5, "positions": "alibi"}}


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES.keys())
def model(request):
    torch.manual_seed(7)
    config = configs.ModelConfig.preset("tiny", vocab_size=64, block_size=16, attention_window=32, **request.param)
    model  = network.GeneT5(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # no parameter stays at zero, so that every path counts
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def batch_of(lengths, rows, seed=1):
    rng   = np.random.default_rng(seed)
    made  = [windows.random_window(rng, length) for length in lengths]
    return {name: torch.from_numpy(value) for name, value in windows.pack(made, rows).items()}


def steps_for(lengths, count, seed=2):
    rng   = np.random.default_rng(seed)
    types = torch.from_numpy(rng.integers(1, 6, (len(lengths), count)).astype(np.uint8))
    place = torch.from_numpy(np.stack([rng.integers(0, length, count) for length in lengths]).astype(np.int32))
    return types, place


LENGTHS = [700, 131, 64, 1, 450]


def test_packed_windows_equal_lone_windows_for_every_head(model):
    packed = batch_of(LENGTHS, [[0, 1], [2, 3, 4]])
    alone  = batch_of(LENGTHS, [[0], [1], [2], [3], [4]])
    types, place = steps_for(LENGTHS, 6)
    with torch.no_grad():
        a, b           = model.prefill(packed), model.prefill(alone)
        states_a       = model.write(a, packed, types, place)
        states_b       = model.write(b, alone, types, place)
    for w, length in enumerate(LENGTHS):
        row, base = int(packed["window_row"][w]), int(packed["window_base"][w])
        for head in ("segmentation", "potentials", "keys"):
            torch.testing.assert_close(getattr(a, head)[row, base:base + length], getattr(b, head)[w, :length],
                                       rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(states_a, states_b, rtol=1e-5, atol=1e-5)


def test_a_change_in_one_window_changes_no_other(model):
    before = batch_of(LENGTHS, [[0, 1], [2, 3, 4]])
    after  = {name: value.clone() for name, value in before.items()}
    edge   = int(before["window_bases"][0])
    after["bases"][0, edge - 9:edge] = (after["bases"][0, edge - 9:edge] + 1) % 4
    with torch.no_grad():
        a, b = model.prefill(before).keys, model.prefill(after).keys
    start = int(before["window_base"][1])
    assert not torch.equal(a[0, :edge], b[0, :edge])
    assert torch.equal(a[0, start:], b[0, start:])


def test_writing_step_by_step_equals_teacher_forcing(model):
    batch        = batch_of(LENGTHS, [[0, 1], [2, 3, 4]])
    types, place = steps_for(LENGTHS, 5)
    with torch.no_grad():
        prefix  = model.prefill(batch)
        taught  = model.write(prefix, batch, types, place)
        cache   = model.begin(prefix, batch)
        written = [model.step(cache, None, None)]
        written.extend(model.step(cache, types[:, i], place[:, i]) for i in range(5))
        kept    = cache.select(torch.tensor([4, 1]))
        more    = model.step(kept, types[[4, 1], 0], place[[4, 1], 0])
        again   = model.write(prefix, batch, torch.cat((types, types[:, :1]), 1), torch.cat((place, place[:, :1]), 1))
    torch.testing.assert_close(torch.stack(written, dim=1), taught, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(more, again[[4, 1], -1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("slopes", [None, attention.alibi_slopes(3)], ids=["no bias", "ALiBi"])
@pytest.mark.parametrize("block,span", [(16, 16), (16, 48), (64, 64)])
@pytest.mark.parametrize("global_tokens", [0, 1, 20, 120])
def test_blocked_attention_equals_the_dense_reference_with_its_gradients(block, span, global_tokens, slopes):
    torch.manual_seed(block + span)
    window_RT = torch.full((2, 192), -1)
    place_RT  = torch.full((2, 192), 192)
    for window, (row, start, end) in enumerate(((0, 0, 100), (0, 100, 101), (1, 0, 190))):
        window_RT[row, start:end] = window
        place_RT[row, start:end]  = torch.arange(end - start)
    inputs  = [torch.randn(2, 192, 3, 8, requires_grad=True) for _ in range(3)]
    weight  = torch.randn(2, 192, 3, 8)
    results = []
    for attend in (attention.prefix_dense, lambda *args: attention.prefix_blocked(*args, block=block)):
        out = attend(*inputs, window_RT, place_RT, span, global_tokens, slopes)
        results.append((out, *torch.autograd.grad((out * weight).sum(), inputs)))
    for dense, blocked in zip(*results):
        torch.testing.assert_close(blocked, dense, rtol=1e-5, atol=1e-5)


def test_auto_means_kernels_on_a_gpu_and_blocks_elsewhere():
    config = configs.ModelConfig.preset("tiny", vocab_size=64)
    assert config.attention == "auto"
    assert attention.backend(config, torch.device("cpu")) == "blocked"
    narrow = configs.ModelConfig(vocab_size=64, width=96, num_heads=6)
    assert attention.backend(narrow, torch.device("cuda")) == "blocked"
    pytest.importorskip("triton")
    assert attention.backend(config, torch.device("cuda")) == "triton"


def test_site_logits_ask_one_query_per_type(model):
    batch  = batch_of([200], [[0]])
    types  = torch.tensor([0, 1, 2, 3, 4, 5, 5], dtype=torch.uint8)
    place  = torch.tensor([-1, 30, 30, 30, 30, 30, 199], dtype=torch.int32)
    with torch.no_grad():
        prefix = model.prefill(batch)
        states = model.step(model.begin(prefix, batch), None, None)
        logits = model.site_logits(prefix, batch, states, torch.tensor([0]), torch.tensor([0]),
                                   torch.tensor([0, 7]), types, place)
    assert logits.shape == (7,) and len(logits.unique()) == 7


def test_a_model_folder_reads_back_bit_for_bit(model, tmp_path):
    tk.train([b"ACGTTGCATT" * 100], vocab_size=20).save(tmp_path / "source.json")
    folder.save(model, tmp_path / "model", tmp_path / "source.json")
    back = folder.load(tmp_path / "model")
    assert back.config == model.config
    for name, value in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], value), name
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == \
        ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]


def test_impossible_configurations_say_what_is_possible():
    with pytest.raises(ValueError, match="16, 32, 64 and 128"):
        configs.ModelConfig(vocab_size=8, block_size=48)
    with pytest.raises(ValueError, match="multiples of block_size"):
        configs.ModelConfig(vocab_size=8, block_size=64, attention_window=96)
    with pytest.raises(ValueError, match="auto, triton, blocked, flex or dense"):
        configs.ModelConfig(vocab_size=8, attention="full")
    with pytest.raises(ValueError, match="32, 64 or 128"):
        configs.ModelConfig(vocab_size=8, attention="triton", width=48, num_heads=3)
    with pytest.raises(ValueError, match="0 or more"):
        configs.ModelConfig(vocab_size=8, global_tokens=-1)
    with pytest.raises(ValueError, match="top_k"):
        configs.ModelConfig(vocab_size=8, num_experts=2, top_k=3)
    with pytest.raises(ValueError, match="genetic code 7 is not supported"):
        configs.ModelConfig(vocab_size=8, genetic_code=7)
    with pytest.raises(ValueError, match="max_intron is 40 and min_intron 50"):
        configs.ModelConfig(vocab_size=8, min_intron=50, max_intron=40)
