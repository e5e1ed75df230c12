"""What the benches measure with: wall and CPU time of calls and commands, and the rows of the table."""

import collections
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


def command(arguments, times=2, **options):
    """Time a command; its output is dropped.

    arguments: list, the program first
    times:     int, runs; the best is kept
    options:   for subprocess.Popen
    returns Timing with its peak memory, or None where the program is not installed
    """

    if not shutil.which(str(arguments[0])):
        return None
    found = []
    for _ in range(times):
        begin   = time.perf_counter()
        process = subprocess.Popen([str(part) for part in arguments], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, **options)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{arguments[0]} failed with {process.returncode}")
        peak = usage.ru_maxrss / (1024 ** 2 if sys.platform == "darwin" else 1024)
        found.append(Timing(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, peak))
    return Timing(*(min(column) for column in zip(*found)))


def cpu_seconds(who):
    """User and system seconds of this process or its children."""

    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def speed(timing, work, threads):
    """The number of the table: work a second, or seconds where there is no work.

    One thread is judged by its CPU time, which other programs on the machine do not change; more by wall time.
    """

    seconds = timing.cpu if threads == 1 else timing.wall
    return work / seconds if work else seconds
