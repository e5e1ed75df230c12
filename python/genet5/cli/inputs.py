"""Files named at the command line: `-` is standard input, and a pipe can be read as often as a plain file."""

import os
import re
import shutil
import stat
import tempfile

import click

STDIN = "/dev/stdin"


class InputFile(click.Path):
    """A path to read. A pipe is read to its end at once, since some commands look at a file twice."""

    def convert(self, value, param, ctx):
        path = STDIN if value == "-" else value
        keep(path)
        return super().convert(path, param, ctx)


def keep(path):
    """Put what comes through an open pipe, as /dev/stdin or the shell's <(...) are, into a file under the same name."""

    number = descriptor(path)
    if number is None or not is_pipe(number):
        return
    with tempfile.TemporaryFile() as kept, os.fdopen(os.dup(number), "rb") as pipe:
        shutil.copyfileobj(pipe, kept)
        kept.seek(0)
        os.dup2(kept.fileno(), number)


def descriptor(path):
    """The number of the open file that a path stands for; None for other paths."""

    if path == STDIN:
        return 0
    match = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d+)", path)
    return int(match[1]) if match else None


def is_pipe(number):
    """Whether an open file is a pipe; one that is not open is none."""

    try:
        return stat.S_ISFIFO(os.fstat(number).st_mode)
    except OSError:
        return False
