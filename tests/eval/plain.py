"""Plain Python counterparts of the scorer, written for clarity, and small annotation files."""

import gzip


def counts(reference, prediction):
    """The row of counts and shares of two sets of keys."""

    tp = len(reference & prediction)

    def share(part, whole):
        return part / whole if whole else None

    return {
        "tp":           tp,
        "fp":           len(prediction) - tp,
        "fn":           len(reference) - tp,
        "n_reference":  len(reference),
        "n_prediction": len(prediction),
        "sensitivity":  share(tp, len(reference)),
        "precision":    share(tp, len(prediction)),
        "f1":           share(2 * tp, len(reference) + len(prediction)),
    }


def levels(reference, prediction):
    """Counts by level of two lists of (contig, strand, ((start, end), ...))."""

    def bases(genes):
        return {(c, s, x) for c, s, segments in genes for start, end in segments for x in range(start, end)}

    def exons(genes):
        return {(c, s, *segment) for c, s, segments in genes for segment in segments}

    def chains(genes):
        return {(c, s, tuple(segments)) for c, s, segments in genes}

    keys = {"nucleotide": bases, "exon": exons, "gene": chains}
    return {level: counts(of(reference), of(prediction)) for level, of in keys.items()}


def read(path):
    """The longest CDS of each gene of a plain GFF3 file with gene, transcript and CDS rows."""

    parent, chains = {}, {}
    opener         = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines if not line.startswith("#") and line.strip()]
    for contig, _, kind, start, end, _, strand, _, text in rows:
        attributes = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
        if "ID" in attributes:
            parent[attributes["ID"]] = attributes.get("Parent")
        if kind == "CDS":
            place = (attributes["Parent"], contig, strand)
            chains.setdefault(place, []).append((int(start) - 1, int(end)))
    longest = {}
    for (transcript, contig, strand), segments in chains.items():
        gene   = parent.get(transcript) or transcript
        length = sum(end - start for start, end in segments)
        if gene not in longest or length > longest[gene][0]:
            longest[gene] = (length, (contig, strand, tuple(sorted(segments))))
    return [chain for _, chain in longest.values()]


def gff(genes):
    """GFF3 text of (contig, strand, segments) genes; a gene may be a list of such isoforms."""

    lines = ["##gff-version 3"]
    for i, gene in enumerate(genes):
        isoforms               = gene if isinstance(gene, list) else [gene]
        contig, strand, _      = isoforms[0]
        low                    = min(segments[0][0] for _, _, segments in isoforms)
        high                   = max(segments[-1][1] for _, _, segments in isoforms)
        lines.append(row(contig, "gene", low, high, strand, f"ID=g{i}"))
        for j, (_, _, segments) in enumerate(isoforms):
            lines.append(row(contig, "mRNA", segments[0][0], segments[-1][1], strand, f"ID=t{i}.{j};Parent=g{i}"))
            for start, end in segments:
                lines.append(row(contig, "CDS", start, end, strand, f"ID=c{i}.{j};Parent=t{i}.{j}"))
    return "\n".join(lines) + "\n"


def row(contig, kind, start, end, strand, attributes):
    """One GFF3 line; the phase is 0 throughout, since scores do not look at it."""

    phase = "0" if kind == "CDS" else "."
    return f"{contig}\ttest\t{kind}\t{start + 1}\t{end}\t.\t{strand}\t{phase}\t{attributes}"


STOPS = ("TAA", "TAG", "TGA")


def reverse_complement(sequence):
    """The other strand."""

    return sequence.translate(str.maketrans("ACGT", "TGCA"))[::-1]


def orfs(sequence):
    """All (strand, start, end) from the farthest in-frame ATG to each stop codon."""

    found, length = [], len(sequence)
    for strand, dna in (("+", sequence), ("-", reverse_complement(sequence))):
        for frame in range(3):
            start = None
            for at in range(frame, length - 2, 3):
                codon = dna[at:at + 3]
                if "N" in codon:
                    start = None
                elif codon in STOPS:
                    if start is not None:
                        found.append((strand, start, at + 3))
                    start = None
                elif start is None and codon == "ATG":
                    start = at
    return [(s, a, b) if s == "+" else (s, length - b, length - a) for s, a, b in found]


def chosen_orfs(sequence):
    """The ORFs that stay when longer ones go first and cover at most a tenth of a later one."""

    taken, kept = set(), []
    for strand, start, end in sorted(orfs(sequence), key=lambda o: (o[1] - o[2], o[1], o[0])):
        if len(taken & set(range(start, end))) <= 0.1 * (end - start):
            taken.update(range(start, end))
            kept.append((strand, start, end))
    return kept
