"""Runs one command on this machine for a launcher elsewhere, and leaves no process behind, whatever happens.

Started over ssh as `python -m genet5.launch.node`. The first line of its input is a JSON object, see Supervisor; the
lines after it are `beat`, `stop` (save and end) or `kill`. No line for some time means that the launcher or the network
is gone. Its output is JSON lines: {"line": text} for what the command prints, {"end": {…}} at last.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import genet5.launch.heartbeat as heartbeat

PR_SET_CHILD_SUBREAPER = 36
TICK = 0.25
# seconds that the last words may take where the network is gone
LAST_WORDS = 5.0
# words of a failure that follows from another process's end
SECONDHAND = ("connection closed by peer", "connection reset", "connection refused", "broken pipe", "gloo", "nccl",
              "tcpstore", "timed out waiting")


class Supervisor:
    """One command under watch.

    spec: dict with
        command: list of str
        env:     dict of str, on top of this process's environment
        log:     path of the file that the output is appended to
        silence: float, seconds without a word from the launcher after which all ends
        still:   float, seconds without a heartbeat after which a process counts as hung
        first:   float, seconds that may pass before the first step, and in an evaluation
        later:   float, seconds that may pass between two steps
    """

    def __init__(self, spec):
        self.spec    = spec
        self.heard   = time.monotonic()
        self.orders  = []
        self.hearts  = pathlib.Path(tempfile.mkdtemp(prefix="genet5_"))
        self.moved   = (time.monotonic(), (-1, ""))
        self.lock    = threading.Lock()
        self.last    = ""
        self.log     = None
        self.stopped = False

    def run(self):
        """Run the command to its end; returns a dict: kind, code, rank, step, reason.

        kind: "ok", "stopped", "memory", "killed" (a process died without a word), "hung", "lost" (the launcher),
        "error", or "secondhand" (an error that follows from the end of another process)
        """

        _adopt_orphans()
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.orders.append("kill"))
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._open_log()
        environment  = {**os.environ, **self.spec["env"],
                        heartbeat.VARIABLE: str(self.hearts), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(self.spec["command"], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
                                        preexec_fn=_prepare)
        pump = threading.Thread(target=self._pump, daemon=True)
        pump.start()
        threading.Thread(target=self._listen, daemon=True).start()
        end = None
        while end is None:
            time.sleep(TICK)
            end = self._look()
        kill_descendants()
        pump.join(LAST_WORDS)
        shutil.rmtree(self.hearts, ignore_errors=True)
        return end

    def _look(self):
        """What has come of the command, None while it runs as it should."""

        hearts = heartbeat.read(self.hearts)
        if "kill" in self.orders:
            return self._end("stopped", 130, hearts, "stopped at once")
        if time.monotonic() - self.heard > self.spec["silence"]:
            return self._end("lost", 1, hearts, "the launcher fell silent")
        if "stop" in self.orders and not self.stopped:
            self.stopped = True
            alive        = [one for one in hearts if one["code"] is None]
            if not alive:
                return self._end("stopped", 130, hearts, "stopped before the run had begun")
            for one in alive:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one["pid"], signal.SIGINT)
        code = self.process.poll()
        return self._ended(code, hearts) if code is not None else self._fallen(hearts)

    def _fallen(self, hearts):
        """The first process of the command that died or hangs, if any."""

        for one in hearts:
            if one["code"] is None and not alive(one["pid"]):
                # it may have written its last word just now
                one = next(now for now in heartbeat.read(self.hearts) if now["rank"] == one["rank"])
                if one["code"] is None:
                    return self._end("killed", 1, [one], f"rank {one['rank']} (process {one['pid']}) was killed "
                                                         f"{_since(one)}")
            if one["code"] is None and time.time() - one["time"] > self.spec["still"]:
                return self._end("hung", 1, [one], f"rank {one['rank']} (process {one['pid']}) has given no sign of "
                                                   f"life for {self.spec['still']:.0f} s, {_since(one)}")
        step  = min((one["step"] for one in hearts), default=-1)
        # all processes evaluate after the same step
        slow  = next((one["slow"] for one in hearts if one["slow"]), "")
        if (step, slow) != self.moved[1]:
            self.moved = (time.monotonic(), (step, slow))
        limit = self.spec["first"] if step < 0 or slow else self.spec["later"]
        if time.monotonic() - self.moved[0] > limit:
            which = "no first step" if step < 0 else f"no step after step {step}"
            which = f"{which}, in {slow}," if slow else which
            return self._end("hung", 1, hearts, f"{which} within {limit:.0f} s")
        return None

    def _ended(self, code, hearts):
        """The end of the command by itself."""

        if code == 0:
            return self._end("ok", 0, hearts, "")
        words = sorted((one for one in hearts if one["code"]), key=lambda one: one["time"])
        mute  = [one for one in hearts if one["code"] is None]
        for kind, wanted in (("memory", 75), ("stopped", 130)):
            found = [one for one in words if one["code"] == wanted]
            if found and len(found) == len(words):
                return self._end(kind, wanted, found, found[0]["reason"])
        if words:
            kind = "secondhand" if _secondhand(words[0]["reason"]) else "error"
            return self._end(kind, 1, words, f"rank {words[0]['rank']}: {words[0]['reason']}")
        if mute:
            return self._end("killed", 1, mute, f"rank {mute[0]['rank']} (process {mute[0]['pid']}) was killed "
                                                f"{_since(mute[0])}")
        kind = "secondhand" if _secondhand(self.last) else "error"
        return self._end(kind, 1, hearts, f"ended with code {code}: {self.last[:300]}")

    def _end(self, kind, code, hearts, reason):
        one = hearts[0] if hearts else {"rank": -1, "step": -1}
        return {"kind": kind, "code": code, "rank": one["rank"], "step": one["step"], "reason": reason}

    def _listen(self):
        """Orders of the launcher; the end of the input is one to end at once."""

        for line in sys.stdin:
            self.heard = time.monotonic()
            if line.strip() != "beat":
                self.orders.append(line.strip())
        self.heard = -1e9

    def _pump(self):
        """The command's output into the log and to the launcher."""

        for raw in self.process.stdout:
            text = raw.decode(errors="replace").rstrip("\n")
            if text.strip():
                self.last = text.strip()
            self._keep(raw)
            self.say({"line": text})

    def say(self, message):
        """Send one message to the launcher."""

        with self.lock, contextlib.suppress(OSError, ValueError):
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()

    def _open_log(self):
        path = pathlib.Path(self.spec["log"])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.log = path.open("ab", buffering=0)
            self._keep(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} {' '.join(self.spec['command'])}\n".encode())
        except OSError as error:
            self._lose_log(error)

    def _keep(self, raw):
        if self.log is not None:
            try:
                self.log.write(raw)
            except OSError as error:
                self._lose_log(error)

    def _lose_log(self, error):
        # a full disk must not end a run
        self.log = None
        self.say({"line": f"warning: {self.spec['log']}: {error.strerror}; nothing more is written there"})


def _since(heart):
    return "before its first step" if heart["step"] < 0 else f"after step {heart['step']}"


def _secondhand(reason):
    return any(word in reason.lower() for word in SECONDHAND)


def alive(pid):
    """Whether a process exists and is no zombie."""

    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def descendants(root):
    """Process ids below a process that still live, a list of int."""

    children = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            if state not in ("Z", "X"):
                children.setdefault(int(parent), []).append(int(path.parent.name))
    found, todo = [], [root]
    while todo:
        below = children.get(todo.pop(), [])
        found.extend(below)
        todo.extend(below)
    return found


def kill_descendants():
    """End every process below this one; those that lost their parent have come to us."""

    for _ in range(100):
        below = descendants(os.getpid())
        if not below:
            return
        for pid in below:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _prepare():
    """In the child, before the command: it ends with us, and Ctrl-C works in it although we ignore it."""

    heartbeat.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _adopt_orphans():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def main():
    """Read the task from the input, run it, say how it ended."""

    first      = sys.stdin.readline()
    supervisor = Supervisor(json.loads(first)) if first.strip() else sys.exit("no task came in")
    end        = supervisor.run()
    # where the network is gone nobody takes the last words, and nothing may wait for them
    words = threading.Thread(target=supervisor.say, args=({"end": end},), daemon=True)
    words.start()
    words.join(LAST_WORDS)
    os._exit(end["code"])


if __name__ == "__main__":
    main()
