"""Windows as one batch of arrays, the same for training and inference."""

import genet5._core as core

# what is no array
LISTS = ("window_names", "window_starts")


def assemble(sequences, tokenizer, genes=None, labels=None, names=None, starts=None, rows=None, row_tokens=4096,
             gap=64, genetic_code=1, table_starts=False, min_intron=10, max_intron=0, threads=0):
    """Pack windows into rows; the work is done in Rust.

    sequences:  list of bytes, W windows of letters in either case
    tokenizer:  genet5.tokenizer.Tokenizer
    genes:      None, or per window a list of (strand "+" or "-", [(start, end), …]), whole genes only
    labels:     None, or per window bytes, one segmentation label per base; comes with genes
    names:      None or list of str, what reports call the windows
    starts:     None or list of int, first base of each window in its contig
    rows:       None, or list of lists of window indices, each window once; None: packed, best fit first
    row_tokens: int, tokens of a row at the most when rows is None
    gap:        int, padding bases between two windows of a row
    genetic_code, table_starts, min_intron, max_intron: the grammar
    threads:    int, 0 for one per core
    returns dict of arrays, with R rows of T tokens and B bases (both multiples of 64) and S steps:
        tokens, token_start, token_position, token_window  int32 [R, T]
        bases uint8, base_token, base_window int32         [R, B]
        channels                                           float32 [R, B, 12]
        window_row, window_base, window_bases, window_token, window_tokens int32, window_genetic_code uint8 [W]
        window_names, window_starts                        lists
      and with targets
        labels                                             uint8 [R, B], 255 unknown
        step_type uint8, step_position int32 [W, S]; step_count int32 [W]
        allowed_offsets int64 [n + 1], allowed_type uint8 [m], allowed_position int32 [m],
        allowed_target int64 [n] (-1 where the grammar masks the truth), allowed_window int32 [n]
    raises ValueError when a window is empty or longer than a row, or the arguments do not fit together
    """

    return core.batch.assemble(sequences, getattr(tokenizer, "core", tokenizer), genes=genes, labels=labels,
                               names=names, starts=starts, rows=rows, row_tokens=row_tokens, gap=gap,
                               genetic_code=genetic_code, table_starts=table_starts, min_intron=min_intron,
                               max_intron=max_intron, threads=threads)


def pack(lengths, row_tokens, seed=0):
    """Fill rows with items, best fit first, and shuffle the rows.

    lengths:    uint32 [n], tokens of each item
    row_tokens: int, tokens of a row
    seed:       int, decides the order of the rows alone
    returns offsets int64 [rows + 1], items uint32 [n]: row i holds the items from offsets[i] to offsets[i + 1]
    raises ValueError naming an item that is longer than a row
    """

    return core.batch.pack(lengths, row_tokens, seed)


def labels(start, length, genes):
    """Segmentation labels of a stretch of a contig, as `genet5 bake` gives them to its windows.

    start, length: int, bases
    genes:         list of (strand "+" or "-", [(start, end), …]), all that touch the stretch, on the contig
    returns uint8 [length]: 0 outside, 1-3 codon position on the plus strand and 4-6 on the minus strand, 7 and 8
    between two segments on either strand, 255 where two genes disagree
    """

    return core.batch.labels(start, length, genes)


def to_torch(arrays, device="cpu"):
    """The arrays as tensors with the same keys and types; memory is shared on the CPU.

    arrays: dict from `assemble` or a reader
    device: torch device
    returns dict; lists stay lists
    """

    import torch

    return {key: value if key in LISTS else torch.from_numpy(value).to(device, non_blocking=True)
            for key, value in arrays.items()}
