"""Where contigs come from: a FASTA file, letters, or a dict of them."""

import pathlib

import genet5.genome as genomes


class Source:
    """Contigs by name, in order; a plain FASTA file is read contig by contig.

    contigs: list of (name, length), all of them
    chosen:  list of names, those to look at, in the order of `contigs`
    fetch:   name -> letters as bytes
    fasta:   the open FASTA file, None where there is none
    """

    def __init__(self, contigs, fetch, chosen=None, fasta=None):
        known   = [name for name, _ in contigs]
        unknown = sorted(set(chosen or ()) - set(known))
        if unknown:
            some = ", ".join(known[:5]) + (", …" if len(known) > 5 else "")
            raise ValueError(f"no contig {', '.join(unknown)} in the genome; it has {some}")
        self.contigs = contigs
        self.chosen  = known if chosen is None else [name for name in known if name in set(chosen)]
        self.fetch   = fetch
        self.fasta   = fasta

    def __iter__(self):
        """Pairs of name and letters of the chosen contigs."""

        return ((name, self.fetch(name)) for name in self.chosen)

    @property
    def bases(self):
        """Bases of the chosen contigs together."""

        lengths = dict(self.contigs)
        return sum(lengths[name] for name in self.chosen)


def open_source(genome, chosen=None):
    """A source of contigs.

    genome: path of a FASTA file; or letters as str or bytes, one contig named "sequence"; or a dict name -> letters
    chosen: None or list of contig names
    raises InputError for a broken file, ValueError for an unknown contig or a str that is neither file nor letters
    """

    if isinstance(genome, dict):
        letters = {name: _letters(value) for name, value in genome.items()}
        return Source([(name, len(value)) for name, value in letters.items()], letters.__getitem__, chosen)
    if isinstance(genome, bytes) or (isinstance(genome, str) and _is_sequence(genome)):
        return open_source({"sequence": genome}, chosen)
    fasta = genomes.open_fasta(genome)
    return Source(fasta.contigs(), fasta.fetch, chosen, fasta)


def _is_sequence(text):
    """Whether a str is letters of DNA rather than the name of a file."""

    return not set(text.upper()) - set("ACGTUNRYSWKMBDHV") and not (len(text) < 256 and pathlib.Path(text).is_file())


def _letters(value):
    return (value.encode() if isinstance(value, str) else bytes(value)).upper()
