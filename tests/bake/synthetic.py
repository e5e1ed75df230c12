"""Small made-up genomes with known genes, a small tokenizer, and plain-Python readings of both."""

import gzip
import itertools
import json
import random

STOPS      = {"TAA", "TAG", "TGA"}
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
SPECIAL    = ["<bos>", "<eos>", "<stop+>", "<stop->", "<acceptor>", "<donor>", "<start>"]
MERGES     = [(a, b) for a in "ACGT" for b in "ACGT"] + [("AT", "AT"), ("G", "CA"), ("TT", "T"), ("ATAT", "GC")]


def reverse_complement(letters):
    return letters.translate(COMPLEMENT)[::-1]


def letters_of(rng, count):
    return "".join(rng.choice("ACGT") for _ in range(count))


def coding(rng, codons):
    """ATG, codons that are no stop, a stop."""

    inner = []
    while len(inner) < codons - 2:
        codon = letters_of(rng, 3)
        if codon not in STOPS:
            inner.append(codon)
    return "ATG" + "".join(inner) + rng.choice(sorted(STOPS))


def gene_letters(rng, introns, valid):
    """Letters of a gene on its own strand, and its segments."""

    cds = coding(rng, rng.randint(30, 120))
    if not valid:
        cds = "ATGTAA" + cds
    cuts   = sorted(rng.sample(range(5, len(cds) - 5), introns))
    pieces = [cds[a:b] for a, b in zip([0, *cuts], [*cuts, len(cds)])]
    text, segments = "", []
    for i, piece in enumerate(pieces):
        segments.append((len(text), len(text) + len(piece)))
        text += piece
        if i < len(pieces) - 1:
            text += "GT" + letters_of(rng, rng.randint(20, 150)) + "AG"
    return text, segments


def contig(rng, name, length, invalid_share):
    """Letters of a contig and its genes: dicts with id, contig, strand, segments, valid."""

    text, genes = "", []
    while len(text) < length:
        text += letters_of(rng, rng.randint(100, 1500))
        valid          = rng.random() >= invalid_share
        body, segments = gene_letters(rng, rng.choice([0, 0, 1, 2]), valid)
        strand         = rng.choice("+-")
        if strand == "-":
            body     = reverse_complement(body)
            segments = [(len(body) - b, len(body) - a) for a, b in reversed(segments)]
        genes.append({"id": f"{name}_{len(genes)}", "contig": name, "strand": strand, "valid": valid,
                      "segments": [(len(text) + a, len(text) + b) for a, b in segments]})
        text += body
    text += letters_of(rng, 3000)
    return text, genes


def species(folder, seed, lengths, invalid_share=0.05):
    """Write fna.gz and gff.gz; returns (dict contig -> letters, list of genes)."""

    rng = random.Random(seed)
    folder.mkdir(parents=True)
    genome, genes = {}, []
    for i, length in enumerate(lengths):
        text, found       = contig(rng, f"chr{i + 1}.1", length, invalid_share)
        genome[f"chr{i + 1}.1"] = text
        genes            += found
    # mtime 0: the same genome is the same file
    with (folder / "fna.gz").open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as out:
        for name, text in genome.items():
            out.write(f">{name} made up\n{text.lower() if name == 'chr2.1' else text}\n".encode())
    with (folder / "gff.gz").open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0) as out:
        out.write(("##gff-version 3\n" + "".join(map(rows, genes))).encode())
    return genome, genes


def rows(gene):
    start, end = gene["segments"][0][0] + 1, gene["segments"][-1][1]
    name, sign = gene["id"], gene["strand"]
    head       = [gene["contig"], "made", "gene", str(start), str(end), ".", sign, ".", f"ID={name}"]
    lines      = [head, [*head[:2], "mRNA", *head[3:8], f"ID={name}.t;Parent={name}"]]
    phases, before = {}, 0
    for segment in gene["segments"] if sign == "+" else gene["segments"][::-1]:
        phases[segment] = (3 - before % 3) % 3
        before         += segment[1] - segment[0]
    for a, b in gene["segments"]:
        lines.append([gene["contig"], "made", "CDS", str(a + 1), str(b), ".", sign, str(phases[a, b]),
                      f"ID={name}.c;Parent={name}.t"])
    return "".join("\t".join(line) + "\n" for line in lines)


def tokenizer(path):
    """Write a tokenizer.json of 20 merges."""

    tokens = ["[UNK]", "[PAD]", *"ACGT", *(a + b for a, b in MERGES), *SPECIAL]
    added  = [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
               "special": True} for i, t in enumerate(tokens) if t[0] in "[<"]
    path.write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": "[UNK]", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                  "vocab": {t: i for i, t in enumerate(tokens)}, "merges": [f"{a} {b}" for a, b in MERGES]}}))
    return path


def encode(letters):
    """Token ids and starts of letters, merge by merge."""

    ids    = {t: i for i, t in enumerate(["[UNK]", "[PAD]", *"ACGT", *(a + b for a, b in MERGES)])}
    pieces = list(letters)
    for a, b in MERGES:
        merged, i = [], 0
        while i < len(pieces):
            if pieces[i] == a and i + 1 < len(pieces) and pieces[i + 1] == b:
                merged.append(a + b)
                i += 2
            else:
                merged.append(pieces[i])
                i += 1
        pieces = merged
    starts = [0]
    for piece in pieces:
        starts.append(starts[-1] + len(piece))
    return [ids.get(piece, 0) for piece in pieces], starts[:-1]


def labels(length, genes):
    """Segmentation labels of valid genes (strand, segments), later ones over bases that are still 0."""

    out = [0] * length
    for strand, segments in genes:
        step, minus = 0, strand == "-"
        own = [0] * length
        for a, b in segments[::-1] if minus else segments:
            for base in range(b - 1, a - 1, -1) if minus else range(a, b):
                own[base] = 1 + 3 * minus + step % 3
                step     += 1
        for (_, a), (b, _) in itertools.pairwise(segments):
            own[a:b] = [8 if minus else 7] * (b - a)
        for base in range(segments[0][0], segments[-1][1]):
            out[base] = own[base] if out[base] in (0, own[base]) else 255
    return out


def steps(genes):
    """The gene language of genes (strand, segments)."""

    def anchor(gene):
        return gene[1][-1][1] - 1 if gene[0] == "+" else gene[1][0][0]

    text = []
    for strand, segments in sorted(genes, key=anchor):
        ends = [(b - 1, a) for a, b in reversed(segments)] if strand == "+" else [(a, b - 1) for a, b in segments]
        for i, (last, first) in enumerate(ends):
            text.append(f"<stop{strand}>{last}" if i == 0 else f"<donor>{last}")
            text.append(f"<start>{first}" if i == len(ends) - 1 else f"<acceptor>{first}")
    return " ".join([*text, "<eos>"])
