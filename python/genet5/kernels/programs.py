"""Triton programs of sparse attention: forward, gradient of queries, gradients of keys and values.

The package's docstring says what they compute. Which keys a tile of queries can see, and the reverse, is computed from
the document's lengths, the window and the number of global tokens: nothing depends on a length when it is compiled.
Scores are in base 2. Addresses are in int64 for each tile and in int32 inside it.
"""

import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)


@triton.jit
def sight(row, prefix, window, global_tokens, slope, step_slope):
    """What each row sees, columns low to high and those below few, and its slope; computed once for a row of a tile."""

    in_prefix = row < prefix
    banded    = in_prefix & (row >= global_tokens)
    low       = tl.where(banded, row - window + 1, 0)
    high      = tl.where(in_prefix, tl.where(banded, tl.minimum(row + window, prefix), prefix), row + 1)
    few       = tl.where(banded, tl.minimum(global_tokens, prefix), 0)
    return low, high, few, tl.where(in_prefix, slope, step_slope) * LOG2_E


@triton.jit
def scores(products, low, high, few, slope, place, column, prefix, scale, BIASED: tl.constexpr):
    """Scale, bias and mask a tile of products; what belongs to rows and columns broadcasts against it."""

    score = products * (scale * LOG2_E)
    if BIASED:
        # in floating point, which is exact for every place and cheaper than a conversion for every pair
        biased = tl.where(column < prefix, 1.0, 0.0)
        score  = score - slope * tl.abs(place.to(tl.float32) - column.to(tl.float32)) * biased
    return tl.where(((column >= low) & (column < high)) | (column < few), score, float("-inf"))


@triton.jit
def document_of(documents, number):
    """Start and count of its queries, start and count of its keys, length of its prefix."""

    at = documents + number * 5
    return tl.load(at), tl.load(at + 1), tl.load(at + 2), tl.load(at + 3), tl.load(at + 4)


@triton.jit
def key_tiles(first, last, prefix, window, global_tokens, BN: tl.constexpr):
    """Tiles of keys that query rows first to last (inclusive) see: [0, ends) and [begins, begins + count)."""

    ends  = 0
    begin = 0
    end   = last + 1
    if last < prefix:
        end = prefix
        if first >= global_tokens:
            ends  = tl.cdiv(tl.minimum(global_tokens, prefix), BN)
            begin = tl.maximum(tl.maximum(first - window + 1, 0) // BN, ends)
            end   = tl.minimum(last + window, prefix)
    return ends, begin, tl.maximum(tl.cdiv(end, BN) - begin, 0)


@triton.jit
def slopes_of(slopes, head, heads, BIASED: tl.constexpr):
    """ALiBi's slopes of a head, among the prefix and from steps to it."""

    slope      = 0.0
    step_slope = 0.0
    if BIASED:
        slope      = tl.load(slopes + head)
        step_slope = tl.load(slopes + heads + head)
    return slope, step_slope


@triton.jit(do_not_specialize=["total", "group", "window", "global_tokens"])
def forward(q, k, v, out, lse, documents, tiles, places, slopes, q_row, q_head, k_row, k_head, v_row, v_head,
            total, group, scale, window, global_tokens,
            D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BIASED: tl.constexpr):
    """Outputs and log-sum-exp of one tile of queries and one head; total is the number of query rows."""

    number = tl.load(tiles + tl.program_id(0) * 2)
    if number < 0:
        return
    inside = tl.load(tiles + tl.program_id(0) * 2 + 1) * BM
    head   = tl.program_id(1)
    heads  = tl.num_programs(1)
    query_start, queries, key_start, keys, prefix = document_of(documents, number)
    slope, step_slope = slopes_of(slopes, head, heads, BIASED)

    local   = tl.arange(0, BM)
    d       = tl.arange(0, D)
    present = inside + local < queries
    row     = keys - queries + inside + local
    at      = (query_start + inside).to(tl.int64)
    place   = tl.load(places + at + local, mask=present, other=0)
    low, high, few, bias = sight(row, prefix, window, global_tokens, slope, step_slope)
    q_tile  = tl.load(q + at * q_row + head * q_head + local[:, None] * q_row + d[None, :],
                      mask=present[:, None], other=0.0)
    first   = keys - queries + inside
    last    = tl.minimum(first + BM, keys) - 1
    ends, begin, count = key_tiles(first, last, prefix, window, global_tokens, BN)

    k_head_0 = k + key_start.to(tl.int64) * k_row + (head // group) * k_head
    v_head_0 = v + key_start.to(tl.int64) * v_row + (head // group) * v_head
    inner    = tl.arange(0, BN)
    peak     = tl.full([BM], float("-inf"), tl.float32)
    weight   = tl.zeros([BM], tl.float32)
    result   = tl.zeros([BM, D], tl.float32)
    for t in range(0, ends + count):
        start  = tl.where(t < ends, t, t - ends + begin) * BN
        column = start + inner
        exists = (column < keys)[:, None]
        k_tile = tl.load(k_head_0 + start.to(tl.int64) * k_row + inner[:, None] * k_row + d[None, :],
                         mask=exists, other=0.0)
        score  = scores(tl.dot(q_tile, tl.trans(k_tile), input_precision="ieee"), low[:, None], high[:, None],
                        few[:, None], bias[:, None], place[:, None], column[None, :], prefix, scale, BIASED)
        higher = tl.maximum(peak, tl.max(score, 1))
        # a row that has seen nothing yet must not take -inf from -inf
        pivot  = tl.where(higher == float("-inf"), 0.0, higher)
        share  = tl.exp2(score - pivot[:, None])
        decay  = tl.exp2(peak - pivot)
        v_tile = tl.load(v_head_0 + start.to(tl.int64) * v_row + inner[:, None] * v_row + d[None, :],
                         mask=exists, other=0.0)
        weight = weight * decay + tl.sum(share, 1)
        result = result * decay[:, None]
        result = tl.dot(share.to(v_tile.dtype), v_tile, result, input_precision="ieee")
        peak   = higher

    weight = tl.where(weight == 0.0, 1.0, weight)
    peak   = tl.where(peak == float("-inf"), 0.0, peak)
    result = result / weight[:, None]
    tl.store(out + (at * heads + head) * D + local[:, None] * (heads * D) + d[None, :], result.to(out.dtype.element_ty),
             mask=present[:, None])
    tl.store(lse + head.to(tl.int64) * total + at + local, peak + tl.log2(weight), mask=present)


@triton.jit(do_not_specialize=["total", "group", "window", "global_tokens"])
def backward_queries(q, k, v, out, grad_out, lse, delta, grad_q, documents, tiles, places, slopes,
                     q_row, q_head, k_row, k_head, v_row, v_head, total, group, scale, window, global_tokens,
                     D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BIASED: tl.constexpr):
    """Gradient of one tile of queries and one head, and delta = sum(out * grad_out), which the other program reads."""

    number = tl.load(tiles + tl.program_id(0) * 2)
    if number < 0:
        return
    inside = tl.load(tiles + tl.program_id(0) * 2 + 1) * BM
    head   = tl.program_id(1)
    heads  = tl.num_programs(1)
    query_start, queries, key_start, keys, prefix = document_of(documents, number)
    slope, step_slope = slopes_of(slopes, head, heads, BIASED)

    local   = tl.arange(0, BM)
    d       = tl.arange(0, D)
    present = inside + local < queries
    row     = keys - queries + inside + local
    at      = (query_start + inside).to(tl.int64)
    place   = tl.load(places + at + local, mask=present, other=0)
    low, high, few, bias = sight(row, prefix, window, global_tokens, slope, step_slope)
    q_tile  = tl.load(q + at * q_row + head * q_head + local[:, None] * q_row + d[None, :],
                      mask=present[:, None], other=0.0)
    ours    = (at * heads + head) * D + local[:, None] * (heads * D) + d[None, :]
    g_tile  = tl.load(grad_out + ours, mask=present[:, None], other=0.0)
    o_tile  = tl.load(out + ours, mask=present[:, None], other=0.0)
    sums    = tl.sum(o_tile.to(tl.float32) * g_tile.to(tl.float32), 1)
    scalars = head.to(tl.int64) * total + at + local
    tl.store(delta + scalars, sums, mask=present)
    norm    = tl.load(lse + scalars, mask=present, other=float("inf"))
    first   = keys - queries + inside
    last    = tl.minimum(first + BM, keys) - 1
    ends, begin, count = key_tiles(first, last, prefix, window, global_tokens, BN)

    k_head_0 = k + key_start.to(tl.int64) * k_row + (head // group) * k_head
    v_head_0 = v + key_start.to(tl.int64) * v_row + (head // group) * v_head
    inner    = tl.arange(0, BN)
    result   = tl.zeros([BM, D], tl.float32)
    for t in range(0, ends + count):
        start  = tl.where(t < ends, t, t - ends + begin) * BN
        column = start + inner
        exists = (column < keys)[:, None]
        k_tile = tl.load(k_head_0 + start.to(tl.int64) * k_row + inner[:, None] * k_row + d[None, :],
                         mask=exists, other=0.0)
        v_tile = tl.load(v_head_0 + start.to(tl.int64) * v_row + inner[:, None] * v_row + d[None, :],
                         mask=exists, other=0.0)
        score  = scores(tl.dot(q_tile, tl.trans(k_tile), input_precision="ieee"), low[:, None], high[:, None],
                        few[:, None], bias[:, None], place[:, None], column[None, :], prefix, scale, BIASED)
        share  = tl.exp2(score - norm[:, None])
        change = share * (tl.dot(g_tile, tl.trans(v_tile), input_precision="ieee") - sums[:, None])
        result = tl.dot(change.to(k_tile.dtype), k_tile, result, input_precision="ieee")
    tl.store(grad_q + ours, (result * scale).to(grad_q.dtype.element_ty), mask=present[:, None])


@triton.jit
def query_tiles(start, missing, queries, prefix, window, global_tokens, BM: tl.constexpr, BN: tl.constexpr):
    """Tiles of queries that see keys start to start + BN: [0, ends), from `band` on `band_count`, from `steps` on.

    missing: rows of the document before its first query
    """

    ends = 0
    low  = 0
    high = 0
    if start < prefix:
        high = prefix
        if start >= global_tokens:
            ends = tl.cdiv(tl.maximum(tl.minimum(global_tokens, prefix) - missing, 0), BM)
            low  = start - window + 1
            high = tl.minimum(start + BN - 1 + window, prefix)
    band     = tl.maximum(tl.maximum(low - missing, 0) // BM, ends)
    band_end = tl.maximum(tl.cdiv(tl.maximum(high - missing, 0), BM), band)
    steps    = tl.maximum(tl.maximum(tl.maximum(prefix, start) - missing, 0) // BM, band_end)
    return ends, band, band_end - band, steps, tl.maximum(tl.cdiv(queries, BM) - steps, 0)


@triton.jit(do_not_specialize=["total", "group", "window", "global_tokens"])
def backward_keys(q, k, v, grad_out, lse, delta, grad_k, grad_v, documents, tiles, places, slopes,
                  q_row, q_head, k_row, k_head, v_row, v_head, total, group, scale, window, global_tokens,
                  D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BIASED: tl.constexpr):
    """Gradients of one tile of keys and values of one key head, over the query heads that read it."""

    number = tl.load(tiles + tl.program_id(0) * 2)
    if number < 0:
        return
    start    = tl.load(tiles + tl.program_id(0) * 2 + 1) * BN
    key_head = tl.program_id(1)
    heads    = tl.num_programs(1) * group
    query_start, queries, key_start, keys, prefix = document_of(documents, number)

    inner   = tl.arange(0, BN)
    d       = tl.arange(0, D)
    column  = start + inner
    exists  = (column < keys)[:, None]
    at      = (key_start + start).to(tl.int64)
    k_tile  = tl.load(k + at * k_row + key_head * k_head + inner[:, None] * k_row + d[None, :], mask=exists, other=0.0)
    v_tile  = tl.load(v + at * v_row + key_head * v_head + inner[:, None] * v_row + d[None, :], mask=exists, other=0.0)
    missing = keys - queries
    ends, band, band_count, steps, step_count = query_tiles(start, missing, queries, prefix, window, global_tokens,
                                                            BM, BN)
    local   = tl.arange(0, BM)
    for_k   = tl.zeros([BN, D], tl.float32)
    for_v   = tl.zeros([BN, D], tl.float32)
    for head in range(key_head * group, key_head * group + group):
        slope, step_slope = slopes_of(slopes, head, heads, BIASED)
        for t in range(0, ends + band_count + step_count):
            shift   = tl.where(t < ends, 0, tl.where(t < ends + band_count, band - ends, steps - ends - band_count))
            inside  = (t + shift) * BM
            present = inside + local < queries
            row     = missing + inside + local
            there   = (query_start + inside).to(tl.int64)
            scalars = tl.cast(head, tl.int64) * total + there + local
            q_tile  = tl.load(q + there * q_row + head * q_head + local[:, None] * q_row + d[None, :],
                              mask=present[:, None], other=0.0)
            g_tile  = tl.load(grad_out + (there * heads + head) * D + local[:, None] * (heads * D) + d[None, :],
                              mask=present[:, None], other=0.0)
            norm    = tl.load(lse + scalars, mask=present, other=float("inf"))
            sums    = tl.load(delta + scalars, mask=present, other=0.0)
            place   = tl.load(places + there + local, mask=present, other=0)
            low, high, few, bias = sight(row, prefix, window, global_tokens, slope, step_slope)
            score   = scores(tl.dot(k_tile, tl.trans(q_tile), input_precision="ieee"), low[None, :], high[None, :],
                             few[None, :], bias[None, :], place[None, :], column[:, None], prefix, scale, BIASED)
            share   = tl.exp2(score - norm[None, :])
            for_v   = tl.dot(share.to(g_tile.dtype), g_tile, for_v, input_precision="ieee")
            change  = share * (tl.dot(v_tile, tl.trans(g_tile), input_precision="ieee") - sums[None, :])
            for_k   = tl.dot(change.to(q_tile.dtype), q_tile, for_k, input_precision="ieee")
    ours = (at * tl.num_programs(1) + key_head) * D + inner[:, None] * (tl.num_programs(1) * D) + d[None, :]
    tl.store(grad_k + ours, (for_k * scale).to(grad_k.dtype.element_ty), mask=exists)
    tl.store(grad_v + ours, for_v.to(grad_v.dtype.element_ty), mask=exists)
