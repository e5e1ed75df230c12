"""What a process of a run tells the supervisor of its machine: that it lives, how far it is, why it ended."""

import contextlib
import ctypes
import json
import math
import os
import pathlib
import signal
import sys
import threading
import time

# folder in which each process of a run keeps a file rank_{rank}.json; no folder, no heartbeat
VARIABLE = "GENET5_HEARTBEAT"
EVERY    = 2.0
# a step is told at once, unless the last word is younger than this
SOON     = 0.2
PR_SET_PDEATHSIG = 1


class Heart:
    """Beats in a thread, so that a stopped process is told from one that works or waits.

    folder: path, or None to say nothing
    """

    def __init__(self, folder=None):
        self.path  = pathlib.Path(folder) / f"rank_{os.environ.get('RANK', '0')}.json" if folder else None
        self.state = {"pid": os.getpid(), "rank": int(os.environ.get("RANK", "0")), "step": -1, "slow": "",
                      "code": None, "reason": ""}
        self.said   = -math.inf
        self.ended  = threading.Event()
        self.lock   = threading.Lock()
        self.thread = threading.Thread(target=self._follow, daemon=True, name="heartbeat")

    def start(self):
        """Begin to beat."""

        if self.path is not None:
            die_with_parent()
            self._write()
            self.thread.start()

    def beat(self, step):
        """The run has done `step` steps."""

        self.state.update(step=step, slow="")
        if self.path is not None and time.monotonic() - self.said > SOON:
            self._write()

    def rest(self, what):
        """Until the next beat the run does something that takes longer than a step.

        what: str, as in "the evaluation"
        """

        self.state["slow"] = what
        if self.path is not None:
            self._write()

    def end(self, code, reason):
        """The process is about to end.

        code:   int, its exit code
        reason: str, one line
        """

        self.state.update(code=code, reason=reason)
        self.ended.set()
        if self.path is not None:
            self._write()

    def _follow(self):
        while not self.ended.wait(EVERY):
            self._write()

    def _write(self):
        temporary = self.path.with_suffix(".tmp")
        self.said = time.monotonic()
        with self.lock, contextlib.suppress(OSError):
            temporary.write_text(json.dumps({**self.state, "time": time.time()}))
            temporary.replace(self.path)


@contextlib.contextmanager
def beating(describe):
    """A Heart for the length of a command, as the environment asks for it.

    describe: function of an exception, which gives its one line
    """

    heart = Heart(os.environ.get(VARIABLE))
    heart.start()
    try:
        yield heart
    except KeyboardInterrupt:
        heart.end(130, "stopped as asked")
        raise
    except BaseException as error:
        heart.end(getattr(error, "exit_code", 1), describe(error))
        raise
    heart.end(0, "")


def read(folder):
    """The last word of every process of this machine, a list of dicts: pid, rank, step, slow, code, reason, time."""

    found = []
    for path in sorted(pathlib.Path(folder).glob("rank_*.json")):
        with contextlib.suppress(OSError, json.JSONDecodeError):
            found.append(json.loads(path.read_text()))
    return found


def die_with_parent():
    """Have the kernel kill this process when the one that started it dies (Linux)."""

    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
