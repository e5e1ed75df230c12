"""Random genomes with realistic gene structure, for the demonstration and for tests."""

import dataclasses
import gzip
import pathlib

import numpy as np

import genet5.errors as errors

# share of each amino acid in proteins, per cent (UniProtKB/Swiss-Prot release statistics)
AMINO_ACIDS = {
    "A": 8.3, "R": 5.5, "N": 4.1, "D": 5.5, "C": 1.4, "Q": 3.9, "E": 6.7, "G": 7.1, "H": 2.3, "I": 5.9,
    "L": 9.7, "K": 5.8, "M": 2.4, "F": 3.9, "P": 4.7, "S": 6.6, "T": 5.4, "W": 1.1, "Y": 2.9, "V": 6.9,
}
# preference for the last base of a codon, the same for all amino acids
THIRD_BASE = {"A": 1.0, "C": 4.0, "G": 3.0, "T": 2.0}
CODE       = "KNKNTTTTRSRSIIMIQHQHPPPPRRRRLLLLEDEDAAAAGGGGVVVV*Y*YSSSS*CWCLFLF"
STOPS      = ("TAA", "TAG", "TGA")
STOP_USE   = (0.5, 0.2, 0.3)
# base composition A, C, G, T
INTERGENIC = (0.32, 0.18, 0.18, 0.32)
INTRON     = (0.32, 0.13, 0.14, 0.41)
# signals as consensus and the chance that a base follows it; the rest is the local composition
START      = ("CACAAA", 0.9)
DONOR      = ("AAGT", 0.95)
BRANCH     = ("TACTAAC", 0.95)
PYRIMIDINE = (0.04, 0.20, 0.03, 0.73)
ACCEPTOR   = ("C", 0.9)

INTRON_SHARE  = 0.52
MIN_INTRON    = 40
MAX_INTRON    = 400
MIN_SEGMENT   = 30
DECOY_SHARE   = 0.7
UPSTREAM_ATGS = 0.2
LINE          = 80


@dataclasses.dataclass(frozen=True)
class Gene:
    """One simulated gene on a contig.

    strand:   "+" or "-"
    segments: tuple of (start, end), CDS segments, ascending, 0-based half-open
    """

    strand:   str
    segments: tuple


def species(folder, length=1_000_000, contigs=4, seed=0, force=False):
    """Write fna.gz and gff.gz of a random genome; the same arguments give the same bytes.

    folder:  path of the species folder, made when missing
    length:  int, bases of the whole genome
    contigs: int, number of contigs of equal length
    seed:    int
    force:   bool, replace files that are there
    Returns the number of genes. Raises DataError when the files are there, ValueError for a length that
    holds no gene.
    """

    folder = pathlib.Path(folder)
    if contigs < 1 or length // contigs < 10_000:
        raise ValueError("a contig needs at least 10000 bases: raise --length or lower --contigs")
    there = [folder / name for name in ("fna.gz", "gff.gz") if (folder / name).exists()]
    if there and not force:
        raise errors.DataError(f"{there[0]} is there already; --force replaces it")
    folder.mkdir(parents=True, exist_ok=True)
    sizes  = [length // contigs + (i < length % contigs) for i in range(contigs)]
    seeds  = np.random.SeedSequence(seed).spawn(contigs)
    genome = [(f"chr{i + 1}", *contig(size, np.random.default_rng(s)))
              for i, (size, s) in enumerate(zip(sizes, seeds))]
    write(folder / "fna.gz", fasta_lines(genome))
    write(folder / "gff.gz", gff_lines(genome))
    return sum(len(genes) for _, _, genes in genome)


def contig(length, rng):
    """One random contig.

    length: int, bases
    rng:    numpy Generator
    Returns (sequence, genes): str and list of Gene, ascending.
    """

    pieces, genes, at = [], [], 0
    while True:
        before = intergenic(rng)
        dna, segments = gene(rng)
        if at + len(before) + len(dna) + 200 > length:
            break
        if rng.random() < 0.5:
            strand = "+"
        else:
            strand, dna = "-", reverse_complement(dna)
            segments    = [(len(dna) - end, len(dna) - start) for start, end in reversed(segments)]
        at += len(before)
        genes.append(Gene(strand, tuple((at + start, at + end) for start, end in segments)))
        at += len(dna)
        pieces += [before, dna]
    pieces.append(bases(rng, length - at, INTERGENIC))
    return "".join(pieces), genes


def gene(rng):
    """One gene on the plus strand with its start context, as (sequence, CDS segments in it)."""

    cds      = coding_sequence(rng)
    cuts     = intron_places(rng, len(cds))
    before   = upstream(rng)
    pieces   = [before]
    segments = []
    at       = len(before)
    for start, end in zip([0, *cuts], [*cuts, len(cds)]):
        if start:
            gap = intron(rng)
            pieces.append(gap)
            at += len(gap)
        pieces.append(cds[start:end])
        segments.append((at, at + end - start))
        at += end - start
    return "".join(pieces), segments


def coding_sequence(rng):
    """ATG, random codons by usage, a stop codon: 80 to 800 codons, 240 in the middle."""

    codons, usage = codon_usage()
    count         = int(np.clip(rng.lognormal(np.log(240), 0.55), 80, 800))
    body          = "".join(codons[i] for i in rng.choice(len(codons), size=count, p=usage))
    return "ATG" + body + STOPS[rng.choice(3, p=STOP_USE)]


def codon_usage():
    """The 61 sense codons and their shares, as (list of str, array [61])."""

    codons  = [a + b + c for a in "ACGT" for b in "ACGT" for c in "ACGT"]
    family  = {}
    for codon, amino in zip(codons, CODE):
        family[amino] = family.get(amino, 0) + THIRD_BASE[codon[2]]
    sense  = [(codon, amino) for codon, amino in zip(codons, CODE) if amino != "*"]
    shares = np.array([AMINO_ACIDS[amino] * THIRD_BASE[codon[2]] / family[amino] for codon, amino in sense])
    return [codon for codon, _ in sense], shares / shares.sum()


def intron_places(rng, length):
    """Cuts of a coding sequence of `length` bases, ascending, none where the gene has no intron."""

    if rng.random() >= INTRON_SHARE:
        return []
    count = min(int(rng.geometric(0.5)), 5, length // (4 * MIN_SEGMENT))
    # cuts of a shorter line, moved apart by the shortest segment
    room = length - (count + 1) * MIN_SEGMENT
    cuts = np.sort(rng.integers(0, room, size=count))
    return [int(cut) + (i + 1) * MIN_SEGMENT for i, cut in enumerate(cuts)]


def intron(rng):
    """GT, donor consensus, body, branch point, pyrimidine tract, AG: 40 to 400 bases."""

    length = int(np.clip(rng.lognormal(np.log(90), 0.6), MIN_INTRON, MAX_INTRON))
    head   = "GT" + signal(rng, DONOR, INTRON)
    tail   = signal(rng, BRANCH, INTRON) + bases(rng, int(rng.integers(2, 6)), INTRON)
    tail  += bases(rng, 12, PYRIMIDINE) + signal(rng, ACCEPTOR, INTRON) + "AG"
    return head + bases(rng, length - len(head) - len(tail), INTRON) + tail


def upstream(rng):
    """The start's context; for some genes an earlier ATG in frame, which the longest ORF begins with."""

    context = signal(rng, START, INTERGENIC)
    if rng.random() >= UPSTREAM_ATGS:
        return context
    return "ATG" + open_codons(rng, int(rng.integers(10, 60))) + context


def intergenic(rng):
    """Sequence between two genes, for most of them with a decoy: an ORF as long as a short gene."""

    left, right = (bases(rng, int(rng.integers(80, 320)), INTERGENIC) for _ in range(2))
    if rng.random() >= DECOY_SHARE:
        return left + right
    decoy = "ATG" + open_codons(rng, int(rng.integers(80, 280))) + STOPS[rng.choice(3, p=STOP_USE)]
    return left + (decoy if rng.random() < 0.5 else reverse_complement(decoy)) + right


def open_codons(rng, count):
    """Codons of intergenic composition, none of them a stop."""

    drawn = bases(rng, 3 * count, INTERGENIC)
    spell = [drawn[i:i + 3] for i in range(0, 3 * count, 3)]
    return "".join("A" + codon[1:] if codon in STOPS else codon for codon in spell)


def signal(rng, consensus, composition):
    """The consensus' bases, each one kept with its chance."""

    letters, chance = consensus
    other           = bases(rng, len(letters), composition)
    keep            = rng.random(len(letters)) < chance
    return "".join(a if kept else b for a, b, kept in zip(letters, other, keep))


def bases(rng, count, composition):
    """`count` independent bases."""

    return "".join(np.array(list("ACGT"))[rng.choice(4, size=count, p=composition)])


def reverse_complement(sequence):
    """The other strand of an upper-case sequence."""

    return sequence.translate(str.maketrans("ACGT", "TGCA"))[::-1]


def fasta_lines(genome):
    """Lines of a FASTA file of [(name, sequence, genes)]."""

    for name, sequence, _ in genome:
        yield f">{name}"
        yield from (sequence[i:i + LINE] for i in range(0, len(sequence), LINE))


def gff_lines(genome):
    """Lines of a GFF3 file of [(name, sequence, genes)]."""

    yield "##gff-version 3"
    yield from (f"##sequence-region {name} 1 {len(sequence)}" for name, sequence, _ in genome)
    number = 0
    for name, _, genes in genome:
        for model in genes:
            number += 1
            yield from gene_lines(name, model, f"{number:05d}")


def gene_lines(contig_name, model, number):
    """The gene, mRNA, exon and CDS lines of one gene."""

    def line(kind, start, end, phase, attributes):
        return "\t".join((contig_name, "simulated", kind, str(start + 1), str(end), ".", model.strand,
                          str(phase), attributes))

    start, end = model.segments[0][0], model.segments[-1][1]
    yield line("gene", start, end, ".", f"ID=gene-{number};gene_biotype=protein_coding")
    yield line("mRNA", start, end, ".", f"ID=rna-{number};Parent=gene-{number}")
    for i, (left, right) in enumerate(model.segments, 1):
        yield line("exon", left, right, ".", f"ID=exon-{number}-{i};Parent=rna-{number}")
    for (left, right), phase in zip(model.segments, phases(model)):
        yield line("CDS", left, right, phase, f"ID=cds-{number};Parent=rna-{number}")


def phases(model):
    """GFF phase of each segment, in the order of the segments."""

    order  = range(len(model.segments))
    result = [0] * len(model.segments)
    read   = 0
    for i in order if model.strand == "+" else reversed(order):
        result[i] = -read % 3
        read     += model.segments[i][1] - model.segments[i][0]
    return result


def write(path, lines):
    """Write lines to a gzip file without a time stamp, by way of a temporary name."""

    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as out:
        for line in lines:
            out.write(line.encode() + b"\n")
    temporary.replace(path)
