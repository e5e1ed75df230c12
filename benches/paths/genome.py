"""FASTA files into upper-case bases."""

import timing


def plain(inputs):
    """A plain file, every base upper-case."""

    import needletail
    import pyfastx

    import genet5.genome as genomes

    size  = inputs.plain.stat().st_size / 1e6
    ours  = timing.call(lambda: genomes.read_fasta(inputs.plain), times=4)
    peers = [
        ("pyfastx", timing.call(lambda: list(pyfastx.Fastx(str(inputs.plain), uppercase=True)), times=2), size),
        ("needletail", timing.call(lambda: [record.seq.upper() for record in
                                            needletail.parse_fastx_file(str(inputs.plain))], times=2), size),
    ]
    return timing.Row("FASTA plain → upper-case bases", 1500, "MB/s", 1, ours, size, peers, [])


def compressed(inputs):
    """A gzip file; one thread inflates while another reads."""

    import pyfastx

    import genet5.genome as genomes

    size  = len(b"".join(bases for _, bases in genomes.read_fasta(inputs.gzip))) / 1e6
    ours  = timing.call(lambda: genomes.read_fasta(inputs.gzip))
    peers = [("pyfastx", timing.call(lambda: list(pyfastx.Fastx(str(inputs.gzip), uppercase=True)), times=2), size)]
    return timing.Row("FASTA gzip → upper-case bases", 500, "MB/s", 2, ours, size, peers, [])


def blocks(inputs):
    """A bgzip file on two threads, against bgzip that inflates only."""

    import genet5.genome as genomes

    size  = len(b"".join(bases for _, bases in genomes.read_fasta(inputs.bgzip))) / 1e6
    ours  = timing.call(lambda: genomes.read_fasta(inputs.bgzip))
    peers = [("bgzip -dc -@2 (inflates only)", timing.command(["bgzip", "-dc", "-@2", inputs.bgzip], times=3), size)]
    return timing.Row("FASTA bgzip, 2 threads", 700, "MB/s", 2, ours, size, peers, [])
