"""Random genomes with genes, and what has to come out of them, slowly and by the definition."""

import collections
import dataclasses

import hypothesis.strategies as st

LETTERS    = "ACGTacgtACGTacgtNnRYSWKMBDHVrywsX"
COMPLEMENT = str.maketrans("ACGTRYSWKMBDHVNXacgtryswkmbdhvnx", "TGCAYRSWMKVHDBNXtgcayrswmkvhdbnx")
BASES      = {"A": "A", "C": "C", "G": "G", "T": "T", "R": "AG", "Y": "CT", "S": "CG", "W": "AT", "K": "GT", "M": "AC",
              "B": "CGT", "D": "AGT", "H": "ACT", "V": "ACG", "N": "ACGT", "X": "ACGT"}
# NCBI's tables 1 and 12, codons over T, C, A, G
CODES      = {1: "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
              12: "FFLLSSSSYY**CC*WLLLSPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"}


@dataclasses.dataclass
class Transcript:
    """One transcript; parts are (start, end), 0-based, half-open, ascending."""

    id:     str
    gene:   str
    contig: str
    strand: str
    exons:  list
    cds:    list
    phase:  int

    @property
    def span(self):
        return self.exons[0][0], self.exons[-1][1]

    @property
    def introns(self):
        return [(a[1], b[0]) for a, b in zip(self.exons, self.exons[1:]) if b[0] - a[1] >= 4]


@st.composite
def cases(draw):
    """(contigs: dict of name -> letters, list of Transcript)."""

    names   = [f"c{i}" for i in range(draw(st.integers(1, 3)))]
    contigs = {name: draw(st.text(LETTERS, min_size=12, max_size=200)) for name in names}
    genes   = []
    for g in range(draw(st.integers(1, 4))):
        contig, strand = draw(st.sampled_from(names)), draw(st.sampled_from("+-"))
        for t in range(draw(st.integers(1, 2))):
            genes.append(draw(transcripts(f"g{g}", f"t{g}.{t}", contig, strand, len(contigs[contig]))))
    return contigs, genes


@st.composite
def transcripts(draw, gene, name, contig, strand, length):
    """One transcript somewhere on its contig."""

    n     = draw(st.integers(1, min(3, length // 4)))
    cuts  = sorted(draw(st.sets(st.integers(0, length), min_size=2 * n, max_size=2 * n)))
    exons = list(zip(cuts[::2], cuts[1::2]))
    bases = [at for start, end in exons for at in range(start, end)]
    first = draw(st.integers(0, len(bases) - 1))
    last  = draw(st.integers(first, len(bases) - 1))
    left, right = bases[first], bases[last] + 1
    cds = [(max(start, left), min(end, right)) for start, end in exons if start < right and left < end]
    return Transcript(name, gene, contig, strand, exons, cds, draw(st.integers(0, 2)))


def gff3(genes):
    """The text of a GFF3 file."""

    rows = ["##gff-version 3"]
    by_gene = collections.defaultdict(list)
    for transcript in genes:
        by_gene[transcript.gene].append(transcript)
    for gene, group in by_gene.items():
        span = min(t.span[0] for t in group), max(t.span[1] for t in group)
        rows.append(row(group[0], "gene", span, ".", f"ID={gene}"))
        for t in group:
            rows.append(row(t, "mRNA", t.span, ".", f"ID={t.id};Parent={gene}"))
            rows += [row(t, "exon", exon, ".", f"Parent={t.id}") for exon in t.exons]
            before = 0
            for part in in_order(t, t.cds):
                rows.append(row(t, "CDS", part, (t.phase - before) % 3, f"ID={t.id}.c;Parent={t.id}"))
                before += part[1] - part[0]
    return "\n".join(rows) + "\n"


def row(transcript, kind, part, phase, attributes):
    """One line of GFF3."""

    fields = (transcript.contig, "x", kind, part[0] + 1, part[1], ".", transcript.strand, phase, attributes)
    return "\t".join(map(str, fields))


def fasta(contigs, width=60):
    """The text of a FASTA file of contigs."""

    return "".join(f">{name} some text\n" + lines(letters, width) for name, letters in contigs.items())


def lines(letters, width=70):
    """Letters in lines."""

    return "".join(letters[i:i + width] + "\n" for i in range(0, len(letters), width))


def in_order(transcript, parts):
    """Parts as the gene is read."""

    return parts if transcript.strand == "+" else parts[::-1]


def read(contigs, transcript, parts):
    """Joined letters of parts in the gene's own direction."""

    joined = "".join(contigs[transcript.contig][start:end] for start, end in parts)
    return joined if transcript.strand == "+" else joined[::-1].translate(COMPLEMENT)


def coding(contigs, transcript):
    """The coding sequence from its first whole codon on."""

    return read(contigs, transcript, transcript.cds)[transcript.phase:]


def translate(letters, table):
    """One letter per whole codon, X where its readings differ."""

    codons = [letters[i:i + 3].upper() for i in range(0, len(letters) - 2, 3)]
    return "".join(amino(codon, table) for codon in codons)


def amino(codon, table):
    """What a codon means."""

    found = {CODES[table]["TCAG".index(a) * 16 + "TCAG".index(b) * 4 + "TCAG".index(c)]
             for a in BASES[codon[0]] for b in BASES[codon[1]] for c in BASES[codon[2]]}
    return found.pop() if len(found) == 1 else "X"


def products(contigs, genes, table, upstream):
    """Product -> text of its FASTA file."""

    seen    = list(dict.fromkeys(t.contig for t in genes))
    order   = seen + [name for name in contigs if name not in seen]
    ordered = sorted(genes, key=lambda t: (order.index(t.contig), *t.span, t.id))
    out     = collections.defaultdict(str)
    for t in ordered:
        out["cds"]      += f">{t.id}\n" + lines(coding(contigs, t))
        out["proteins"] += f">{t.id}\n" + lines(translate(coding(contigs, t), table).removesuffix("*"))
        bases            = [at for exon in in_order(t, t.exons) for at in in_order(t, list(range(*exon)))]
        inside           = [i for i, at in enumerate(bases, 1) if any(a <= at < b for a, b in t.cds)]
        out["mrna"]     += f">{t.id} CDS={inside[0] + t.phase}-{inside[-1]}\n" + lines(read(contigs, t, t.exons))
        for what, parts in (("exon", t.exons), ("intron", t.introns)):
            for n, part in enumerate(in_order(t, parts), 1):
                out[f"{what}s"] += f">{t.id}.{what}{n} {place(t, part)}\n" + lines(read(contigs, t, [part]))
    spans = {}
    for t in genes:
        old           = spans.get(t.gene, (t, *t.span))
        spans[t.gene] = t, min(old[1], t.span[0]), max(old[2], t.span[1])
    for gene, (t, start, end) in sorted(spans.items(), key=lambda item: (order.index(item[1][0].contig), item[1][1],
                                                                        item[1][2], item[0])):
        out["genes"]    += f">{gene} {place(t, (start, end))}\n" + lines(read(contigs, t, [(start, end)]))
        length           = len(contigs[t.contig])
        part             = (max(start - upstream, 0), start) if t.strand == "+" else (end, min(end + upstream, length))
        out["upstream"] += f">{gene} {place(t, part)}\n" + lines(read(contigs, t, [part]))
    for name in order:
        free  = [not any(t.contig == name and start <= at < end for t, start, end in spans.values())
                 for at in range(len(contigs[name]))]
        edges = [i for i, (a, b) in enumerate(zip([False, *free], [*free, False])) if a != b]
        for start, end in zip(edges[::2], edges[1::2]):
            out["intergenic"] += f">{name}:{start + 1}-{end}\n" + lines(contigs[name][start:end])
    return out


def place(transcript, part):
    """`c0:5-9(-)`, counted from 1."""

    return f"{transcript.contig}:{part[0] + 1}-{part[1]}({transcript.strand})"
