"""The exact decoder: potentials of overlapping windows laid over a contig, the best path through them in Rust."""

import numpy as np

import genet5._core as core
import genet5.inference.genes as genes

POTENTIALS = 17
# nats a base against any label but intergenic where a window holds no base
BLANK      = -1.0


class Path:
    """The best annotation of one contig, window by window; memory does not grow with the contig.

    grammar: dict, see ModelConfig.grammar
    """

    def __init__(self, grammar):
        self.decoder = core.lattice.Decoder(**grammar)
        self.found   = []

    def add(self, window, letters, potentials):
        """Take from a window the bases for which it is the most central one.

        window:     windows.Window, the next one of the contig
        letters:    bytes of the window
        potentials: float32 [bases, 17], or None for a window without any base
        """

        own = slice(window.own_start - window.start, window.own_end - window.start)
        if potentials is None:
            potentials = blank(window.end - window.start)
        self._keep(self.decoder.push(codes(letters[own]), np.ascontiguousarray(potentials[own])))

    def finish(self):
        """End the contig.

        returns a list of genes.Candidate, ascending
        """

        self._keep(self.decoder.finish())
        return self.found

    def _keep(self, decided):
        for strand, segments, probability, _ in decided:
            self.found.append(genes.Candidate(strand, tuple(segments), min(max(probability, 0.0), 1.0), "viterbi"))


def blank(length):
    """Potentials of a stretch without any base, float32 [length, 17]: no gene begins, an intron may pass."""

    potentials       = np.full((length, POTENTIALS), BLANK, dtype=np.float32)
    potentials[:, 0] = 0.0
    return potentials


CODES = np.full(256, 4, dtype=np.uint8)
for number, pair in enumerate(("Aa", "Cc", "Gg", "TtUu")):
    for letter in pair:
        CODES[ord(letter)] = number


def codes(letters):
    """Base codes of letters: A 0, C 1, G 2, T 3, anything else 4.

    letters: bytes
    returns uint8 [bases]
    """

    return CODES[np.frombuffer(letters, dtype=np.uint8)]
