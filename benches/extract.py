"""Speed of `genet5 extract` beside gffread, both in this run; prints a table.

Usage: python benches/extract.py [SPECIES_DIR] [COPIES]

SPECIES_DIR holds fna.gz and gff.gz (default: a simulated genome of 4 Mb); the genome is laid COPIES times (default 8)
into one file, contigs and IDs renamed, so that starting a process weighs little. Both write coding sequences and
proteins of plain files whose FASTA index is there.
"""

import gzip
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import genet5.simulate as simulate

# runs of each, alternating; the fastest counts
RUNS = 5


def main(species=None, copies="8"):
    """Measure both and print wall and CPU time."""

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if species is None:
            simulate.species(folder / "raw", length=4_000_000, contigs=4, seed=1)
        annotation, genome = enlarged(pathlib.Path(species or folder / "raw"), folder, int(copies))
        ours   = [sys.executable, "-m", "genet5", "extract", annotation, genome, "--cds", folder / "cds",
                  "--proteins", folder / "proteins", "--force"]
        theirs = ["gffread", "-g", genome, "-x", folder / "x", "-y", folder / "y", annotation]
        inside = [sys.executable, "-c", INSIDE, annotation, genome, folder / "cds", folder / "proteins"]
        # the first runs make the indices
        times = {name: [] for name in ("genet5 extract", "gffread", "genet5.extract, in process")}
        for turn in range(RUNS + 1):
            for found, command in zip(times.values(), (ours, theirs, inside)):
                measured = inner(command) if command is inside else seconds(command)
                if turn:
                    found.append(measured)
        size = (annotation.stat().st_size + genome.stat().st_size) / 1e6
        best = {name: [min(column) for column in zip(*found)] for name, found in times.items()}
        print(f"{size:.0f} MB of input; best of {RUNS}")
        print(f"{'':<28}{'wall, s':>10}{'CPU, s':>10}{'ratio wall':>12}{'ratio CPU':>12}")
        for name, (wall, cpu) in best.items():
            ratios = best["gffread"][0] / wall, best["gffread"][1] / cpu
            print(f"{name:<28}{wall:>10.3f}{cpu:>10.3f}{ratios[0]:>12.1f}{ratios[1]:>12.1f}")


# one extraction, without starting Python
INSIDE = """
import os, sys, time
import genet5.extract
def used():
    spent = os.times()
    return time.perf_counter(), spent.user + spent.system
before = used()
genet5.extract.extract(*sys.argv[1:3], {"cds": sys.argv[3], "proteins": sys.argv[4]})
print(*(b - a for a, b in zip(before, used())))
"""


def seconds(command):
    """(wall, CPU) seconds of a process."""

    before, begin = os.times(), time.perf_counter()
    subprocess.run([str(part) for part in command], check=True, stderr=subprocess.DEVNULL)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begin, spent


def inner(command):
    """(wall, CPU) seconds that a process prints."""

    done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return tuple(map(float, done.stdout.split()))


def enlarged(species, folder, copies):
    """(annotation, genome): plain files that hold a species several times."""

    texts = {}
    for name in ("gff", "fna"):
        plain, packed = species / name, species / f"{name}.gz"
        texts[name]   = (plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())).decode()
    annotation, genome = folder / "gff", folder / "fna"
    with annotation.open("w") as rows, genome.open("w") as letters:
        for copy in range(copies):
            letters.write(re.sub(r"(?m)^>", f">v{copy}_", texts["fna"]))
            body = re.sub(r"(?m)^(?!#)", f"v{copy}_", texts["gff"].rstrip("\n")) + "\n"
            body = re.sub(r"(?m)^(##sequence-region +)", rf"\1v{copy}_", body)
            rows.write(re.sub(r"\b(ID|Parent)=", rf"\1=v{copy}_", body))
    return annotation, genome


if __name__ == "__main__":
    main(*sys.argv[1:])
