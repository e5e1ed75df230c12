"""`genet5 eval busco` against `hmmsearch --cpu 2`: the proteins of a genome, ten profiles copied under 255 names.

usage: python benches/busco.py LINEAGE_DIR GFF GENOME
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import genet5.eval.busco as busco
import genet5.eval.busco.proteins as proteins

COPIES = 255
CORES  = 2


def copied(lineage, folder):
    """A lineage with the profiles of another, copied until there are COPIES."""

    (folder / "hmms").mkdir(parents=True)
    names = [f"{number}at1" for number in range(COPIES)]
    whole = sorted((lineage / "hmms").glob("[!.]*.hmm"))
    lines = {name: (lineage / name).read_text().split("\n") for name in ("scores_cutoff", "lengths_cutoff")}
    for number, name in enumerate(names):
        shutil.copy(whole[number % len(whole)], folder / "hmms" / f"{name}.hmm")
    for table, rows in lines.items():
        known = {row.split()[0]: row.split()[1:] for row in rows if row.strip()}
        text  = "".join(f"{name} {' '.join(known[whole[number % len(whole)].stem])}\n"
                        for number, name in enumerate(names))
        (folder / table).write_text(text)
    return folder


def main(lineage, gff, genome):
    """Print both times and their ratio."""

    found = proteins.translate(gff, genome)
    with tempfile.TemporaryDirectory() as spare:
        spare = pathlib.Path(spare)
        many  = copied(pathlib.Path(lineage), spare / "lineage")
        fasta = spare / "proteins.faa"
        fasta.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in found))
        (spare / "all.hmm").write_text("".join(file.read_text() for file in sorted((many / "hmms").iterdir())))
        times = {}
        for _ in range(2):
            begin = time.perf_counter()
            busco.evaluate(found, many, threads=CORES)
            times.setdefault("genet5", []).append(time.perf_counter() - begin)
            begin = time.perf_counter()
            subprocess.run(["hmmsearch", "--domtblout", spare / "table", "--cpu", str(CORES), spare / "all.hmm", fasta],
                           check=True, stdout=subprocess.DEVNULL)
            times.setdefault("hmmsearch", []).append(time.perf_counter() - begin)
    ours, theirs = min(times["genet5"]), min(times["hmmsearch"])
    print(f"{len(found):,} proteins, {COPIES} profiles, {CORES} cores: genet5 {ours:.1f} s, hmmsearch --cpu {CORES} "
          f"{theirs:.1f} s, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    if shutil.which("hmmsearch") is None:
        sys.exit("hmmsearch is not installed (Debian package hmmer)")
    main(*sys.argv[1:])
