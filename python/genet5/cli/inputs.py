"""Files named at the command line: `-` is standard input, and a pipe of rows can be read as often as a plain file."""

import os
import re
import stat
import tempfile

import click

STDIN = "/dev/stdin"
GZIP  = b"\x1f\x8b"
PIECE = 1 << 18


class InputFile(click.Path):
    """A path to read, once."""

    def convert(self, value, param, ctx):
        return super().convert(STDIN if value == "-" else value, param, ctx)


class Rows(InputFile):
    """A GFF3 or GTF to read. A pipe is read to its end at once, since some commands look at a file twice."""

    def convert(self, value, param, ctx):
        path = super().convert(value, param, ctx)
        keep(path)
        return path


def keep(path):
    """Put what comes through an open pipe, as /dev/stdin or the shell's <(...) are, into a file under the same name."""

    number = descriptor(path)
    if number is None or not is_pipe(number):
        return
    with tempfile.TemporaryFile() as kept, os.fdopen(os.dup(number), "rb") as pipe:
        copy(pipe, kept)
        kept.seek(0)
        os.dup2(kept.fileno(), number)


def copy(pipe, kept):
    """Copy a pipe up to its end or behind a line that is too long for any reader, who will say so."""

    import genet5._core as core

    piece   = pipe.read(PIECE)
    is_text = not piece.startswith(GZIP)
    length  = 0
    while piece and not (is_text and length > core.genome.MAX_LINE):
        kept.write(piece)
        newline = piece.rfind(b"\n")
        length  = length + len(piece) if newline < 0 else len(piece) - newline - 1
        piece   = pipe.read(PIECE)


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
