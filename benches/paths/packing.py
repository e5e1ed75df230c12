"""Windows into rows."""

import numpy as np

import inputs as data
import timing

ROW    = 8192
# bases of a window, and from one to the next
WINDOW = 20_000
STRIDE = 7358
# items that the peer, in Python, is given
SLICE  = 100_000


def lognormal(inputs):
    """A million log-normal lengths with a mean of 0.3 rows."""

    import genet5.data.batch as batches

    lengths = data.lognormal_lengths(1_000_000, ROW)
    ours    = timing.call(lambda: batches.pack(lengths, ROW, seed=1))
    theirs  = timing.call(trl(lengths[:SLICE]), times=1)
    peers   = [(f"TRL, {SLICE:,} lengths, scaled up", timing.scaled(theirs, len(lengths) / SLICE), None)]
    return timing.Row("packing, 1 M log-normal lengths", 0.25, "s", 1, ours, None, peers, [excess(lengths, ROW)])


def baked(inputs):
    """The lengths of real windows at several row lengths: how many rows beyond the bound."""

    import genet5.data.batch as batches
    import genet5.genome as genomes
    import genet5.tokenizer as tk

    tokenizer = tk.read(inputs.tokenizer)
    folders   = sorted(path.parent for path in inputs.species.parent.glob("*/fna.gz"))
    windows   = [bases[start:start + WINDOW] for folder in folders
                 for _, bases in genomes.read_fasta(folder / "fna.gz") for start in range(0, len(bases), 3 * STRIDE)]
    lengths   = np.array([len(tokenizer.encode(window)[0]) for window in windows], dtype=np.uint32)
    notes     = [f"rows of {row}: {excess(lengths[lengths <= row], row)}" for row in (8192, 16_384, 32_768, 65_536)]
    notes    += [f"window lengths {np.percentile(lengths, (5, 50, 95)).astype(int).tolist()} (5, 50, 95 %)"]
    ours      = timing.call(lambda: batches.pack(lengths, int(lengths.max()), seed=1))
    name      = f"packing, {len(lengths):,} windows of {len(folders)} species"
    return timing.Row(name, None, "s", 1, ours, None, [], notes)


def excess(lengths, row):
    """Says how many rows there are beyond the fewest that could hold the sum, and beyond a bound for any packing."""

    import genet5.data.batch as batches

    offsets, items = batches.pack(lengths, row, seed=1)
    bound = -(-int(lengths.sum(dtype=np.int64)) // row)
    least = max(bound, fewest(lengths, row))
    rows  = len(offsets) - 1
    sums  = np.add.reduceat(lengths[items].astype(np.int64), offsets[:-1])
    assert sums.max() <= row and np.array_equal(np.sort(items), np.arange(len(lengths)))
    return (f"{rows:,} rows, bound {bound:,}: {100 * (rows / bound - 1):.3f} % more; "
            f"no packing has fewer than {least:,}: {100 * (rows / least - 1):.3f} %")


def fewest(lengths, row):
    """A lower bound on the rows of any packing, from Fekete and Schepers' dual feasible functions u(m), m to 100.

    An item of x rows weighs floor((m + 1) x) / m, or x where (m + 1) x is whole; no row holds more weight than 1.
    """

    items = lengths.astype(np.int64)
    best  = 0
    for m in range(1, 101):
        scaled = items * (m + 1)
        weight = np.where(scaled % row == 0, items * m, scaled // row * row)
        best   = max(best, -(-int(weight.sum()) // (m * row)))
    return best


def trl(lengths):
    """TRL's best-fit decreasing on sequences of these lengths, as a function without arguments."""

    import pyarrow
    import trl.data_utils as trl_data

    offsets = pyarrow.array(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int32))
    tokens  = pyarrow.array(np.zeros(int(lengths.sum()), dtype=np.int8))
    table   = pyarrow.table({"input_ids": pyarrow.ListArray.from_arrays(offsets, tokens)})
    return lambda: trl_data._pack_bfd(table, ROW)
