"""A watch over memory: rows in memory_{host}.csv, and a wish to stop before the machine freezes."""

import csv
import pathlib
import socket
import sys
import threading
import time

import torch

import genet5.machine as machine

GIB = 1 << 30
# floor as a share of the memory there is; a machine whose GPU shares the memory freezes when it is full
SHARE = 1 / 25
# column -> meaning; bytes but for time and step, empty where the machine does not say
COLUMNS = {
    "time":         "seconds since 1970",
    "step":         "optimizer steps done",
    "available":    "what this process may still take: mem_available, or what the control group leaves",
    "mem_available": "the kernel's MemAvailable",
    "cgroup_limit": "memory limit of the control group",
    "cgroup_usage": "memory in use in the control group, page cache that can be dropped left out",
    "resident":     "memory that this process holds",
    "allocated":    "bytes of tensors on the GPU",
    "reserved":     "bytes that torch's allocator holds on the GPU",
}


class Watch:
    """Samples memory in a thread; `low` is set for good once too little is free.

    path:  path of the CSV file; rows are appended
    floor: float, GiB; 0: SHARE of the memory there is; -1: never low
    every: float, seconds between samples
    proc, sys: folders to read instead of /proc and /sys
    """

    def __init__(self, path, floor=0.0, every=5.0, proc=machine.PROC, sys=machine.SYS):
        self.path  = pathlib.Path(path)
        self.every = every
        self.where = (proc, sys)
        self.floor = self._floor(floor)
        self.low   = False
        self.step  = 0
        self.last  = {}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True, name="memory")

    def start(self):
        """Begin to watch; the first sample is taken at once."""

        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.sample()
        self.thread.start()

    def stop(self):
        """Stop watching."""

        self.ended.set()
        if self.thread.is_alive():
            self.thread.join()

    def sample(self):
        """Take one sample, write its row, return it as a dict."""

        group = machine.cgroup(*self.where)
        cuda  = torch.cuda.is_initialized()
        row   = {"time":          round(time.time(), 3),
                 "step":          self.step,
                 "available":     machine.available(*self.where),
                 "mem_available": machine.meminfo(self.where[0]).get("MemAvailable"),
                 "cgroup_limit":  group["limit"],
                 "cgroup_usage":  group["usage"],
                 "resident":      machine.resident(),
                 "allocated":     torch.cuda.memory_allocated() if cuda else None,
                 "reserved":      torch.cuda.memory_reserved() if cuda else None}
        if row["available"] is not None and row["available"] < self.floor:
            self.low = True
        self.last = row
        self._write(row)
        return row

    def describe(self):
        """Why the run has to stop, in words."""

        return (f"only {(self.last['available'] or 0) / GIB:.2f} GiB of memory are free on {socket.gethostname()}, "
                f"less than the {self.floor / GIB:.2f} GiB of --memory-floor; this process holds "
                f"{self.last['resident'] / GIB:.2f} GiB, see {self.path.name}")

    def _floor(self, wanted):
        if wanted:
            return max(0.0, wanted) * GIB
        limit = machine.cgroup(*self.where)["limit"]
        total = machine.meminfo(self.where[0]).get("MemTotal", 0)
        return SHARE * (min(limit, total) if limit and total else limit or total)

    def _write(self, row):
        # a full disk must not end the run that this watch protects
        try:
            new = not self.path.exists()
            with self.path.open("a", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
                if new:
                    writer.writeheader()
                writer.writerow(row)
        except OSError as error:
            print(f"warning: {self.path}: {error.strerror}; no row written", file=sys.stderr, flush=True)

    def _follow(self):
        while not self.ended.wait(self.every):
            self.sample()


def file_name(local_rank):
    """Name of the CSV file of a process, memory_{host}.csv for the first one of a machine."""

    return f"memory_{socket.gethostname()}{f'_{local_rank}' if local_rank else ''}.csv"
