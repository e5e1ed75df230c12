"""Training batches, read one step ahead of the model; the sampler's state comes with each."""

import concurrent.futures
import dataclasses

import numpy as np

import genet5.data.batch as batch_arrays


@dataclasses.dataclass
class Step:
    """What one optimizer step of this process reads.

    micro: list of dicts of NumPy arrays, the micro-batches
    state: dict, the sampler's state once the step is done
    """

    micro: list
    state: dict


class Source:
    """Steps from a reader; the next one is prepared while the model works on this one.

    reader:     genet5.data.reader.Reader of this process
    accumulate: int, micro-batches of a step
    """

    def __init__(self, reader, accumulate):
        self.reader     = reader
        self.accumulate = accumulate
        self.worker     = concurrent.futures.ThreadPoolExecutor(1)
        self.ahead      = None

    def next(self):
        """The next Step."""

        step       = (self.ahead or self.worker.submit(self._read)).result()
        self.ahead = self.worker.submit(self._read)
        return step

    def state(self):
        """The sampler's state before the step that `next` will return."""

        self._drop()
        return self.reader.state()

    def load_state(self, state):
        """Go on from a sampler's state."""

        self._drop()
        self.reader.load_state(state)
        self.start = state

    def close(self):
        """End the reading thread."""

        self._drop()
        self.worker.shutdown()

    def _read(self):
        micro = [self.reader.next_batch() for _ in range(self.accumulate)]
        return Step(micro, self.reader.state())

    def _drop(self):
        if self.ahead is not None:
            self.ahead.result()
            self.ahead = None


def counts(arrays):
    """Supervised items of a batch per head, known before the model runs.

    arrays: dict of NumPy arrays with targets
    returns dict head -> int: site steps the grammar allows, labelled bases, bases of all windows
    """

    return {"site":         int((arrays["allowed_target"] >= 0).sum()),
            "segmentation": int((arrays["labels"] != 255).sum()),
            "lattice":      int(arrays["window_bases"].sum())}


def sizes(arrays):
    """Windows, tokens, bases and token places of a batch, dict of int."""

    return {"windows": len(arrays["window_row"]),
            "tokens":  int(arrays["window_tokens"].sum()),
            "bases":   int(arrays["window_bases"].sum()),
            "places":  int(np.prod(arrays["tokens"].shape))}


def to_device(arrays, device):
    """The arrays as tensors on a device, dict with the same keys."""

    return batch_arrays.to_torch(arrays, device)
