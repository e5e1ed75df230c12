"""`genet5 sft-report`: a table of what differs, and a figure of all runs."""

import json

import pytest

import genet5.train.config as configs
import genet5.train.curves as curves
import genet5.train.logs as logs


def make(folder, lr, slope, genes=True):
    """A run of 40 steps whose loss falls by a rule."""

    folder.mkdir()
    config = configs.TrainConfig(max_steps=40, lr=lr)
    (folder / "finetune_config.json").write_text(json.dumps({"config": config.to_dict()}))
    train = logs.Log(folder / "training_log.csv", logs.TRAINING)
    held  = logs.Log(folder / "eval_log.csv", logs.EVALUATION)
    for step in range(1, 41):
        losses = dict.fromkeys(("loss", "site_loss", "segmentation_loss", "lattice_loss"), 2 - slope * step)
        train.write({"step": step, "lr": lr, "skipped": 0, "seconds": 90.0 * step, "bases_per_second": 1000.0,
                     "padding_share": 0.1, "memory_resident": 1 << 30, **losses,
                     "grad_norm": float("nan") if step == 7 else 1.0})
        if step % 10 == 0:
            held.write({"step": step, "seconds": 1.0, **losses, "writer_gene_f1": 0.01 * step if genes else None})
    train.close()
    held.close()
    return folder


@pytest.fixture
def runs(tmp_path):
    """Two runs that differ in their learning rate."""

    return [make(tmp_path / "slow", 1e-4, 0.01), make(tmp_path / "fast", 3e-4, 0.04, genes=False)]


def test_the_table_names_what_differs_and_what_came_out(runs):
    text = curves.table([curves.load(folder) for folder in runs])
    rows = {cells[1].strip(): [cell.strip() for cell in cells[2:4]]
            for cells in (line.split("|") for line in text.splitlines())}
    assert rows[""] == ["slow", "fast"]
    assert rows["lr"] == ["0.0001", "0.0003"]
    assert "seed" not in rows and "max_steps" not in rows
    assert rows["best validation loss"] == ["1.6", "0.4"]
    assert rows["at step"] == ["40", "40"]
    assert rows["gene F1 writer"] == ["0.4", "-"]
    assert rows["hours"] == ["1", "1"]


def test_a_running_mean_leaves_gaps_out():
    assert curves.smooth([1.0, None, 3.0, 5.0], 2) == [1.0, 1.0, 3.0, 4.0]
    assert curves.smooth([None], 2) == [None]


def test_the_figure_is_drawn_as_png_and_svg(run, runs, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'genet5[watch]'")
    code, out, err = run("sft-report", *runs, "--out", tmp_path / "both")
    assert code == 0, err
    assert out == (tmp_path / "both.md").read_text().split("\n\n", 1)[1]
    assert (tmp_path / "both.png").read_bytes()[:4] == b"\x89PNG"
    svg = (tmp_path / "both.svg").read_text()
    assert svg.lstrip().startswith("<?xml") and svg.count("<g id=\"axes_") == len(curves.PANELS)


def test_a_folder_without_a_run_is_one_line(run, tmp_path):
    code, _, err = run("sft-report", tmp_path)
    assert code == 1
    assert "holds no run of genet5 sft" in err and err.count("\n") == 1
