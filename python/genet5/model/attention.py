"""Attention of packed windows: one meaning, a dense reference and a blocked form that trains on CPU.

Shapes: R rows, T tokens of a row, N windows, S steps, H heads, D dimensions of a head.
"""

import math

import torch
import torch.nn.functional as F


def rope(x, positions, base=10000.0):
    """Rotate halves of every head by the position.

    x:         [..., T, H, D]
    positions: [..., T], any integer or float type, in bases
    source:    RoFormer, arXiv 2104.09864
    """

    half  = x.shape[-1] // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angle = positions.to(torch.float32)[..., None, None] * rates
    cos   = angle.cos().to(x.dtype)
    sin   = angle.sin().to(x.dtype)
    left, right = x[..., :half], x[..., half:]
    return torch.cat((left * cos - right * sin, left * sin + right * cos), dim=-1)


def alibi_slopes(num_heads):
    """ALiBi's slopes, float32 [H]; as DNABERT-2 has them where H is no power of two.

    source: Press et al., arXiv 2108.12409
    """

    def powers(n):
        return [2.0 ** (-8.0 * (i + 1) / n) for i in range(n)]

    floor = 2 ** math.floor(math.log2(num_heads))
    return torch.tensor(powers(floor) + powers(2 * floor)[0::2][:num_heads - floor])


def prefix_dense(q_RTHD, k_RTHD, v_RTHD, window_RT, span, slopes_H=None):
    """Sliding-window attention inside each packed window, by the full mask: the reference.

    window_RT: int, the window that a token belongs to, -1 for padding
    span:      int, tokens i and j see each other when |i - j| < span
    slopes_H:  None or float [H], ALiBi bias -slope * |i - j|
    returns [R, T, H, D]
    """

    length   = q_RTHD.shape[1]
    index    = torch.arange(length, device=q_RTHD.device)
    distance = (index[:, None] - index[None, :]).abs()
    allowed  = (window_RT[:, :, None] == window_RT[:, None, :]) & (distance < span)
    mask     = _mask(allowed[:, None], distance, slopes_H, q_RTHD.dtype)
    out      = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q_RTHD, k_RTHD, v_RTHD)), attn_mask=mask)
    return out.transpose(1, 2)


def prefix_blocked(q_RTHD, k_RTHD, v_RTHD, window_RT, span, slopes_H=None, block=64):
    """The same as `prefix_dense`, in blocks of queries with their neighbour blocks of keys.

    block: int, divides span and T
    """

    rows, length, heads, size = q_RTHD.shape
    blocks, reach = length // block, span // block
    width         = (2 * reach + 1) * block

    def neighbours(x, fill):
        padded = F.pad(x, (0, 0) * (x.dim() - 2) + (reach * block, reach * block), value=fill)
        return padded.unfold(1, width, block)

    q      = q_RTHD.reshape(rows * blocks, block, heads, size).transpose(1, 2)
    k, v   = (neighbours(x, 0.0).permute(0, 1, 2, 4, 3).reshape(rows * blocks, heads, width, size)
              for x in (k_RTHD, v_RTHD))
    theirs = neighbours(window_RT, -2).reshape(rows * blocks, 1, width)
    ours   = window_RT.reshape(rows * blocks, block, 1)
    offset = torch.arange(width, device=q.device)[None, :] - reach * block
    distance = (torch.arange(block, device=q.device)[:, None] - offset).abs()
    mask   = _mask(((ours == theirs) & (distance < span))[:, None], distance, slopes_H, q.dtype)
    out    = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return out.transpose(1, 2).reshape(rows, length, heads, size)


def _mask(allowed, distance, slopes_H, dtype):
    """A boolean mask, or with slopes a float one that carries ALiBi's bias."""

    if slopes_H is None:
        return allowed
    bias = -slopes_H.to(dtype)[:, None, None] * distance.to(dtype)
    return torch.where(allowed, bias, torch.finfo(dtype).min)


def steps(q_NSHD, k_NLHD, v_NLHD, allowed_NSL, bias_NHSL=None):
    """Attention of steps to their window's prefix and to earlier steps.

    allowed_NSL: bool, True where the step may look; at least one True for each step
    bias_NHSL:   None or float, added to the scores
    returns [N, S, H, D]
    """

    mask = allowed_NSL[:, None]
    if bias_NHSL is not None:
        mask = torch.where(mask, bias_NHSL, torch.finfo(bias_NHSL.dtype).min)
    out = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q_NSHD, k_NLHD, v_NLHD)), attn_mask=mask)
    return out.transpose(1, 2)
