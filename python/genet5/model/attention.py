"""Attention of packed windows: one meaning, a dense reference, a blocked form that trains on CPU, Triton on GPUs.

`genet5.kernels` writes the meaning down: a sliding window and global tokens inside each window's prefix, in both
directions; steps see their whole prefix and the steps before them.
Shapes: R rows, T tokens of a row, N windows, P prefix tokens of a window, S steps, L keys that steps may see,
H heads, D dimensions of a head.
"""

import dataclasses
import functools
import importlib.util
import math

import torch
import torch.nn.functional as F

import genet5.errors as errors
import genet5.kernels.tiles as tiles


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
    return torch.tensor(powers(floor) + powers(2 * floor)[0::2][:num_heads - floor], dtype=torch.float32)


def _kernels():
    """The module of the kernels, loaded where they are used since not every machine has Triton."""

    errors.require("triton", "model")
    import genet5.kernels.attention as kernels

    return kernels


def _flexible():
    """The module of FlexAttention, which loads torch's compiler."""

    import genet5.model.flexible as flexible

    return flexible


@functools.cache
def _triton_is_here():
    return importlib.util.find_spec("triton") is not None


def backend(config, device):
    """What the configuration names; with "auto" "triton", the kernels, on a GPU, else "blocked".

    raises ValueError where the device cannot do what is named
    """

    if config.attention == "flex" and device.type == "cpu":
        raise ValueError("attention flex needs a GPU, since FlexAttention has no backward on a CPU; "
                         "valid here are blocked and dense")
    if config.attention != "auto":
        return config.attention
    fits = config.width // config.num_heads in tiles.HEAD_SIZES and _triton_is_here()
    return "triton" if device.type == "cuda" and fits else "blocked"


@dataclasses.dataclass
class Prefixes:
    """Where the windows of a batch lie in its rows.

    backend:   str, see `backend`
    window_RT: int, the window that a token belongs to, -1 for padding
    place_RT:  int, the token's place in its window; beyond any for padding
    layout:    None; genet5.kernels.attention.Layout for the kernels; torch's BlockMask for flex
    """

    backend:   str
    window_RT: torch.Tensor
    place_RT:  torch.Tensor
    layout:    object = None

    def lengths(self):
        """Tensors whose sizes vary from batch to batch, and which sizes, for torch.compile."""

        return [(self.window_RT, (0, 1)), (self.place_RT, (0, 1)), *_table_lengths(self.layout)]


def _table_lengths(layout):
    """The same of a kernels' Layout."""

    return [] if not hasattr(layout, "tables") else [(table, (0,)) for table in layout.tables()]


def prefixes(batch, config):
    """`Prefixes` of a batch, for all layers."""

    window_RT = batch["token_window"]
    rows, length = window_RT.shape
    start_N   = batch["window_token"].long()
    index_T   = torch.arange(length, device=window_RT.device)
    place_RT  = (index_T - start_N[window_RT.long().clamp(min=0)]).masked_fill(window_RT < 0, length)
    made      = Prefixes(backend(config, window_RT.device), window_RT, place_RT)
    if made.backend == "triton":
        first, count = batch["window_row"].long() * length + start_N, batch["window_tokens"].long()
        documents    = torch.stack((first, count, first, count, count), dim=1)
        made.layout  = _kernels().layout(documents, rows * length, rows * length)
    elif made.backend == "flex":
        made.layout  = _flexible().layout(window_RT, place_RT, config.attention_window, config.global_tokens)
    return made


def prefix(q_RTHD, k_RTHD, v_RTHD, where, config, slopes_2H=None):
    """Attention inside each packed window, by the backend that `where` names.

    k_RTHD, v_RTHD: with as many heads as the queries, or a number that divides theirs: query head h of H reads key
               head h * G // H of G
    where:     Prefixes
    config:    ModelConfig; its attention_window, global_tokens and block_size count
    slopes_2H: None or float [2, H], ALiBi's slopes among the prefix and from steps to it
    returns [R, T, H, D]
    """

    span, few = config.attention_window, config.global_tokens
    if where.backend == "triton":
        q, k, v = (x.flatten(0, 1) for x in (q_RTHD, k_RTHD, v_RTHD))
        slopes  = None if slopes_2H is None else slopes_2H.float()
        return where.layout.attend(q, k, v, span, few, slopes).view_as(q_RTHD)
    k_RTHD, v_RTHD = (_for_heads(x, q_RTHD.shape[2]) for x in (k_RTHD, v_RTHD))
    slopes_H = None if slopes_2H is None else slopes_2H[0]
    if where.backend == "flex":
        return _flexible().attend(q_RTHD, k_RTHD, v_RTHD, where.layout, slopes_H)
    inputs   = q_RTHD, k_RTHD, v_RTHD, where.window_RT, where.place_RT, span, few, slopes_H
    return prefix_dense(*inputs) if where.backend == "dense" else prefix_blocked(*inputs, config.block_size)


def _for_heads(x_RTHD, heads):
    """Keys or values repeated for the query heads that share them.

    raises ValueError where the number of their heads does not divide that of the queries
    """

    if heads % x_RTHD.shape[2]:
        raise ValueError(f"{heads} query heads cannot share {x_RTHD.shape[2]} heads of keys; valid is a divisor of "
                         f"{heads}")
    return x_RTHD if x_RTHD.shape[2] == heads else x_RTHD.repeat_interleave(heads // x_RTHD.shape[2], dim=2)


def prefix_dense(q_RTHD, k_RTHD, v_RTHD, window_RT, place_RT, span, global_tokens=0, slopes_H=None):
    """Sparse attention inside each packed window, by the full mask: the reference.

    window_RT, place_RT: as of `Prefixes`
    span:      int, tokens i and j of a window see each other when |i - j| < span
    global_tokens: int, the first tokens of each window that see all of it and are seen by all of it
    slopes_H:  None or float [H], ALiBi bias -slope * |i - j|
    returns [R, T, H, D]
    """

    index    = torch.arange(q_RTHD.shape[1], device=q_RTHD.device)
    distance = (index[:, None] - index[None, :]).abs()
    few      = place_RT < global_tokens
    allowed  = (window_RT[:, :, None] == window_RT[:, None, :]) & \
        ((distance < span) | few[:, :, None] | few[:, None, :])
    mask     = _mask(allowed[:, None], distance, slopes_H, q_RTHD.dtype)
    out      = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q_RTHD, k_RTHD, v_RTHD)), attn_mask=mask)
    return out.transpose(1, 2)


def prefix_blocked(q_RTHD, k_RTHD, v_RTHD, window_RT, place_RT, span, global_tokens=0, slopes_H=None, block=64):
    """The same as `prefix_dense`, in blocks of queries with their neighbour blocks of keys and the global tokens.

    block: int, divides span
    raises ValueError where it does not
    """

    rows, length, heads, size = q_RTHD.shape
    if span % block:
        raise ValueError(f"a window of {span} tokens is not divisible by blocks of {block}; valid are multiples of "
                         f"{block}")
    if length % block:
        # rows are filled to multiples of fewer tokens than a large block has
        more    = (0, -length % block)
        q, k, v = (F.pad(x, (0, 0, 0, 0, *more)) for x in (q_RTHD, k_RTHD, v_RTHD))
        filled  = F.pad(window_RT, more, value=-2), F.pad(place_RT, more, value=length + block)
        return prefix_blocked(q, k, v, *filled, span, global_tokens, slopes_H, block)[:, :length]
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
    allowed  = ((ours == theirs) & (distance < span))[:, None]
    if global_tokens:
        picked = _global_tokens(window_RT, place_RT, global_tokens)
        far    = _far_keys(k_RTHD, v_RTHD, window_RT, picked, span, block)
        k, v   = torch.cat((k, far[0]), dim=2), torch.cat((v, far[1]), dim=2)
        allowed  = torch.cat((allowed, far[2]), dim=3)
        distance = torch.cat((distance.expand(len(q), 1, -1, -1), far[3]), dim=3)
    mask   = _mask(allowed, distance, slopes_H, q.dtype)
    out    = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(q_RTHD.shape)
    return _with_global_rows(out, q_RTHD, k_RTHD, v_RTHD, window_RT, picked, slopes_H) if global_tokens else out


def _global_tokens(window_RT, place_RT, global_tokens):
    """Tokens of each row that are global, long [R, M] and bool [R, M] whether there is one."""

    few   = (place_RT < global_tokens) & (window_RT >= 0)
    count = int(few.sum(dim=1).max())
    index = few.long().argsort(dim=1, descending=True, stable=True)[:, :count]
    return index, few.gather(1, index)


def _pick(x_RTHD, index_RM):
    return x_RTHD.gather(1, index_RM[:, :, None, None].expand(-1, -1, *x_RTHD.shape[2:]))


def _far_keys(k_RTHD, v_RTHD, window_RT, picked, span, block):
    """Keys and values [B, H, M, D] of each block's row, what sees them beyond the span [B, 1, block, M], how far."""

    index_RM, real_RM = picked
    blocks   = window_RT.shape[1] // block
    k, v     = (_pick(x, index_RM).transpose(1, 2).repeat_interleave(blocks, dim=0) for x in (k_RTHD, v_RTHD))
    place    = torch.arange(window_RT.shape[1], device=window_RT.device)
    distance = (place[None, :, None] - index_RM[:, None, :]).abs()
    allowed  = (window_RT[:, :, None] == window_RT.gather(1, index_RM)[:, None, :]) & real_RM[:, None] & \
        (distance >= span)
    return k, v, *(x.unflatten(1, (blocks, block)).flatten(0, 1)[:, None] for x in (allowed, distance))


def _with_global_rows(out_RTHD, q_RTHD, k_RTHD, v_RTHD, window_RT, picked, slopes_H):
    """Replace the outputs of global tokens by those that saw their whole window."""

    index_RM, real_RM = picked
    place    = torch.arange(window_RT.shape[1], device=window_RT.device)
    distance = (index_RM[:, :, None] - place).abs()[:, None]
    # what is no global token sees its window too, and is dropped
    allowed  = window_RT.gather(1, index_RM)[:, :, None] == window_RT[:, None, :]
    mask     = _mask(allowed[:, None], distance, slopes_H, q_RTHD.dtype)
    full     = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (_pick(q_RTHD, index_RM), k_RTHD, v_RTHD)),
                                              attn_mask=mask).transpose(1, 2)
    kept     = torch.where(real_RM[:, :, None, None], full, _pick(out_RTHD, index_RM))
    return out_RTHD.scatter(1, index_RM[:, :, None, None].expand_as(kept), kept)


def _mask(allowed, distance, slopes_H, dtype):
    """A boolean mask, or with slopes a float one that carries ALiBi's bias."""

    if slopes_H is None:
        return allowed
    bias = -slopes_H.to(dtype)[:, None, None] * distance.to(dtype)
    return torch.where(allowed, bias, torch.finfo(dtype).min)


@dataclasses.dataclass
class Sight:
    """What new steps see of the keys of their window: its prefix, right-aligned, then the steps up to them.

    allowed_NSL: bool, True where the step may look; at least one True for each step
    bias_NHSL:   None or float, added to the scores
    layout:      genet5.kernels.attention.Layout for the kernels, which need no mask
    slopes_2H:   None or float [2, H], ALiBi's slopes, for the kernels
    """

    allowed_NSL: torch.Tensor = None
    bias_NHSL:   torch.Tensor = None
    layout:      object       = None
    slopes_2H:   torch.Tensor = None

    def lengths(self):
        """Tensors whose sizes vary from batch to batch, and which sizes, for torch.compile."""

        masks = [(self.allowed_NSL, (0, 1, 2)), (self.bias_NHSL, (0, 2, 3))]
        return [pair for pair in masks if pair[0] is not None] + _table_lengths(self.layout)


def sight(visible_NP, token_NS, past, config, slopes_2H=None, sees_NSL=None):
    """`Sight` of new steps.

    visible_NP: bool, the last tokens of each row are the window's prefix
    token_NS:   int, the place in its window of the token at which each step stands
    past:       int, steps before these
    sees_NSL:   None for all steps up to its own, or bool, the past and new steps that each new one sees
    """

    windows, new = token_NS.shape
    width    = visible_NP.shape[1]
    count_N  = visible_NP.sum(dim=1)
    # one step of each window would leave the kernels' tiles empty
    if new > 1 and sees_NSL is None and backend(config, token_NS.device) == "triton":
        number    = torch.arange(windows, device=token_NS.device)
        length    = width + past + new
        documents = torch.stack((number * new, torch.full_like(number, new), number * length + width - count_N,
                                 count_N + past + new, count_N), dim=1)
        return Sight(layout=_kernels().layout(documents, windows * new, windows * length, token_NS.flatten()),
                     slopes_2H=None if slopes_2H is None else slopes_2H.float())
    if sees_NSL is None:
        sees_NSL = torch.ones(new, past + new, dtype=torch.bool, device=token_NS.device).tril(past)
    allowed = torch.cat((visible_NP[:, None].expand(-1, new, -1), sees_NSL.expand(windows, -1, -1)), dim=2)
    if slopes_2H is None:
        return Sight(allowed)
    place_NP = torch.arange(width, device=token_NS.device) - (width - count_N)[:, None]
    far      = (token_NS[..., None] - place_NP[:, None]).abs().float()
    return Sight(allowed, -slopes_2H[1][None, :, None, None] * F.pad(far, (0, past + new))[:, None])


def sight_of_one(visible_NL, place_NL, token_N, slopes_2H=None):
    """`Sight` of one new step of each window on a fixed number of keys.

    visible_NL: bool, keys that are there
    place_NL:   int, the place in its window of each key's token, -1 where the key is a step's
    token_N:    int, the place in its window of the token at which the step stands
    """

    allowed = visible_NL[:, None]
    if slopes_2H is None:
        return Sight(allowed)
    far = (token_N[:, None] - place_NL).abs().float().masked_fill(place_NL < 0, 0.0)
    return Sight(allowed, -slopes_2H[1][None, :, None, None] * far[:, None, None])


def steps(q_NSHD, k_NLHD, v_NLHD, seen):
    """Attention of steps to their window's prefix and to the steps up to them.

    seen: Sight
    returns [N, S, H, D]
    """

    if seen.layout is not None:
        # steps see all of their prefix, whatever its window
        q, k, v = (x.flatten(0, 1) for x in (q_NSHD, k_NLHD, v_NLHD))
        return seen.layout.attend(q, k, v, 1, slopes_2H=seen.slopes_2H).view_as(q_NSHD)
    k_NLHD, v_NLHD  = (_for_heads(x, q_NSHD.shape[2]) for x in (k_NLHD, v_NLHD))
    mask, bias_NHSL = seen.allowed_NSL[:, None], seen.bias_NHSL
    if bias_NHSL is not None:
        mask = torch.where(mask, bias_NHSL.to(q_NSHD.dtype), torch.finfo(q_NSHD.dtype).min)
    out = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q_NSHD, k_NLHD, v_NLHD)), attn_mask=mask)
    return out.transpose(1, 2)
