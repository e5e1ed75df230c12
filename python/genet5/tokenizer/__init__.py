"""DNA tokens: byte-pair encoding over A, C, G and T, in Hugging Face's `tokenizer.json`.

    import genet5.tokenizer as tk

    tokenizer   = tk.load("tokenizer.json")
    ids, starts = tokenizer.encode(b"ACGTNNACG")
"""

import collections
import os
import pathlib

import genet5._core as core
import genet5.errors as errors

# in the order in which they are appended
GENE_LANGUAGE = ("<bos>", "<eos>", "<stop+>", "<stop->", "<acceptor>", "<donor>", "<start>")

FILE = "tokenizer.json"

Tokenizer = core.tokenizer.Tokenizer


def load(path):
    """Read a tokenizer for use: the gene language is appended where the file lacks it.

    path: str or path of a tokenizer.json, or of a folder that holds one
    returns Tokenizer
    raises OSError, InputError for a file that is not BPE over DNA
    """

    return Tokenizer(path)


def read(path):
    """Read a tokenizer exactly as it is in the file; otherwise as load."""

    return Tokenizer.read(path)


def train(sequences=(), genomes=(), vocab_size=4096, max_token_length=32, min_count=2, piece=1000,
          threads=1, progress=None):
    """Learn a tokenizer, the gene language included; the same input gives the same bytes.

    Sequences are cut at letters other than A, C, G, T and into pieces; the most frequent pair merges first,
    of equally frequent ones the smallest (left, right) in the order of ids: Hugging Face's rule.

    sequences:        iterable of bytes
    genomes:          iterable of (FASTA path, list of contigs to leave out)
    vocab_size:       int, number of ids with all special tokens; fewer when pairs run out
    max_token_length: int, bases
    min_count:        int, a pair seen less often does not merge
    piece:            int, bases
    threads:          int, files read at a time; the result does not depend on it
    progress:         None or function of (merges made, merges wanted)
    returns Tokenizer
    raises OSError, InputError for a bad FASTA file or contig, ValueError for an impossible size
    """

    genomes = [(path, list(exclude)) for path, exclude in genomes]
    return core.tokenizer.train(list(sequences), genomes, vocab_size, max_token_length, min_count, piece,
                                threads, progress)


def expand(base, sequences=(), genomes=(), add=4096, max_token_length=32, min_count=2, piece=1000, threads=1,
           progress=None):
    """Learn further merges on top of a tokenizer; no old id changes, new tokens take the next free ids.

    base: Tokenizer
    add:  int, number of new tokens; fewer when pairs run out
    The other parameters, and the rule by which pairs merge, are those of `train`; the sequence is cut into the old
    tokens first.
    returns Tokenizer
    raises OSError, InputError for a bad FASTA file or contig, ValueError for an impossible size
    """

    genomes = [(path, list(exclude)) for path, exclude in genomes]
    return core.tokenizer.expand(base, list(sequences), genomes, add, max_token_length, min_count, piece, threads,
                                 progress)


def raw_genomes(raw_dir, species=(), exclude_contigs=()):
    """Find the genomes of a raw folder.

    raw_dir:         path of the folder with {G.species}/fna.gz or fna
    species:         names to take; all when empty
    exclude_contigs: strings SPECIES:CONTIG,…
    returns list of (FASTA path, list of contigs to leave out), by name
    raises InputError when a species or its FASTA file is missing
    """

    raw_dir = pathlib.Path(raw_dir)
    chosen  = sorted(set(species)) or sorted(p.name for p in raw_dir.iterdir() if p.is_dir() and _fasta(p))
    if not chosen:
        raise errors.InputError(f"{raw_dir}: no folder in it holds fna.gz or fna", path=str(raw_dir))
    excluded = collections.defaultdict(list)
    for item in exclude_contigs:
        name, _, contigs = item.partition(":")
        names = [contig for contig in contigs.split(",") if contig]
        if not names:
            raise errors.InputError(f"contigs to leave out are written SPECIES:CONTIG,…, not {item!r}")
        if name not in chosen:
            raise errors.InputError(f"{item!r}: species {name!r} is not among {', '.join(chosen)}")
        excluded[name] += names
    return [(_require_fasta(raw_dir, name), excluded[name]) for name in chosen]


def info(path, genome=None):
    """Describe a tokenizer file, and how it cuts a genome.

    path:   path of a tokenizer.json, or of a folder that holds one
    genome: None or path of a FASTA file
    returns dict: vocab_size, special_tokens, merges, unk_id, pad_id, has_gene_language, hash,
    token_lengths {bases: tokens}; with a genome also bases, tokens, unknown and bases_per_token (of known ones)
    """

    tokenizer = read(path)
    lengths   = collections.Counter(length for _, length in tokenizer.token_lengths())
    out = {
        "vocab_size":        tokenizer.vocab_size,
        "special_tokens":    tokenizer.special_tokens(),
        "merges":            lengths.total() - lengths[1],
        "unk_id":            tokenizer.unk_id,
        "pad_id":            tokenizer.pad_id,
        "has_gene_language": tokenizer.has_gene_language,
        "hash":              tokenizer.hash,
        "token_lengths":     dict(sorted(lengths.items())),
    }
    return out if genome is None else {**out, **usage(tokenizer, genome)}


def output_file(out):
    """The tokenizer.json that an output path means: itself when it ends in .json, else in that folder."""

    out = pathlib.Path(out)
    return out if out.suffix == ".json" else out / FILE


def is_model(path):
    """Whether a path is a model folder, of which the tokenizer is a part."""

    return any((pathlib.Path(path) / name).is_file() for name in ("model.safetensors", "model.safetensors.index.json"))


def usage(tokenizer, genome):
    import genet5.genome as gm

    bases = tokens = unknown = 0
    for _, sequence in gm.read_fasta(os.fspath(genome)):
        ids, _   = tokenizer.encode(sequence)
        bases   += len(sequence)
        tokens  += len(ids)
        unknown += int((ids == tokenizer.unk_id).sum())
    known = tokens - unknown
    rate  = (bases - unknown) / known if known else None
    return {"bases": bases, "tokens": tokens, "unknown": unknown, "bases_per_token": rate}


def _fasta(folder):
    """The FASTA file of a species folder, or None."""

    return next((folder / name for name in ("fna.gz", "fna") if (folder / name).is_file()), None)


def _require_fasta(raw_dir, name):
    path = _fasta(raw_dir / name)
    if path is None:
        raise errors.InputError(f"{raw_dir / name}: no fna.gz or fna there; is {name!r} a species of {raw_dir}?",
                                path=str(raw_dir / name))
    return path
