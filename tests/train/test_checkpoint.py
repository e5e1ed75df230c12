"""Checkpoint files: whole or absent, loaded as data, old ones dropped."""

import random

import numpy as np
import pytest

import genet5.errors as errors

torch      = pytest.importorskip("torch")
checkpoint = pytest.importorskip("genet5.train.checkpoint")


def test_the_last_files_are_kept_and_latest_is_the_newest(tmp_path):
    for step in (5, 10, 100):
        checkpoint.save(tmp_path, {"step": step, "weight": torch.ones(3) * step}, keep=2)
    assert [path.name for path in checkpoint.steps(tmp_path)] == ["checkpoint_step_10.pt", "checkpoint_step_100.pt"]
    assert checkpoint.read(tmp_path / checkpoint.LATEST)["step"] == 100
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    checkpoint.write(tmp_path / "a.pt", {"step": 1})
    with pytest.raises(Exception):  # noqa: B017 what torch raises here differs by version
        checkpoint.write(tmp_path / "a.pt", {"step": lambda: 2})
    assert checkpoint.read(tmp_path / "a.pt")["step"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_rubbish_is_no_checkpoint(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"rubbish")
    with pytest.raises(errors.DataError, match="no checkpoint"):
        checkpoint.read(tmp_path / "a.pt")


def test_a_bit_that_turned_over_on_the_disk_is_found(tmp_path):
    weight = torch.arange(1000, dtype=torch.float32)
    checkpoint.save(tmp_path, {"step": 1, "weight": weight}, keep=2)
    checkpoint.save(tmp_path, {"step": 2, "weight": weight + 0.5}, keep=2)
    # both names may be one file
    content = bytearray((tmp_path / checkpoint.LATEST).read_bytes())
    content[content.index((weight + 0.5).numpy().tobytes()) + 2002] ^= 4
    for name in (checkpoint.LATEST, "checkpoint_step_2.pt"):
        (tmp_path / name).write_bytes(content)
    said = []
    assert checkpoint.newest(tmp_path, said.append)["step"] == 1
    assert len(said) == 2 and all("a broken one" in line for line in said)


def test_random_generators_go_on_where_they_were(tmp_path):
    checkpoint.write(tmp_path / "a.pt", {"random": checkpoint.random_state()})
    draw  = lambda: (random.random(), np.random.rand(), float(torch.rand(())))  # noqa: E731
    first = draw()
    checkpoint.restore_random_state(checkpoint.read(tmp_path / "a.pt")["random"])
    assert draw() == first
