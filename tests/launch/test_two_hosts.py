"""`genet5 launch sft` over two real hosts: a run, and everything that may go wrong in one."""

import contextlib
import csv
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

pytest.importorskip("torch")

LIMIT   = 900
PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "python"
COMMON  = ["--dtype", "float32", "--device", "cpu", "--threads", "1", "--row-tokens", "512", "--batch-rows", "2",
           "--lr", "0.003", "--warmup", "2", "--eval-batches", "1", "--generate-every", "-1", "--no-calibrate"]
# so many steps that the run is still under way when something happens to it
ENDLESS = ["--max-steps", "1000000", "--eval-every", "1000000", "--save-every", "5", "--log-every", "5"]

pytestmark = pytest.mark.slow


class Run:
    """A launch under way: collects what it says."""

    def __init__(self, process):
        self.process = process
        self.lines   = []
        self.thread  = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    @property
    def text(self):
        return "\n".join(self.lines)

    def until(self, pattern):
        """Wait until it has said something."""

        end = time.monotonic() + LIMIT
        while not re.search(pattern, self.text):
            assert self.process.poll() is None and time.monotonic() < end, self.text
            time.sleep(0.1)

    def end(self, within=LIMIT):
        """Wait for its end; returns the exit code."""

        try:
            return self.process.wait(within)
        finally:
            self.stop()

    def stop(self):
        """Leave nothing behind."""

        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.thread.join(20)
        self.process.stderr.close()


@pytest.fixture
def launch(hosts):
    """Start a launch; whatever happens to the test, it ends with it."""

    with contextlib.ExitStack() as stack:
        def begin(*arguments, **options):
            run = Run(hosts.launch("sft", *arguments, **options))
            stack.callback(run.stop)
            return run

        yield begin


def steps(folder):
    with (folder / "training_log.csv").open() as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def training(hosts, host):
    """Process ids of the training processes of a host."""

    return [pid for pid, words in hosts.processes(host).items() if " -u -m genet5 sft" in words]


def test_one_command_trains_on_both_hosts(hosts, launch, baked, start, tmp_path):
    hosts.serve()
    began = time.monotonic()
    run   = launch(baked, tmp_path / "run", start, *COMMON, "--max-steps", "6", "--log-every", "1")
    assert run.end() == 0, run.text
    print(f"launch, six steps and end: {time.monotonic() - began:.0f} s")
    for host, link in hosts.links.items():
        assert re.search(rf"{hosts.ADDRESS[host]} \(.*NCCL_SOCKET_IFNAME={link}", run.text)
        assert (tmp_path / "run" / "logs" / f"launch_{hosts.ADDRESS[host]}.log").stat().st_size > 100
    assert re.search(r"\[10\.77\.0\.1\] step 6/6", run.text)
    assert "2 x 1 threads" in run.text
    assert steps(tmp_path / "run") == [1, 2, 3, 4, 5, 6]
    assert hosts.left() == []


def test_one_command_reinforces_on_both_hosts(hosts, baked, start, tmp_path):
    import genet5.grpo.prep as prep

    prep.prepare([baked.parent / "raw"], tmp_path / "windows", baked.parent / "tokenizer.json", count=20, held_out=4,
                 window_size=512, val_contigs={"G.toy": ["chr2"]})
    hosts.serve()
    options = ["--dtype", "float32", "--device", "cpu", "--threads", "1", "--batch-rows", "4", "--num-generations", "2",
               "--max-completion-length", "24", "--eval-batches", "1", "--generate-every", "-1", "--no-calibrate"]
    run = Run(hosts.launch("grpo", tmp_path / "windows", tmp_path / "run", start, *options, "--max-steps", "2"))
    assert run.end() == 0, run.text
    assert "2 x 1 threads" in run.text
    assert steps(tmp_path / "run") == [1, 2]
    assert hosts.left() == []


def test_a_killed_process_is_named_and_the_run_goes_on(hosts, launch, baked, start, tmp_path):
    hosts.serve()
    run = launch(baked, tmp_path / "run", start, *COMMON, "--max-steps", "400", "--save-every", "5", "--eval-every",
                 "400", "--log-every", "5", "--retries", "1")
    run.until(r"step 10/400")
    os.kill(training(hosts, "b")[0], signal.SIGKILL)
    killed = time.monotonic()
    run.until("error: node")
    print(f"named after {time.monotonic() - killed:.0f} s")
    assert time.monotonic() - killed < 60
    assert re.search(r"error: node 10\.77\.0\.2: rank 1 \(process \d+\) was killed after step \d+; its log is "
                     r"10\.77\.0\.2:.*launch_10\.77\.0\.2\.log", run.text)
    assert run.end() == 0, run.text
    assert re.search(r"going on from step \d+ of 400", run.text)
    assert steps(tmp_path / "run") == list(range(1, 401))
    assert hosts.left() == []


@pytest.mark.parametrize("how", ["node", "link"])
def test_all_stop_when_a_node_dies_or_the_link_is_cut(hosts, launch, baked, start, tmp_path, how):
    hosts.serve()
    run = launch(baked, tmp_path / "run", start, *COMMON, *ENDLESS)
    run.until(r"step 10/")
    if how == "link":
        hosts.inside("b", "ip", "link", "set", hosts.links["b"], "down")
    else:
        for pid in [*hosts.processes("b"), *(server.pid for server in hosts.servers)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in hosts.inside("b", "ip", "netns", "pids", hosts.names["b"]).stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    began = time.monotonic()
    assert run.end(within=90) == 1, run.text
    assert hosts.left(within=60 - (time.monotonic() - began)) == []
    print(f"all ended {time.monotonic() - began:.0f} s after the {how} was gone")
    assert time.monotonic() - began < 60
    assert re.search(r"error: node 10\.77\.0\.2: lost: ", run.lines[-1]), run.text
    checkpoint = pytest.importorskip("genet5.train.checkpoint")
    assert checkpoint.newest(tmp_path / "run", print)["step"] >= 5


def test_a_process_that_hangs_is_named_and_all_stop(hosts, launch, baked, start, tmp_path):
    hosts.serve()
    run = launch(baked, tmp_path / "run", start, *COMMON, *ENDLESS)
    run.until(r"step 10/")
    os.kill(training(hosts, "b")[0], signal.SIGSTOP)
    began = time.monotonic()
    assert run.end(within=90) == 1, run.text
    assert hosts.left() == []
    print(f"all ended {time.monotonic() - began:.0f} s after a process hung")
    assert time.monotonic() - began < 60
    assert re.search(r"error: node 10\.77\.0\.2: rank 1 \(process \d+\) has given no sign of life for 30 s, after step "
                     r"\d+; its log", run.lines[-1]), run.text


def test_a_run_that_lacks_memory_ends_with_code_75_and_is_not_tried_again(hosts, launch, baked, start, tmp_path):
    hosts.serve()
    run = launch(baked, tmp_path / "run", start, *COMMON, *ENDLESS, "--memory-floor", "100000", "--retries", "3")
    assert run.end() == 75, run.text
    assert re.search(r"error: node .*less than the 100000\.00 GiB of --memory-floor", run.lines[-1])
    assert hosts.left() == []


def test_a_disk_that_fills_up_on_the_worker_costs_its_memory_log_and_not_the_run(hosts, launch, baked, start, tmp_path):
    (tmp_path / "run").mkdir()
    hosts.serve(f"mount -t tmpfs -o size=80m tmpfs {tmp_path / 'run'}")
    run = launch(baked, tmp_path / "run", start, *COMMON, "--max-steps", "400", "--eval-every", "400",
                 "--log-every", "5", "--memory-every", "0.1")
    run.until(r"step 5/400")
    quiet = "dd if=/dev/zero bs=1M of={}/filler 2>/dev/null; true"
    subprocess.run(["nsenter", "-t", str(hosts.servers[0].pid), "-m", "sh", "-c", quiet.format(tmp_path / "run")],
                   check=True)
    assert run.end() == 0, run.text
    assert re.search(r"\[10\.77\.0\.2\] warning: .*memory_\S+\.csv: No space left on device; no row written", run.text)
    assert steps(tmp_path / "run") == list(range(1, 401))
    assert not (tmp_path / "run" / "filler").exists()
    assert hosts.left() == []


def test_ctrl_c_once_saves_everywhere_and_twice_stops_at_once(hosts, launch, baked, start, tmp_path):
    hosts.serve()
    run = launch(baked, tmp_path / "run", start, *COMMON, *ENDLESS)
    run.until(r"step 10/")
    run.process.send_signal(signal.SIGINT)
    assert run.end() == 130, run.text
    stopped = re.search(r"stopped at step (\d+) of 1000000", run.text)
    assert "stopped on all nodes" in run.lines[-1]
    checkpoint = pytest.importorskip("genet5.train.checkpoint")
    assert checkpoint.newest(tmp_path / "run", print)["step"] == int(stopped[1])
    assert hosts.left() == []
    run = launch(baked, tmp_path / "run", start, *COMMON, *ENDLESS, "--resume")
    run.until(f"going on from step {stopped[1]}")
    for _ in range(2):
        run.process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    began = time.monotonic()
    assert run.end() == 130, run.text
    assert time.monotonic() - began < 30
    assert hosts.left() == []


def test_an_unknown_host_key_is_refused_and_not_accepted_silently(hosts, launch, baked, start, tmp_path):
    hosts.serve()
    (tmp_path / "nobody").write_text("")
    run = launch(baked, tmp_path / "run", start, *COMMON, config=hosts.write_config("strange", tmp_path / "nobody"))
    assert run.end() == 1
    assert run.lines[-1] == ("error: node 10.77.0.2: ssh does not know its host key; compare it, then accept it once: "
                             "ssh 10.77.0.2")
    assert (tmp_path / "nobody").read_text() == ""
    assert hosts.left() == []


def test_another_version_on_the_worker_is_refused(hosts, launch, baked, start, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "other")
    module = tmp_path / "other" / "genet5" / "__init__.py"
    module.write_text(module.read_text().replace('__version__ = "', '__version__ = "9.'))
    hosts.serve(f"mount --bind {tmp_path / 'other'} {PACKAGE}")
    run = launch(baked, tmp_path / "run", start, *COMMON)
    assert run.end() == 1
    assert re.search(r"error: node 10\.77\.0\.2: genet5 is 9\.\S+, on 10\.77\.0\.1 it is \S+; install", run.text)
    assert re.search(r"error: node 10\.77\.0\.2: the code of genet5 is \w{16}, on", run.text)
    assert hosts.left() == []
    assert not (tmp_path / "run").exists()


def test_other_data_and_a_full_disk_on_the_worker_are_refused(hosts, launch, baked, start, tmp_path):
    shutil.copytree(baked, tmp_path / "other")
    index = next((tmp_path / "other").rglob("*.idx"))
    index.write_text(index.read_text().replace("xxh3", "xxh4"))
    (tmp_path / "run").mkdir()
    hosts.serve(f"mount --bind {tmp_path / 'other'} {baked} && mount -t tmpfs -o size=1m tmpfs {tmp_path / 'run'}")
    run = launch(baked, tmp_path / "run", start, *COMMON)
    assert run.end() == 1
    assert re.search(rf"error: node 10\.77\.0\.2: {baked} is not the same as on 10\.77\.0\.1 .* rsync", run.text)
    assert re.search(r"error: node 10\.77\.0\.2: 1 MiB of disk are free at .*run, 64 MiB are needed", run.text)
    assert hosts.left() == []
