"""`genet5 predict --compile` finds the genes that it finds without, with one graph for every window."""

import pytest

torch = pytest.importorskip("torch")

compiling = pytest.importorskip("genet5.model.compiling")
testing   = pytest.importorskip("torch._dynamo.testing")

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")


@pytest.fixture
def counter(monkeypatch, tmp_path):
    """Blocks are compiled by a backend that counts its graphs."""

    made = testing.CompileCounterWithBackend("eager")
    real = compiling._compiled
    monkeypatch.setenv(compiling.CACHE, str(tmp_path))
    monkeypatch.setattr(compiling, "_compiled", lambda method, backend, training=False: real(method, made, training))
    torch._dynamo.reset()
    yield made
    torch._dynamo.reset()


@pytest.mark.parametrize("decoder", ["writer", "both"])
def test_compiled_prediction_is_the_same_prediction(model_folder, awkward, counter, decoder):
    import genet5

    few    = {name: awkward[name] for name in ("random", "ends", "splices", "short", "one")}
    wanted = {"decoder": decoder, "writer_threshold": 0.0, "both_add": 0.0}
    plain  = genet5.load(model_folder, device="cpu", threads=2).predict(few, **wanted)
    found  = genet5.load(model_folder, device="cpu", threads=2).predict(few, compile=True, **wanted)
    assert len(plain) > 0 and counter.frame_count > 0
    assert [(gene.contig, gene.strand, gene.segments) for gene in found] == \
        [(gene.contig, gene.strand, gene.segments) for gene in plain]
    assert [gene.probability for gene in found] == pytest.approx([gene.probability for gene in plain], rel=1e-3)
    # a window of one token has a graph of its own
    assert counter.frame_count <= 5


def test_a_missing_compiler_is_one_line(run, model_folder, awkward_file, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    code, out, err = run("predict", model_folder, awkward_file, "-o", tmp_path / "genes.gff3", "--device", "cpu",
                         "--compile", "--quiet")
    assert code == 1 and out == "" and err.count("\n") == 1 and "leave --compile out" in err
    assert not (tmp_path / "genes.gff3").exists()
