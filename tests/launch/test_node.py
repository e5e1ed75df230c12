"""The supervisor of one machine: why a command ended, and that nothing of it is left."""

import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

import genet5.launch.node as node

FOLDER  = pathlib.Path(__file__).resolve().parent
PACKAGE = FOLDER.parents[1] / "python"
LIMIT   = 90


class Talk:
    """A supervisor in a process of its own, and both ends of its pipe."""

    def __init__(self, tmp_path, what, log=None, **limits):
        task = {"command": [sys.executable, str(FOLDER / "ranks.py"), what], "env": {"RANK": "0"},
                "log": str(log or tmp_path / "logs" / "x.log"), "silence": 60.0, "still": 60.0, "first": 60.0,
                "later": 60.0, **limits}
        self.process = subprocess.Popen([sys.executable, "-m", "genet5.launch.node"], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(PACKAGE)})
        self.say(json.dumps(task))
        self.lines = []

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def until(self, words):
        """Read on until a line has these words."""

        for line in self.process.stdout:
            self.lines.append(json.loads(line))
            if words in self.lines[-1].get("line", ""):
                return

    def end(self):
        """The last word."""

        self.lines += [json.loads(line) for line in self.process.stdout]
        self.process.wait(timeout=LIMIT)
        self.process.stdout.close()
        if self.process.stdin is not None:
            self.process.stdin.close()
        return self.lines[-1]["end"]


def running(words):
    """Whether a process with these words in its command line lives."""

    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words in path.read_bytes().replace(b"\0", b" ").decode(errors="replace") and \
                    node.alive(int(path.parent.name)):
                return True
        except OSError:
            continue
    return False


@pytest.mark.parametrize(("what", "kind", "code", "reason"), [
    ("finish", "ok", 0, ""),
    ("fail", "error", 1, "rank 0: the data is broken"),
    ("memory", "memory", 75, "only 1 GiB is left"),
    ("die", "killed", 1, "was killed after step 3")])
def test_the_end_of_a_command_is_explained(tmp_path, what, kind, code, reason):
    talk = Talk(tmp_path, what)
    end  = talk.end()
    assert (end["kind"], end["code"]) == (kind, code)
    assert reason in end["reason"]
    assert talk.process.returncode == code
    assert "working" in (tmp_path / "logs" / "x.log").read_text()


def test_a_frozen_process_is_found_by_its_missing_heartbeat(tmp_path):
    end = Talk(tmp_path, "freeze", still=5.0).end()
    assert end["kind"] == "hung"
    assert "no sign of life for 5 s, after step 3" in end["reason"]


def test_a_run_that_makes_no_step_is_ended(tmp_path):
    end = Talk(tmp_path, "long", later=3.0).end()
    assert (end["kind"], end["reason"]) == ("hung", "no step after step 3 within 3 s")


def test_an_evaluation_may_take_as_long_as_the_first_step(tmp_path):
    end = Talk(tmp_path, "evaluate", first=60.0, later=3.0).end()
    assert (end["kind"], end["reason"]) == ("hung", "no step after step 4 within 3 s")
    end = Talk(tmp_path, "evaluate", first=4.0, later=60.0).end()
    assert (end["kind"], end["reason"]) == ("hung", "no step after step 3, in the evaluation, within 4 s")


def test_stop_lets_the_processes_end_by_themselves(tmp_path):
    talk = Talk(tmp_path, "long")
    talk.until("working")
    talk.say("stop")
    end = talk.end()
    assert (end["kind"], end["code"]) == ("stopped", 130)


@pytest.mark.parametrize("how", ["kill", "silence", "hang up"])
def test_nothing_is_left_whatever_the_launcher_does(tmp_path, how):
    talk = Talk(tmp_path, "long", silence=4.0 if how == "silence" else 60.0)
    talk.until("working")
    began = time.monotonic()
    if how == "kill":
        talk.say("kill")
    elif how == "hang up":
        talk.process.stdin.close()
        talk.process.stdin = None
    assert talk.end()["kind"] == ("stopped" if how == "kill" else "lost")
    assert time.monotonic() - began < 30
    assert not running(f"{FOLDER / 'ranks.py'} long")


def test_a_process_that_left_the_session_is_ended_too(tmp_path):
    assert Talk(tmp_path, "orphan").end()["kind"] == "ok"
    assert not running("sleep 987")


def test_a_supervisor_that_is_killed_takes_the_run_with_it(tmp_path):
    talk = Talk(tmp_path, "long")
    talk.until("working")
    talk.process.kill()
    talk.process.wait()
    talk.process.stdin.close()
    talk.process.stdout.close()
    end = time.monotonic() + 20
    while running(f"{FOLDER / 'ranks.py'} long") and time.monotonic() < end:
        time.sleep(0.2)
    assert not running(f"{FOLDER / 'ranks.py'} long")


def test_a_full_disk_loses_the_log_and_not_the_run(tmp_path):
    talk = Talk(tmp_path, "finish", log="/dev/full")
    assert talk.end()["kind"] == "ok"
    said = [one["line"] for one in talk.lines if "line" in one]
    assert "working" in said
    assert any("/dev/full: No space left on device" in line for line in said)
