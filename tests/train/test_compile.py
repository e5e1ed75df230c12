"""`genet5 sft --compile` trains as without it."""

import pathlib

import pytest

torch = pytest.importorskip("torch")

logs = pytest.importorskip("genet5.train.logs")


@pytest.mark.slow
def test_losses_are_those_of_an_eager_run_and_the_cache_is_used(tools, baked, start, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    common = [*tools.COMMON, "--max-steps", 4]
    tools.genet5("sft", baked, tmp_path / "plain", start, *common)
    said   = tools.genet5("sft", baked, tmp_path / "fast", start, *common, "--compile", limit=600).stderr
    assert f"what is compiled is kept in {tmp_path / 'cache'}" in said and "Warning" not in said
    assert list(pathlib.Path(tmp_path / "cache").rglob("*.so"))
    plain, fast = (logs.read(tmp_path / name / "training_log.csv") for name in ("plain", "fast"))
    assert len(fast) == 4
    for ours, theirs in zip(fast, plain):
        for name in ("loss", "site_loss", "segmentation_loss", "lattice_loss", "grad_norm"):
            assert ours[name] == pytest.approx(theirs[name], rel=1e-3)


def test_a_missing_compiler_is_one_line(tools, baked, start, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    run = tools.genet5("sft", baked, tmp_path / "run", start, *tools.COMMON, "--max-steps", 1, "--compile",
                       check=False)
    assert run.returncode == 1 and run.stderr.startswith("error: --compile needs a compiler")
    assert run.stderr.count("\n") == 1 and not (tmp_path / "run").exists()
