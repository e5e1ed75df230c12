"""Windows for reinforcement on disk: letters and reference genes as arrays, and the order in which they are drawn."""

import dataclasses
import hashlib
import json
import os
import pathlib
import zipfile

import numpy as np

import genet5.errors as errors
import genet5.score as score

FORMAT   = 2
CONFIG   = "prep_config.json"
STATS    = "stats.json"
TRAIN    = "train.npz"
HELD_OUT = "held_out.npz"


@dataclasses.dataclass
class WindowSet:
    """W windows with their reference genes, those that lie inside as a whole.

    letters:        uint8 [bases], ASCII in upper case, of all windows
    letter_offsets: int64 [W + 1]
    labels:         uint8 [bases], segmentation of all windows, genes that an edge cuts included
    window_genes, gene_minus, gene_segments, segments: the references, as genet5.score.Windows, in window coordinates
    species:        int32 [W], index into the species of prep_config.json
    contig:         int32 [W], index into its contigs
    start:          int64 [W], first base on the contig
    tokens:         int32 [W], tokens of the window
    genetic_code:   uint8 [W]
    """

    letters:        np.ndarray
    letter_offsets: np.ndarray
    labels:         np.ndarray
    window_genes:   np.ndarray
    gene_minus:     np.ndarray
    gene_segments:  np.ndarray
    segments:       np.ndarray
    species:        np.ndarray
    contig:         np.ndarray
    start:          np.ndarray
    tokens:         np.ndarray
    genetic_code:   np.ndarray

    def __len__(self):
        return len(self.start)

    @property
    def references(self):
        """The reference genes, genet5.score.Windows."""

        return score.Windows(self.window_genes, self.gene_minus, self.gene_segments, self.segments)

    def bases(self, index):
        """The letters of a window, bytes."""

        return self.letters[self._span(index)].tobytes()

    def segmentation(self, index):
        """The labels of a window, bytes."""

        return self.labels[self._span(index)].tobytes()

    def _span(self, index):
        return slice(self.letter_offsets[index], self.letter_offsets[index + 1])

    def genes(self, index):
        """The reference genes of a window, list of (strand, [(start, end), …])."""

        found = []
        for gene in range(self.window_genes[index], self.window_genes[index + 1]):
            chain = self.segments[self.gene_segments[gene]:self.gene_segments[gene + 1]]
            found.append(("-" if self.gene_minus[gene] else "+", [tuple(ends) for ends in chain.tolist()]))
        return found

    def save(self, path):
        """Write the arrays; the bytes depend on their values alone."""

        path      = pathlib.Path(path)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                np.savez(file, **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def load(folder, name=TRAIN):
    """Windows of a folder that `genet5 prep-grpo` wrote.

    folder: path
    name:   TRAIN or HELD_OUT
    returns WindowSet
    raises DataError
    """

    path = pathlib.Path(folder) / name
    try:
        settings = json.loads((path.parent / CONFIG).read_text())
        if settings["format"] != FORMAT:
            raise errors.DataError(f"{folder} was written by another version of GeneT5; prepare it again")
        with np.load(path, allow_pickle=False) as arrays:
            return WindowSet(**arrays)
    except FileNotFoundError as error:
        raise errors.DataError(f"{folder} holds no windows for reinforcement: {error.filename} is missing "
                               f"(genet5 prep-grpo makes it)") from error
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise errors.DataError(f"{path} is broken: {error}; prepare it again") from error


def join(parts):
    """Several WindowSets as one.

    parts: list of WindowSet, not empty
    """

    starts = {"letter_offsets": "letters", "window_genes": "gene_minus", "gene_segments": "segments"}
    arrays = {}
    for field in dataclasses.fields(WindowSet):
        values = [getattr(part, field.name) for part in parts]
        if field.name in starts:
            shifts = np.cumsum([0] + [len(getattr(part, starts[field.name])) for part in parts])
            values = [[0]] + [value[1:] + shift for value, shift in zip(values, shifts)]
        arrays[field.name] = np.concatenate(values).astype(getattr(parts[0], field.name).dtype)
    return WindowSet(**arrays)


class Source:
    """The order in which windows are drawn: each once an epoch, shuffled by (seed, epoch).

    windows: WindowSet
    seed:    int
    """

    def __init__(self, windows, seed):
        self.windows  = windows
        self.seed     = seed
        self.epoch    = 0
        self.consumed = 0
        digest        = hashlib.blake2b(digest_size=8)
        for field in dataclasses.fields(windows):
            digest.update(np.ascontiguousarray(getattr(windows, field.name)).tobytes())
        self.data_hash = digest.hexdigest()
        self._shuffle()

    def _shuffle(self):
        self.order = np.random.default_rng((self.seed, self.epoch)).permutation(len(self.windows))

    def next(self):
        """The Step that begins here."""

        return Step(self)

    def take(self, count):
        """The next windows of all processes together.

        returns list of (number of the draw, counted over all epochs; index of the window)
        """

        drawn = []
        while len(drawn) < count:
            if self.consumed == len(self.order):
                self.epoch, self.consumed = self.epoch + 1, 0
                self._shuffle()
            drawn.append((self.epoch * len(self.order) + self.consumed, int(self.order[self.consumed])))
            self.consumed += 1
        return drawn

    def state(self):
        """Where the order stands: dict with epoch, seed and consumed."""

        return {"epoch": self.epoch, "seed": self.seed, "consumed": self.consumed}

    def load_state(self, state):
        """Go on from a state."""

        self.epoch, self.seed, self.consumed = state["epoch"], state["seed"], state["consumed"]
        self._shuffle()


class Step:
    """One step's right to draw windows, as many as turn out to be needed.

    source: Source
    """

    def __init__(self, source):
        self.take = source.take
        self.read = source.state

    @property
    def state(self):
        """The source's state by now."""

        return self.read()
