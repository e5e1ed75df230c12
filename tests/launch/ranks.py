"""Stands in for a training process in tests of the supervisor: beats, then does what it is told.

usage: ranks.py WHAT, with RANK in the environment
"""

import os
import signal
import subprocess
import sys
import time

import genet5.errors as errors
import genet5.launch.heartbeat as heartbeat

what = sys.argv[1]


def work():
    with heartbeat.beating(str) as heart:
        heart.beat(3)
        heart._write()
        print("working", flush=True)
        if what == "fail":
            raise errors.DataError("the data is broken")
        if what == "memory":
            raise errors.LowMemory("only 1 GiB is left")
        if what == "orphan":
            subprocess.Popen(["setsid", "sleep", "987"])
        if what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
        if what == "evaluate":
            heart.rest("the evaluation")
            time.sleep(6)
            heart.beat(4)
        if what in ("long", "evaluate"):
            time.sleep(600)


work()
