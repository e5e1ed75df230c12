"""A plain reader of annotations, written without a look at the product's, to compare it with."""

import collections
import gzip

import pytest


def rows_of(path):
    """Fields of every feature row."""

    opener = gzip.open if path.read_bytes()[:2] == b"\x1f\x8b" else open
    with opener(path, "rt") as lines:
        for line in lines:
            if line.startswith(("##FASTA", ">")):
                return
            if line.strip() and not line.startswith("#"):
                yield line.rstrip("\n").split("\t")


def gff3_models(path):
    """Gene ID -> transcript ID -> sorted CDS segments (0-based, half-open), with contig and strand in each key."""

    rows = []
    kinds, parent = {}, {}
    for row in rows_of(path):
        attributes = dict(item.strip().split("=", 1) for item in row[8].split(";") if "=" in item)
        rows.append((row, attributes))
        if "ID" in attributes and row[2] not in ("CDS", "intron", "exon"):
            kinds[attributes["ID"]] = row[2]
            parent[attributes["ID"]] = attributes.get("Parent")
    genes = collections.defaultdict(lambda: collections.defaultdict(set))
    for row, attributes in rows:
        if row[2] != "CDS":
            continue
        for owner in attributes["Parent"].strip(",").split(","):
            # a protein beside its transcript is the same CDS again
            if kinds.get(owner) == "protein" or owner.endswith("-Protein"):
                continue
            gene = owner if "gene" in kinds.get(owner, "") else parent.get(owner) or owner
            name = attributes.get("ID", owner) if gene == owner and owner in kinds else owner
            genes[gene][name].add((row[0], row[6], int(row[3]) - 1, int(row[4])))
    return {g: {t: sorted(s) for t, s in ts.items()} for g, ts in genes.items()}


def gtf_models(path):
    """The same for GTF; bases of stop_codon rows belong to the CDS."""

    bases = collections.defaultdict(lambda: collections.defaultdict(set))
    for row in rows_of(path):
        if row[2] in ("CDS", "stop_codon"):
            fields = [item.strip().split(" ", 1) for item in row[8].strip().strip(";").split(";")]
            names  = {key: value.strip('"') for key, value in fields}
            place  = bases[names["gene_id"]][names["transcript_id"]]
            place |= {(row[0], row[6], at) for at in range(int(row[3]) - 1, int(row[4]))}
    return {g: {t: runs(b) for t, b in ts.items()} for g, ts in bases.items()}


def runs(bases):
    """Maximal runs of (contig, strand, position)."""

    out = []
    for contig, strand, at in sorted(bases):
        if out and out[-1][:2] == [contig, strand] and out[-1][3] == at:
            out[-1][3] = at + 1
        else:
            out.append([contig, strand, at, at + 1])
    return [tuple(run) for run in out]


@pytest.fixture(scope="session")
def plain_models():
    """Function path -> models, by a reader of its own."""

    def read(path):
        first = next(rows_of(path))
        return gtf_models(path) if "gene_id " in first[8] else gff3_models(path)

    return read


@pytest.fixture(scope="session")
def plain_fasta():
    """Function path -> list of (name, upper-case letters), by a reader of its own."""

    def read(path):
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
        records = []
        for line in text.splitlines():
            if line.startswith(">"):
                records.append((line[1:].split()[0], []))
            else:
                records[-1][1].append(line.strip())
        return [(name, "".join(lines).upper().replace("U", "T").encode()) for name, lines in records]

    return read
