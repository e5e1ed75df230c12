"""What the benches measure with: wall and CPU time of calls and commands, and the rows of the table."""

import collections
import json
import os
import resource
import shutil
import subprocess
import sys
import time

# wall: seconds of the fastest run; cpu: seconds of user and system time of the thriftiest run
Timing = collections.namedtuple("Timing", ["wall", "cpu", "mebibytes"], defaults=[None])

# path: what it is; reach: number that it must reach; unit: of all numbers; threads: cores it may use;
# ours: Timing; work: what one run gets done, so that work / seconds is the speed, or None where less is better;
# peers: list of (name, Timing or None, its work); notes: list of str
Row = collections.namedtuple("Row", ["path", "reach", "unit", "threads", "ours", "work", "peers", "notes"])


def call(work, times=5):
    """Time a function.

    work:  function without arguments
    times: int, runs; the best is kept
    returns Timing
    """

    walls, cpus = [], []
    for _ in range(times):
        before, begin = cpu_seconds(resource.RUSAGE_SELF), time.perf_counter()
        result = work()
        walls.append(time.perf_counter() - begin)
        cpus.append(cpu_seconds(resource.RUSAGE_SELF) - before)
        del result
    return Timing(min(walls), min(cpus))


def command(arguments, times=2):
    """Time a command; its output is dropped.

    arguments: list, the program first
    times:     int, runs; the best is kept
    returns Timing with its peak memory, or None where the program is not installed
    """

    if not shutil.which(str(arguments[0])):
        return None
    # a process begins with the peak memory of the one that started it, so a small one does
    starter = [sys.executable, "-S", __file__, *(str(part) for part in arguments)]
    runs    = [subprocess.run(starter, check=True, stdout=subprocess.PIPE) for _ in range(times)]
    return Timing(*(min(column) for column in zip(*(json.loads(run.stdout) for run in runs))))


def start(arguments):
    """Run a command once; print its wall seconds, CPU seconds and peak memory in MiB as JSON."""

    begin   = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{arguments[0]} failed with {process.returncode}")
    peak = usage.ru_maxrss / (1024 ** 2 if sys.platform == "darwin" else 1024)
    print(json.dumps([seconds, usage.ru_utime + usage.ru_stime, peak]))


def cpu_seconds(who):
    """User and system seconds of this process or its children."""

    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def scaled(timing, factor):
    """The Timing of a part as that of the whole."""

    return Timing(timing.wall * factor, timing.cpu * factor)


def speed(timing, work, threads):
    """The number of the table: work a second, or seconds where there is no work.

    One thread is judged by its CPU time, which other programs on the machine do not change; more by wall time.
    """

    seconds = timing.cpu if threads == 1 else timing.wall
    return work / seconds if work else seconds


if __name__ == "__main__":
    start(sys.argv[1:])
