"""`genet5 demo`: all steps follow each other; the figures themselves need the whole run."""

import json
import pathlib

import click.testing
import pytest

import genet5.cli.demo as command
import genet5.demo as demo
import genet5.errors as errors


@pytest.fixture
def quick(monkeypatch):
    """The demo with hardly any training."""

    pytest.importorskip("torch")
    whole = demo.commands

    def shortened(folder, steps, seed, length):
        lines = whole(folder, 2, seed, 100_000)
        return [[*line, "--no-calibrate", "--threads", "1"] if line[0] == "sft" else line for line in lines]

    monkeypatch.setattr(demo, "commands", shortened)


def test_the_last_line_is_json_and_names_the_files(quick, tmp_path):
    answer = click.testing.CliRunner().invoke(command.demo, [str(tmp_path / "demo"), "--json"])
    assert answer.exit_code == 0, answer.output
    figures = json.loads(answer.stdout.splitlines()[-1])
    assert list(figures) == ["gene_f1", "baseline_gene_f1", "seconds", "files"]
    assert 0 <= figures["gene_f1"] <= 1
    assert 0 < figures["baseline_gene_f1"] < 1
    assert all(pathlib.Path(path).exists() for path in figures["files"].values())


def test_a_folder_in_other_use_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(errors.DataError, match=r"thesis\.txt"):
        demo.prepare(tmp_path)


def test_a_step_that_fails_ends_the_demo(tmp_path):
    with pytest.raises(errors.DataError, match="genet5 inspect failed"):
        demo.step(["inspect", str(tmp_path / "missing.gff3")])
