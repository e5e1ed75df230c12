"""What a gene is, by definition: every choice of segments is looked at, letter by letter."""

STOPS    = {1: {"TAA", "TAG", "TGA"}, 6: {"TGA"}, 12: {"TAA", "TAG", "TGA"}}
STARTS   = {1: {"TTG", "CTG", "ATG"}, 6: {"ATG"}, 12: {"CTG", "ATG"}}
INTRONS  = {("GT", "AG"), ("GC", "AG"), ("AT", "AC")}
OPPOSITE = str.maketrans("ACGTN", "TGCAN")

EOS, STOP_PLUS, STOP_MINUS, ACCEPTOR, DONOR, START = range(6)


def is_intron(letters, start, end, min_intron, max_intron):
    """Whether these bases can be an intron."""

    length = end - start
    fits   = length >= min_intron and (max_intron == 0 or length <= max_intron)
    return fits and (letters[start:start + 2], letters[end - 2:end]) in INTRONS


def is_frame(cds, genetic_code, table_starts):
    """Whether these letters are a start codon, sense codons and a stop codon."""

    if len(cds) % 3 or len(cds) < 6 or "N" in cds:
        return False
    codons = [cds[i:i + 3] for i in range(0, len(cds), 3)]
    starts = STARTS[genetic_code] if table_starts else {"ATG"}
    stops  = STOPS[genetic_code]
    return codons[0] in starts and codons[-1] in stops and not stops.intersection(codons[:-1])


def chains(introns, left):
    """Every list of introns that leaves at least one base before, between and after them."""

    yield []
    for start, end in introns:
        if start > left:
            for rest in chains(introns, end):
                yield [(start, end), *rest]


def plus_genes(letters, genetic_code=1, table_starts=False, min_intron=10, max_intron=0):
    """Every gene of the plus strand as a tuple of segments."""

    bases   = range(len(letters) + 1)
    introns = [(a, b) for a in bases for b in bases if is_intron(letters, a, b, min_intron, max_intron)]
    genes   = set()
    for chain in chains(introns, 0):
        inner_start, inner_end = (chain[0][0], chain[-1][1]) if chain else (len(letters), 0)
        for start in range(inner_start):
            for end in range(max(start, inner_end) + 1, len(letters) + 1):
                edges    = [start, *(edge for intron in chain for edge in intron), end]
                segments = tuple(zip(edges[::2], edges[1::2]))
                cds      = "".join(letters[a:b] for a, b in segments)
                if is_frame(cds, genetic_code, table_starts):
                    genes.add(segments)
    return genes


def mirror(segments, length):
    """The same segments counted from the other end."""

    return tuple((length - end, length - start) for start, end in reversed(segments))


def all_genes(letters, **grammar):
    """Every gene of both strands: (strand, segments)."""

    reverse = letters[::-1].translate(OPPOSITE)
    minus   = {mirror(segments, len(letters)) for segments in plus_genes(reverse, **grammar)}
    return {("+", segments) for segments in plus_genes(letters, **grammar)} | {("-", s) for s in minus}


def sites(gene):
    """The sites of one gene, from its stop to its start."""

    strand, segments = gene
    if strand == "+":
        ends = [(start, end - 1) for start, end in reversed(segments)]
    else:
        ends = [(end - 1, start) for start, end in segments]
    steps = []
    for first, last in ends:
        steps += [(DONOR, last), (ACCEPTOR, first)]
    steps[0]  = (STOP_PLUS if strand == "+" else STOP_MINUS, ends[0][1])
    steps[-1] = (START, ends[-1][0])
    return steps
