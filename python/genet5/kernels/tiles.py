"""Sizes of the kernels' tiles for each family of GPUs; `benches/kernels_aot.py` proves that none spills registers."""

import collections

Tile = collections.namedtuple("Tile", "queries keys warps stages")

HEAD_SIZES = (32, 64, 128)
PROGRAMS   = ("forward", "backward_queries", "backward_keys")
# compute capability of each chip that the kernels are compiled for ahead of time, and its shared memory in bytes
CHIPS      = {90: 232_448, 100: 232_448, 121: 101_376}

# tiles of the three programs by family and head size; the first two have the same number of queries
INTERPRETER = dict.fromkeys(HEAD_SIZES, (Tile(32, 16, 4, 1), Tile(32, 32, 4, 1), Tile(16, 32, 4, 1)))
FLOAT32     = {32:  (Tile(32, 32, 4, 1), Tile(32, 32, 4, 1), Tile(32, 32, 4, 1)),
               64:  (Tile(32, 16, 4, 1), Tile(32, 16, 4, 1), Tile(16, 32, 8, 1)),
               128: (Tile(16, 16, 8, 1), Tile(16, 16, 8, 1), Tile(16, 32, 8, 1))}
HOPPER      = {32:  (Tile(64, 64, 4, 3), Tile(64, 64, 4, 2), Tile(32, 64, 4, 2)),
               64:  (Tile(64, 64, 4, 3), Tile(64, 64, 4, 2), Tile(32, 64, 4, 2)),
               128: (Tile(128, 64, 8, 2), Tile(128, 64, 8, 2), Tile(16, 64, 8, 2))}
BLACKWELL   = {32:  (Tile(128, 64, 8, 2), Tile(128, 64, 8, 2), Tile(64, 64, 8, 2)),
               64:  (Tile(128, 64, 8, 2), Tile(128, 32, 8, 2), Tile(64, 64, 8, 2)),
               128: (Tile(128, 64, 8, 2), Tile(128, 64, 8, 2), Tile(32, 64, 4, 1))}
# 99 kB of shared memory, matrix instructions of one warp; also what chips before Hopper get
SMALL       = {32:  (Tile(64, 32, 4, 2), Tile(64, 32, 4, 2), Tile(32, 32, 4, 2)),
               64:  (Tile(64, 32, 4, 2), Tile(64, 32, 4, 2), Tile(64, 32, 4, 2)),
               128: (Tile(64, 32, 8, 2), Tile(64, 32, 8, 2), Tile(64, 32, 8, 2))}


def choose(capability, itemsize, head_size):
    """The tiles of the three programs.

    capability: int, 10 * major + minor; 0 in Triton's interpreter
    itemsize:   int, bytes of an element
    head_size:  int, 32, 64 or 128
    returns dict of Tile by name
    """

    if capability == 0:
        family = INTERPRETER
    elif itemsize == 4:
        family = FLOAT32
    elif 90 <= capability < 100:
        family = HOPPER
    elif 100 <= capability < 120:
        family = BLACKWELL
    else:
        family = SMALL
    return dict(zip(PROGRAMS, family[head_size]))


def sizes(capability):
    """All tile sizes that a device may need, of queries and of keys, two sorted lists."""

    chosen = [choose(capability, itemsize, head_size) for itemsize in (2, 4) for head_size in HEAD_SIZES]
    return (sorted({tiles["forward"].queries for tiles in chosen}),
            sorted({tiles["backward_keys"].keys for tiles in chosen}))
