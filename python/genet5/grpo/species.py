"""One species as reinforcement sees it: where windows can lie, and what is in them.

A window is an interval of a contig that touches no invalid gene; it may cut valid ones, or not, as is wanted.
"""

import collections
import dataclasses
import json
import pathlib

import numpy as np

import genet5._core as core
import genet5.bake as baking
import genet5.errors as errors
import genet5.genome as genome

ANNOTATION_NAMES = ("gff.gz", "gff", "gtf.gz", "gtf")
# the least share of a window's letters that are A, C, G or T
KNOWN = 0.5


@dataclasses.dataclass(frozen=True)
class Gene:
    """A coding gene's canonical transcript on its contig.

    strand: "+" or "-"; segments: tuple of (start, end), ascending; valid: bool, whether its reading frame is whole
    target: bool, valid, and no longer gene ends at the same base
    """

    strand:   str
    segments: tuple
    valid:    bool
    target:   bool

    @property
    def start(self):
        """Leftmost base."""

        return self.segments[0][0]

    @property
    def end(self):
        """One past the rightmost base."""

        return self.segments[-1][1]


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A window that could be taken.

    contig: int, index; start, end: int; genes: tuple of Gene, those inside that a model can write; others: tuple of
    Gene, what else touches the window
    """

    contig: int
    start:  int
    end:    int
    genes:  tuple
    others: tuple = ()


class Species:
    """A species folder, read.

    folder:       path with fna.gz and gff.gz (or fna, gff, gtf.gz, gtf)
    genetic_code: int, NCBI table
    held_out:     bool, the whole species is
    held_out_contigs: names
    held_out_share: float, share of the bases held out as blocks where nothing is held out by name
    grammar:      dict with table_starts, min_intron, max_intron
    raises InputError, ValueError for a contig that does not exist
    """

    def __init__(self, folder, genetic_code, held_out, held_out_contigs, held_out_share, grammar):
        self.name         = pathlib.Path(folder).name
        self.genetic_code = genetic_code
        self.rule         = {"name": self.name, "genetic_code": genetic_code, "held_out": held_out,
                             "held_out_contigs": sorted(set(held_out_contigs)), "held_out_share": held_out_share}
        fasta             = _find(folder, baking.GENOME_NAMES, "genome")
        table             = _find(folder, ANNOTATION_NAMES, "annotation")
        self.fasta        = genome.open_fasta(fasta)
        self.contigs      = self.fasta.contigs()
        self.genes        = _genes(genome.read_genes(table, fasta, genetic_code=genetic_code, **grammar))
        missing           = sorted(set(self.genes) - {name for name, _ in self.contigs})
        if missing:
            raise errors.InputError(f"{table}: genes lie on {', '.join(missing[:5])}, which {fasta} lacks", table)

    def candidates(self, window, stride, seed, held_out, cut_genes=True):
        """Windows of one side, in order: in every `stride` bases one begins, by chance, where one can.

        window:   int, bases; a stretch that is shorter is one short window
        stride:   int, bases; held-out windows never overlap, whatever it is
        seed:     int, as of `genet5 bake`, whose blocks are held out
        held_out: bool, the side
        cut_genes: bool, whether windows may cut genes; those that are cut are no targets
        returns a list of Candidate
        """

        rule  = json.dumps(self.rule)
        draw  = np.random.default_rng((seed, *self.name.encode(), held_out))
        found = []
        for contig, start, end, side in core.bake.stretches(rule, self.contigs, window, seed):
            if side == held_out:
                found += self._within(contig, start, end, window, stride, draw, cut_genes)
        return _apart(found) if held_out else found

    def _within(self, contig, start, end, window, stride, draw, cut_genes):
        """The candidates of a stretch."""

        name, _ = self.contigs[contig]
        genes   = self.genes.get(name, [])
        window  = min(window, end - start)
        # an edge stands before a base; inside a gene it would cut it
        inner   = np.array([(gene.start + 1, gene.end) for gene in genes], dtype=np.int64).reshape(-1, 2)
        cutting = inner[:0] if cut_genes else np.concatenate((inner, inner - window))
        chosen  = one_in_each(cutting, start, end - window + 1, stride, draw)
        letters = self.fasta.fetch(name, start, end)
        starts  = inner[:, 0] - 1
        longest = max((gene.end - gene.start for gene in genes), default=0)
        found   = []
        for at in chosen.tolist():
            part = letters[at - start:at - start + window]
            if sum(map(part.count, b"ACGT")) < KNOWN * window:
                continue
            near   = range(*np.searchsorted(starts, (at - longest, at + window)))
            nearby = [genes[index] for index in near if genes[index].end > at]
            if all(gene.valid for gene in nearby):
                sides = [], []
                for gene in nearby:
                    whole = gene.target and gene.start >= at and gene.end <= at + window
                    sides[not whole].append(gene)
                found.append(Candidate(contig, at, at + window, *map(tuple, sides)))
        return found

    def letters(self, candidate):
        """The letters of a candidate, bytes."""

        return self.fasta.fetch(self.contigs[candidate.contig][0], candidate.start, candidate.end)


def one_in_each(forbidden, start, end, stride, draw):
    """A place in every `stride` bases, counted from `start`, that has one; each place there is equally probable.

    forbidden:  int [n, 2], half-open intervals without a place, in any order
    start, end: int, where places may lie, half-open
    draw:       numpy.random.Generator
    returns int64, ascending
    """

    spans = forbidden[np.argsort(forbidden[:, 0], kind="stable")].clip(start, end)
    spans = spans[spans[:, 0] < spans[:, 1]]
    # what lies between the union of the forbidden intervals
    reach = np.concatenate(([start], np.maximum.accumulate(spans[:, 1]))) if len(spans) else np.array([start])
    free  = np.stack((reach, np.concatenate((spans[:, 0], [end]))), axis=1)
    free  = free[free[:, 0] < free[:, 1]]
    # cut where the strides begin
    first, last = (free[:, 0] - start) // stride, (free[:, 1] - 1 - start) // stride
    count = last - first + 1
    owner = np.repeat(np.arange(len(free)), count)
    cell  = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[owner]
    left  = np.maximum(free[owner, 0], start + cell * stride)
    size  = np.minimum(free[owner, 1], start + (cell + 1) * stride) - left
    before = np.concatenate(([0], np.cumsum(size)))
    _, begin = np.unique(cell, return_index=True)
    total  = np.diff(np.concatenate((before[begin], before[-1:])))
    place  = before[begin] + (draw.random(len(begin)) * total).astype(np.int64)
    piece  = np.searchsorted(before, place, side="right") - 1
    return left[piece] + place - before[piece]


def _find(folder, names, what):
    """The first of some files that a folder has."""

    for name in names:
        if (pathlib.Path(folder) / name).is_file():
            return pathlib.Path(folder) / name
    raise errors.InputError(f"{folder}: no {what}: one of {', '.join(names)} is needed", folder)


def _genes(records):
    """Genes by contig, ascending; of valid genes with one stop codon only the longest is a target."""

    genes = collections.defaultdict(list)
    for record in records:
        segments = tuple(genome.segments(record))
        genes[record["contig"]].append(Gene(record["strand"], segments, record["valid"], False))
    return {contig: _targets(sorted(found, key=lambda gene: (gene.start, gene.end))) for contig, found in genes.items()}


def _targets(genes):
    best = {}
    for index, gene in enumerate(genes):
        anchor = gene.strand, gene.end if gene.strand == "+" else gene.start
        length = sum(end - start for start, end in gene.segments)
        if gene.valid and length > best.get(anchor, (0, 0))[0]:
            best[anchor] = length, index
    targets = {index for _, index in best.values()}
    return [dataclasses.replace(gene, target=index in targets) for index, gene in enumerate(genes)]


def _apart(candidates):
    """The candidates that do not overlap the one kept before them."""

    kept = []
    for one in candidates:
        if not kept or kept[-1].contig != one.contig or one.start >= kept[-1].end:
            kept.append(one)
    return kept
