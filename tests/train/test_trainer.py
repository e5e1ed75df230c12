"""The trainer inside this process: accumulation, skipped steps, other data, learning by heart."""

import dataclasses
import shutil

import pytest

import genet5.errors as errors
import genet5.train.config as configs

torch       = pytest.importorskip("torch")
batches     = pytest.importorskip("genet5.train.batches")
checkpoint  = pytest.importorskip("genet5.train.checkpoint")
distributed = pytest.importorskip("genet5.train.distributed")
evaluation  = pytest.importorskip("genet5.train.evaluation")
loop        = pytest.importorskip("genet5.train.loop")
loss        = pytest.importorskip("genet5.model.loss")
plans       = pytest.importorskip("genet5.train.plan")
trainers    = pytest.importorskip("genet5.train.trainer")

SMALL = configs.TrainConfig(max_steps=6, warmup=1, lr=3e-3, batch_rows=4, row_tokens=512, crop=512, threads=1,
                            device="cpu", dtype="float32", loss_weights=dict.fromkeys(configs.HEADS, 1.0),
                            generate_every=-1, calibrate=False, eval_batches=2)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    torch.set_deterministic_debug_mode("default")


def trainer(baked, start, **changes):
    import genet5.model.folder as folders

    config = dataclasses.replace(SMALL, **changes)
    source = batches.Source(baked, start / "tokenizer.json", config)
    return trainers.Trainer(folders.load(start).train(), source, config, distributed.Group())


def test_accumulation_equals_one_big_batch(baked, start):
    whole, parts = trainer(baked, start), trainer(baked, start, accumulate=4)
    for _ in range(5):
        one, other = whole.step(), parts.step()
        for name in ("windows", "bases", "epoch"):
            assert one[name] == other[name]
        for name in ("loss", "site_loss", "segmentation_loss", "lattice_loss", "grad_norm"):
            assert one[name] == pytest.approx(other[name], rel=1e-4, abs=1e-6)


def test_a_mixture_of_experts_logs_its_load_and_evens_it_out(baked, start, tmp_path):
    import genet5.model.folder as folders

    folders.create(tmp_path / "mixture", start / "tokenizer.json", preset="tiny", num_layers=2, num_experts=4, top_k=2,
                   window_size=512)
    whole, parts = trainer(baked, tmp_path / "mixture"), trainer(baked, tmp_path / "mixture", accumulate=2)
    for _ in range(3):
        one, other = whole.step(), parts.step()
        assert one["loss"] == pytest.approx(other["loss"], rel=1e-4)
        for kind in ("prefix", "steps"):
            shares = [float(share) for share in one[f"{kind}_load"].split()]
            assert len(shares) == 4 and sum(shares) == pytest.approx(1.0, abs=1e-3)
            assert one[f"{kind}_load"] == other[f"{kind}_load"]
            assert 0 < one[f"{kind}_load_entropy"] <= 1.3863 and one[f"{kind}_load_max"] >= 1
    moved = [layer.feed.balance for layer in whole.model.layers]
    assert all(float(balance.abs().max()) > 0 for balance in moved)
    again = trainer(baked, tmp_path / "mixture")
    again.load_state_dict(whole.state_dict())
    assert all(torch.equal(layer.feed.balance, balance) for layer, balance in zip(again.model.layers, moved))
    assert again.step()["loss"] == whole.step()["loss"]


@pytest.mark.parametrize("here", [True, False], ids=["torch multiplies in groups", "it does not"])
def test_a_run_says_how_experts_are_multiplied(baked, start, tmp_path, monkeypatch, capsys, here):
    import genet5.model.experts as experts
    import genet5.model.folder as folders

    if here and not experts.grouped_works("cpu", torch.float32):
        pytest.skip("torch has no grouped_mm here")
    folders.create(tmp_path / "mixture", start / "tokenizer.json", preset="tiny", num_layers=1, num_experts=4, top_k=2,
                   window_size=512)
    monkeypatch.setattr(experts, "grouped_works", lambda device, dtype: here)
    loop.Run(baked, tmp_path / "run", tmp_path / "mixture", dataclasses.replace(SMALL, max_steps=1)).go()
    way = "in groups" if here else "one after the other: torch has no grouped_mm here"
    assert f"4 experts, 2 for each token, multiplied {way}" in "".join(capsys.readouterr())


def test_router_losses_count_where_they_have_weight(baked, start, tmp_path):
    import genet5.model.folder as folders

    folders.create(tmp_path / "mixture", start / "tokenizer.json", preset="tiny", num_layers=1, num_experts=4, top_k=1,
                   window_size=512)
    weights = {**dict.fromkeys(configs.HEADS, 1.0), "router_z": 0.5, "router_balance": 0.25}
    row     = trainer(baked, tmp_path / "mixture", loss_weights=weights).step()
    heads   = sum(row[f"{head}_loss"] for head in configs.HEADS)
    assert row["router_z_loss"] > 0 and row["router_balance_loss"] >= 0.9
    assert row["loss"] == pytest.approx(heads + 0.5 * row["router_z_loss"] + 0.25 * row["router_balance_loss"])
    assert trainer(baked, start).step()["router_z_loss"] == 0.0


def test_rows_that_cannot_be_shared_out_are_refused(baked, start):
    with pytest.raises(errors.DataError, match="batch_rows 4 is not divisible"):
        trainer(baked, start, accumulate=3)


def test_a_folder_that_was_not_baked_is_told_so(start, tmp_path):
    with pytest.raises(errors.DataError, match=r"is no baked folder: .* \(genet5 bake makes one\)"):
        trainer(tmp_path, start)


def test_a_step_that_is_not_finite_changes_nothing_and_is_counted(baked, start, monkeypatch):
    ours  = trainer(baked, start)
    ours.step()
    before = {name: value.clone() for name, value in ours.model.state_dict().items()}
    real   = loss.losses
    broken = lambda *given, **named: {name: value * float("nan") if name == "site_sum" else value  # noqa: E731
                                      for name, value in real(*given, **named).items()}
    monkeypatch.setattr(loss, "losses", broken)
    row = ours.step()
    assert row["skipped"] == 1
    assert all(torch.equal(before[name], value) for name, value in ours.model.state_dict().items())
    monkeypatch.setattr(loss, "losses", real)
    assert ours.step()["skipped"] == 1
    assert not torch.equal(before["embed.weight"], ours.model.embed.weight)


def test_a_run_that_diverges_stops(baked, start, monkeypatch):
    ours = trainer(baked, start)
    monkeypatch.setattr(trainers, "MOST_SKIPPED", 2)
    with torch.no_grad():
        ours.model.embed.weight.fill_(float("nan"))
    ours.step()
    with pytest.raises(errors.GeneT5Error, match="lower --lr"):
        ours.step()


def test_a_run_without_a_finite_validation_loss_claims_no_model(baked, start, tmp_path):
    import genet5.model.folder as folders

    model = folders.load(start)
    with torch.no_grad():
        model.embed.weight.fill_(float("nan"))
    folders.save(model, tmp_path / "broken", start / "tokenizer.json")
    with pytest.raises(errors.GeneT5Error, match="holds no model: no validation loss was a finite number"):
        loop.Run(baked, tmp_path / "run", tmp_path / "broken", dataclasses.replace(SMALL, max_steps=2), quiet=True).go()


@pytest.mark.parametrize("resume", [False, True])
def test_a_model_that_is_no_run_is_not_replaced_unasked(baked, start, tmp_path, resume):
    shutil.copytree(start, tmp_path / "model")
    before = (tmp_path / "model" / "model.safetensors").read_bytes()
    with pytest.raises(errors.DataError, match="already holds a model"):
        loop.Run(baked, tmp_path / "model", tmp_path / "model", SMALL, quiet=True, resume=resume)
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == before
    loop.Run(baked, tmp_path / "model", start, dataclasses.replace(SMALL, max_steps=1), quiet=True, force=True).go()


def test_checkpoints_without_the_latest_are_a_run_too(baked, start, tmp_path):
    config = dataclasses.replace(SMALL, max_steps=1, save_every=1)
    loop.Run(baked, tmp_path / "run", start, config, quiet=True).go()
    (tmp_path / "run" / "checkpoint_latest.pt").unlink()
    with pytest.raises(errors.DataError, match="already holds a run"):
        loop.Run(baked, tmp_path / "run", start, config, quiet=True)


def test_a_best_model_is_no_checkpoint_to_go_on_from(baked, start, tmp_path):
    config = dataclasses.replace(SMALL, max_steps=2, save_every=1)
    loop.Run(baked, tmp_path / "run", start, config, quiet=True).go()
    said   = []
    latest = tmp_path / "run" / "checkpoint_latest.pt"
    shutil.copyfile(tmp_path / "run" / "best_model.pt", tmp_path / "best.pt")
    (tmp_path / "best.pt").replace(latest)
    assert checkpoint.newest(tmp_path / "run", said.append, checkpoint.WHOLE)["step"] == 2
    assert len(said) == 1 and "it lacks average, data_hash, optimizer" in said[0]


def test_a_checkpoint_of_other_data_is_refused(baked, start, tmp_path):
    ours  = trainer(baked, start)
    state = ours.state_dict()
    with pytest.raises(errors.DataError, match="made on other data"):
        ours.load_state_dict({**state, "data_hash": "0" * 16})


def test_another_model_is_refused_on_resume(baked, start, tmp_path):
    import genet5.model.folder as folders

    loop.Run(baked, tmp_path / "run", start, dataclasses.replace(SMALL, max_steps=1), quiet=True).go()
    folders.create(tmp_path / "other", baked / "tokenizer.json", preset="tiny", num_layers=1, window_size=512)
    with pytest.raises(errors.DataError, match="another model"):
        loop.Run(baked, tmp_path / "run", tmp_path / "other", SMALL, resume=True, quiet=True).go()


def test_minutes_become_steps_that_end_on_time(baked, start, tmp_path):
    config  = dataclasses.replace(SMALL, max_steps=0, max_minutes=0.2)
    summary = loop.Run(baked, tmp_path / "run", start, config, quiet=True).go()
    assert summary["steps"] > 1
    assert summary["seconds"] == pytest.approx(12.0, rel=0.75)


def test_the_plan_made_for_the_time_is_kept_by_a_resumed_run(baked, start, tmp_path, monkeypatch):
    class Cut:
        """Ends the run in its third step, as a power cut would."""

        def beat(self, step):
            if step == 3:
                raise ConnectionAbortedError

        def rest(self, what):
            pass

    # the same plan on a busy machine
    monkeypatch.setattr(loop.Run, "_speed", lambda self: plans.Speed(step=0.5, batch=0.01, sample=0.01, spent=0.5))
    config = dataclasses.replace(SMALL, max_steps=0, max_minutes=0.1, save_every=1)
    first  = loop.Run(baked, tmp_path / "run", start, config, quiet=True, heart=Cut())
    with pytest.raises(ConnectionAbortedError):
        first.go()
    first.writer.wait()
    planned = checkpoint.read(tmp_path / "run" / "checkpoint_latest.pt")["config"]["max_steps"]
    assert planned == first.config.max_steps > 3
    again   = loop.Run(baked, tmp_path / "run", start, config, quiet=True, resume=True)
    assert again.go()["steps"] == planned


def test_genes_are_scored_and_decoding_is_calibrated(baked, start, tmp_path):
    import genet5.model.folder as folders
    import genet5.train.logs as logs

    config  = dataclasses.replace(SMALL, max_steps=3, eval_every=2, generate_every=1, generate_samples=2,
                                  calibrate=True)
    summary = loop.Run(baked, tmp_path / "run", start, config, quiet=True).go()
    rows    = logs.read(tmp_path / "run" / "eval_log.csv")
    assert [row["step"] for row in rows] == [0, 1, 2, 3]
    assert [row["writer_gene_f1"] is None for row in rows] == [True, False, False, True]
    decoding = folders.load(tmp_path / "run").config.decoding
    for name in ("writer_threshold", "min_probability", "decoder"):
        assert decoding[name] == summary[name]


def test_samples_are_asked_for_where_they_are_missing(baked, tmp_path):
    shutil.copytree(baked, tmp_path / "baked")
    (tmp_path / "baked" / "eval.json").unlink()
    assert evaluation.samples(tmp_path / "baked", SMALL) == []
    with pytest.raises(errors.DataError, match="--no-calibrate"):
        evaluation.samples(tmp_path / "baked", dataclasses.replace(SMALL, calibrate=True))


def test_a_tiny_model_learns_a_handful_of_windows_by_heart(baked, start):
    ours  = trainer(baked, start, max_steps=60, warmup=5, lr=1e-2, reverse_complement=False, batch_rows=1)
    batch = ours.source.next()
    ours.source.next = lambda: batch
    rows  = [ours.step() for _ in range(60)]
    assert rows[-1]["loss"] < 0.3 * rows[0]["loss"]
