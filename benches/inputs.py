"""Files that the benches read: real genomes from ../shared where they are, and generated ones."""

import collections
import gzip
import pathlib
import random
import shutil
import subprocess
import struct
import zlib

import numpy as np

SHARED    = pathlib.Path(__file__).resolve().parents[2] / "shared"
REAL      = ("P.falciparum", "P.knowlesi", "P.yoelii", "C.elegans", "C.albicans")
TOKENIZER = SHARED / "dnabert2" / "tokenizer.json"
BLOCK     = 65_280

# plain, gzip, bgzip: paths of FASTA files; sequence: bytes without N; annotation: path of a large GFF3 file;
# tokenizer: path; species: folder with fna.gz and gff.gz; origin: str, where it all comes from
Inputs = collections.namedtuple("Inputs", ["plain", "gzip", "bgzip", "sequence", "annotation", "tokenizer", "species",
                                           "origin"])


def make(folder):
    """Write all files.

    folder: path of an empty folder
    returns Inputs
    """

    import genet5.genome as genomes
    import genet5.tokenizer as tk
    import scoring

    real = SHARED.is_dir()
    text = b"".join(renamed(name) for name in REAL) if real else generated(4, 25_000_000)
    plain, packed, blocks = folder / "plain.fna", folder / "gzip.fna.gz", folder / "bgzip.fna.gz"
    plain.write_bytes(text)
    part = text[:24_000_000]
    packed.write_bytes(gzip.compress(part, 6))
    blocks.write_bytes(bgzip(part))
    species = SHARED / "genomes" / "S.cerevisiae" if real else simulated(folder)
    sources = [SHARED / "genomes" / name / "gff.gz" for name in scoring.SPECIES] if real else [species / "gff.gz"]
    annotation, _ = scoring.make_pair(sources, folder, 30e6)
    sequence = b"".join(letters for _, letters in genomes.read_fasta(plain)).translate(None, b"NRYSWKMBDHV")
    tokenizer = TOKENIZER
    if not real:
        tokenizer = folder / "tokenizer.json"
        tk.train([sequence[:4_000_000]]).save(tokenizer)
    origin = "genomes and tokenizer of ../shared" if real else "generated genome and tokenizer"
    return Inputs(plain, packed, blocks, sequence, annotation, tokenizer, species, origin)


def renamed(name):
    """FASTA text of a real genome, its contigs renamed so that several fit in one file."""

    text = gzip.decompress((SHARED / "genomes" / name / "fna.gz").read_bytes())
    return text.replace(b">", f">{name}.".encode())


def generated(contigs, bases):
    """FASTA text of random bases, 60 in a line."""

    rng, records = np.random.default_rng(0), []
    for contig in range(contigs):
        letters = np.frombuffer(b"ACGT", np.uint8)[rng.choice(4, size=bases, p=(0.3, 0.2, 0.2, 0.3))]
        lines   = np.full((bases // 60, 61), ord("\n"), np.uint8)
        lines[:, :60] = letters[:bases // 60 * 60].reshape(-1, 60)
        records.append(f">chr{contig}\n".encode() + lines.tobytes())
    return b"".join(records)


def simulated(folder):
    """A simulated species of 4 Mb."""

    import genet5.simulate as simulate

    simulate.species(folder / "raw" / "S.imulated", length=4_000_000, contigs=4, seed=1)
    return folder / "raw" / "S.imulated"


def bgzip(text):
    """Text in bgzip's blocks, by the program where it is installed."""

    if shutil.which("bgzip"):
        return subprocess.run(["bgzip", "-c", "-@2"], input=text, stdout=subprocess.PIPE, check=True).stdout
    blocks = []
    for start in [*range(0, len(text), BLOCK), len(text)]:
        part    = text[start:start + BLOCK]
        deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        data    = deflate.compress(part) + deflate.flush()
        header  = struct.pack("<4BI2BHBBHH", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(data) + 25)
        blocks.append(header + data + struct.pack("<II", zlib.crc32(part), len(part)))
    return b"".join(blocks)


def lognormal_lengths(count, row, seed=0):
    """Log-normal lengths with a mean of 0.3 rows, none longer than a row.

    returns uint32 [count]
    """

    draw = random.Random(seed)
    mean = np.log(0.3 * row) - 0.5
    return np.array([min(row, max(1, int(draw.lognormvariate(mean, 1.0)))) for _ in range(count)], dtype=np.uint32)
