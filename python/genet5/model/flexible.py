"""Attention inside packed windows by torch's FlexAttention, on GPUs: the rule of `attention.prefix_dense` as functions.

FlexAttention has no backward on a CPU, so `attention.backend` refuses it there.
Shapes: R rows, T tokens of a row, H heads, D dimensions of a head.
"""

import functools

import torch
import torch.nn.attention.flex_attention as flex


def rule(window_RT, place_RT, span, global_tokens):
    """What sees what, a function (row, head, i, j) -> bool; arguments as of `attention.prefix_dense`."""

    def sees(row, head, i, j):
        near = ((i - j).abs() < span) | (place_RT[row, i] < global_tokens) | (place_RT[row, j] < global_tokens)
        return (window_RT[row, i] == window_RT[row, j]) & near

    return sees


def layout(window_RT, place_RT, span, global_tokens):
    """The blocks of keys that each block of queries sees, made once for a batch, used by every layer.

    returns torch.nn.attention.flex_attention.BlockMask
    """

    rows, length = window_RT.shape
    make         = _on_gpu(flex.create_block_mask) if window_RT.device.type == "cuda" else flex.create_block_mask
    return make(rule(window_RT, place_RT, span, global_tokens), rows, None, length, length, device=window_RT.device)


def attend(q_RTHD, k_RTHD, v_RTHD, blocks, slopes_H=None):
    """Sparse attention inside each packed window.

    blocks:   BlockMask, see `layout`
    slopes_H: None or float [H], ALiBi bias -slope * |i - j|
    returns [R, T, H, D]
    """

    def bias(score, row, head, i, j):
        return score - slopes_H[head] * (i - j).abs()

    run     = _on_gpu(flex.flex_attention) if q_RTHD.device.type == "cuda" else flex.flex_attention
    q, k, v = (x.transpose(1, 2) for x in (q_RTHD, k_RTHD, v_RTHD))
    return run(q, k, v, score_mod=None if slopes_H is None else bias, block_mask=blocks).transpose(1, 2)


@functools.cache
def _on_gpu(function):
    """The function compiled once for all lengths; uncompiled it would hold all scores in memory."""

    return torch.compile(function, dynamic=True)
