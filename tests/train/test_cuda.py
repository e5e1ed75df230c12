"""A run on a GPU goes the way of a run on a CPU."""

import csv

import pytest

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")

OPTIONS = ["--threads", "2", "--row-tokens", "512", "--lr", "0.003", "--warmup", "2", "--eval-batches", "2",
           "--generate-every", "-1", "--no-calibrate", "--max-steps", "12"]


def losses(folder):
    with (folder / "training_log.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def test_losses_follow_the_cpu_s(tools, baked, start, tmp_path):
    for device, dtype in (("cpu", "float32"), ("cuda", "float32"), ("cuda", "bfloat16")):
        out = tmp_path / f"{device}_{dtype}"
        tools.genet5("sft", baked, out, start, *OPTIONS, "--device", device, "--dtype", dtype)
    expected = losses(tmp_path / "cpu_float32")
    assert losses(tmp_path / "cuda_float32") == pytest.approx(expected, rel=2e-2)
    assert losses(tmp_path / "cuda_bfloat16") == pytest.approx(expected, rel=1e-1)


def test_a_run_on_a_gpu_resumes(tools, baked, start, tmp_path):
    options = [*OPTIONS, "--device", "cuda", "--save-every", "6"]
    tools.genet5("sft", baked, tmp_path / "whole", start, *options)
    code, _ = tools.stop_after(7, 2, "sft", baked, tmp_path / "cut", start, *options)
    assert code != 0
    tools.genet5("sft", baked, tmp_path / "cut", start, *options, "--resume")
    assert losses(tmp_path / "cut") == pytest.approx(losses(tmp_path / "whole"), rel=2e-2)
