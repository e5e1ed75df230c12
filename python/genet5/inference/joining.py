"""One set of genes out of several: of overlapping windows, and of the two decoders.

All rules are deterministic and local: a gene's fate depends on the genes that it overlaps, directly or by a chain.
"""


def join_windows(candidates):
    """Genes that the writer found in overlapping windows of one contig, each gene once.

    Two genes conflict when they share a coding base of the same strand; genes with one anchor always do. The gene
    whose nearest window edge is farthest wins (a contig's end is no edge), then the more probable one, then the
    leftmost. Genes of the same window do not conflict: the writer meant both.

    candidates: list of (window number, Candidate)
    returns a list of Candidate, ascending
    """

    ranked = sorted(candidates, key=lambda item: (-item[1].edge, -item[1].probability, item[1].key, item[0]))
    kept   = []
    for strand in "+-":
        for cluster in _clusters([item for item in ranked if item[1].strand == strand]):
            kept.extend(_winners(cluster))
    return sorted(kept, key=_place)


def _winners(ranked):
    """Walk down a ranking and keep what conflicts with nothing kept so far."""

    kept = []
    for window, gene in ranked:
        if not any(gene.key == other.key or (window != theirs and gene.overlaps(other)) for theirs, other in kept):
            kept.append((window, gene))
    return [gene for _, gene in kept]


def _clusters(ranked):
    """Groups of genes whose spans touch, directly or by a chain; the order inside is that of `ranked`."""

    rank     = {id(item): place for place, item in enumerate(ranked)}
    clusters = []
    reach    = -1
    for item in sorted(ranked, key=lambda item: (item[1].start, item[1].end)):
        if item[1].start >= reach:
            clusters.append([])
        clusters[-1].append(item)
        reach = max(reach, item[1].end)
    return [sorted(cluster, key=lambda item: rank[id(item)]) for cluster in clusters]


def join_decoders(viterbi, writer, add, margin, longest):
    """The exact path's genes and the writer's.

    The path is the base. From the most probable on, a gene of the writer
    - is added where it shares no coding base with any gene of the result and its probability is at least `add`;
    - takes the place of the genes of the path that it overlaps, all of them on its strand, when its probability is
      above each of theirs by more than `margin` and none of them is longer than `longest`, what the writer can see.
    Genes of the writer that the path has as well change nothing.

    viterbi, writer: lists of Candidate of one contig
    add, margin:     float
    longest:         int, bases
    returns a list of Candidate, ascending
    """

    known  = {gene.key for gene in viterbi}
    result = _Overlaps(viterbi)
    for gene in sorted(writer, key=lambda gene: (-gene.probability, gene.key)):
        if gene.key in known:
            continue
        rivals = result.overlapping(gene)
        if not rivals:
            if gene.probability >= add:
                result.insert(gene)
        elif all(_yields(rival, gene, margin, longest) for rival in rivals):
            for rival in rivals:
                result.remove(rival)
            result.insert(gene)
    return sorted(result, key=_place)


def _yields(rival, gene, margin, longest):
    return (rival.decoder == "viterbi" and rival.strand == gene.strand
            and rival.end - rival.start <= longest and gene.probability > rival.probability + margin)


class _Overlaps:
    """A set of genes that answers which of them share a coding base with another."""

    BIN = 16384

    def __init__(self, genes):
        self.bins = {}
        for gene in genes:
            self.insert(gene)

    def _places(self, gene):
        return range(gene.start // self.BIN, (gene.end - 1) // self.BIN + 1)

    def insert(self, gene):
        for place in self._places(gene):
            self.bins.setdefault(place, {})[gene.key] = gene

    def remove(self, gene):
        for place in self._places(gene):
            del self.bins[place][gene.key]

    def overlapping(self, gene):
        near = {key: other for place in self._places(gene) for key, other in self.bins.get(place, {}).items()}
        return [other for other in near.values() if other.overlaps(gene)]

    def __iter__(self):
        return iter({key: gene for genes in self.bins.values() for key, gene in genes.items()}.values())


def _place(gene):
    return gene.start, -gene.end, gene.key
