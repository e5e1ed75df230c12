"""The model reads packed windows as it reads lone ones, and writes step by step as it trains."""

import json
import pathlib

import numpy as np
import pytest

import beside
import genet5.errors as errors
import genet5.tokenizer as tk

torch = pytest.importorskip("torch")

configs   = pytest.importorskip("genet5.model.config")
attention = pytest.importorskip("genet5.model.attention")
network   = pytest.importorskip("genet5.model.network")
folder    = pytest.importorskip("genet5.model.folder")


def _sibling(name):
    return beside.load(pathlib.Path(__file__).with_name(f"{name}.py"))


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
@pytest.mark.parametrize("block,span", [(16, 16), (16, 48), (64, 64), (128, 128)])
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


@pytest.mark.parametrize("backend", ["dense", "blocked"])
def test_query_heads_may_share_heads_of_keys(backend):
    torch.manual_seed(0)
    config = configs.ModelConfig(vocab_size=8, attention=backend, block_size=32, attention_window=32, global_tokens=3)
    where  = attention.Prefixes(backend, torch.zeros(1, 96, dtype=torch.long), torch.arange(96)[None])
    slopes = attention.alibi_slopes(6).repeat(2, 1)
    q, k, v = (torch.randn(1, 96, heads, 8) for heads in (6, 2, 2))
    found   = attention.prefix(q, k, v, where, config, slopes)
    for head in range(6):
        alone = attention.prefix(q[:, :, [head]], k[:, :, [head // 3]], v[:, :, [head // 3]], where, config,
                                 slopes[:, [head]])
        torch.testing.assert_close(found[:, :, [head]], alone, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match="6 query heads cannot share 4 heads of keys"):
        attention.prefix(q, torch.randn(1, 96, 4, 8), torch.randn(1, 96, 4, 8), where, config)


def test_blocks_that_do_not_fill_the_window_are_refused():
    x = torch.randn(1, 96, 1, 8)
    with pytest.raises(ValueError, match="a window of 96 tokens is not divisible by blocks of 64"):
        attention.prefix_blocked(x, x, x, torch.zeros(1, 96).long(), torch.arange(96)[None], span=96, block=64)


@pytest.mark.parametrize("block", [16, 32, 64, 128])
def test_every_valid_block_size_reads_rows_of_any_length(block):
    """Rows are filled to multiples of 64 tokens, whatever the size of a block."""

    for lengths in (LENGTHS, [900], [65]):
        batch = batch_of(lengths, [list(range(len(lengths)))])
        keys  = []
        for backend in ("dense", "blocked"):
            torch.manual_seed(4)
            config = configs.ModelConfig.preset("tiny", vocab_size=64, block_size=block, attention_window=128,
                                                attention=backend)
            with torch.no_grad():
                keys.append(network.GeneT5(config).eval().prefill(batch).keys)
        torch.testing.assert_close(*keys, rtol=1e-5, atol=1e-5)


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
    with pytest.raises(ValueError, match="num_heads is 0; valid are 1 or more"):
        configs.ModelConfig(vocab_size=8, num_heads=0)
    with pytest.raises(ValueError, match="genetic code 7 is not supported"):
        configs.ModelConfig(vocab_size=8, genetic_code=7)
    with pytest.raises(ValueError, match="max_intron is 40 and min_intron 50"):
        configs.ModelConfig(vocab_size=8, min_intron=50, max_intron=40)


@pytest.mark.parametrize(("content", "said"), [
    ("[1]", "no settings of a model"), ("{", "Expecting"), ({"width": "96"}, "width is '96'; valid is a whole number"),
    ({"width": 96.0}, r"width is 96\.0; valid is a whole number"), ({"width": -96}, "width is -96"),
    ({"num_layers": 0}, "num_layers is 0"), ({"decoding": "both"}, "decoding is 'both'; valid is a table"),
    ({"stem_dilations": "1"}, "valid is a list of whole numbers"), ({"colour": 1}, "does not know: colour")])
def test_a_broken_configuration_of_a_model_folder_is_one_line(tmp_path, content, said):
    tk.train([b"ACGTTGCATT" * 100], vocab_size=20).save(tmp_path / "tokenizer.json")
    folder.create(tmp_path / "model", tmp_path / "tokenizer.json", preset="tiny")
    path = tmp_path / "model" / "config.json"
    if isinstance(content, dict):
        content = json.dumps({**json.loads(path.read_text()), **content})
    path.write_text(content)
    with pytest.raises(errors.DataError, match=f"config.json: .*{said}"):
        folder.load(tmp_path / "model")


def test_whoever_may_read_one_file_of_a_model_folder_may_read_all(tmp_path):
    tk.train([b"ACGTTGCATT" * 100], vocab_size=20).save(tmp_path / "tokenizer.json")
    folder.create(tmp_path / "model", tmp_path / "tokenizer.json", preset="tiny")
    assert len({path.stat().st_mode for path in (tmp_path / "model").iterdir()}) == 1
