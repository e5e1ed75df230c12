"""Speed and memory of genet5-score beside gffcompare, gt eval and a plain Python scorer; prints a table.

Usage: GFFCOMPARE=path/to/gffcompare python benches/scoring.py [MEGABYTES [ANNOTATION.gff3 ...]]

The pair is made of copies of real annotations (default: those in ../shared/genomes) on renamed contigs; the
prediction is damaged by a seed: starts and splice sites moved, genes dropped, split and doubled. Tools that are not
there are left out.
"""

import collections
import gzip
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

SHARED  = pathlib.Path(__file__).resolve().parents[2] / "shared" / "genomes"
SPECIES = ("P.falciparum", "C.elegans", "P.knowlesi")
# stands for the number of a copy in names
MARK    = "\0"
# different damages, used in turn
DAMAGES = 8

Part = collections.namedtuple("Part", ["kind", "start", "end", "phase"])


def main(megabytes=100, *paths):
    """Make the pair, run every tool on it and print how they compare."""

    paths = [pathlib.Path(path) for path in paths] or [SHARED / name / "gff.gz" for name in SPECIES]
    with tempfile.TemporaryDirectory() as folder:
        folder      = pathlib.Path(folder)
        ref, pred   = make_pair(paths, folder, float(megabytes) * 1e6)
        sizes       = " and ".join(f"{path.stat().st_size / 1e6:.0f} MB" for path in (ref, pred))
        print(f"reference and prediction of {sizes}")
        print(f"{'tool':<34}{'seconds':>10}{'MiB':>9}{'faster':>9}{'leaner':>9}")
        base = None
        for name, command in commands(folder, ref, pred):
            seconds, mebibytes = measure(command, folder)
            base   = base or (seconds, mebibytes)
            ratios = f"{base[0] / seconds:>9.1f}{base[1] / mebibytes:>9.1f}"
            print(f"{name:<34}{seconds:>10.2f}{mebibytes:>9.0f}{ratios}", flush=True)


def commands(folder, ref, pred):
    """(name, command) of every tool that is there; the first is what the others are compared with."""

    gffcompare = os.environ.get("GFFCOMPARE") or shutil.which("gffcompare")
    score      = [sys.executable, "-m", "genet5.cli.score", "f1", ref, pred]
    found      = []
    if gffcompare:
        found.append(("gffcompare", [gffcompare, "-r", ref, "-o", folder / "compared", "-T", pred]))
    if shutil.which("gt"):
        tidy = [folder / "tidy.ref.gff3", folder / "tidy.pred.gff3"]
        for source, target in zip((ref, pred), tidy):
            with target.open("w") as out:
                subprocess.run(["gt", "gff3", "-sort", "-tidy", "-retainids", source], stdout=out, check=True,
                               stderr=subprocess.DEVNULL)
        found.append(("gt eval (sorted beforehand)", ["gt", "eval", "-nuc", "yes", *tidy]))
    found += [("plain Python, gene level only", [sys.executable, __file__, "plain", ref, pred]),
              ("genet5-score f1", score), ("genet5-score f1 --preset all", [*score, "--preset", "all"])]
    return found


def measure(command, folder):
    """Wall time and peak memory of a command; the best of two."""

    found = []
    for _ in range(2):
        begin   = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], cwd=folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{command[0]} failed with {process.returncode}")
        found.append((time.perf_counter() - begin, usage.ru_maxrss / (1024 ** 2 if sys.platform == "darwin" else 1024)))
    return min(found)


def make_pair(paths, folder, size):
    """A reference and a damaged prediction of at least `size` bytes each; returns their paths."""

    genes     = [gene for number, path in enumerate(paths) for gene in read(path, number)]
    lengths   = {}
    for contig, _, transcripts in genes:
        longest = max(part.end for parts in transcripts for part in parts)
        lengths[contig] = max(lengths.get(contig, 0), longest + 1000)
    heads     = "".join(f"##sequence-region {contig}{MARK} 1 {length}\n" for contig, length in lengths.items())
    truth     = "".join(text(gene, i) for i, gene in enumerate(genes))
    guesses   = ["".join(text(gene, i) for i, gene in enumerate(damage(genes, seed))) for seed in range(DAMAGES)]
    copies    = 1 + int(size / min(map(len, guesses)))
    result    = (folder / "ref.gff3", folder / "pred.gff3")
    for path, bodies in zip(result, ([truth], guesses)):
        with path.open("w") as out:
            out.write("##gff-version 3\n")
            for part in (lambda _: heads, lambda copy, bodies=bodies: bodies[copy % len(bodies)]):
                for copy in range(copies):
                    out.write(part(copy).replace(MARK, f".{copy}"))
    return result


def read(path, number):
    """Coding genes of a GFF3 file as (contig, strand, transcripts), a transcript as its exon and CDS parts."""

    opener = gzip.open if path.suffix == ".gz" else open
    parent, parts = {}, collections.defaultdict(list)
    with opener(path, "rt") as lines:
        for line in lines:
            if line.startswith("#") or not line.strip():
                continue
            contig, _, kind, start, end, _, strand, phase, column = line.rstrip("\n").split("\t")
            attributes = dict(item.split("=", 1) for item in column.split(";") if "=" in item)
            if kind in ("gene", "mRNA"):
                parent[attributes.get("ID")] = attributes.get("Parent"), kind
            elif kind in ("exon", "CDS") and strand in ("+", "-"):
                for owner in attributes.get("Parent", "").split(","):
                    parts[owner, f"{contig}_{number}", strand].append(Part(kind, int(start), int(end), phase))
    genes = collections.defaultdict(list)
    for (owner, contig, strand), rows in parts.items():
        gene, kind = parent.get(owner, (None, None))
        if kind == "mRNA" and gene and {row.kind for row in rows} == {"exon", "CDS"}:
            genes[contig, strand, gene].append(sorted(rows, key=lambda row: (row.start, row.kind == "CDS")))
    listed = [(contig, strand, transcripts) for (contig, strand, _), transcripts in genes.items()]
    return sorted(listed, key=lambda gene: (gene[0], min(rows[0].start for rows in gene[2])))


def damage(genes, seed):
    """The genes with the faults of a predictor: one transcript each, borders moved, genes lost, split and doubled."""

    draw, guessed = random.Random(seed), []
    for contig, strand, transcripts in genes:
        parts, kind = [part for part in transcripts[0] if part.kind == "CDS"], draw.random()
        if kind < 0.1:
            continue
        if kind < 0.3:
            parts = shift(draw, parts)
        halves = [parts[:len(parts) // 2], parts[len(parts) // 2:]] if kind > 0.97 and len(parts) > 1 else [parts]
        for half in halves:
            rows = [row for part in half for row in (part._replace(kind="exon", phase="."), part)]
            guessed.append((contig, strand, [rows]))
        if 0.3 < kind < 0.31:
            guessed.append(guessed[-1])
    return guessed


def shift(draw, parts):
    """CDS parts of which one begins or ends a codon farther inside, so that all phases stay right."""

    at       = draw.randrange(len(parts))
    part     = parts[at]
    shortest = part.end - part.start < 6
    moved    = part if shortest else part._replace(start=part.start + 3) if at > 0 else part._replace(end=part.end - 3)
    return [*parts[:at], moved, *parts[at + 1:]]


def text(gene, number):
    """GFF3 rows of a gene."""

    contig, strand, transcripts = gene
    low, high = (pick(end(part) for rows in transcripts for part in rows)
                 for pick, end in ((min, lambda part: part.start), (max, lambda part: part.end)))
    name      = f"g{number}{MARK}"

    def row(kind, start, end, phase, attributes):
        return f"{contig}{MARK}\tbench\t{kind}\t{start}\t{end}\t.\t{strand}\t{phase}\t{attributes}\n"

    lines = [row("gene", low, high, ".", f"ID={name}")]
    for i, rows in enumerate(transcripts):
        own    = f"{name}.t{i}"
        lines += [row("mRNA", min(part.start for part in rows), max(part.end for part in rows), ".",
                      f"ID={own};Parent={name}")]
        lines += [row(part.kind, part.start, part.end, part.phase,
                      f"Parent={own}" if part.kind == "exon" else f"ID={own}.cds;Parent={own}") for part in rows]
    return "".join(lines) + "###\n"


def plain(ref, pred):
    """The gene level of preset genet5 in plain Python, as a script would do it."""

    sides = []
    for path in (ref, pred):
        chains = collections.defaultdict(list)
        genes  = collections.defaultdict(list)
        with pathlib.Path(path).open() as lines:
            for line in lines:
                if "\tCDS\t" in line:
                    contig, _, _, start, end, _, strand, _, column = line.split("\t")
                    chains[contig, strand, column.split("Parent=")[1].strip()].append((int(start), int(end)))
                elif "\tmRNA\t" in line:
                    column = line.rstrip().rsplit("\t", 1)[1]
                    name, gene = column.removeprefix("ID=").split(";Parent=")
                    genes[gene].append(name)
        of_transcript = {name: (contig, strand, tuple(sorted(chain)))
                         for (contig, strand, name), chain in chains.items()}
        longest = {max((of_transcript[name] for name in names if name in of_transcript), default=None,
                       key=lambda chain: sum(b - a + 1 for a, b in chain[2])) for names in genes.values()}
        sides.append(longest - {None})
    print(len(sides[0] & sides[1]), *map(len, sides))


if __name__ == "__main__":
    if sys.argv[1:2] == ["plain"]:
        plain(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
