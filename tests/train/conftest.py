"""A small baked genome and a very small model, made once."""

import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import types

import pytest

CODONS  = ("GCT", "GAA", "CTG", "AAA", "GGT", "GAC", "ATC", "CGT")
PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "python"
LIMIT   = 120
# what every run of these tests has in common
COMMON  = ["--dtype", "float32", "--device", "cpu", "--threads", "1", "--row-tokens", "512", "--lr", "0.003",
           "--warmup", "2", "--eval-batches", "2", "--generate-every", "-1", "--no-calibrate"]


def genome(folder):
    """Write fna and gff of two contigs of random DNA with genes of a few codons, some with an intron."""

    folder.mkdir(parents=True)
    parts = [contig("chr1", 1, genes=150), contig("chr2", 2, genes=20)]
    (folder / "fna").write_text("".join(f">{name}\n{text}\n" for name, text, _ in parts))
    (folder / "gff").write_text("##gff-version 3\n" + "".join(lines for _, _, lines in parts))


def contig(name, seed, genes):
    """A contig's name, letters and GFF3 lines."""

    draw       = random.Random(seed)
    text, rows = [], []
    place = 0
    for number in range(genes):
        space  = "".join(draw.choices("ACGT", k=draw.randint(40, 160)))
        body   = ["ATG" + "".join(draw.choices(CODONS, k=draw.randint(20, 60)))]
        if number % 3 == 0:
            intron = "GTAAGT" + "".join(draw.choices("ACT", k=40)) + "TTTTTTCAG"
            body  += [intron, "".join(draw.choices(CODONS, k=20))]
        body[-1] += "TAA"
        plus      = "".join(body)
        strand    = draw.choice("+-")
        spans, at = [], 0
        for index, part in enumerate(body):
            if index % 2 == 0:
                spans.append((at, at + len(part)))
            at += len(part)
        if strand == "-":
            plus  = plus.translate(str.maketrans("ACGT", "TGCA"))[::-1]
            spans = [(at - end, at - start) for start, end in reversed(spans)]
        start = place + len(space)
        text.append(space + plus)
        place = start + len(plus)
        rows += [("gene", start, place, strand, f"ID={name}g{number}"),
                 ("mRNA", start, place, strand, f"ID={name}t{number};Parent={name}g{number}")]
        rows += [("CDS", start + a, start + b, strand, f"ID={name}c{number};Parent={name}t{number}") for a, b in spans]
    lines = [[name, "test", kind, start + 1, end, ".", strand, ".", attributes]
             for kind, start, end, strand, attributes in rows]
    for group in _by_parent(lines):
        done = 0
        for line in group if group[0][6] == "+" else reversed(group):
            line[7] = (3 - done % 3) % 3
            done   += line[4] - line[3] + 1
    return name, "".join(text), "".join("\t".join(map(str, line)) + "\n" for line in lines)


def _by_parent(lines):
    groups = {}
    for line in lines:
        if line[2] == "CDS":
            groups.setdefault(line[8], []).append(line)
    return groups.values()


def environment():
    """Environment of a process that runs this working copy."""

    return {**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONUNBUFFERED": "1"}


def genet5(*arguments, launcher=(), check=True, module=("-m", "genet5"), limit=LIMIT):
    """Run `genet5` in a process of its own; returns it, finished within `limit` seconds."""

    command = [sys.executable, *launcher, *module, *map(str, arguments)]
    done    = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=limit, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def stop_after(rows, number, *arguments):
    """Start `genet5`, send it a signal once its training log in the second argument has `rows` rows.

    returns the exit status and what it said
    """

    command = [sys.executable, "-m", "genet5", *map(str, arguments)]
    process = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
    log     = pathlib.Path(arguments[2]) / "training_log.csv"
    end     = time.monotonic() + LIMIT
    try:
        while process.poll() is None and time.monotonic() < end:
            if log.exists() and log.read_text().count("\n") > rows:
                break
            time.sleep(0.01)
        os.kill(process.pid, number)
        said = process.communicate(timeout=LIMIT)[1]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return process.returncode, said


@pytest.fixture(scope="session")
def tools():
    """Helpers that start processes: genet5, stop_after, environment, and the options COMMON."""

    return types.SimpleNamespace(genet5=genet5, stop_after=stop_after, environment=environment, COMMON=COMMON)


@pytest.fixture(scope="session")
def baked(tmp_path_factory):
    """A baked folder; its tokenizer.json lies in it."""

    folder = tmp_path_factory.mktemp("train")
    genome(folder / "raw" / "G.toy")
    genet5("tokenizer", "train", folder / "raw", folder / "tokenizer.json", "--vocab-size", 64)
    genet5("bake", folder / "raw", folder / "baked", "--tokenizer", folder / "tokenizer.json",
           "--window-size", 512, "--val-contigs", "G.toy:chr2", "--threads", 1)
    return folder / "baked"


@pytest.fixture(scope="session")
def start(tmp_path_factory, baked):
    """A very small untrained model."""

    pytest.importorskip("torch")
    import genet5.model.folder as folders

    folder = tmp_path_factory.mktemp("model") / "start"
    folders.create(folder, baked / "tokenizer.json", preset="tiny", width=32, num_layers=1, num_heads=2,
                   feed_forward=64, stem_width=16, base_width=16, key_width=16, stem_dilations=(1, 2),
                   window_size=512)
    return folder
