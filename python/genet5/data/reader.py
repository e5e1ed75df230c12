"""Batches from a baked folder: each window once an epoch, resumed exactly from (epoch, seed, consumed)."""

import pathlib

import genet5._core as core


class Reader:
    """Training batches without end, the next one prepared in the background.

    An epoch is planned from (epoch, seed) alone, the same on every process: each window once, a random
    part of it, on a random strand, packed into rows by the tokens of the longer strand. A global batch
    has rows_per_batch x world rows, split over the processes in order, so that it holds the same windows
    on 1 process or several; every process gets equally many batches. A part that is too long for a row
    only for its unknown bases, each a token of its own, is cut short at its end.

    baked_dir:          path, from `genet5 bake`
    species:            names, or None for all
    tokenizer:          path of a tokenizer.json, or None for the one of the bake
    row_tokens:         int, tokens of a row at the most
    rows_per_batch:     int, rows of a batch of one process (at the most; batches are made equally large)
    crop:               int, bases of a part, or None for whole windows
    reverse_complement: bool, read half the windows from the other strand
    gap:                int, padding bases between two windows of a row
    seed:               int
    rank, world:        this process and the number of processes
    threads:            int, 0 for one per core
    raises InputError, ValueError (a window longer than a row) and OSError
    """

    def __init__(self, baked_dir, species=None, tokenizer=None, row_tokens=4096, rows_per_batch=4, crop=None,
                 reverse_complement=True, gap=64, seed=0, rank=0, world=1, threads=0):
        self.core = core.batch.Reader(pathlib.Path(baked_dir), species=listed(species), tokenizer=tokenizer,
                                      row_tokens=row_tokens, rows_per_batch=rows_per_batch, crop=crop,
                                      reverse_complement=reverse_complement, gap=gap, seed=seed, rank=rank,
                                      world=world, threads=threads)

    def __len__(self):
        """Batches of the epoch under way."""

        return self.core.batches

    def next_batch(self):
        """The next batch of this process, dict of arrays as genet5.data.batch.assemble states."""

        return self.core.next_batch()

    def state(self):
        """Where the reader stands: dict with epoch, seed, consumed (global batches of the epoch)."""

        return dict(zip(("epoch", "seed", "consumed"), self.core.state()))

    def load_state(self, state):
        """Go to a state; what follows is what followed there.

        state: dict from `state`
        raises ValueError when the epoch has fewer batches
        """

        self.core.load_state(state["epoch"], state["seed"], state["consumed"])

    def plan(self, epoch):
        """The plan of an epoch.

        epoch: int
        returns dict of int64 arrays, one entry per part of a window: window (index into `keys`), offset,
        bases, flip (1: other strand), tokens (of the longer strand), batch, row (both counted over the epoch)
        """

        return self.core.plan(epoch)

    @property
    def keys(self):
        """Keys of the windows, list of str."""

        return self.core.keys()

    @property
    def data_hash(self):
        """Changes with the data, the choice of species or the tokenizer, str."""

        return self.core.data_hash


class Validation:
    """The held-out windows, once, as they lie: windows longer than `crop` are tiled, nothing is turned.

    Takes what `Reader` takes, except seed and reverse_complement; iterate over it for this process's batches.
    """

    def __init__(self, baked_dir, species=None, tokenizer=None, row_tokens=4096, rows_per_batch=4, crop=None, gap=64,
                 rank=0, world=1, threads=0):
        self.core = core.batch.Reader(pathlib.Path(baked_dir), held_out=True, species=listed(species),
                                      tokenizer=tokenizer, row_tokens=row_tokens, rows_per_batch=rows_per_batch,
                                      crop=crop, gap=gap, rank=rank, world=world, threads=threads)

    def __len__(self):
        """Global batches."""

        return self.core.batches

    def __iter__(self):
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index):
        """This process's part of a global batch, dict of arrays; of no rows where there are more processes."""

        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.core.read(index)

    @property
    def keys(self):
        """Keys of the windows, list of str."""

        return self.core.keys()


def validation(baked_dir, most=0, **options):
    """This process's share of the validation batches.

    baked_dir: path
    most:      int, global batches at the most, drawn evenly; 0: all
    options:   what `Validation` takes
    returns list of dicts of arrays, those without a window left out
    """

    held    = Validation(baked_dir, **options)
    count   = min(most, len(held)) if most else len(held)
    batches = [held[index * len(held) // count] for index in range(count)]
    return [arrays for arrays in batches if len(arrays["window_row"])]


def listed(names):
    """A list of names, or None for all."""

    return list(names) if names else None
