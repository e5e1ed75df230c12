"""The watch over memory: what it writes, and that a run ends in time with everything saved."""

import csv
import dataclasses
import os
import pathlib
import subprocess
import sys

import pytest

import genet5.errors as errors
import genet5.train.config as configs

torch      = pytest.importorskip("torch")
checkpoint = pytest.importorskip("genet5.train.checkpoint")
loop       = pytest.importorskip("genet5.train.loop")
memory     = pytest.importorskip("genet5.train.memory")

GIB    = 1 << 30
GROUPS = pathlib.Path("/sys/fs/cgroup")
TINY   = configs.TrainConfig(max_steps=6, warmup=1, batch_rows=2, row_tokens=512, threads=1, device="cpu",
                             dtype="float32", generate_every=-1, calibrate=False, eval_batches=1, memory_every=0.05)


def meminfo(folder, available):
    (folder / "self").mkdir(parents=True, exist_ok=True)
    temporary = folder / "meminfo.tmp"
    temporary.write_text(f"MemTotal: {100 * GIB // 1024} kB\nMemAvailable: {available // 1024} kB\n")
    temporary.replace(folder / "meminfo")
    (folder / "self" / "cgroup").write_text("0::/\n")
    return folder


def watch(tmp_path, **options):
    return memory.Watch(tmp_path / "memory_x.csv", proc=tmp_path / "proc", sys=tmp_path / "sys", **options)


def test_rows_have_the_documented_columns(tmp_path):
    meminfo(tmp_path / "proc", 50 * GIB)
    ours = watch(tmp_path)
    ours.step = 7
    ours.sample()
    ours.sample()
    with (tmp_path / "memory_x.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(memory.COLUMNS)
    assert (rows[1]["step"], rows[1]["mem_available"], rows[1]["cgroup_limit"]) == ("7", str(50 * GIB), "")


def test_the_floor_is_a_twenty_fifth_unless_given(tmp_path):
    meminfo(tmp_path / "proc", 50 * GIB)
    assert watch(tmp_path).floor == 4 * GIB
    assert watch(tmp_path, floor=1.5).floor == 1.5 * GIB
    never = watch(tmp_path, floor=-1)
    meminfo(tmp_path / "proc", 0)
    never.sample()
    assert not never.low


def test_too_little_memory_is_noticed_for_good(tmp_path):
    meminfo(tmp_path / "proc", 50 * GIB)
    ours = watch(tmp_path)
    ours.sample()
    assert not ours.low
    meminfo(tmp_path / "proc", 3 * GIB)
    ours.sample()
    meminfo(tmp_path / "proc", 50 * GIB)
    assert ours.low
    ours.sample()
    assert ours.low


def test_a_disk_that_is_full_does_not_end_the_watch(tmp_path, capsys):
    meminfo(tmp_path / "proc", 50 * GIB)
    ours = memory.Watch(pathlib.Path("/dev/full"), proc=tmp_path / "proc", sys=tmp_path / "sys")
    ours.sample()
    assert "/dev/full: No space left on device" in capsys.readouterr().err


def test_a_run_saves_and_ends_when_memory_runs_out(baked, start, tmp_path, monkeypatch):
    fake = meminfo(tmp_path / "proc", 50 * GIB)
    real = memory.Watch
    monkeypatch.setattr(memory, "Watch", lambda *given: real(*given, proc=fake, sys=tmp_path / "sys"))

    class Thirsty:
        """Takes the memory in the third step."""

        def rest(self, what):
            pass

        def beat(self, step):
            if step == 3:
                meminfo(fake, GIB)
                run.watch.sample()

    run = loop.Run(baked, tmp_path / "run", start, TINY, quiet=True, heart=Thirsty())
    with pytest.raises(errors.LowMemory, match=r"only 1\.00 GiB .* saved at step 3 of 6; --resume continues"):
        run.go()
    assert checkpoint.read(tmp_path / "run" / "checkpoint_latest.pt")["step"] == 3
    meminfo(fake, 50 * GIB)
    summary = loop.Run(baked, tmp_path / "run", start, TINY, quiet=True, resume=True).go()
    assert summary["steps"] == 6


@pytest.fixture
def group():
    """A control group whose memory limit a test may set."""

    unified = (GROUPS / "cgroup.controllers").is_file()
    folder  = (GROUPS if unified else GROUPS / "memory") / f"genet5_test_{os.getpid()}"
    try:
        folder.mkdir()
        (folder / ("memory.max" if unified else "memory.limit_in_bytes")).write_text(str(8 * GIB))
    except OSError as error:
        pytest.skip(f"no control group with a memory limit can be made here: {error}")
    yield folder
    folder.rmdir()


def test_a_real_limit_of_a_control_group_ends_a_run_with_code_75(tools, baked, start, tmp_path, group):
    """The floor is above what the group leaves, so the first step is the last."""

    arguments = ["sft", baked, tmp_path / "run", start, *tools.COMMON, "--max-steps", "50", "--memory-every", "0.05"]
    inside    = (f"import os, sys; open({str(group / 'cgroup.procs')!r}, 'w').write(str(os.getpid())); "
                 f"os.execv(sys.executable, [sys.executable, '-m', 'genet5', *sys.argv[1:]])")
    done = subprocess.run([sys.executable, "-c", inside, *map(str, arguments), "--memory-floor", "7.9"],
                          env=tools.environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 75, done.stderr
    assert "less than the 7.90 GiB of --memory-floor" in done.stderr.splitlines()[-1]
    saved = checkpoint.read(tmp_path / "run" / "checkpoint_latest.pt")["step"]
    assert 1 <= saved < 50
    with next((tmp_path / "run").glob("memory_*.csv")).open() as file:
        assert {row["cgroup_limit"] for row in csv.DictReader(file)} == {str(8 * GIB)}
    settings = dataclasses.asdict(configs.read(tmp_path / "run" / "finetune_config.json"))
    assert settings["memory_floor"] == 7.9
