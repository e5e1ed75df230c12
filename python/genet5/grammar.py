"""The gene language and its grammar: which sites may come next on a window's bases.

A site is a type and a base of the window. Types: 0 eos, 1 stop+, 2 stop-, 3 acceptor, 4 donor,
5 start; a gene is written backwards, from the last base of its stop codon to the first base of its
start codon, genes by increasing stop. The position of eos is -1. A gene is a tuple
(strand "+" or "-", [(start, end), …]), segments ascending, 0-based and half-open.

A window is bytes (letters in either case) or uint8 [bases] (A 0, C 1, G 2, T 3, else unknown).
Everywhere: genetic_code, NCBI table; table_starts, whether its other start codons count beside ATG;
min_intron (at least 4) and max_intron (0 = no limit), bases; threads, 0 = one per core.
ValueError for impossible values and for sites that the grammar does not allow.
"""

import genet5._core as core

EOS, STOP_PLUS, STOP_MINUS, ACCEPTOR, DONOR, START = range(6)
TOKENS = ("<eos>", "<stop+>", "<stop->", "<acceptor>", "<donor>", "<start>")


class WindowGrammar(core.grammar.WindowGrammar):
    """One window and one annotation of it being written.

    WindowGrammar(codes, genetic_code=1, table_starts=False, min_intron=10, max_intron=0)

    allowed() -> types uint8 [n], positions int32 [n], sorted by (type, position); empty after eos
    advance(type, position=-1): writes one site
    genes() -> list of genes written so far
    finished: bool, whether eos is written
    """


class Writer(core.grammar.Writer):
    """Many windows and one annotation of each being written, or several of each.

    Writer(windows, genetic_code=1, table_starts=False, min_intron=10, max_intron=0, threads=1, copies=1)

    windows: list of windows
    copies:  int, annotations of each window; annotation i is one of windows[i // copies]
    allowed(active int64 [n]) -> offsets int64 [n+1], types uint8 [m], positions int32 [m]: the sites
        that may come next in annotation active[i] are those from offsets[i] to offsets[i+1], sorted
        by (type, position)
    advance(active int64 [n], types uint8 [n], positions int32 [n]): writes one site in each
    genes(annotation) -> list of genes written so far
    finished: bool [annotations]
    """


def encode_genes(genes):
    """The sites of a set of genes, sorted by stop, eos last.

    Of genes that end at the same base, of which the language can hold one, the one with most coding
    bases is kept, then the first.

    genes: list of genes
    returns types uint8 [n], positions int32 [n]
    """

    return core.grammar.encode_genes(genes)


def decode_sites(types, positions):
    """The genes that a complete annotation names.

    types:     uint8 [n]
    positions: int32 [n]
    returns list of genes
    raises ValueError naming the step that breaks the language
    """

    return core.grammar.decode_sites(types, positions)


def to_text(types, positions):
    """Sites as people read them: `<stop+>700 <acceptor>521 <donor>400 <start>101 <eos>`.

    types:     uint8 [n]
    positions: int32 [n]
    """

    return core.grammar.to_text(types, positions)


def parse_text(text):
    """Reads a complete annotation back from its text.

    returns types uint8 [n], positions int32 [n]
    raises ValueError naming the word or step that is wrong
    """

    return core.grammar.parse_text(text)


def replay(windows, steps, **options):
    """Reads true annotations against the grammar: what could have been written at each step.

    windows: list of windows
    steps:   list of (types uint8 [n], positions int32 [n]), one complete annotation per window
    options: genetic_code, table_starts, min_intron, max_intron, threads
    returns offsets int64 [steps+1], types uint8 [m], positions int32 [m], targets int64 [steps],
        windows int32 [steps]: the sites allowed at each step, the index of the true one among all
        of them (-1 where the grammar masks it) and the step's window
    """

    return core.grammar.replay(windows, steps, **options)
