"""Windows through the model: what the writer wrote in them, and their lattice potentials.

On a CPU each window is read alone, by one thread: its numbers then depend on nothing but its bases, whatever the
batch size, the number of threads and the other windows. A GPU reads `batch_size` windows at once.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses

import numpy as np
import torch

import genet5.data.batch as batching
import genet5.genome as genome
import genet5.inference.stepping as stepping
import genet5.inference.writer as writing

# the column of the other strand's same thing: labels, then start, stop, donor, acceptor
MIRROR = [0, 4, 5, 6, 1, 2, 3, 8, 7, 13, 14, 15, 16, 9, 10, 11, 12]


@dataclasses.dataclass
class Reading:
    """What the model says of one window.

    written:    one list a chooser, of (strand, segments, probability) in the window's coordinates
    potentials: float32 [bases, 17], None where not asked for
    """

    written:    list
    potentials: np.ndarray


@dataclasses.dataclass(frozen=True)
class Reader:
    """Reads windows with a model.

    model:      GeneT5 in evaluation mode
    tokenizer:  its tokenizer
    grammar:    dict, see ModelConfig.grammar
    choosers:   list of what picks the writer's sites (see writer.Greedy); None where nothing is to be written
    potentials: bool, whether the lattice potentials are wanted
    rc_average: bool, potentials are the mean of both strands' readings
    steps:      how the writer reads its own steps, see genet5.inference.stepping
    """

    model:      object
    tokenizer:  object
    grammar:    dict
    choosers:   list
    potentials: bool
    rc_average: bool
    steps:      object = stepping.Growing

    def read(self, windows):
        """Read a batch.

        windows: list of bytes, letters
        returns a list of Reading
        """

        count = len(windows)
        both  = list(windows)
        if self.potentials and self.rc_average:
            both += [genome.reverse_complement(window) for window in windows]
        rows   = [[row] for row in range(len(both))]
        arrays = batching.assemble(both, self.tokenizer, rows=rows, threads=1, **self.grammar)
        with torch.inference_mode():
            batch   = batching.to_torch(arrays, next(self.model.parameters()).device)
            prefix  = self.model.prefill(batch)
            written = zip(*(self._write(prefix, batch, windows, choose) for choose in self.choosers))
            fields  = [None] * count
            if self.potentials:
                values = prefix.potentials.float().cpu().numpy()
                fields = [self._potentials(values, row, count, len(window)) for row, window in enumerate(windows)]
        return [Reading(*pair) for pair in zip(written, fields)]

    def _write(self, prefix, batch, windows, choose):
        if choose is None:
            return [()] * len(windows)
        return writing.write(self.model, prefix, batch, windows, self.grammar, choose, self.steps)

    def _potentials(self, values, row, count, length):
        forward = values[row, :length]
        if not self.rc_average:
            return forward
        return (forward + values[count + row, :length][::-1, MIRROR]) * np.float32(0.5)


def read_all(reader, windows, batch_size, threads):
    """Read a stream of windows in order, a bounded number of them ahead.

    reader:     Reader
    windows:    iterable of (key, letters or None); None stands for a window without any base
    batch_size: int, windows that a GPU reads at once
    threads:    int, windows that a CPU reads side by side
    yields (key, Reading or None)
    """

    on_cpu  = next(reader.model.parameters()).device.type == "cpu"
    batches = _batches(windows, 1 if on_cpu else batch_size)
    with _single_threaded(on_cpu):
        pool    = concurrent.futures.ThreadPoolExecutor(threads if on_cpu else 1, initializer=_calm)
        pending = collections.deque()
        try:
            for batch in batches:
                letters = [window for _, window in batch if window is not None]
                pending.append((batch, pool.submit(reader.read, letters) if letters else None))
                if len(pending) > 2 * threads:
                    yield from _results(*pending.popleft())
            while pending:
                yield from _results(*pending.popleft())
        finally:
            pool.shutdown(cancel_futures=True)


def _results(batch, future):
    readings = iter(future.result() if future is not None else ())
    for key, letters in batch:
        yield key, None if letters is None else next(readings)


def _batches(items, size):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _calm():
    # OpenMP keeps the number of threads per calling thread
    torch.set_num_threads(1)


@contextlib.contextmanager
def _single_threaded(wanted):
    """Torch uses one thread for each call inside, and as many as before afterwards."""

    before = torch.get_num_threads()
    try:
        if wanted:
            torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)
