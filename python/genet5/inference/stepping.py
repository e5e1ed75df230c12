"""How the writer reads its own steps: with a cache that grows and shrinks, or with one of fixed size for torch.compile.

Both have `begin`, which reads <bos>, and `read`, which reads a step of each window that is still written; both return
the states of those windows, [n, C].
"""

import torch

import genet5.model.static_cache as static_cache


def _begin(model, prefix, batch, count):
    """The model's cache for the first windows of a batch."""

    cache = model.begin(prefix, batch)
    return cache if len(cache.windows) == count else cache.select(cache.windows[:count])


class Growing:
    """Drops windows that are finished.

    model:  GeneT5
    prefix: what model.prefill made of the batch
    batch:  dict of tensors
    count:  int, the first windows of the batch, which are written
    """

    def __init__(self, model, prefix, batch, count):
        self.model = model
        self.cache = _begin(model, prefix, batch, count)
        self.alive = self.cache.windows

    def begin(self):
        """Read <bos>."""

        return self.model.step(self.cache, None, None)

    def read(self, windows, types, positions):
        """Read a step of each of these windows, long [n], uint8 [n] and int [n]."""

        if len(windows) < len(self.alive):
            self.cache = self.cache.select(torch.isin(self.alive, windows).nonzero()[:, 0])
            self.alive = windows
        return self.model.step(self.cache, types, positions)


class Static:
    """Keeps all windows, so that no shape changes from step to step; arguments as of `Growing`."""

    def __init__(self, model, prefix, batch, count):
        self.cache = static_cache.StaticCache(model, _begin(model, prefix, batch, count))
        # what finished windows read does not matter
        self.types, self.positions = (torch.zeros(count, dtype=dtype, device=prefix.keys.device)
                                      for dtype in (torch.uint8, torch.int32))

    def begin(self):
        """Read <bos>."""

        return self.cache.step(self.types, self.positions)

    def read(self, windows, types, positions):
        """Read a step of each of these windows, long [n], uint8 [n] and int [n]."""

        self.types[windows], self.positions[windows] = types, positions
        return self.cache.step(self.types, self.positions)[windows]
