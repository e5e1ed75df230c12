"""The acceptance checklist for predictions, in plain Python that shares no code with the product."""

import collections
import itertools
import re

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
AMINO      = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
STANDARD   = {a + b + c: AMINO[16 * i + 4 * j + k]
              for i, a in enumerate("TCAG") for j, b in enumerate("TCAG") for k, c in enumerate("TCAG")}
CANDIDA    = {**STANDARD, "CTG": "S"}
SPLICES    = {("GT", "AG"), ("GC", "AG"), ("AT", "AC")}
COLUMNS    = ("contig", "source", "type", "start", "end", "score", "strand", "phase", "attributes")

Row = collections.namedtuple("Row", COLUMNS)


def read_fasta(path):
    """Names and letters of a FASTA file."""

    records = {}
    for line in path.read_text().splitlines():
        if line.startswith(">"):
            name = line[1:].split()[0]
            assert name not in records, f"{name} is there twice"
            records[name] = []
        elif line:
            records[name].append(line.upper())
    return {name: "".join(parts) for name, parts in records.items()}


def check_files(genome, gff3, proteins=None, cds=None, code=STANDARD, min_intron=10):
    """Assert everything that the checklist asks of a prediction.

    genome: dict name -> upper-case letters, in the order of the FASTA
    gff3, proteins, cds: paths, the last two may be None
    returns dict mRNA ID -> (contig, strand, segments, score), 0-based half-open
    """

    lines = gff3.read_text().splitlines()
    assert lines[0] == "##gff-version 3"
    regions = [line for line in lines if line.startswith("##sequence-region")]
    assert regions == [f"##sequence-region {name} 1 {len(letters)}" for name, letters in genome.items() if letters]
    assert all(line.startswith("##sequence-region") for line in lines[1:1 + len(regions)])
    genes    = [_read_gene(block) for block in _blocks(lines[1 + len(regions):])]
    order    = list(genome)
    places   = [(order.index(gene[0].contig), gene[0].start, -gene[0].end) for gene in genes]
    assert places == sorted(places), "not sorted"
    _check_ids(genes)
    models = {}
    for gene in genes:
        name, model = _check_gene(gene, genome, code, min_intron)
        models[name] = model
    assert len({model[:3] for model in models.values()}) == len(models), "two genes with one CDS"
    if proteins is not None:
        assert read_fasta(proteins) == {name: translate(spliced(genome, *model[:3]), code)[:-1]
                                        for name, model in models.items()}
    if cds is not None:
        assert read_fasta(cds) == {name: spliced(genome, *model[:3]) for name, model in models.items()}
    return models


def _blocks(lines):
    """Lines between ### marks; the last block ends with one."""

    blocks, block = [], []
    for line in lines:
        assert line == "###" or not line.startswith("#"), line
        if line == "###":
            blocks.append(block)
            block = []
        else:
            block.append(line)
    assert not block, "the last gene is not closed by ###"
    return blocks


def _read_gene(lines):
    rows = []
    for line in lines:
        cells = line.split("\t")
        assert len(cells) == 9, line
        attributes = dict(item.split("=", 1) for item in cells[8].split(";"))
        rows.append(Row(*cells[:3], int(cells[3]), int(cells[4]), *cells[5:8], attributes))
    return rows


def _check_ids(genes):
    """IDs are unique but for the rows of one CDS, and trip no reader."""

    seen = collections.Counter()
    for gene in genes:
        names = {row.attributes["ID"] for row in gene if row.type == "CDS"}
        assert len(names) == 1, "a CDS with several IDs"
        seen.update(names)
        seen.update(row.attributes["ID"] for row in gene if row.type != "CDS")
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in seen)
    assert max(seen.values(), default=1) == 1, "an ID is there twice"


def _check_gene(rows, genome, code, min_intron):
    gene, mrna = rows[:2]
    kinds      = [row.type for row in rows]
    count      = kinds.count("CDS")
    assert kinds == ["gene", "mRNA"] + ["exon"] * count + ["CDS"] * count and count
    assert {row.source for row in rows} == {"GeneT5"}
    assert len({(row.contig, row.strand) for row in rows}) == 1 and gene.strand in ("+", "-")
    assert mrna.attributes["Parent"] == gene.attributes["ID"] and "Parent" not in gene.attributes
    assert all(row.attributes["Parent"] == mrna.attributes["ID"] for row in rows[2:])
    assert all(row.phase == "." for row in rows[:2 + count])
    assert 0.0 <= float(gene.score) <= 1.0
    exons, coding = rows[2:2 + count], rows[2 + count:]
    assert [(row.start, row.end) for row in exons] == [(row.start, row.end) for row in coding]
    segments = tuple((row.start - 1, row.end) for row in coding)
    assert (gene.start, gene.end) == (mrna.start, mrna.end) == (segments[0][0] + 1, segments[-1][1])
    check_model(genome, gene.contig, gene.strand, segments, code, min_intron)
    assert [int(row.phase) for row in coding] == phases(gene.strand, segments)
    return mrna.attributes["ID"], (gene.contig, gene.strand, segments, float(gene.score))


def check_model(genome, contig, strand, segments, code=STANDARD, min_intron=10):
    """Assert that a chain of segments is a complete reading frame."""

    letters = genome[contig]
    assert segments[0][0] >= 0 and segments[-1][1] <= len(letters), "leaves its contig"
    assert all(start < end for start, end in segments)
    assert all("N" not in (letters[start], letters[end - 1]) for start, end in segments), "begins or ends in N"
    for (_, left), (right, _) in itertools.pairwise(segments):
        assert right - left >= min_intron, "intron too short"
        ends = letters[left:left + 2], letters[right - 2:right]
        if strand == "-":
            ends = reverse(ends[1]), reverse(ends[0])
        assert ends in SPLICES, f"intron {ends}"
    joined = spliced(genome, contig, strand, segments)
    assert len(joined) % 3 == 0 and joined.startswith("ATG"), joined
    protein = translate(joined, code)
    assert protein.endswith("*") and "*" not in protein[:-1], protein


def spliced(genome, contig, strand, segments):
    """The coding sequence of a gene in its own direction."""

    joined = "".join(genome[contig][start:end] for start, end in segments)
    return joined if strand == "+" else reverse(joined)


def reverse(letters):
    """Reverse complement."""

    return letters.translate(COMPLEMENT)[::-1]


def translate(joined, code=STANDARD):
    """Amino acids, * for a stop, X for a codon with N."""

    return "".join(code.get(joined[at:at + 3], "X") for at in range(0, len(joined) - 2, 3))


def phases(strand, segments):
    """Bases to skip from each segment's 5' end to the next codon."""

    lengths, result, before = [end - start for start, end in segments], [], 0
    for length in lengths if strand == "+" else lengths[::-1]:
        result.append((3 - before % 3) % 3)
        before += length
    return result if strand == "+" else result[::-1]
