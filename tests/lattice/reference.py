"""The gene lattice spelled out: a graph of explicit states for each window, sums over it in log space."""

import functools
import itertools

import numpy as np

MIRROR = [0, 4, 5, 6, 1, 2, 3, 8, 7, 13, 14, 15, 16, 9, 10, 11, 12]
STOPS  = {1: ("TAA", "TAG", "TGA"), 6: ("TGA",), 12: ("TAA", "TAG", "TGA")}
STARTS = {1: ("TTG", "CTG", "ATG"), 6: ("ATG",), 12: ("CTG", "ATG")}
PAIRS  = {"standard": (("GT", "GC"), "AG"), "minor": (("AT",), "AC")}


class Reading:
    """Coding states of a gene in its own direction: (first codon?, position, what may complete it)."""

    def __init__(self, genetic_code=1, table_starts=False):
        self.stops  = STOPS[genetic_code]
        self.starts = STARTS[genetic_code] if table_starts else ("ATG",)
        self.whole  = (False, 3, frozenset())
        self.done   = (False, 3, None)

    def begin(self, base):
        rest = frozenset(codon[1:] for codon in self.starts if codon[0] == base)
        return (True, 1, rest) if rest else None

    def after(self, state, base):
        first, position, rest = state
        if base == "N" or state == self.done:
            return None
        if position == 3:
            return (False, 1, frozenset(codon[1:] for codon in self.stops if codon[0] == base))
        if position == 1:
            rest = frozenset(tail[1:] for tail in rest if tail[0] == base)
            return (first, 2, rest) if rest or not first else None
        if first:
            return self.whole if base in rest else None
        return self.done if base in rest else self.whole

    @functools.cached_property
    def states(self):
        found = {state for base in "ACGT" if (state := self.begin(base))} | {self.whole}
        while new := {self.after(state, base) for state in found for base in "ACGT"} - found - {None}:
            found |= new
        return sorted(found, key=repr)

    def present(self, state, base):
        return state == self.begin(base) or any(self.after(s, base) == state for s in self.states)


class Strand:
    """States and steps of one strand at every base of a window, in the gene's own direction."""

    def __init__(self, letters, reading, min_intron):
        self.letters, self.reading, self.min_intron = letters, reading, min_intron

    def states(self, i):
        coding  = [("coding", s) for s in self.reading.states if self.reading.present(s, self.letters[i])]
        carried = [s for s in self.reading.states if s != self.reading.done]
        return coding + [("intron", s, kind, age) for s in carried for kind in PAIRS
                         for age in range(1, self.min_intron + 1)]

    def first(self, i, state):
        """May a window begin in the state."""

        return state[0] == "coding" or state[3] == self.min_intron

    def node(self, state):
        """Columns of the potentials paid in a state."""

        if state[0] == "intron":
            return [7]
        site = [9] if state[1][:2] == (True, 1) else [10] if state[1] == self.reading.done else []
        return [state[1][1], *site]

    def step(self, i, before, after):
        """None, or (base, column) pairs paid by going from base i to base i + 1."""

        letters, reading = self.letters, self.reading
        if before[0] == "coding" and after[0] == "coding":
            return [] if reading.after(before[1], letters[i + 1]) == after[1] else None
        if before[0] == "intron" and after[0] == "intron":
            same = before[1:3] == after[1:3] and after[3] == min(before[3] + 1, self.min_intron)
            return [] if same else None
        if before[0] == "coding":
            donors = PAIRS[after[2]][0]
            seen   = letters[i + 1:i + 3]
            fits   = before[1] == after[1] and after[3] == 1 and any(d.startswith(seen) for d in donors)
            return [(i, 11)] if fits else None
        seen = letters[max(i - 1, 0):i + 1]
        fits = before[3] == self.min_intron and PAIRS[before[2]][1].endswith(seen)
        return [(i + 1, 12)] if fits and reading.after(before[1], letters[i + 1]) == after[1] else None


class Window:
    """All states of a window, both strands, left to right."""

    def __init__(self, letters, genetic_code=1, table_starts=False, min_intron=10):
        self.n       = len(letters)
        self.reading = Reading(genetic_code, table_starts)
        mirrored     = letters[::-1].translate(str.maketrans("ACGT", "TGCA"))
        self.plus    = Strand(letters, self.reading, min_intron)
        self.minus   = Strand(mirrored, self.reading, min_intron)

    def states(self, i):
        return ([("gap",)] + [("+", *s) for s in self.plus.states(i)]
                + [("-", *s) for s in self.minus.states(self.n - 1 - i)])

    def columns(self, state):
        if state[0] == "gap":
            return [0]
        columns = self.plus.node(state[1:])
        return columns if state[0] == "+" else [MIRROR[c] for c in columns]

    def first(self, i, state):
        return state[0] != "+" or self.plus.first(i, state[1:])

    def last(self, i, state):
        return state[0] != "-" or self.minus.first(self.n - 1 - i, state[1:])

    def ends_gene(self, state):
        return (state[0] == "gap" or (state[0] == "+" and state[2:] == (self.reading.done,))
                or (state[0] == "-" and state[1] == "coding" and state[2][0] and state[2][1] == 1))

    def begins_gene(self, state):
        return (state[0] == "gap" or (state[0] == "-" and state[2:] == (self.reading.done,))
                or (state[0] == "+" and state[1] == "coding" and state[2][0] and state[2][1] == 1))

    def step(self, i, before, after):
        if self.ends_gene(before) and self.begins_gene(after):
            return []
        if before[0] != after[0] or before[0] == "gap" or (before[1] == after[1] == "intron" and before[2] != after[2]):
            return None
        if before[0] == "+":
            return self.plus.step(i, before[1:], after[1:])
        paid = self.minus.step(self.n - 2 - i, after[1:], before[1:])
        return None if paid is None else [(self.n - 1 - base, MIRROR[column]) for base, column in paid]

    def total(self, potentials, labels):
        """log of the summed exp of all paths that have the labels (255 = any)."""

        nodes = [[(s, sum(potentials[i, c] for c in self.columns(s))) for s in self.states(i)
                  if labels[i] in (255, self.columns(s)[0])] for i in range(self.n)]
        sums  = {s: weight for s, weight in nodes[0] if self.first(0, s)}
        for i in range(1, self.n):
            new = {}
            for after, weight in nodes[i]:
                terms = [value + weight + sum(potentials[b, c] for b, c in paid) for before, value in sums.items()
                         if (paid := self.step(i - 1, before, after)) is not None]
                if terms:
                    new[after] = np.logaddexp.reduce(terms)
            sums = new
        final = [value for s, value in sums.items() if self.last(self.n - 1, s)]
        return np.logaddexp.reduce(final) if final else -np.inf

    def paths(self):
        """Every path as the list of (base, column) pairs that it pays."""

        open_paths = [([s], [(0, c) for c in self.columns(s)]) for s in self.states(0) if self.first(0, s)]
        for i in range(1, self.n):
            open_paths = [([*path, after], paid + toll + [(i, c) for c in self.columns(after)])
                          for (path, paid), after in itertools.product(open_paths, self.states(i))
                          if (toll := self.step(i - 1, path[-1], after)) is not None]
        return [paid for path, paid in open_paths if self.last(self.n - 1, path[-1])]
