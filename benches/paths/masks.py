"""Reading-frame channels and grammar masks of windows of 20 kb, against NumPy."""

import numpy as np

import timing

WINDOW  = 20_000
WINDOWS = 50


def channels(inputs):
    """The twelve channels."""

    import genet5._core as core

    windows = coded(inputs)
    size    = sum(map(len, windows)) / 1e6
    ours    = timing.call(lambda: each(core.lattice.frame_channels, windows))
    theirs  = timing.call(lambda: each(numpy_channels, windows[:5]), times=2)
    np.testing.assert_allclose(core.lattice.frame_channels(windows[0]), numpy_channels(windows[0]), atol=1e-6)
    return timing.Row("reading-frame channels, 20 kb windows", 200, "MB/s", 1, ours, size,
                      [("NumPy", theirs, size * 5 / len(windows))], [])


def tables(inputs):
    """The tables of a window, both strands, which all its masks are read from."""

    import genet5._core as core

    windows = coded(inputs)
    size    = sum(map(len, windows)) / 1e6
    ours    = timing.call(lambda: each(core.grammar.WindowGrammar, windows))
    return timing.Row("grammar tables, 20 kb windows", 200, "MB/s", 1, ours, size, [],
                      ["both strands of each base, so twice as many bases are read; NumPy has no such loop"])


def mask(inputs):
    """One mask: all sites that may come next."""

    import genet5._core as core

    codes  = coded(inputs)[0]
    window = core.grammar.WindowGrammar(codes)
    types, _ = window.allowed()
    # microseconds of one
    ours   = timing.scaled(timing.call(lambda: each(lambda _: window.allowed(), range(1000))), 1e3)
    theirs = timing.scaled(timing.call(lambda: each(numpy_stops, [codes] * 100)), 1e4)
    return timing.Row("one mask, 20 kb window", 20, "us", 1, ours, None,
                      [("NumPy (stop codons alone)", theirs, None)], [f"{len(types):,} sites"])


def each(function, windows):
    """Call a function with each window and drop what it returns, as a batch does."""

    for window in windows:
        function(window)


def coded(inputs):
    """Windows as base codes."""

    table = np.full(256, 4, np.uint8)
    table[list(b"ACGT")] = range(4)
    text  = np.frombuffer(inputs.sequence[:WINDOW * WINDOWS], np.uint8)
    return list(table[text].reshape(WINDOWS, WINDOW))


def numpy_channels(codes):
    """The channels by their definition, a frame at a time."""

    plus, minus = strand_channels(codes), strand_channels(np.where(codes < 4, 3 - codes, 4)[::-1])[::-1]
    return np.concatenate([plus[:, :3], minus[:, :3], plus[:, 3:], minus[:, 3:]], axis=1)


def strand_channels(codes):
    """Columns of the three frames of one strand: runs, then their parts from the first ATG on."""

    out = np.zeros((len(codes), 6), np.float32)
    for frame in range(3):
        count  = (len(codes) - frame) // 3
        codons = codes[frame:frame + 3 * count].reshape(count, 3).astype(np.int64)
        number = codons @ (16, 4, 1)
        broken = (codons > 3).any(1)
        stops  = np.isin(number, (48, 50, 56)) & ~broken
        ends   = np.flatnonzero(stops | broken)
        first  = np.concatenate([[0], ends + 1])
        last   = np.concatenate([np.where(broken[ends], ends, ends + 1), [count]])
        starts = np.flatnonzero((number == 14) & ~broken)
        at     = np.searchsorted(starts, first)
        opens  = np.where(at < len(starts), np.append(starts, count)[at], count)
        for column, begin in ((frame, first), (3 + frame, np.minimum(opens, last))):
            sizes = last - begin
            where = np.repeat(begin - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) + np.arange(sizes.sum())
            rows  = frame + 3 * where[:, None] + np.arange(3)
            out[rows, column] = np.repeat(np.log1p(3 * sizes) / 8, sizes)[:, None]
    return out


def numpy_stops(codes):
    """Stop codons of both strands."""

    number = codes[:-2] * 16 + codes[1:-1] * 4 + codes[2:]
    return np.flatnonzero(np.isin(number, (48, 50, 56))), np.flatnonzero(np.isin(number, (60, 28, 52)))
