"""Gene models as Python sees them."""

import dataclasses
import functools

import genet5.genome as genome


@dataclasses.dataclass(frozen=True)
class Gene:
    """One predicted gene, complete from its start codon to its stop codon.

    contig:       str
    strand:       "+" or "-"
    segments:     tuple of (start, end), CDS segments, 0-based half-open, ascending on both strands, the stop
                  codon included
    probability:  float, the model's probability of the gene, 0 to 1
    decoder:      "writer" or "viterbi", who found it
    cds:          str, the coding bases in the gene's own direction, upper case; what is no base is N
    genetic_code: int, NCBI's number of the table that it is translated by
    """

    contig:       str
    strand:       str
    segments:     tuple
    probability:  float
    decoder:      str
    cds:          str = dataclasses.field(repr=False)
    genetic_code: int = dataclasses.field(repr=False, default=1)

    @property
    def protein(self):
        """Its amino acids, without the stop."""

        return genome.translate(self.cds.encode(), self.genetic_code).removesuffix("*")

    @property
    def start(self):
        """Leftmost base."""

        return self.segments[0][0]

    @property
    def end(self):
        """One past the rightmost base."""

        return self.segments[-1][1]

    def phases(self):
        """GFF phase of each segment, in the order of `segments`."""

        return phases(self.strand, self.segments)


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A gene while decoders still argue about it.

    strand, segments, probability, decoder: as in Gene, on the contig
    edge: int, bases to the nearest edge of the window that it was written in, for Viterbi's genes 0
    """

    strand:      str
    segments:    tuple
    probability: float
    decoder:     str
    edge:        int = 0

    @property
    def start(self):
        """Leftmost base."""

        return self.segments[0][0]

    @property
    def end(self):
        """One past the rightmost base."""

        return self.segments[-1][1]

    @property
    def bases(self):
        """Coding bases, stop codon included."""

        return sum(end - start for start, end in self.segments)

    @functools.cached_property
    def key(self):
        """What makes two candidates the same gene."""

        return self.strand, self.segments

    def overlaps(self, other):
        """Whether the two share a coding base, whatever the strands."""

        if self.end <= other.start or other.end <= self.start:
            return False
        return any(start < theirs_end and theirs_start < end
                   for start, end in self.segments for theirs_start, theirs_end in other.segments)


def phases(strand, segments):
    """GFF phase of each CDS segment of a complete gene: bases to skip to the next codon's start.

    strand:   "+" or "-"
    segments: ascending (start, end)
    returns a list of int, in the order of `segments`
    """

    order  = segments if strand == "+" else segments[::-1]
    before = 0
    result = []
    for start, end in order:
        result.append(-before % 3)
        before += end - start
    return result if strand == "+" else result[::-1]


def complete(contig, letters, candidate, genetic_code):
    """A candidate with its sequence.

    contig:       str
    letters:      bytes of the contig
    candidate:    Candidate
    genetic_code: int, NCBI's number of a table
    returns Gene
    """

    # twice the other strand is the same strand, with N for whatever is no base
    other = genome.reverse_complement(b"".join(letters[start:end] for start, end in candidate.segments))
    cds   = other if candidate.strand == "-" else genome.reverse_complement(other)
    return Gene(contig, candidate.strand, candidate.segments, candidate.probability, candidate.decoder, cds.decode(),
                genetic_code)
