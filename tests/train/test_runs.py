"""Whole runs in processes of their own: killed, stopped, resumed, spread over two processes."""

import json
import signal

import pytest

import genet5.errors as errors
import genet5.train.config as configs
import genet5.train.logs as logs
import genet5.train.signals as signals

torch      = pytest.importorskip("torch")
checkpoint = pytest.importorskip("genet5.train.checkpoint")
loop       = pytest.importorskip("genet5.train.loop")

# what depends on the machine's speed
MEASURED = ("tokens_per_second", "bases_per_second", "seconds")
STEPS    = ["--max-steps", "12", "--batch-rows", "2", "--save-every", "3", "--eval-every", "4"]


def exact(folder, name="training_log.csv"):
    """The rows of a log without what is measured and without empty cells."""

    return [{key: value for key, value in row.items() if key not in MEASURED and value is not None}
            for row in logs.read(folder / name)]


@pytest.fixture(scope="module")
def whole(tools, baked, start, tmp_path_factory):
    """A run that nothing disturbed."""

    folder = tmp_path_factory.mktemp("runs") / "whole"
    tools.genet5("sft", baked, folder, start, *tools.COMMON, *STEPS)
    return folder


def test_a_run_leaves_its_files_and_a_model_folder(whole):
    import genet5.model.folder as folders

    names = {path.name for path in whole.iterdir()}
    assert names == {"finetune_config.json", "training_log.csv", "eval_log.csv", "best_model.pt",
                     "checkpoint_latest.pt", "checkpoint_step_9.pt", "checkpoint_step_12.pt",
                     "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert [row["step"] for row in logs.read(whole / "training_log.csv")] == list(range(1, 13))
    rows = logs.read(whole / "eval_log.csv")
    assert [row["step"] for row in rows] == [0, 4, 8, 12]
    best = min(rows, key=lambda row: row["loss"])
    kept = checkpoint.read(whole / "best_model.pt")
    assert (kept["step"], kept["losses"]["loss"]) == (best["step"], best["loss"])
    weights = folders.load(whole).state_dict()
    assert all(torch.equal(weights[name], value) for name, value in kept["model"].items())


def test_the_loss_falls_and_no_true_site_is_masked(whole):
    rows = logs.read(whole / "eval_log.csv")
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert all(row["mask_misses"] == 0 for row in logs.read(whole / "training_log.csv"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_a_stopped_run_goes_on_as_if_nothing_had_happened(tools, whole, baked, start, tmp_path, number):
    arguments  = ["sft", baked, tmp_path / "run", start, *tools.COMMON, *STEPS]
    code, said = tools.stop_after(5, number, *arguments)
    if number == signal.SIGKILL:
        assert code == -signal.SIGKILL
    else:
        assert code == 130
        assert "--resume continues" in said
        stopped = checkpoint.read(tmp_path / "run" / "checkpoint_latest.pt")["step"]
        assert stopped == len(exact(tmp_path / "run")) < 12
    tools.genet5(*arguments, "--resume")
    assert exact(tmp_path / "run") == exact(whole)
    assert exact(tmp_path / "run", "eval_log.csv") == exact(whole, "eval_log.csv")
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_two_processes_train_like_one(tools, whole, baked, start, tmp_path):
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    tools.genet5("sft", baked, tmp_path / "run", start, *tools.COMMON, *STEPS, "--save-every", "12", launcher=launcher)
    for name in ("training_log.csv", "eval_log.csv"):
        for number, (ours, theirs) in enumerate(zip(exact(tmp_path / "run", name), exact(whole, name), strict=True)):
            # each process pads its own part
            ours.pop("padding_share", theirs.pop("padding_share", None))
            norms = [row.pop("grad_norm", 0.0) for row in (ours, theirs)]
            # the same losses from the same weights; Adam's first updates are signs of gradients, so rounding grows
            assert ours == pytest.approx(theirs, rel=1e-6 if number == 0 else 1e-3, abs=1e-7)
            assert norms[0] == pytest.approx(norms[1], rel=1e-5 if number == 0 else 1e-2)


def test_the_written_configuration_starts_the_same_run(whole, baked, start, tmp_path):
    settings = json.loads((whole / "finetune_config.json").read_text())
    assert settings["data_dir"] == str(baked.resolve())
    config = configs.read(whole / "finetune_config.json")
    loop.Run(baked, tmp_path / "again", start, config, quiet=True).go()
    assert exact(tmp_path / "again") == exact(whole)


def test_a_run_is_neither_overwritten_nor_continued_otherwise(whole, baked, start):
    config = configs.read(whole / "finetune_config.json")
    with pytest.raises(errors.DataError, match="--resume continues it, --force replaces it"):
        loop.Run(baked, whole, start, config)
    with pytest.raises(errors.DataError, match="continues a run with seed = 0, not 5"):
        loop.Run(baked, whole, start, config, given={"seed": 5}, resume=True)


def test_a_second_signal_interrupts_unless_it_is_an_echo():
    with signals.Stop() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked
        stop.since -= 2 * signals.ECHO_SECONDS
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
