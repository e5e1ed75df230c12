"""The files that a prediction leaves: GFF3, proteins, coding sequences. Each is whole or is not there."""

import pathlib
import re
import shutil
import sys
import tempfile

import genet5.genome as genome
import genet5.outputs as outputs


def check(paths, id_prefix, force, inputs=()):
    """Complain about outputs that cannot or must not be written, before any work is done.

    paths:     list of paths, None and "-" (standard output) are passed over
    id_prefix: str, in front of every ID
    force:     bool, replace files that are there
    inputs:    list of paths that are read, which nothing replaces
    raises DataError, ValueError for a prefix that IDs must not have
    """

    if not re.fullmatch(r"[A-Za-z0-9._-]*", id_prefix):
        raise ValueError(f"the ID prefix {id_prefix!r} may have letters, digits, '.', '_' and '-' only")
    outputs.check(paths, force, inputs)


def write(source, genes, gff3, proteins=None, cds=None, genetic_code=1, id_prefix=""):
    """Write all files of a prediction.

    source:       sources.Source of a FASTA file
    genes:        list of genes.Gene
    gff3:         path, "-" for standard output
    proteins:     path or None; FASTA of translations without the stop, named by mRNA
    cds:          path or None; FASTA of coding sequences with the stop, named by mRNA
    genetic_code: int, NCBI's number of a table
    id_prefix:    str, in front of every ID
    raises OSError
    """

    place = {name: number for number, (name, _) in enumerate(source.contigs)}
    rows  = [(place[gene.contig], gene.strand, list(gene.segments), gene.probability) for gene in genes]
    if proteins is not None:
        genome.write_proteins(proteins, source.fasta, rows, genetic_code, id_prefix)
    if cds is not None:
        genome.write_cds(cds, source.fasta, rows, id_prefix)
    # last, so that the annotation is there only when the rest is
    if str(gff3) != "-":
        genome.write_gff3(gff3, source.contigs, rows, id_prefix)
        return
    with tempfile.TemporaryDirectory() as spare:
        path = pathlib.Path(spare) / "genes.gff3"
        genome.write_gff3(path, source.contigs, rows, id_prefix)
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
