"""All hot paths beside their peers in one run; prints a table and writes it to a file.

Usage: make bench, or: PYTHONPATH=python python benches/speed.py [--out benches/RESULTS.md] [PATH ...]
PATH is part of a function's name in benches/paths; all by default.

A path that uses one thread is judged by its CPU time, the rest by wall time; the table shows both. Where other work
on the machine spoils the wall time, "yes, by CPU" says that one quiet core would be enough.
"""

import argparse
import datetime
import importlib.metadata
import os
import pathlib
import platform
import subprocess
import tempfile

import genet5._core as core
import inputs as data
import paths.annotation as annotation
import paths.genome as genome
import paths.masks as masks
import paths.packing as packing
import paths.pipeline as pipeline
import paths.tokens as tokens
import timing

PATHS    = (genome.plain, genome.compressed, genome.blocks, annotation.split, annotation.models, tokens.encode,
            tokens.train, tokens.expand, packing.lognormal, packing.baked, masks.channels, masks.tables, masks.mask)
PIPELINE = (pipeline.bake, pipeline.read)
PEERS    = ("pyfastx", "needletail", "gffutils", "polars-bio", "tokenizers", "tiktoken", "trl", "webdataset", "numpy")
HEAD     = ("path", "reach", "reached", "wall", "CPU", "met", "peers (ratio in our favour)")


def main():
    """Measure, print and write."""

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=pathlib.Path, help="write the table to this file")
    parser.add_argument("paths", nargs="*", help="part of the name of a function in benches/paths")
    options = parser.parse_args()
    if core.build_profile != "release":
        parser.error("the extension is a debug build, whose speed means nothing: pip install .")
    before, rows = os.getloadavg(), []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files  = data.make(folder)
        print(line(HEAD), line(["---"] * len(HEAD)), sep="\n")
        for path in (*PATHS, *PIPELINE):
            if any(word in path.__name__ for word in options.paths or [""]):
                row = path(files, folder) if path in PIPELINE else path(files)
                rows.append(row)
                print(line(cells(row)), flush=True)
    if options.out:
        options.out.write_text(report(rows, files.origin, before))


def cells(row):
    """The columns of one row."""

    value = timing.speed(row.ours, row.work, row.threads)
    sign  = "≥" if row.work else "≤"
    reach = "-" if row.reach is None else f"{sign} {number(row.reach)} {row.unit}"
    both  = [f"{number(row.work / seconds if row.work else seconds)} {row.unit}"
             for seconds in (row.ours.wall, row.ours.cpu)]
    return [row.path, reach, f"{number(value)} {row.unit}", *both, met(row),
            "; ".join(ratio(row, value, *peer) for peer in row.peers) or "-"]


def met(row):
    """Whether a row reaches what it must."""

    def reached(threads):
        value = timing.speed(row.ours, row.work, threads)
        return value >= row.reach if row.work else value <= row.reach

    if row.reach is None:
        return "-"
    return "yes" if reached(row.threads) else "yes, by CPU" if reached(1) else "no"


def ratio(row, value, name, theirs, work):
    """One peer: how many times as fast we are."""

    if theirs is None:
        return f"{name}: not installed"
    other = timing.speed(theirs, work, row.threads)
    times = value / other if work else other / value
    return f"{name} {number(other)} (**{times:.1f}x**)"


def number(value):
    """Three digits."""

    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def line(columns):
    """One line of a Markdown table."""

    return "| " + " | ".join(columns) + " |"


def report(rows, origin, load):
    """The text of RESULTS.md."""

    cores = os.cpu_count()
    busy  = "busy with other work" if load[0] > 0.3 else "quiet"
    head  = f"""# Speed of the hot paths

Written by `make bench`; run it on a quiet machine to make the table again. A path on one thread is judged by
its CPU time (user and system), which other work on the machine changes little, a path on two threads by wall time;
"yes, by CPU" says that the wall time is spoilt by other work and the CPU time of all threads is below what is allowed.
Each number is the best of several runs; peers ran in the same run.

- Machine: {processor()}, {cores} cores, {platform.system()} {platform.release()}; before the run it was {busy} (load
  {load[0]:.1f} in the last minute, {load[1]:.1f} in the last five).
- Date: {datetime.date.today()}; commit {commit()}; Python {platform.python_version()}, {compiler()}.
- Data: {origin}.
- Peers: {", ".join(versions())}.

"""
    table = "\n".join(line(columns) for columns in (HEAD, ["---"] * len(HEAD), *map(cells, rows)))
    notes = "".join(f"- {row.path}: {'; '.join(row.notes)}.\n" for row in rows if row.notes)
    return f"{head}{table}\n\n{notes}"


def processor():
    """Name of the CPU."""

    info = pathlib.Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    return next((row.split(":")[1].strip() for row in info.read_text().splitlines() if row.startswith("model name")),
                platform.machine())


def versions():
    """Names and versions of the peers, programs included."""

    found = [f"{name} {importlib.metadata.version(name)}" for name in PEERS]
    for program, option in (("gffread", "--version"), ("bgzip", "--version")):
        text = output([program, option])
        found.append(f"{program} {text.split()[-1] if program == 'gffread' else text.split()[2]}" if text
                     else f"{program} is not installed")
    return found


def compiler():
    """The version of rustc."""

    return output(["rustc", "--version"]) or "rustc unknown"


def commit():
    """The commit, and whether files were changed since."""

    changed = output(["git", "status", "--porcelain", "-uno"])
    return (output(["git", "rev-parse", "--short", "HEAD"]) or "unknown") + (" with changes" if changed else "")


def output(command):
    """First line of what a command says, empty where it is missing."""

    try:
        text = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return (text.stdout or text.stderr).strip().split("\n")[0]


if __name__ == "__main__":
    main()
