"""The proteins to look for markers in: translated from an annotation, or read from a FASTA file."""

import gzip
import io
import pathlib
import re

import genet5.errors as errors
import genet5.genome as genome

# what HMMER reads in a FASTA file: amino acids, ambiguous ones, stops
FOREIGN = re.compile(r"[^A-Z*.]")
# generation A of BUSCO takes what stands behind the colon for a place in a genome
PLACED  = re.compile(r".+:\d+-\d+")


def translate(annotation, fasta, isoforms="longest", genetic_code=1):
    """Translate the coding transcripts of an annotation, but for those with CDS on both strands, as extract does.

    annotation:   str or path of a GFF3 or GTF file
    fasta:        str or path of its genome
    isoforms:     str, "longest" (the longest CDS of each gene) or "all"
    genetic_code: int, NCBI table
    returns list of (str transcript ID, str protein without its final stop); stops inside stay as `*`
    raises InputError
    """

    sequences = genome.open_fasta(fasta)
    proteins  = {}
    for gene in genome.read_genes(annotation, fasta, genetic_code=genetic_code):
        usable = [transcript for transcript in gene["transcripts"] if not transcript["mixed_strands"]]
        for transcript in [max(usable, key=bases)] if usable and isoforms == "longest" else usable:
            try:
                letters = coding(sequences, gene, transcript)
            except ValueError as error:
                raise errors.InputError(f"{annotation}, line {gene['line']}: gene {gene['id']}: {error}; do genome and "
                                        f"annotation belong together?", str(annotation), gene["line"]) from error
            protein = genome.translate(letters, genetic_code)
            if protein and proteins.setdefault(transcript["id"], stripped(protein)) != stripped(protein):
                raise errors.InputError(f"{annotation}: two transcripts are named {transcript['id']}; rename one",
                                        str(annotation), gene["line"])
    return list(proteins.items())


def bases(transcript):
    """Coding bases of a transcript, int."""

    return sum(end - start for start, end, _ in transcript["cds"])


def coding(sequences, gene, transcript):
    """The coding sequence of a transcript from its first whole codon, bytes."""

    letters = b"".join(sequences.fetch(gene["contig"], start, end) for start, end, _ in transcript["cds"])
    first   = 0 if gene["strand"] == "+" else -1
    phase   = transcript["cds"][first][2] or 0
    letters = letters if gene["strand"] == "+" else genome.reverse_complement(letters)
    return letters[phase:]


def read(path):
    """Read a FASTA file of proteins, plain or gzip.

    path: str or path
    returns list of (str first word of the header, str protein without its final stop)
    raises InputError with the line for text before the first header, a nameless or repeated header, or a sign that no
    amino acid has
    """

    path  = pathlib.Path(path)
    parts = {}
    try:
        # opened once, since it may be a pipe
        with path.open("rb") as file:
            packed = file.peek(2)[:2] == b"\x1f\x8b"
            lines  = io.TextIOWrapper(gzip.open(file) if packed else file, encoding="utf-8")
            for number, line in enumerate(lines, 1):
                line = line.strip()
                if line.startswith(">"):
                    current = parts.setdefault(header(line, parts, path, number), [])
                elif line and not parts:
                    raise errors.InputError(f"{path}:{number}: no FASTA file: sequence before the first '>' line",
                                            str(path), number)
                elif line:
                    current.append(amino_acids(line, path, number))
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise errors.InputError(f"{path}: no FASTA file of proteins: {error}", str(path)) from error
    return [(name, stripped("".join(lines))) for name, lines in parts.items()]


def header(line, known, path, number):
    """The name on a header line; raises InputError where it has none or it stands there already."""

    name = (line[1:].split() or [""])[0]
    if not name or name in known:
        raise errors.InputError(f"{path}:{number}: {f'a second sequence named {name}' if name else 'no name'}; "
                                f"names must be there and differ", str(path), number)
    return name


def amino_acids(line, path, number):
    """The amino acids of a line in upper case; raises InputError for another sign."""

    found = "".join(line.split()).upper()
    other = FOREIGN.search(found)
    if other:
        raise errors.InputError(f"{path}:{number}: {other[0]!r} is no amino acid; the file must hold proteins, not "
                                f"aligned", str(path), number)
    return found


def stripped(protein):
    """A protein without its final stop."""

    return protein.removesuffix("*")
