"""Copy a species folder without some contigs, so that nothing downstream can see them.

Usage: python benches/hold_out.py RAW_DIR/SPECIES CONTIG[,CONTIG...] OUT_RAW_DIR/SPECIES
"""

import gzip
import pathlib
import sys


def main(source, contigs, target):
    """Write fna.gz and gff.gz of `target` without the named contigs; refuse a name that is not there."""

    contigs = set(contigs.split(","))
    target  = pathlib.Path(target)
    target.mkdir(parents=True, exist_ok=True)
    seen = set()
    with gzip.open(target / "fna.gz", "wt", compresslevel=1) as out, lines(source, "fna") as rows:
        out.writelines(fasta_without(rows, contigs, seen))
    unknown = sorted(contigs - seen)
    if unknown:
        sys.exit(f"error: {source} has no contig {', '.join(unknown)}; it has {', '.join(sorted(seen)[:20])}")
    with gzip.open(target / "gff.gz", "wt", compresslevel=1) as out, lines(source, "gff") as rows:
        out.writelines(gff_without(rows, contigs))


def lines(folder, name):
    """The open text file `name` or `name`.gz of a folder."""

    plain = pathlib.Path(folder) / name
    return plain.open() if plain.exists() else gzip.open(f"{plain}.gz", "rt")


def fasta_without(rows, contigs, seen):
    """FASTA lines of the other contigs; all names go into `seen`."""

    keep = True
    for row in rows:
        if row.startswith(">"):
            name = row[1:].split()[0]
            seen.add(name)
            keep = name not in contigs
        if keep:
            yield row


def gff_without(rows, contigs):
    """GFF lines of the other contigs, up to a ##FASTA section."""

    for row in rows:
        if row.startswith("##FASTA"):
            return
        words = row.split()
        place = words[1] if row.startswith("##sequence-region") else words[0] if words else ""
        if place not in contigs:
            yield row


if __name__ == "__main__":
    main(*sys.argv[1:])
