"""Measure what a second process gains on this machine, and what checkpoints, a kill and the launcher cost.

Usage: python benches/launch.py [--steps N] [--kills N] [--seed N] [--write FILE]

Runs of `genet5 sft` (preset small, one thread a process, simulated genome) are watched from outside, by the clock and
by training_log.csv. The launcher drives two machines that are both this one: instead of ssh a shell runs the command,
so encryption and the network are not in its figures. Takes about five minutes on two cores.
"""

import argparse
import csv
import os
import pathlib
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

GENET5   = [sys.executable, "-m", "genet5"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "genet5"]
COMMON   = ["--crop", "7168", "--row-tokens", "2048", "--batch-rows", "2", "--threads", "1", "--device", "cpu",
            "--dtype", "float32", "--eval-batches", "1", "--eval-every", "1000000", "--generate-every", "-1",
            "--no-calibrate", "--quiet"]
# stands in for ssh: the last word is the command
SSH      = "#!/bin/sh\nfor last; do :; done\nexec sh -c \"$last\"\n"
PATIENCE = 600
NEVER    = 1_000_000


class Run:
    """A run of `genet5 sft` in a process of its own.

    command: list of str up to `sft`
    folder:  path of the run
    """

    def __init__(self, bench, command, folder, *options):
        self.log     = folder / "training_log.csv"
        self.before  = self.rows()
        self.began   = time.perf_counter()
        words        = [*command, "sft", bench.baked, folder, bench.start, *COMMON, *options]
        self.process = subprocess.Popen(list(map(str, words)), env=bench.environment, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, start_new_session=True)

    def rows(self):
        """Steps in the log."""

        try:
            return max(0, self.log.read_text().count("\n") - 1)
        except FileNotFoundError:
            return 0

    def until(self, steps):
        """Seconds from the start until so many steps are logged."""

        while self.rows() < steps and self.process.poll() is None and time.perf_counter() - self.began < PATIENCE:
            time.sleep(0.01)
        if self.rows() < steps:
            self.kill()
            sys.exit(f"the run ended early:\n{self.process.communicate()[1]}")
        return time.perf_counter() - self.began

    def kill(self):
        """End it as a power cut would."""

        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self):
        """Wait for its end; returns the rows of its log as dicts of str."""

        said = self.process.communicate(timeout=PATIENCE)[1]
        if self.process.returncode:
            sys.exit(said)
        with self.log.open(newline="") as file:
            return list(csv.DictReader(file))


class Bench:
    """Data, model and measurements in a folder.

    steps: int, of a measured run
    kills: int
    draw:  random.Random
    """

    def __init__(self, folder, steps, kills, draw):
        self.folder, self.steps, self.kills, self.draw = folder, steps, kills, draw
        self.baked, self.start = folder / "baked", folder / "start"
        (folder / "bin").mkdir()
        (folder / "bin" / "ssh").write_text(SSH)
        (folder / "bin" / "ssh").chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                            "OMP_NUM_THREADS": "1"}

    def prepare(self):
        """A simulated genome, baked, and a model to start from."""

        raw, tokenizer = self.folder / "raw", self.folder / "tokenizer.json"
        for words in (["simulate", raw / "S.simulata", "--length", "600000", "--contigs", "3"],
                      ["tokenizer", "train", raw, tokenizer, "--vocab-size", "512"],
                      ["bake", raw, self.baked, "--tokenizer", tokenizer, "--window-size", "7168"],
                      ["init", self.start, "--tokenizer", tokenizer, "--preset", "small"]):
            subprocess.run([*GENET5, *map(str, words)], env=self.environment, check=True, capture_output=True)

    def speed(self, name, command, *options):
        """Median bases per second of a run, and seconds a step from the first to the last."""

        rows  = Run(self, command, self.folder / name, "--max-steps", self.steps, *options).end()
        every = [float(row["bases_per_second"]) for row in rows[2:]]
        span  = float(rows[-1]["seconds"]) - float(rows[1]["seconds"])
        return statistics.median(every), span / (len(rows) - 2)

    def scaling(self):
        """Lines of the table on processes and threads."""

        never  = ("--save-every", NEVER)
        one, _ = self.speed("one", GENET5, *never)
        yield "bases/s, one process of one thread", f"{one:,.0f}"
        for words, command, threads in (("one process of two threads", GENET5, "2"),
                                        ("two processes of one thread", TORCHRUN, "1")):
            speed, _ = self.speed(words.replace(" ", "_"), command, "--threads", threads, *never)
            yield f"bases/s, {words}", f"{speed:,.0f}, {speed / one:.2f} times one"

    def checkpoints(self):
        """Lines on what a checkpoint costs a step."""

        # turns, so that what else the machine does falls on both
        taken = {every: [self.speed(f"save_{every}_{turn}", GENET5, "--save-every", every)[1] for turn in range(2)]
                 for every in (NEVER, 1)}
        bare, busy = (statistics.mean(taken[every]) for every in (NEVER, 1))
        size = (self.folder / "save_1_0" / "checkpoint_latest.pt").stat().st_size
        yield "a step without a checkpoint", f"{bare:.2f} s"
        yield "a step with one, written in the background", f"{busy:.2f} s ({size / 1e6:.0f} MB)"

    def lost(self):
        """Lines on kills at random steps, one after another in one run."""

        import genet5.train.checkpoint as checkpoint

        every, least, folder = 6, 3, self.folder / "killed"
        options = ["--max-steps", NEVER, "--save-every", every, "--warmup", "1"]
        run, at, losses, redone = Run(self, GENET5, folder, *options), 0, [], []
        for _ in range(self.kills):
            at += self.draw.randint(least, least + every)
            run.until(at)
            run.kill()
            at = run.rows()
            redone.append(at - checkpoint.newest(folder, print)["step"])
            run = Run(self, GENET5, folder, *options, "--resume")
            losses.append(run.until(at + 1))
        run.kill()
        yield (f"time lost to {self.kills} kills at random steps, a checkpoint every {every}",
               f"{statistics.mean(losses):.1f} s on average, {max(losses):.1f} s at the most, from the command to the "
               f"next new step; {statistics.mean(redone):.1f} steps done again")

    def launcher(self):
        """Lines on the start by torchrun and by the launcher."""

        import genet5.machine as machine

        launch  = [*GENET5, "launch"]
        # an address of documentation: the interface that leads to the world; two names make two machines of it
        here    = machine.toward("192.0.2.1")
        where   = ["--master", here, "--worker", f"me@{here}"]
        options = ["--max-steps", "3", "--save-every", NEVER]
        first   = {}
        for name, command, more in (("torchrun", TORCHRUN, []), ("genet5 launch, two machines", launch, where)):
            run         = Run(self, command, self.folder / name.split(",")[0].replace(" ", "_"), *options, *more)
            first[name] = run.until(1)
            last        = run.until(3)
            run.end()
            ended       = time.perf_counter() - run.began - last
            yield f"from the last step to the end, {name}", f"{ended:.1f} s"
            yield f"from the command to the first step, {name}", f"{first[name]:.1f} s"
        yield "what the launcher adds", f"{first['genet5 launch, two machines'] - first['torchrun']:.1f} s"


def main():
    """Measure and print a Markdown table."""

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=10, help="of each measured run")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=None, help="of the steps at which runs are killed")
    parser.add_argument("--write", type=pathlib.Path, help="Markdown file for the table")
    given = parser.parse_args()
    lines = [("machine", f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(pathlib.Path(folder), given.steps, given.kills, random.Random(given.seed))
        bench.prepare()
        for part in (bench.scaling, bench.checkpoints, bench.lost, bench.launcher):
            for line in part():
                lines.append(line)
                print("| {} | {} |".format(*line), flush=True)
    lines.append(("load at the end", f"{os.getloadavg()[0]:.1f}"))
    if given.write:
        rows = "".join(f"| {name} | {value} |\n" for name, value in lines)
        given.write.write_text(f"| | |\n|---|---|\n{rows}")


if __name__ == "__main__":
    main()
