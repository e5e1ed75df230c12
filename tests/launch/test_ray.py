"""Baking by Ray: the same bytes as on one machine, also when a machine dies half-way."""

import contextlib
import filecmp
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

import genet5.bake as baking
import genet5.cli.launch as command
import genet5.launch.baking as launching
import genet5.launch.cluster as clusters
import genet5.machine as machine

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "python"
LIMIT   = 600
COPIES  = 400


@pytest.fixture(scope="module")
def raw(tmp_path_factory, baked):
    """Three species, each the first contig of the tests of training many times over, so that a bake takes its time."""

    toy     = baked.parent / "raw" / "G.toy"
    letters = (toy / "fna").read_text().split(">")[1].partition("\n")[2]
    rows    = "".join(line for line in (toy / "gff").read_text().splitlines(keepends=True) if line.startswith("chr1"))
    folder  = tmp_path_factory.mktemp("raw")
    for number in range(3):
        (folder / f"G.toy{number}").mkdir()
        names = [f"c{index}" for index in range(COPIES)]
        (folder / f"G.toy{number}" / "fna").write_text("".join(f">{name}\n{letters}" for name in names))
        (folder / f"G.toy{number}" / "gff").write_text(
            "##gff-version 3\n" + "".join(rows.replace("chr1", name) for name in names))
    return folder


def options(raw, out, baked):
    return [str(raw), str(out), "--tokenizer", str(baked / "tokenizer.json"), "--window-size", "512", "--val-species",
            "G.toy0"]


def same(one, other):
    """Whether two bakes have the same files with the same bytes; logs tell times and do not count."""

    names = [sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")
                    if path.is_file() and not path.relative_to(folder).as_posix().startswith("logs/"))
             for folder in (one, other)]
    assert names[0] == names[1]
    return filecmp.cmpfiles(one, other, names[0], shallow=False)[1:] == ([], [])


def test_ray_starts_on_every_machine_at_a_fixed_address():
    boxes = clusters.Cluster(master="10.0.0.1", workers=["me@10.0.0.2"], python="py")
    (first, head), (second, joins) = launching.commands(boxes, 6379)
    assert (first, second) == ("10.0.0.1", "me@10.0.0.2")
    assert "--head" in head and "--port 6379 --node-ip-address 10.0.0.1" in " ".join(head)
    assert "--address 10.0.0.1:6379 --node-ip-address 10.0.0.2" in " ".join(joins)


def test_a_dry_run_prints_every_command_and_bakes_nothing(run, raw, baked, tmp_path):
    where        = ["--master", "10.0.0.1", "--worker", "10.0.0.2", "--dry-run"]
    code, out, _ = run("launch", "bake", *options(raw, tmp_path / "out", baked), *where)
    commands     = [line for line in out.splitlines() if not line.startswith("#")]
    assert code == 0
    assert [next(word for word in ("doctor", "launch.node", "ray") if word in line) for line in commands] == \
        ["doctor", "doctor", "launch.node", "ray", "launch.node", "ray"]
    assert [line.startswith("ssh ") for line in commands] == [False, True, False, False, True, False]
    code, out, _ = run("launch", "bake", *options(raw, tmp_path / "out", baked), "--ray-address", "auto", "--dry-run")
    assert (code, out) == (0, "# no command is run; the tasks go to the Ray cluster at auto\n")
    assert not (tmp_path / "out").exists()


def test_the_options_of_bake_mean_the_same(raw, baked, tmp_path):
    settings = command.bake_settings(tuple(options(raw, tmp_path / "out", baked)))
    assert settings["out_dir"] == tmp_path / "out" and settings["window_size"] == 512
    assert baking.Bake(**settings).species == [f"G.toy{number}" for number in range(3)]


@pytest.fixture
def ray_here():
    """A Ray cluster of this machine alone; gives its address."""

    pytest.importorskip("ray", reason="ray is not installed: pip install 'genet5[ray]'")
    port  = machine.free_port()
    words = ["start", "--head", "--block", "--port", str(port), "--node-ip-address", "127.0.0.1", "--num-cpus", "2",
             "--include-dashboard", "false", "--disable-usage-stats"]
    head  = subprocess.Popen([sys.executable, "-m", "ray.scripts.scripts", *words], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(PACKAGE)},
                             start_new_session=True)
    try:
        end = time.monotonic() + LIMIT
        while True:
            assert head.poll() is None and time.monotonic() < end
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.2)
        yield f"127.0.0.1:{port}", head
    finally:
        head.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            head.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(head.pid, signal.SIGKILL)
        head.wait()


@pytest.mark.slow
def test_a_cluster_that_is_there_is_used_and_goes_on(ray_here, raw, baked, tmp_path):
    address, head = ray_here
    chosen        = ["--species", "G.toy0", "--species", "G.toy1"]
    baking.bake(**command.bake_settings((*options(raw, tmp_path / "one", baked), *chosen)))
    done = subprocess.run([sys.executable, "-m", "genet5", "launch", "bake", *options(raw, tmp_path / "two", baked),
                           *chosen, "--ray-address", address], env={**os.environ, "PYTHONPATH": str(PACKAGE)},
                          capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 species baked" in done.stderr
    assert same(tmp_path / "one", tmp_path / "two")
    assert head.poll() is None


@pytest.mark.slow
def test_two_hosts_bake_what_one_does_although_one_dies(hosts, raw, baked, tmp_path):
    pytest.importorskip("ray", reason="ray is not installed: pip install 'genet5[ray]'")
    baking.bake(**command.bake_settings(tuple(options(raw, tmp_path / "one", baked))))
    hosts.serve()
    launch = ["ip", "netns", "exec", hosts.names["a"], sys.executable, "-m", "genet5", "launch", "bake",
              *options(raw, tmp_path / "two", baked), "--threads", "2", "--worker", hosts.ADDRESS["b"],
              "--ssh-config", str(hosts.config), "--env", f"PYTHONPATH={PACKAGE}"]
    with (tmp_path / "said").open("w") as file:
        process = subprocess.Popen(launch, env={**os.environ, "PYTHONPATH": str(PACKAGE)}, stderr=file,
                                   start_new_session=True)
    said = lambda: (tmp_path / "said").read_text()  # noqa: E731
    try:
        end = time.monotonic() + LIMIT
        while "baked on" not in said():
            assert process.poll() is None and time.monotonic() < end, said()
            time.sleep(0.1)
        for pid in hosts.processes("b"):
            os.kill(pid, signal.SIGKILL)
        assert process.wait(LIMIT) == 0, said()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert "3 species baked" in said()
    assert re.search(r"G\.toy1: baked on .* in [2-9] tasks", said()), said()
    assert re.search(r"node 10\.77\.0\.2: lost: .*; its tasks are done on the others", said()), said()
    assert same(tmp_path / "one", tmp_path / "two")
    assert hosts.left() == []
