"""Whole runs of `genet5 grpo` in processes of their own."""

import dataclasses
import json
import signal
import socket

import pytest

import genet5.errors as errors
import genet5.grpo.config as configs
import genet5.grpo.logs as columns
import genet5.train.config as settings
import genet5.train.logs as logs
import genet5.train.plan as plans

torch      = pytest.importorskip("torch")
checkpoint = pytest.importorskip("genet5.train.checkpoint")
loop       = pytest.importorskip("genet5.grpo.loop")

MEASURED = ("tokens_per_second", "bases_per_second", "seconds", "rollout_seconds")
COMMON   = ["--dtype", "float32", "--device", "cpu", "--threads", "1", "--lr", "0.003", "--warmup", "2",
            "--batch-rows", "4", "--num-generations", "4", "--max-completion-length", "24", "--eval-batches", "2",
            "--generate-every", "-1", "--no-calibrate"]
STEPS    = ["--max-steps", "8", "--save-every", "2", "--eval-every", "4", "--beta", "0.01", "--num-iterations", "2",
            "--accumulate", "2"]


def exact(folder, name="training_log.csv"):
    """The rows of a log without what is measured and without empty cells."""

    return [{key: value for key, value in row.items() if key not in MEASURED and value is not None}
            for row in logs.read(folder / name)]


@pytest.fixture(scope="module")
def whole(tools, prepared, start, tmp_path_factory):
    """A run that nothing disturbed."""

    folder = tmp_path_factory.mktemp("runs") / "whole"
    tools.genet5("grpo", prepared, folder, start, *COMMON, *STEPS)
    return folder


def test_a_run_leaves_its_files_and_a_model_folder(whole):
    import genet5.model.folder as folders

    names = {path.name for path in whole.iterdir()}
    assert names == {"finetune_config.json", "training_log.csv", "eval_log.csv", "training_log.jsonl", "eval_log.jsonl",
                     f"memory_{socket.gethostname()}.csv", "best_model.pt", "checkpoint_latest.pt",
                     "checkpoint_step_6.pt", "checkpoint_step_8.pt", "config.json", "model.safetensors",
                     "tokenizer.json", "tokenizer_config.json"}
    rows = logs.read(whole / "training_log.csv")
    assert [row["step"] for row in rows] == list(range(1, 9))
    assert list(rows[0]) == list(columns.training())
    assert [row["step"] for row in logs.read(whole / "eval_log.csv")] == [0, 4, 8]
    best = min(logs.read(whole / "eval_log.csv"), key=lambda row: row["loss"])
    kept = checkpoint.read(whole / "best_model.pt")
    assert (kept["step"], kept["losses"]["loss"]) == (best["step"], best["loss"])
    weights = folders.load(whole).state_dict()
    assert all(torch.equal(weights[name], value) for name, value in kept["model"].items())


def test_the_log_says_what_happened(whole):
    for row in logs.read(whole / "training_log.csv"):
        assert 0 <= row["rewards/gene/mean"] <= row["rewards/validity/mean"] == 1
        assert row["groups"] <= 4 and row["windows"] == 4 + row["resampled"]
        assert row["frac_reward_zero_std"] == pytest.approx(1 - row["groups"] / row["windows"])
        assert row["completions/min_length"] <= row["completions/mean_length"] <= row["completions/max_length"] <= 24
        # the sampler and the training's first pass agree
        assert row["sampling/sampling_logp_difference/max"] < 1e-4
        assert row["entropy"] > 0 and row["kl"] >= 0


def test_names_of_figures_are_trls():
    source = pytest.importorskip("inspect").getsource(
        pytest.importorskip("trl.trainer.grpo_trainer", reason="TRL is not installed"))
    for name in columns.training():
        if name.startswith(("reward", "frac_", "completions/", "clip_ratio", "entropy", "kl", "sampling/")):
            kind = name.rpartition("/")[2]
            written = f'/{{reward_func_name}}/{kind}' if name.startswith("rewards/") else f'"{name}"'
            written = written if not name.startswith("rewards/") else f'rewards/{{reward_func_name}}/{kind}'
            assert written in source, name


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_a_stopped_run_goes_on_as_if_nothing_had_happened(tools, whole, prepared, start, tmp_path, number):
    arguments  = ["grpo", prepared, tmp_path / "run", start, *COMMON, *STEPS]
    code, said = tools.stop_after(3, number, *arguments)
    if number == signal.SIGKILL:
        assert code == -signal.SIGKILL
    else:
        assert code == 130 and "--resume continues" in said
        assert checkpoint.read(tmp_path / "run" / "checkpoint_latest.pt")["step"] == len(exact(tmp_path / "run")) < 8
    tools.genet5(*arguments, "--resume")
    assert exact(tmp_path / "run") == exact(whole)
    assert exact(tmp_path / "run", "eval_log.csv") == exact(whole, "eval_log.csv")
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_two_processes_learn_like_one(tools, whole, prepared, start, tmp_path):
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    tools.genet5("grpo", prepared, tmp_path / "run", start, *COMMON, *STEPS, "--accumulate", "1", launcher=launcher)
    ours, theirs = exact(tmp_path / "run")[0], exact(whole)[0]
    # the same windows, completions and rewards; the gradient to rounding
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-6)
    names = [name for name in theirs if name.startswith(("reward", "completions", "windows", "groups"))]
    assert {name: ours[name] for name in names} == {name: theirs[name] for name in names}


def test_the_reward_rises(prepared, start, tmp_path, monkeypatch):
    """Silence, paid for, is soon learnt."""

    (tmp_path / "quiet.py").write_text("def silence(scored):\n    return 1 / scored.steps\n")
    monkeypatch.chdir(tmp_path)
    config = configs.GrpoConfig(max_steps=25, lr=0.02, warmup=2, batch_rows=4, num_generations=8, threads=1,
                                max_completion_length=24, eval_batches=1, generate_every=-1, calibrate=False,
                                dtype="float32", device="cpu", reward=["quiet:silence"], length_penalty=0.0,
                                mask_truncated_completions=False,
                                reward_weights={**dict.fromkeys(configs.WEIGHTS, 0.0), "silence": 1.0})
    loop.Run(prepared, tmp_path / "run", start, config, quiet=True).go()
    rows = logs.read(tmp_path / "run" / "training_log.csv")
    assert rows[-1]["reward"] > rows[0]["reward"] + 0.2
    assert rows[-1]["completions/mean_length"] < rows[0]["completions/mean_length"]
    assert rows[-1]["rewards/silence/mean"] == pytest.approx(rows[-1]["reward"])


def test_windows_without_any_difference_teach_nothing_and_are_counted(prepared, start, tmp_path):
    """Every completion is valid, so validity alone makes all windows alike."""

    import genet5.model.folder as folders

    config = configs.GrpoConfig(max_steps=2, batch_rows=3, num_generations=2, threads=1, max_completion_length=24,
                                eval_batches=1, generate_every=-1, calibrate=False, dtype="float32", device="cpu",
                                length_penalty=0.0, resample_rounds=2,
                                reward_weights={name: float(name == "validity") for name in configs.WEIGHTS})
    loop.Run(prepared, tmp_path / "run", start, config, quiet=True).go()
    for row in logs.read(tmp_path / "run" / "training_log.csv"):
        assert (row["groups"], row["resampled"], row["windows"], row["frac_reward_zero_std"]) == (0, 6, 9, 1)
        assert row["grad_norm"] == 0
    before, after = folders.load(start).state_dict(), checkpoint.read(tmp_path / "run" / "checkpoint_latest.pt")
    assert all(torch.equal(before[name], value) for name, value in after["model"].items())


def test_species_of_two_genetic_codes_and_a_mixture_of_experts(raw, tmp_path):
    import genet5.grpo.prep as prep
    import genet5.grpo.windows as windows
    import genet5.model.folder as folders

    tokenizer = raw.parent / "tokenizer.json"
    prep.prepare([raw], tmp_path / "windows", tokenizer, count=8, held_out=4, window_size=512, val_share=0.2,
                 genetic_codes={"B.toy": 4})
    assert set(windows.load(tmp_path / "windows").genetic_code.tolist()) == {1, 4}
    folders.create(tmp_path / "start", tokenizer, preset="tiny", width=32, num_layers=1, num_heads=2, feed_forward=32,
                   stem_width=16, base_width=16, key_width=16, stem_dilations=(1, 2), window_size=512, num_experts=3,
                   top_k=2, dropout=0.5)
    config = configs.GrpoConfig(max_steps=1, batch_rows=8, num_generations=3, threads=1, max_completion_length=24,
                                generate_every=-1, calibrate=False, dtype="float32", device="cpu", warmup=0,
                                mask_truncated_completions=False)
    loop.Run(tmp_path / "windows", tmp_path / "run", tmp_path / "start", config, quiet=True).go()
    row, = logs.read(tmp_path / "run" / "training_log.csv")
    assert row["sampling/sampling_logp_difference/max"] < 1e-4
    assert row["grad_norm"] > 0
    assert sum(row["prefix_load"]) == pytest.approx(1, abs=1e-3)
    assert sum(row["steps_load"]) == pytest.approx(1, abs=1e-3)


def test_a_plan_by_minutes_and_a_calibration(run, prepared, start, tmp_path, monkeypatch):
    measure = loop.Run._speed

    def steady(self):
        # what was measured decides elsewhere; a busy machine may be too slow for so short a run
        assert all(seconds > 0 for seconds in dataclasses.astuple(measure(self)))
        return plans.Speed(step=1.0, batch=0.1, sample=0.1, spent=4.0)

    monkeypatch.setattr(loop.Run, "_speed", steady)
    code, _, said = run("grpo", prepared, tmp_path / "run", start, *COMMON[:-3], "--max-minutes", "0.4",
                        "--generate-samples", "4")
    assert code == 0 and "steps planned for 0.4 minutes" in said and "is the model's decoder" in said
    written = json.loads((tmp_path / "run" / "finetune_config.json").read_text())
    assert written["config"]["max_steps"] == len(exact(tmp_path / "run")) > 5
    assert settings.read(tmp_path / "run" / "finetune_config.json", configs.GrpoConfig).loss_type == "dapo"


def test_a_run_is_not_continued_otherwise_and_needs_its_data(whole, prepared, start, tmp_path, run):
    config = settings.read(whole / "finetune_config.json", configs.GrpoConfig)
    with pytest.raises(errors.DataError, match="continues a run with beta"):
        loop.Run(prepared, whole, start, config, given={"beta": 0.5}, resume=True)
    code, _, said = run("grpo", tmp_path, tmp_path / "run", start, "--max-steps", "1")
    assert code == 1 and "genet5 prep-grpo makes it" in said
    code, _, said = run("grpo", prepared, tmp_path / "run", start, "--reward-weights", "gene")
    assert code == 2 and "MEASURE=WEIGHT" in said
