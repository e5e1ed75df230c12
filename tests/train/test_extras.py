"""Label smoothing, the choice of micro-batches, TensorBoard, and checkpoints that do not fit on the disk."""

import dataclasses
import json
import pathlib
import shutil
import subprocess
import sys
import threading

import pytest

import genet5.errors as errors
import genet5.train.config as configs

torch       = pytest.importorskip("torch")
batches     = pytest.importorskip("genet5.train.batches")
checkpoint  = pytest.importorskip("genet5.train.checkpoint")
distributed = pytest.importorskip("genet5.train.distributed")
evaluation  = pytest.importorskip("genet5.train.evaluation")
fitting     = pytest.importorskip("genet5.train.fitting")
loop        = pytest.importorskip("genet5.train.loop")
loss        = pytest.importorskip("genet5.model.loss")

TINY = configs.TrainConfig(max_steps=2, warmup=1, batch_rows=4, row_tokens=512, crop=512, threads=1, device="cpu",
                           dtype="float32", generate_every=-1, calibrate=False, eval_batches=1)
MIB  = 1 << 20


def test_label_smoothing_is_torch_s_over_the_allowed_sites(baked, start):
    import genet5.model.folder as folders

    model  = folders.load(start)
    batch  = batches.to_device(batches.Source(baked, start / "tokenizer.json", TINY).next().micro[0], "cpu")
    parts  = [loss.losses(model, batch, 1, smoothing=share) for share in (0.0, 0.1)]
    assert parts[0]["segmentation_sum"] == parts[1]["segmentation_sum"]
    assert parts[0]["site_count"] == parts[1]["site_count"]
    logits, found = [], model.site_logits
    model.site_logits = lambda *given: logits.append(found(*given)) or logits[-1]
    loss.losses(model, batch, 1, smoothing=0.1)
    expected, offsets = 0.0, batch["allowed_offsets"].tolist()
    for number, target in enumerate(batch["allowed_target"].tolist()):
        if target >= 0:
            begin, end = offsets[number:number + 2]
            expected  += float(torch.nn.functional.cross_entropy(
                logits[0][begin:end].detach(), torch.tensor(target - begin), label_smoothing=0.1))
    assert parts[1]["site_sum"].item() == pytest.approx(expected, rel=1e-5)


def test_micro_batches_grow_until_memory_is_full(monkeypatch):
    class Toy:
        device    = torch.device("cpu")
        gradients = type("Gradients", (), {"zero": lambda self: None})()

        def rewind(self):
            pass

    def source(config, count):
        rows = config.batch_rows // count
        return type("Source", (), {"next": lambda self: batches.Step([rows], {})})()

    tried = []
    monkeypatch.setattr(fitting.Probe, "room", lambda self: 1000 * MIB)
    monkeypatch.setattr(fitting.Probe, "measure", lambda self, work: work())
    monkeypatch.setattr(fitting, "_work", lambda trainer, rows: tried.append(rows) or rows * 100.0 * MIB)
    config = dataclasses.replace(TINY, batch_rows=24)
    assert fitting.accumulate(Toy(), source, config, distributed.Group(), 0)[:2] == (3, 8)
    # twelve rows would not fit, so they were not even tried
    assert tried == [1, 2, 3, 4, 6, 8]
    assert fitting.accumulate(Toy(), source, config, distributed.Group(), 500 * MIB)[:2] == (6, 4)
    with pytest.raises(errors.DataError, match="a single row of 512 tokens does not fit"):
        fitting.accumulate(Toy(), source, config, distributed.Group(), 950 * MIB)


def test_a_probe_sees_what_work_takes():
    # in a process of its own: one that has worked before gives memory again that it holds already
    code = ("import torch, genet5.train.fitting as fitting; probe = fitting.Probe(torch.device('cpu')); "
            f"print(probe.measure(lambda: torch.ones({64 * MIB // 4}).sum()))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 48 * MIB < float(done.stdout) < 256 * MIB, done.stderr


def test_auto_batch_changes_no_loss(baked, start, tmp_path):
    import genet5.train.logs as logs

    for name, changes in (("plain", {}), ("fitted", {"auto_batch": True})):
        loop.Run(baked, tmp_path / name, start, dataclasses.replace(TINY, **changes), quiet=True).go()
    one, other = (logs.read(tmp_path / name / "training_log.csv") for name in ("plain", "fitted"))
    assert [row["loss"] for row in one] == pytest.approx([row["loss"] for row in other], rel=1e-5)
    assert configs.read(tmp_path / "fitted" / "finetune_config.json").accumulate in (1, 2, 4)


def test_a_toml_file_and_options_start_the_same_run(run, baked, start, tmp_path):
    options = ["--max-steps", 2, "--warmup", 1, "--batch-rows", 4, "--row-tokens", 512, "--threads", 1, "--device",
               "cpu", "--dtype", "float32", "--generate-every", -1, "--no-calibrate", "--eval-batches", 1, "--lr",
               "1e-4", "--loss-weights", "site=2,lattice=0.5", "--decay", "sqrt", "--ema", 0.5, "--quiet"]
    (tmp_path / "run.toml").write_text(
        'max_steps = 2\nwarmup = 1\nbatch_rows = 4\nrow_tokens = 512\nthreads = 1\ndevice = "cpu"\n'
        'dtype = "float32"\ngenerate_every = -1\ncalibrate = false\neval_batches = 1\nlr = 1\ndecay = "sqrt"\n'
        'ema = 0.5\n[loss_weights]\nsite = 2\nlattice = 0.5\n')
    assert run("sft", baked, tmp_path / "options", start, *options)[0] == 0
    # an option comes on top of the file
    code, _, err = run("sft", baked, tmp_path / "file", start, "--config", tmp_path / "run.toml", "--lr", "1e-4",
                       "--quiet")
    assert code == 0, err
    written = tmp_path / "options" / "finetune_config.json"
    assert run("sft", baked, tmp_path / "again", start, "--config", written, "--quiet")[0] == 0
    configured = {name: configs.read(tmp_path / name / "finetune_config.json") for name in ("options", "file", "again")}
    assert configured["options"] == configured["file"] == configured["again"]
    weights = {(tmp_path / name / "model.safetensors").read_bytes() for name in configured}
    assert len(weights) == 1
    told = json.loads(written.read_text())["versions"]
    assert {"genet5", "torch", "python", "code", "core", "commit"} <= set(told)
    assert told == checkpoint.read(tmp_path / "file" / "checkpoint_latest.pt")["versions"]


def test_a_run_that_goes_on_with_other_code_says_so(baked, start, tmp_path, monkeypatch, capsys):
    config = dataclasses.replace(TINY, log_every=10)
    loop.Run(baked, tmp_path / "run", start, config, quiet=True).go()
    monkeypatch.setattr(loop.versions, "code_hash", lambda: "another")
    loop.Run(baked, tmp_path / "run", start, config, resume=True).go()
    assert "warning: the run began with another code; the next losses may differ" in capsys.readouterr().err


def test_tensorboard_gets_every_step(baked, start, tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed: pip install 'genet5[watch]'")
    import tensorboard.backend.event_processing.event_accumulator as events

    loop.Run(baked, tmp_path / "run", start, dataclasses.replace(TINY, tensorboard=True), quiet=True).go()
    read = events.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    read.Reload()
    assert [event.step for event in read.Scalars("train/loss")] == [1, 2]
    assert [event.step for event in read.Scalars("eval/site_loss")] == [0, 1, 2]


def test_genes_are_scored_at_all_three_levels():
    import genet5.inference.evaluation as evaluate
    import genet5.inference.genes as genes

    sample = {"genes": [{"strand": "+", "segments": [[0, 10], [20, 30]]}, {"strand": "-", "segments": [[50, 60]]}]}
    found  = [genes.Candidate(strand, segments, 1.0, "writer", 0)
              for strand, segments in (("+", ((0, 10), (20, 28))), ("-", ((50, 60),)))]
    counts = evaluate.collections.Counter()
    evaluate._count(counts, found, sample)
    rates  = evaluate._rates(counts)
    assert rates["gene_f1"] == 0.5
    assert rates["exon_f1"] == pytest.approx(2 / 3)
    assert rates["nucleotide_f1"] == pytest.approx(2 * 28 / (28 + 30))


def test_a_checkpoint_holds_the_moment_it_was_asked_for(tmp_path, monkeypatch):
    go    = threading.Event()
    real  = checkpoint.save
    monkeypatch.setattr(checkpoint, "save", lambda *given: go.wait() and real(*given))
    writer = checkpoint.Writer(tmp_path, 2, print)
    weight = torch.ones(3)
    writer.save({"step": 1, "nested": [{"weight": weight}]})
    weight.fill_(2.0)
    go.set()
    writer.finish()
    assert torch.equal(checkpoint.read(tmp_path / "checkpoint_latest.pt")["nested"][0]["weight"], torch.ones(3))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes."""

    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True,
                          text=True, check=False)
    if made.returncode:
        pytest.skip(f"no small file system can be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_costs_no_checkpoint_that_is_there(small_disk):
    said   = []
    writer = checkpoint.Writer(small_disk, 2, said.append)
    small  = {"weight": torch.rand(100_000)}
    for step in (1, 2):
        writer.save({"step": step, **small})
    writer.finish()
    writer.save({"step": 3, "weight": torch.rand(2_000_000)})
    with pytest.raises(OSError, match="checkpoint_step_3"):
        writer.finish()
    assert len(said) == 1 and "the checkpoint of step 3 was not written" in said[0]
    assert sorted(path.name for path in pathlib.Path(small_disk).iterdir()) == \
        ["checkpoint_latest.pt", "checkpoint_step_1.pt", "checkpoint_step_2.pt"]
    assert checkpoint.newest(small_disk, said.append)["step"] == 2
    # with room again, the run writes as before
    (small_disk / "checkpoint_step_1.pt").unlink()
    writer.save({"step": 4, **small})
    writer.finish()
    assert checkpoint.newest(small_disk, said.append)["step"] == 4


def test_a_full_disk_costs_no_step_and_no_model_that_is_there(small_disk, baked, start, capsys):
    """The disk has no room for a model and a checkpoint in the second step, and has it again in the third."""

    import genet5.train.logs as logs

    class Guest:
        """Somebody else who uses the disk."""

        def beat(self, step):
            run.writer.wait()
            if step == 2:
                free = shutil.disk_usage(small_disk).free
                (small_disk / "guest").write_bytes(bytes(max(0, free - 32_768)))
            if step == 3:
                (small_disk / "guest").unlink()

        def rest(self, what):
            pass

    config = dataclasses.replace(TINY, max_steps=4, eval_every=1, save_every=1, keep_checkpoints=1, memory_every=60.0)
    run    = loop.Run(baked, small_disk / "run", start, config, heart=Guest())
    run.go()
    said = capsys.readouterr().err
    assert "the model of step 2, the best so far, was not written: No space left on device" in said
    assert "the checkpoint of step 2 was not written: No space left on device" in said
    rows = logs.read(small_disk / "run" / "eval_log.csv")
    assert [row["best"] for row in rows] == [1, 1, 0, 1, 1]
    assert checkpoint.newest(small_disk / "run", print)["progress"]["best_step"] == 4


def test_a_model_folder_that_finds_no_room_is_told_by_name(small_disk, start):
    import genet5.model.folder as folders

    (small_disk / "guest").write_bytes(bytes(shutil.disk_usage(small_disk).free - 32_768))
    with pytest.raises(OSError, match=r"No space left on device: '.*/model\.safetensors'"):
        folders.save(folders.load(start), small_disk / "model", start / "tokenizer.json")


def test_half_written_files_of_a_killed_run_are_swept_away(tmp_path):
    for name in (".checkpoint_step_3.pt.77.tmp", ".best_model.pt.77.tmp", ".model.safetensors.77.tmp",
                 ".config.json.77.tmp", ".other.tmp", "checkpoint_step_2.pt"):
        (tmp_path / name).write_bytes(b"x")
    checkpoint.tidy(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.tmp", "checkpoint_step_2.pt"]
