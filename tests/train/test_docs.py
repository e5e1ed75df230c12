"""docs/training.md describes what there is."""

import dataclasses
import pathlib
import re

import pytest

import genet5.launch.cluster as clusters
import genet5.train.config as configs
import genet5.train.logs as logs

TEXT = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "training.md").read_text()


@pytest.mark.parametrize("columns", [logs.TRAINING, logs.EVALUATION], ids=["training_log", "eval_log"])
def test_every_column_of_the_logs_is_described_in_the_same_words(columns):
    for column, meaning in columns.items():
        assert f"| `{column}` | {meaning} |" in TEXT


def test_every_column_of_the_memory_log_is_described():
    memory = pytest.importorskip("genet5.train.memory")
    for column, meaning in memory.COLUMNS.items():
        assert f"| `{column}` | {meaning} |" in TEXT


def test_every_key_of_the_cluster_s_file_is_described():
    for field in dataclasses.fields(clusters.Cluster):
        assert f"| `{field.name}` |" in TEXT


def test_the_examples_are_read(tmp_path):
    blocks = dict(re.findall(r"^```toml\n# (\w+\.toml)[^\n]*\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
    assert set(blocks) == {"run.toml", "boxes.toml"}
    for name, block in blocks.items():
        (tmp_path / name).write_text(block)
    assert configs.read(tmp_path / "run.toml").label_smoothing == 0.1
    boxes = clusters.Cluster(**clusters.read(tmp_path / "boxes.toml"))
    assert (boxes.master, boxes.workers, boxes.env) == ("192.168.100.10", ["192.168.100.11"], {"NCCL_DEBUG": "WARN"})
