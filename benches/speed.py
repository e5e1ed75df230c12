"""Speed of the hot paths beside a peer, both in this run; prints a table.

Usage: python benches/speed.py [RAW_DIR/SPECIES]   (default: a simulated genome of 4 Mb)
"""

import gzip
import pathlib
import sys
import tempfile
import time

import genet5.bake as bakes
import genet5.genome as genomes
import genet5.simulate as simulate
import genet5.tokenizer as tk

# bases that the slow peers are given
SLICE = 1_000_000


def main(species=None):
    """Measure everything on one genome and print a table."""

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        source = pathlib.Path(species) if species else folder / "raw" / "S.imulated"
        if not species:
            simulate.species(source, length=4_000_000, contigs=4, seed=1)
        print(f"{'path':<28}{'ours':>12}{'peer':>12}{'ratio':>9}  peer")
        fasta, annotation = unpacked(source, "fna", folder), unpacked(source, "gff", folder)
        read_fasta(fasta)
        read_annotation(annotation)
        tokenizer = tokenize(fasta, folder)
        bake(source, tokenizer, folder)
        convolve()


def read_fasta(path):
    """All bases, against pyfaidx."""

    import pyfaidx

    size   = path.stat().st_size / 1e6
    ours   = seconds(lambda: genomes.read_fasta(path))
    theirs = seconds(lambda: [str(record) for record in pyfaidx.Fasta(str(path), sequence_always_upper=True)])
    row("FASTA, MB/s", size / ours, size / theirs, "pyfaidx")


def read_annotation(path):
    """Gene models, against gffutils' database in memory."""

    import gffutils

    size   = path.stat().st_size / 1e6
    ours   = seconds(lambda: genomes.read_genes(path))
    theirs = seconds(lambda: gffutils.create_db(str(path), ":memory:", merge_strategy="create_unique",
                                                disable_infer_genes=True, disable_infer_transcripts=True), once=True)
    row("annotation, MB/s", size / ours, size / theirs, "gffutils")


def tokenize(fasta, folder):
    """Train 4,096 tokens and encode, against Hugging Face tokenizers; returns the path of the tokenizer."""

    import tokenizers

    letters = b"".join(sequence for _, sequence in genomes.read_fasta(fasta))
    pieces  = [letters[i:i + 1000].decode() for i in range(0, len(letters), 1000)]
    path    = folder / "tokenizer.json"
    begin   = time.perf_counter()
    trained = tk.train([letters], vocab_size=4096)
    ours    = time.perf_counter() - begin
    trained.save(path)
    peer    = tokenizers.Tokenizer(tokenizers.models.BPE())
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=4096, show_progress=False, max_token_length=32)
    theirs  = seconds(lambda: peer.train_from_iterator(pieces, trainer), once=True)
    row("tokenizer training, MB/s", len(letters) / 1e6 / ours, len(letters) / 1e6 / theirs, "HF tokenizers")

    part   = letters[:SLICE]
    same   = tokenizers.Tokenizer.from_file(str(path))
    ours   = seconds(lambda: trained.encode(part))
    theirs = seconds(lambda: same.encode(part.decode(), add_special_tokens=False), once=True)
    row("encoding, MB/s", len(part) / 1e6 / ours, len(part) / 1e6 / theirs, "HF tokenizers")
    return path


def bake(source, tokenizer, folder):
    """A whole bake, and reading its shards, against webdataset."""

    import webdataset

    import genet5.data.reader as readers

    baked = folder / "baked"
    begin = time.perf_counter()
    bakes.bake(source.parent, baked, tokenizer, species=[source.name])
    row("bake, s", time.perf_counter() - begin, None, "")
    shards = sorted(str(path) for path in (baked / source.name).rglob("*.tar"))
    size   = sum(pathlib.Path(path).stat().st_size for path in shards) / 1e6

    def ours():
        reader = readers.Reader(baked, tokenizer=tokenizer, row_tokens=8192, rows_per_batch=1, crop=8192)
        for _ in range(len(reader)):
            reader.next_batch()

    mine   = seconds(ours, once=True)
    theirs = seconds(lambda: list(webdataset.WebDataset(shards, shardshuffle=False)), once=True)
    # the peer hands over bytes; ours are packed batches with channels, labels and the grammar's masks
    row("shards, MB/s", size / mine, size / theirs, "webdataset (bytes only)")


def convolve():
    """Forward and backward of the stem's convolution, against torch's."""

    import torch

    import genet5.model.stem as stems

    layer = stems.Convolution(64, 64, 9, 4)
    x_RBC = torch.randn(1, 40_000, 64, requires_grad=True)
    plain = torch.nn.Conv1d(64, 64, 9, dilation=4, padding=16)
    ours   = seconds(lambda: layer(x_RBC).sum().backward())
    theirs = seconds(lambda: plain(x_RBC.transpose(1, 2)).transpose(1, 2).sum().backward())
    row("convolution, steps/s", 1 / ours, 1 / theirs, "torch")


def unpacked(folder, name, target):
    """A plain copy of `name` or `name`.gz."""

    plain, copy = folder / name, target / f"copy.{name}"
    copy.write_bytes(plain.read_bytes() if plain.exists() else gzip.decompress((folder / f"{name}.gz").read_bytes()))
    return copy


def seconds(work, once=False):
    """Wall time of one call, the best of three."""

    times = []
    for _ in range(1 if once else 3):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def row(name, ours, theirs, peer):
    """One line of the table; a ratio above 1 is in our favour."""

    rest = f"{theirs:>12.2f}{ours / theirs:>9.1f}  {peer}" if theirs else ""
    print(f"{name:<28}{ours:>12.2f}{rest}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
