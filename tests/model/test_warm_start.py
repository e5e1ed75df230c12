"""A model made from DNABERT-2 answers as DNABERT-2, dense and with experts, before and after new tokens."""

import json
import pathlib
import random

import pytest

import beside
import genet5.errors as errors
import genet5.tokenizer as tk

torch      = pytest.importorskip("torch")
batching   = pytest.importorskip("genet5.data.batch")
folders    = pytest.importorskip("genet5.model.folder")
size       = pytest.importorskip("genet5.model.size")
warm_start = pytest.importorskip("genet5.model.warm_start")

EXPERTS = {"num_experts": 4, "top_k": 2}


def _sibling(name):
    return beside.load(pathlib.Path(__file__).with_name(f"{name}.py"))


dnabert = _sibling("dnabert")


@pytest.fixture(scope="module")
def weights():
    return dnabert.tensors(dnabert.CONFIG)


@pytest.fixture(scope="module")
def source(weights, shared, tmp_path_factory):
    """A folder as DNABERT-2's, with a smaller encoder of random weights."""

    return dnabert.write(tmp_path_factory.mktemp("reference") / "small", shared, dnabert.CONFIG, weights)


def sequence_of(tokenizer, count, seed=3):
    """Bases that the tokenizer cuts into `count` tokens, and their ids."""

    letters     = bytes(random.Random(seed).choices(b"ACGT", k=12 * count))
    ids, starts = tokenizer.encode(letters)
    cut         = letters[:starts[count]]
    ids         = tokenizer.encode(cut)[0]
    return cut, ids.tolist()


def states(model, tokenizer, text):
    """Final states of the prefix [T, C]."""

    arrays = batching.assemble([text], tokenizer, rows=[[0]], threads=1, **model.config.grammar())
    batch  = batching.to_torch(arrays)
    with torch.no_grad():
        _, x_RTC, _ = model.eval().encode(batch)
    first, count = int(batch["window_token"][0]), int(batch["window_tokens"][0])
    return x_RTC[0, first:first + count]


def check(model, tokenizer, weights, config, count):
    text, ids = sequence_of(tokenizer, count)
    expected  = dnabert.encode(weights, config, torch.tensor(ids))
    found     = states(model, tokenizer, text)
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) <= 1e-5 * float(expected.abs().max())


@pytest.fixture(scope="module", params=[{}, EXPERTS], ids=["dense", "experts"])
def started(request, source, tmp_path_factory):
    """A model made from the reference whose window covers every sequence here, and its tokenizer."""

    out      = tmp_path_factory.mktemp("started") / "model"
    model, _ = warm_start.create(out, source, attention_window=2048, **request.param)
    return model, tk.load(out)


@pytest.mark.parametrize("attention", ["dense", "blocked"])
@pytest.mark.parametrize("count", [10, 129, 600, 2000])
def test_prefix_states_equal_the_reference_s(started, weights, attention, count):
    model, tokenizer       = started
    model.config.attention = attention
    check(model, tokenizer, weights, dnabert.CONFIG, count)


@pytest.mark.parametrize("changes", [{}, EXPERTS], ids=["dense", "experts"])
def test_they_do_so_after_new_tokens_on_text_without_them(source, weights, shared, tmp_path, changes):
    base   = tk.read(source)
    larger = tk.expand(base, [sequence_of(base, 5000, seed=9)[0]], add=50)
    larger.save(tmp_path / "larger.json")
    model, _  = warm_start.create(tmp_path / "model", source, tmp_path / "larger.json", attention_window=1024,
                                  **changes)
    tokenizer = tk.load(tmp_path / "model")
    known     = b"N".join(token.encode() for token in base.tokens()[200:400])
    ids       = tokenizer.encode(known)[0].tolist()
    assert max(ids) < 4096
    expected  = dnabert.encode(weights, dnabert.CONFIG, torch.tensor(ids))
    found     = states(model, tokenizer, known)
    assert float((found - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    # a new token stands for the mean of its pieces
    number = 4096 + 10
    pieces = base.encode(larger.tokens()[number].encode())[0].tolist()
    rows   = model.embed.weight.detach()
    torch.testing.assert_close(rows[number], rows[pieces].mean(dim=0))


@pytest.mark.slow
def test_the_real_shape_has_117_million_parameters_and_the_same_states(shared, tmp_path):
    config  = json.loads((shared / "dnabert2" / "config.json").read_text())
    weights = dnabert.tensors(config)
    source  = dnabert.write(tmp_path / "reference", shared, config, weights, binary=True)
    model, report = warm_start.create(tmp_path / "model", source, attention_window=1024)
    assert (len(report.used), len(report.unused)) == (4 + 11 * 12, 2)
    check(model, tk.load(tmp_path / "model"), weights, config, 300)
    trunk = sum(p.numel() for p in model.layers.parameters()) + model.norm.weight.numel() * 2 + 4096 * 768
    # all of DNABERT-2 but its second type row and its head for masked words
    head  = 2 * 768 + 768 * 768 + 3 * 768 + 4096
    assert trunk + head == 117_074_176


def test_every_tensor_is_named_as_used_or_not(source, weights, tmp_path):
    _, report = warm_start.create(tmp_path / "model", source)
    assert report.unused == ["cls.predictions.decoder.bias", "cls.predictions.transform.dense.weight"]
    assert {f"bert.{name}" for name in report.used} | set(report.unused) == set(weights)


def test_both_files_of_weights_are_read(source, weights, shared, tmp_path):
    binary = dnabert.write(tmp_path / "binary", shared, dnabert.CONFIG, weights, binary=True)
    a, _   = warm_start.create(tmp_path / "a", source)
    b, _   = warm_start.create(tmp_path / "b", binary)
    assert all(torch.equal(value, b.state_dict()[name]) for name, value in a.state_dict().items())


def test_layers_are_taken_from_the_front_or_repeated_in_place(source, weights, tmp_path):
    for layers, origins in ((2, [0, 1]), (6, [0, 0, 1, 1, 2, 2])):
        model, _ = warm_start.create(tmp_path / str(layers), source, layers=layers)
        assert len(model.layers) == layers
        for layer, origin in zip(model.layers, origins):
            assert torch.equal(layer.qkv.weight, weights[f"bert.encoder.layer.{origin}.attention.self.Wqkv.weight"])


@pytest.mark.parametrize("break_it, message", [
    (lambda weights, config: weights.pop("bert.encoder.layer.1.mlp.wo.bias"),
     r"encoder\.layer\.1\.mlp\.wo\.bias is missing"),
    (lambda weights, config: weights.update({"bert.encoder.layer.0.mlp.wo.bias": torch.zeros(7)}),
     r"encoder\.layer\.0\.mlp\.wo\.bias has shape \[7\]"),
    (lambda weights, config: weights.update({"bert.embeddings.word_embeddings.weight": torch.zeros(4000, 96)}),
     r"word_embeddings\.weight has shape \[4000, 96\] where its config.json asks for \[4096, 96\]"),
    (lambda weights, config: (weights.update({"bert.embeddings.word_embeddings.weight": torch.zeros(4200, 96)}),
                              config.update(vocab_size=4200)), "has 4200 rows, and tokenizer.json beside it only 4103"),
    (lambda weights, config: weights.update({"bert.embeddings.token_type_embeddings.weight": torch.zeros(0, 96)}),
     r"token_type_embeddings\.weight has shape \[0, 96\]"),
    (lambda weights, config: config.update(hidden_act="relu"), "hidden_act is relu"),
    (lambda weights, config: config.pop("hidden_size"), "config.json lacks 'hidden_size'"),
    (lambda weights, config: config.update(hidden_size="96"), "hidden_size in config.json is '96'"),
    (lambda weights, config: config.update(num_hidden_layers=0), "num_hidden_layers in config.json is 0"),
], ids=["missing tensor", "other shape", "fewer words", "more words than tokens", "no types", "other activation",
        "no width", "width as text", "no layers"])
def test_a_mismatch_is_named(weights, shared, tmp_path, break_it, message):
    mine, config = dict(weights), dict(dnabert.CONFIG)
    break_it(mine, config)
    source = dnabert.write(tmp_path / "broken", shared, config, mine)
    with pytest.raises(errors.DataError, match=message):
        warm_start.create(tmp_path / "model", source)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("content, message", [
    ({"x": pathlib.PurePosixPath("x")}, "pytorch_model.bin cannot be read: it is broken, or holds more than tensors"),
    ([torch.zeros(2)], "pytorch_model.bin is no state dict"),
    (torch.zeros(2), "pytorch_model.bin is no state dict"),
    ({1: torch.zeros(2)}, "pytorch_model.bin is no state dict"),
    ({"bert.encoder.layer.0.mlp.wo.bias": "text"}, "pytorch_model.bin is no state dict"),
    ({"state_dict": {}}, "pytorch_model.bin is no state dict"),
], ids=["an object", "a list", "a tensor", "numbers for names", "text for a tensor", "nested"])
def test_a_strange_pickle_is_refused_and_not_run(shared, tmp_path, content, message):
    source = dnabert.write(tmp_path / "odd", shared, dnabert.CONFIG, {}, binary=True)
    torch.save(content, source / "pytorch_model.bin")
    with pytest.raises(errors.DataError, match=message) as caught:
        warm_start.read(source)
    assert "weights_only" not in str(caught.value)


@pytest.mark.parametrize("text, message", [("[1, 2]", "holds no settings"), ("{", "is no JSON")])
def test_a_strange_configuration_is_refused(weights, shared, tmp_path, text, message):
    source = dnabert.write(tmp_path / "odd", shared, dnabert.CONFIG, weights)
    (source / "config.json").write_text(text)
    with pytest.raises(errors.DataError, match=f"config.json {message}"):
        warm_start.read(source)


def test_another_tokenizer_is_refused(source, tmp_path):
    tk.train([b"ACGTTGCA" * 100], vocab_size=20).save(tmp_path / "tokenizer.json")
    with pytest.raises(errors.DataError, match="does not begin with the 4096 tokens"):
        warm_start.create(tmp_path / "model", source, tmp_path / "tokenizer.json")


def test_the_command_makes_a_model_with_experts(run, source, tmp_path):
    code, _, err = run("init", tmp_path / "model", "--from", source, "--experts", 4, "--top-k", 2, "--layers", 2)
    assert code == 0 and "used: encoder.layer.0.mlp.wo.weight" in err
    assert "not used: cls.predictions.decoder.bias" in err and "not used: encoder.layer.2.mlp.wo.weight" in err
    code, out, _ = run("model", "info", tmp_path / "model", "--json")
    found = json.loads(out)
    assert code == 0 and (found["num_experts"], found["top_k"], found["num_layers"]) == (4, 2, 2)
    # half of the experts' weights rest
    experts = 2 * 4 * (3 * 96 * 128 + 96)
    assert found["parameters"] - found["active_parameters"] == experts // 2
    assert found["flops_per_base"] > 0


@pytest.mark.parametrize("options, code, message", [
    ([], 2, "--tokenizer"),
    (["--from", "nowhere/at-all"], 1, "no folder here"),
    (["--from", "SOURCE", "--preset", "base"], 2, "--preset does not go with --from"),
    (["--from", "SOURCE", "--feed-forward", "64"], 2, "--feed-forward does not go with --from"),
    (["--tokenizer", "SOURCE", "--feed-forward", "0"], 2, "--feed-forward"),
    (["--from", "SOURCE", "--experts", "2", "--top-k", "3"], 1, "top_k is 3"),
    (["--from", "SOURCE", "--genetic-code", "99"], 1, "genetic code 99 is not supported; NCBI tables 1, 2"),
    (["--tokenizer", "SOURCE", "--genetic-code", "99"], 1, "genetic code 99 is not supported; NCBI tables 1, 2"),
    (["--tokenizer", "SOURCE", "--max-intron", "5"], 1, "max_intron is 5 and min_intron 10"),
])
def test_wrong_calls_are_told_so(run, source, tmp_path, options, code, message, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found, _, err = run("init", tmp_path / "model", *[str(source) if o == "SOURCE" else o for o in options])
    assert found == code and message in err and not (tmp_path / "model").exists()


def test_operations_per_base_follow_the_layers(tmp_path):
    tk.train([b"ACGTTGCATT" * 100], vocab_size=20).save(tmp_path / "tokenizer.json")
    costs = []
    for layers in (1, 2, 3):
        folders.create(tmp_path / str(layers), tmp_path / "tokenizer.json", preset="tiny", num_layers=layers)
        costs.append(size.info(tmp_path / str(layers))["flops_per_base"])
    assert costs[2] - costs[1] == pytest.approx(costs[1] - costs[0]) and costs[1] > costs[0]


def test_experts_of_half_the_width_are_as_active_as_one_whole_feed_forward(run, tmp_path):
    tk.train([b"ACGTTGCATT" * 100], vocab_size=20).save(tmp_path / "tokenizer.json")
    found = []
    for name, options in (("dense", ["--feed-forward", 96]), ("mixture", ["--experts", 4, "--top-k", 2,
                                                                          "--feed-forward", 48])):
        code, _, err = run("init", tmp_path / name, "--tokenizer", tmp_path, "--preset", "tiny", *options)
        assert code == 0, err
        found.append(size.info(tmp_path / name))
    dense, mixture = found
    assert (dense["feed_forward"], mixture["feed_forward"]) == (96, 48)
    # two layers of width 96: a router of four experts, and one more output bias
    assert mixture["active_parameters"] - dense["active_parameters"] == 2 * (4 * 96 + 96)
    assert mixture["parameters"] - mixture["active_parameters"] == 2 * 2 * (3 * 96 * 48 + 96)
