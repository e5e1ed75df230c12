"""Compiled blocks are the blocks: one graph for all lengths and layers, the same losses, kept on disk."""

import os
import pathlib
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import beside

torch = pytest.importorskip("torch")

compiling = pytest.importorskip("genet5.model.compiling")
configs   = pytest.importorskip("genet5.model.config")
errors    = pytest.importorskip("genet5.errors")
experts   = pytest.importorskip("genet5.model.experts")
network   = pytest.importorskip("genet5.model.network")
testing   = pytest.importorskip("torch._dynamo.testing")

# torch's own tracing looks at .grad of what is no leaf
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")

windows = beside.load(pathlib.Path(__file__).with_name("windows.py"))

FAMILIES = {"pre-norm with RoPE":               ({}, 2),
            "post-norm with ALiBi":             ({"norm": "post", "positions": "alibi", "activation": "gelu"}, 2),
            # the experts part each block into two graphs
            "four experts, two for each token": ({"num_experts": 4, "top_k": 2}, 4)}
PACKAGE  = pathlib.Path(__file__).resolve().parents[2] / "python"


def build(changes, seed=7):
    torch.manual_seed(seed)
    model = network.GeneT5(configs.ModelConfig.preset("tiny", vocab_size=64, block_size=16, attention_window=32,
                                                      **changes))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def inputs(lengths, steps, seed):
    rng   = np.random.default_rng(seed)
    made  = [windows.random_window(rng, length) for length in lengths]
    half  = len(lengths) // 2
    batch = windows.pack(made, [list(range(half)), list(range(half, len(lengths)))])
    types = rng.integers(1, 6, (len(lengths), steps)).astype(np.uint8)
    place = np.stack([rng.integers(0, length, steps) for length in lengths]).astype(np.int32)
    return {name: torch.from_numpy(value) for name, value in batch.items()}, *map(torch.from_numpy, (types, place))


CASES = [inputs(lengths, steps, seed) for seed, (lengths, steps) in enumerate((
    ([900, 700], 3), ([300, 400, 500], 5), ([1500, 60, 64, 800], 9), ([2500, 20, 2000], 6)))]


def outputs(model, batch, types, place):
    """All that losses are made of."""

    prefix = model.prefill(batch)
    return prefix.segmentation, prefix.potentials, prefix.keys, model.write(prefix, batch, types, place)


def gradients(model, batch, types, place):
    """A loss and its gradients."""

    model.zero_grad()
    loss = sum(output.square().mean() for output in outputs(model, batch, types, place))
    loss.backward()
    return [loss.detach(), *(p.grad.clone() for p in model.parameters() if p.grad is not None)]


@pytest.fixture
def tools(monkeypatch, tmp_path):
    """A cache of its own, and experts as they were before."""

    monkeypatch.setenv(compiling.CACHE, str(tmp_path / "cache"))
    monkeypatch.setattr(experts.Experts, "forward", experts.Experts.forward)
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("changes,most", FAMILIES.values(), ids=FAMILIES.keys())
def test_four_lengths_make_at_most_two_graphs_of_each_part_and_equal_gradients(tools, changes, most):
    counter = testing.CompileCounterWithBackend("aot_eager")
    wanted  = [gradients(build(changes), *case) for case in CASES]
    model   = build(changes)
    compiling.for_training(model, torch.device("cpu"), counter)
    found   = []
    for case in CASES:
        found.append(gradients(model, *case))
        counted = counter.frame_count
    for ours, theirs in zip(found, wanted):
        for one, other in zip(ours, theirs):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    # blocks have two ways in, over the prefix and over steps
    assert 0 < counted <= 2 * most


def test_evaluation_is_not_compiled(tools):
    counter = testing.CompileCounterWithBackend("eager")
    model   = build({}).eval()
    compiling.for_training(model, torch.device("cpu"), counter)
    with torch.no_grad():
        outputs(model, *CASES[0])
    assert counter.frame_count == 0


def test_reading_is_compiled_once_for_all_lengths(tools):
    counter = testing.CompileCounterWithBackend("eager")
    model   = build({}).eval()
    with torch.inference_mode():
        wanted = [model.prefill(batch).keys for batch, *_ in CASES]
        for _ in range(2):
            compiling.for_prediction(model, torch.device("cpu"), counter)
        found  = [model.prefill(batch).keys for batch, *_ in CASES]
    for ours, theirs in zip(found, wanted):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    assert 0 < counter.frame_count <= 2


def test_threads_that_read_side_by_side_share_one_graph(tools):
    """Compiling takes a minute; nobody does it twice, however the threads fall."""

    made, results = [], {}

    def slow(graph, example):
        made.append(threading.current_thread().name)
        time.sleep(0.3)
        return graph.forward

    def read(name, gate, run, value):
        gate.wait()
        results[name] = run(value)

    run  = compiling._compiled(lambda x: x.sin() + 1, slow)
    gate = threading.Barrier(3)
    rows = {number: torch.randn(4, 5 + number, 3) for number in range(3)}
    team = [threading.Thread(target=read, args=(number, gate, run, value)) for number, value in rows.items()]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    assert len(made) == 1
    for number, value in rows.items():
        torch.testing.assert_close(results[number], value.sin() + 1)


def test_a_missing_compiler_is_one_clear_line(tools, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(errors.DataError, match=r"no no-such-compiler here: install g\+\+, or leave --compile out"):
        compiling.for_training(build({}), torch.device("cpu"))


def test_the_cache_lies_in_the_user_s_folder_unless_said_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv(compiling.CACHE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert compiling.cache_dir() == tmp_path / "genet5" / "inductor"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert compiling.cache_dir() == pathlib.Path.home() / ".cache" / "genet5" / "inductor"
    monkeypatch.setenv(compiling.CACHE, str(tmp_path / "mine"))
    assert compiling.cache_dir() == tmp_path / "mine"


AGAIN = """
import sys
import torch
import torch._dynamo.utils as utils
sys.path[:0] = sys.argv[1:]
import test_compiling as ours
wanted = ours.gradients(ours.build({}), *ours.CASES[0])
model  = ours.build({})
ours.compiling.for_training(model, torch.device("cpu"))
for one, other in zip(ours.gradients(model, *ours.CASES[0]), wanted):
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
counted = utils.counters["inductor"]
print("found", counted["fxgraph_cache_hit"], "made", counted["fxgraph_cache_miss"])
"""


@pytest.mark.slow
def test_inductor_computes_the_same_and_finds_its_work_again(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), compiling.CACHE: str(tmp_path), "OMP_NUM_THREADS": "1"}
    folders     = [str(pathlib.Path(path).parent) for path in (__file__, beside.__file__)]
    command     = [sys.executable, "-c", AGAIN, *folders]
    said        = []
    for _ in range(2):
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr[-3000:]
        said.append(run.stdout.split())
    (_, found, _, made), (_, found_again, _, made_again) = said
    assert int(found) == 0 and int(made) > 0
    assert int(found_again) > 0 and int(made_again) == 0
