"""Batches made in plain NumPy, so that the model is tested without the compiled assembler."""

import numpy as np

GAP = 64


def random_window(rng, bases):
    """A window of random sequence, tokens of one to nine bases, and made-up channels."""

    codes  = rng.integers(0, 4, bases).astype(np.uint8)
    cuts   = np.flatnonzero(rng.random(bases) < 0.22)
    starts = np.unique(np.concatenate(([0], cuts))).astype(np.int32)
    return {"codes": codes, "starts": starts, "tokens": rng.integers(1, 60, len(starts)).astype(np.int32),
            "channels": rng.random((bases, 12)).astype(np.float32)}


def ceil64(number):
    return -(-max(number, 1) // 64) * 64


def pack(windows, rows, pad=0):
    """The batch that docs/formats.md describes; rows lists the windows of each row."""

    order        = [w for row in rows for w in row]
    token_length = ceil64(max(sum(len(windows[w]["tokens"]) for w in row) for row in rows))
    base_length  = ceil64(max(sum(len(windows[w]["codes"]) + GAP for w in row) for row in rows))
    R, T, B, N   = len(rows), token_length, base_length, len(order)
    batch = {"tokens": np.full((R, T), pad, np.int32), "token_start": np.zeros((R, T), np.int32),
             "token_position": np.zeros((R, T), np.int32), "token_window": np.full((R, T), -1, np.int32),
             "bases": np.full((R, B), 5, np.uint8), "base_token": np.full((R, B), -1, np.int32),
             "base_window": np.full((R, B), -1, np.int32), "channels": np.zeros((R, B, 12), np.float32)}
    for name in ("window_row", "window_base", "window_bases", "window_token", "window_tokens"):
        batch[name] = np.zeros(N, np.int32)
    number = 0
    for r, row in enumerate(rows):
        t = b = 0
        for w in row:
            window, length = windows[w], len(windows[w]["codes"])
            count = len(window["tokens"])
            batch["tokens"][r, t:t + count]         = window["tokens"]
            batch["token_start"][r, t:t + count]    = b + window["starts"]
            batch["token_position"][r, t:t + count] = window["starts"]
            batch["token_window"][r, t:t + count]   = number
            batch["bases"][r, b:b + length]         = window["codes"]
            token_of_base = np.searchsorted(window["starts"], np.arange(length), "right") - 1
            batch["base_token"][r, b:b + length]    = t + token_of_base
            batch["base_window"][r, b:b + length]   = number
            batch["channels"][r, b:b + length]      = window["channels"]
            for name, value in (("row", r), ("base", b), ("bases", length), ("token", t), ("tokens", count)):
                batch[f"window_{name}"][number] = value
            number += 1
            t += count
            b += length + GAP
    return batch
