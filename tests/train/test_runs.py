"""Whole runs in processes of their own: killed, stopped, resumed, spread over two processes."""

import csv
import json
import random
import shutil
import signal
import socket

import pytest

import genet5.errors as errors
import genet5.train.config as configs
import genet5.train.logs as logs
import genet5.train.signals as signals

torch      = pytest.importorskip("torch")
checkpoint = pytest.importorskip("genet5.train.checkpoint")
loop       = pytest.importorskip("genet5.train.loop")

# what depends on the machine's speed
MEASURED = ("tokens_per_second", "bases_per_second", "seconds", "memory_available", "memory_resident",
            "memory_reserved")
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
    assert names == {"finetune_config.json", "training_log.csv", "eval_log.csv", "training_log.jsonl", "eval_log.jsonl",
                     f"memory_{socket.gethostname()}.csv", "best_model.pt",
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


def weights(folder):
    """The whole state of the last checkpoint, name -> tensor."""

    state = checkpoint.read(folder / "checkpoint_latest.pt")
    found = {f"model.{name}": value for name, value in state["model"].items()}
    found.update({f"average.{name}": value for name, value in state["average"].items()})
    found.update({name: value for name, value in state["optimizer"].items() if torch.is_tensor(value)})
    return found


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_a_stopped_run_goes_on_as_if_nothing_had_happened(tools, whole, baked, start, tmp_path, number):
    arguments  = ["sft", baked, tmp_path / "run", start, *tools.COMMON, *STEPS]
    after      = random.SystemRandom().randint(1, 9)
    print(f"{number.name} once {after} steps are logged")
    code, said = tools.stop_after(after, number, *arguments)
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
    ours, theirs = weights(tmp_path / "run"), weights(whole)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())
    rows = [json.loads(line) for line in (tmp_path / "run" / "training_log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 13))


def test_a_run_goes_on_from_an_older_checkpoint_where_the_last_one_is_torn(tools, whole, baked, start, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    torn = (tmp_path / "run" / "checkpoint_step_12.pt").read_bytes()[:5000]
    for name in ("checkpoint_step_12.pt", "checkpoint_latest.pt"):
        (tmp_path / "run" / name).write_bytes(torn)
    done = tools.genet5("sft", baked, tmp_path / "run", start, *tools.COMMON, *STEPS, "--resume")
    assert "checkpoint_latest.pt is no checkpoint, or a broken one" in done.stderr
    assert "going on from step 9 of 12" in done.stderr
    assert exact(tmp_path / "run") == exact(whole)


# what a resumed run has loaded, saved by it before its first step
RELOADED = """
import sys
import genet5.cli as cli
import genet5.train.checkpoint as checkpoint
import genet5.train.loop as loop

resume = loop.Run._resume

def resume_and_save(run):
    resume(run)
    state = run.trainer.state_dict()
    if run.first:
        checkpoint.write(run.out_dir / "reloaded.pt", state)

loop.Run._resume = resume_and_save
sys.argv[0] = "genet5"
cli.main()
"""


def plain(state):
    """A checkpoint's state without the time and the random state of processes that may be gone, by whole name."""

    if isinstance(state, dict):
        return {f"{name}.{rest}": value for name, part in state.items() if name not in ("seconds", "random")
                for rest, value in plain(part).items()}
    return {"": state}


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (2, 2)])
def test_the_number_of_processes_may_change(tools, baked, start, tmp_path, before, after):
    """The state is loaded bit by bit, and the next five losses agree with those of the run that was not changed."""

    script = tmp_path / "reloaded.py"
    script.write_text(RELOADED)
    torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    options  = [*tools.COMMON, "--max-steps", "11", "--batch-rows", "2", "--save-every", "6", "--eval-every", "11"]
    whole, changed = tmp_path / "whole", tmp_path / "changed"
    tools.genet5("sft", baked, whole, start, *options, launcher=torchrun if before == 2 else ())
    shutil.copytree(whole, changed)
    shutil.copyfile(whole / "checkpoint_step_6.pt", changed / "checkpoint_latest.pt")
    done = tools.genet5("sft", baked, changed, start, *options, "--resume", module=(),
                        launcher=[*(torchrun if after == 2 else ()), str(script)])
    assert "going on from step 6 of 11" in done.stderr
    loaded = plain(checkpoint.read(changed / "reloaded.pt"))
    saved  = plain(checkpoint.read(whole / "checkpoint_step_6.pt"))
    assert {"optimizer", "model", "average", "progress", "sampler"} <= {name.partition(".")[0] for name in loaded}
    for name, value in loaded.items():
        assert torch.equal(value, saved[name]) if torch.is_tensor(value) else value == saved[name], name
    # the schedule follows from the step and the configuration
    ours, theirs = exact(changed), exact(whole)
    assert [row["lr"] for row in ours] == [row["lr"] for row in theirs]
    assert ours[:6] == theirs[:6]
    pairs = [(one["loss"], other["loss"]) for one, other in zip(ours[6:], theirs[6:], strict=True)]
    worst = max(abs(one - other) / other for one, other in pairs)
    print(f"{before} to {after} processes: largest relative difference of the next five losses {worst:.2e}")
    assert len(ours) == 11 and worst < 1e-5
    if before == after:
        assert ours == theirs


def test_the_first_process_hands_its_checkpoint_to_one_that_sees_none(tools, whole, baked, start, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    shutil.copyfile(tmp_path / "run" / "checkpoint_step_9.pt", tmp_path / "run" / "checkpoint_latest.pt")
    script = tmp_path / "apart.py"
    # the second process has a disk of its own
    script.write_text("import os, sys\nimport genet5.cli as cli\n"
                      f"sys.argv[3] = {str(tmp_path / 'run')!r} if os.environ['RANK'] == '0' else "
                      f"{str(tmp_path / 'elsewhere')!r}\ncli.main()\n")
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone", str(script)]
    tools.genet5("sft", baked, "", start, *tools.COMMON, *STEPS, "--resume", launcher=launcher, module=())
    assert [row["step"] for row in exact(tmp_path / "run")] == list(range(1, 13))
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == [f"memory_{socket.gethostname()}_1.csv"]


def test_weights_in_parts_train_like_whole_ones_and_become_whole_again(tools, whole, baked, start, tmp_path):
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    tools.genet5("sft", baked, tmp_path / "run", start, *tools.COMMON, *STEPS, "--parallel", "fsdp", launcher=launcher)
    ours, theirs = (exact(folder) for folder in (tmp_path / "run", whole))
    assert ours[0]["loss"] == pytest.approx(theirs[0]["loss"], rel=1e-6)
    assert ours[0]["grad_norm"] == pytest.approx(theirs[0]["grad_norm"], rel=1e-5)
    assert [row["loss"] for row in ours] == pytest.approx([row["loss"] for row in theirs], rel=1e-3)
    assert [row["loss"] for row in exact(tmp_path / "run", "eval_log.csv")] == \
        pytest.approx([row["loss"] for row in exact(whole, "eval_log.csv")], rel=1e-3)
    one, other = weights(tmp_path / "run"), weights(whole)
    assert {name: value.shape for name, value in one.items()} == {name: value.shape for name, value in other.items()}
    shutil.copyfile(tmp_path / "run" / "checkpoint_step_9.pt", tmp_path / "run" / "checkpoint_latest.pt")
    shutil.copytree(tmp_path / "run", tmp_path / "single")
    tools.genet5("sft", baked, tmp_path / "run", start, *tools.COMMON, *STEPS, "--resume", launcher=launcher)
    assert exact(tmp_path / "run") == ours
    done = tools.genet5("sft", baked, tmp_path / "single", start, *tools.COMMON, *STEPS, "--resume")
    assert "going on from step 9 of 12" in done.stderr
    assert [row["loss"] for row in exact(tmp_path / "single")] == pytest.approx([row["loss"] for row in ours], rel=1e-5)


def test_memory_is_watched_in_every_run(whole):
    with (whole / f"memory_{socket.gethostname()}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(int(row["resident"]) > 1 << 20 for row in rows)
    assert all(row["memory_resident"] > 1 << 20 for row in logs.read(whole / "training_log.csv"))


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


def test_a_model_is_not_replaced_by_a_run(whole, baked, start):
    weights = (start / "model.safetensors").read_bytes()
    config  = configs.read(whole / "finetune_config.json")
    with pytest.raises(errors.DataError, match="holds a model that is no run's; name another OUT_DIR, or --force"):
        loop.Run(baked, start, start, config)
    assert (start / "model.safetensors").read_bytes() == weights


def test_a_second_signal_interrupts_unless_it_is_an_echo():
    with signals.Stop() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert stop.asked
        stop.since -= 2 * signals.ECHO_SECONDS
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
