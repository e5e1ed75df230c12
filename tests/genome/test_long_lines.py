"""Lines without an end, and pipes: refused or read in little memory."""

import gzip
import os
import subprocess
import sys
import zlib

import pytest

import genet5.errors as errors
import genet5.genome as gm

GFF = "chr\tx\tgene\t1\t9\t.\t+\t.\tID=g\nchr\tx\tCDS\t1\t9\t.\t+\t0\tID=c;Parent=g\n"
# runs the command with little memory of its own; mapped files do not count
CODE = ("import resource, sys; resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 30)); "
        "import genet5.cli, genet5.cli.score; (genet5.cli if sys.argv[1] != 'f1' else genet5.cli.score).main()")


def command(*arguments, **options):
    return subprocess.run([sys.executable, "-c", CODE, *map(str, arguments)], capture_output=True, text=True, **options)


def repeated(path, first, block, times):
    """Write gzip of `first` and then `block` many times, without ever compressing it more than once."""

    deflate = zlib.compressobj(wbits=31)
    with path.open("wb") as out:
        out.write(deflate.compress(first) + deflate.flush(zlib.Z_FULL_FLUSH))
        piece = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
        for _ in range(times):
            out.write(piece)


def refused(done, path):
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (f"error: {path}, line 3: a line longer than 64 MiB; this is no annotation, or its line ends "
                           "are lost\n")


@pytest.mark.slow
@pytest.mark.parametrize("words", [("inspect",), ("f1",)])
def test_a_line_of_4_gigabytes_is_refused(tmp_path, words):
    packed = tmp_path / "x.gff.gz"
    repeated(packed, GFF.encode(), b"x" * (1 << 20), 4096)
    refused(command(*words, packed, *([packed] if words == ("f1",) else [])), packed)
    # zeros that take no room on the disk
    plain = tmp_path / "x.gff"
    plain.write_text(GFF)
    os.truncate(plain, 4 << 30)
    refused(command(*words, plain, *([plain] if words == ("f1",) else [])), plain)


@pytest.mark.slow
def test_a_pipe_without_line_ends_is_refused(tmp_path):
    line   = f"import sys; sys.stdout.write({GFF!r}); [sys.stdout.write('x' * (1 << 20)) for _ in range(4096)]"
    source = subprocess.Popen([sys.executable, "-c", line], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    refused(command("inspect", "/dev/stdin", stdin=source.stdout), "/dev/stdin")
    source.stdout.close()
    assert source.wait() != 0


def test_a_line_of_some_megabytes_is_read(tmp_path):
    path = tmp_path / "x.gff"
    path.write_text(GFF + "# " + "x" * (5 << 20) + "\n" + GFF.replace("=g", "=h").replace("=c", "=d"))
    assert gm.inspect(path)["genes"] == 2


@pytest.mark.skipif(sys.platform != "linux", reason="pipes by name are /dev/fd of Linux")
def test_pipes_are_read_like_files(tmp_path):
    (tmp_path / "x.gff").write_text(GFF)
    (tmp_path / "x.fna").write_text(">chr\nATGAAATAG\n")
    (tmp_path / "x.gff.gz").write_bytes(gzip.compress(GFF.encode()))
    (tmp_path / "x.fna.gz").write_bytes(gzip.compress(b">chr\nATGAAATAG\n"))
    script = '"$0" -m genet5 inspect <(cat x.gff{0}) --genome <(cat x.fna{0})'
    for end in ("", ".gz"):
        words = ["bash", "-c", script.format(end), sys.executable]
        done  = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True, env=environment())
        assert done.returncode == 0 and "genes\t1\n" in done.stdout and "valid_genes\t1\n" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="pipes by name are /dev/fd of Linux")
def test_a_pipe_that_is_needed_twice_is_an_error_and_not_an_empty_file():
    read, write = os.pipe()
    os.write(write, GFF.encode())
    os.close(write)
    assert gm.inspect(f"/dev/fd/{read}")["genes"] == 1
    with pytest.raises(errors.InputError, match="nothing comes out of this pipe"):
        gm.inspect(f"/dev/fd/{read}")
    os.close(read)


def environment():
    """This process's environment; the package is found from any folder."""

    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
