"""The operator `genet5::sparse_attention`: launches the kernels, and tells torch.compile and autograd about them.

Shapes: Q rows of queries, K rows of keys, H heads, G heads of keys, D size of a head, N documents.
"""

import dataclasses

import torch
import triton

import genet5.kernels.programs as programs
import genet5.kernels.tiles as tiles


@dataclasses.dataclass
class Layout:
    """Where the documents of a batch lie; made once for a batch, used by every layer.

    documents:   int32 [N, 5], start and count of its queries, start and count of its keys, length of its prefix
    places:      int32 [Q], the token at which each query row stands
    query_tiles: dict, tile size to int32 [programs, 2] = (document or -1, tile in the document)
    key_tiles:   the same for rows of keys
    capability:  int, 10 * major + minor of the device, 0 in Triton's interpreter
    """

    documents:   torch.Tensor
    places:      torch.Tensor
    query_tiles: dict
    key_tiles:   dict
    capability:  int

    def tables(self):
        """Its tensors, a list; their first sizes vary from batch to batch."""

        return [self.documents, self.places, *self.query_tiles.values(), *self.key_tiles.values()]

    def attend(self, q_QHD, k_KGD, v_KGD, window, global_tokens=0, slopes_2H=None):
        """`attend` on this layout."""

        return attend(q_QHD, k_KGD, v_KGD, self, window, global_tokens, slopes_2H)


def layout(documents, queries, keys, places=None):
    """Lay out the documents of a batch, without waiting for the device.

    documents: int [N, 5]: first query row, number of queries, first key row, number of keys, length of the prefix.
               The queries are the document's last rows. Documents do not overlap; rows between them belong to none
    queries:   int, all rows of queries
    keys:      int, all rows of keys
    places:    None or int [Q], the token at which each query row stands; its place in the document if None
    returns Layout
    raises ValueError where the device cannot run the kernels
    """

    if documents.dim() != 2 or documents.shape[1] != 5:
        raise ValueError(f"documents are int [N, 5], not {list(documents.shape)}")
    capability = _capability(documents.device)
    query_sizes, key_sizes = tiles.sizes(capability)
    documents  = documents.to(torch.int32).contiguous()
    if places is None:
        places = _places(documents, queries)
    return Layout(documents, places.to(torch.int32).contiguous(),
                  {size: _tiles(documents[:, 1], queries, size) for size in query_sizes},
                  {size: _tiles(documents[:, 3], keys, size) for size in key_sizes}, capability)


def _capability(device):
    """10 * major + minor, or 0 in the interpreter."""

    if triton.knobs.runtime.interpret:
        return 0
    if device.type != "cuda":
        raise ValueError(f"attention by Triton kernels needs a GPU, not {device.type}; "
                         f"valid here are blocked and dense")
    major, minor = torch.cuda.get_device_capability(device)
    return 10 * major + minor


def _places(documents, queries):
    """The place of each query row in its document; rows of no document get a number without meaning."""

    first    = documents[:, 0].sort()
    owner    = torch.searchsorted(first.values, torch.arange(queries, device=documents.device, dtype=torch.int32),
                                  right=True) - 1
    shift    = (documents[:, 3] - documents[:, 1] - documents[:, 0])[first.indices]
    shift    = torch.cat((shift, shift.new_zeros(1)))
    return torch.arange(queries, device=documents.device) + shift[owner]


def _tiles(counts, rows, size):
    """Which document and which tile of it each program takes; programs beyond the last tile take -1."""

    number = (counts + size - 1) // size
    ends   = number.cumsum(0)
    # an upper bound of the number of tiles that is known without asking the device
    index  = torch.arange(rows // size + len(counts), device=counts.device)
    owner  = torch.searchsorted(ends, index, right=True)
    starts = torch.cat((ends - number, ends.new_zeros(1)))
    tile   = index - starts[owner]
    return torch.stack((owner.where(owner < len(counts), -1), tile), dim=1).to(torch.int32).contiguous()


def attend(q_QHD, k_KGD, v_KGD, where, window, global_tokens=0, slopes_2H=None):
    """Sparse attention of packed documents, as the package's docstring defines it.

    q_QHD:     float32, float16 or bfloat16; D is 32, 64 or 128
    k_KGD, v_KGD: the same type; G divides H
    where:     Layout
    window:    int, rows i and j of a prefix see each other when |i - j| < window
    global_tokens: int, the first rows of each prefix that see all of it and are seen by all of it
    slopes_2H: None or float32 [2, H], ALiBi's slopes among the prefix and from steps to it
    returns [Q, H, D]
    raises ValueError
    """

    heads, size = q_QHD.shape[1:]
    if size not in tiles.HEAD_SIZES:
        raise ValueError(f"heads have {size} dimensions; valid are 32, 64 and 128")
    if heads % k_KGD.shape[1] or k_KGD.shape != v_KGD.shape or k_KGD.shape[2] != size:
        raise ValueError(f"keys {list(k_KGD.shape)} and values {list(v_KGD.shape)} do not fit queries "
                         f"{list(q_QHD.shape)}: equal head size, and a number of heads that divides {heads}")
    if q_QHD.dtype not in (torch.float32, torch.float16, torch.bfloat16) or {k_KGD.dtype, v_KGD.dtype} != {q_QHD.dtype}:
        raise ValueError(f"queries, keys and values are {q_QHD.dtype}, {k_KGD.dtype} and {v_KGD.dtype}; "
                         f"valid is one of float32, float16 and bfloat16 for all")
    if where.capability == 0 and q_QHD.dtype == torch.bfloat16:
        # its product of bfloat16 matrices multiplies bit patterns, triton issue 11584
        raise ValueError("Triton's interpreter cannot multiply bfloat16; valid are float32 and float16")
    if window < 1 or global_tokens < 0:
        raise ValueError(f"window is {window} and global_tokens {global_tokens}; valid are 1 or more and 0 or more")
    if slopes_2H is not None and (slopes_2H.shape != (2, heads) or slopes_2H.dtype != torch.float32):
        raise ValueError(f"slopes are float32 [2, {heads}], not {slopes_2H.dtype} {list(slopes_2H.shape)}")
    chosen = tiles.choose(where.capability, q_QHD.dtype.itemsize, size)
    tables = where.query_tiles[chosen["forward"].queries], where.key_tiles[chosen["backward_keys"].keys]
    return sparse_attention(q_QHD, k_KGD, v_KGD, where.documents, where.places, *tables, slopes_2H, window,
                            global_tokens, where.capability)[0]


def _blank(like, shape, dtype=None):
    """Memory of an output; zeros, since rows of no document are never written."""

    return like.new_zeros(shape, dtype=dtype)


def _launch(name, outputs, q, k, v, inputs, table, tail, heads, window, global_tokens, capability):
    """Run one program; tail: documents, places and slopes."""

    slopes = tail[2]
    tile   = tiles.choose(capability, q.element_size(), q.shape[2])[name]
    if not len(table):
        return
    before, after = (outputs, ()) if name == "forward" else ((), outputs)
    with torch.cuda.device_of(q):
        getattr(programs, name)[(len(table), heads)](
            q, k, v, *before, *inputs, *after, tail[0], table, tail[1], slopes, *q.stride()[:2], *k.stride()[:2],
            *v.stride()[:2], len(q), q.shape[1] // k.shape[1], q.shape[2] ** -0.5, window, global_tokens,
            D=q.shape[2], BM=tile.queries, BN=tile.keys, BIASED=slopes is not None,
            num_warps=tile.warps, num_stages=tile.stages, enable_fp_fusion=True)


@torch.library.custom_op("genet5::sparse_attention", mutates_args=(), schema=(
    "(Tensor q, Tensor k, Tensor v, Tensor documents, Tensor places, Tensor query_tiles, Tensor key_tiles, "
    "Tensor? slopes, int window, int global_tokens, int capability) -> (Tensor, Tensor)"))
def sparse_attention(q, k, v, documents, places, query_tiles, key_tiles, slopes, window, global_tokens, capability):
    """Outputs [Q, H, D] and log-sum-exp of the scores in base 2, float32 [H, Q]; see `attend`."""

    q, k, v = (x if x.stride(2) == 1 else x.contiguous() for x in (q, k, v))
    out     = _blank(q, q.shape)
    lse     = _blank(q, (q.shape[1], len(q)), torch.float32)
    _launch("forward", (out, lse), q, k, v, (), query_tiles, (documents, places, slopes), q.shape[1], window,
            global_tokens, capability)
    return out, lse


@sparse_attention.register_fake
def _(q, k, v, documents, places, query_tiles, key_tiles, slopes, window, global_tokens, capability):
    return q.new_empty(q.shape), q.new_empty((q.shape[1], q.shape[0]), dtype=torch.float32)


@torch.library.custom_op("genet5::sparse_attention_backward", mutates_args=(), schema=(
    "(Tensor grad_out, Tensor q, Tensor k, Tensor v, Tensor out, Tensor lse, Tensor documents, Tensor places, "
    "Tensor query_tiles, Tensor key_tiles, Tensor? slopes, int window, int global_tokens, int capability) "
    "-> (Tensor, Tensor, Tensor)"))
def sparse_attention_backward(grad_out, q, k, v, out, lse, documents, places, query_tiles, key_tiles, slopes,
                              window, global_tokens, capability):
    """Gradients of queries, keys and values."""

    q, k, v  = (x if x.stride(2) == 1 else x.contiguous() for x in (q, k, v))
    grad_out = grad_out.contiguous()
    delta    = _blank(lse, lse.shape)
    grads    = [_blank(x, x.shape) for x in (q, k, v)]
    tail     = (documents, places, slopes)
    _launch("backward_queries", (delta, grads[0]), q, k, v, (out, grad_out, lse), query_tiles, tail, q.shape[1],
            window, global_tokens, capability)
    _launch("backward_keys", grads[1:], q, k, v, (grad_out, lse, delta), key_tiles, tail, k.shape[1],
            window, global_tokens, capability)
    return tuple(grads)


@sparse_attention_backward.register_fake
def _(grad_out, q, k, v, out, lse, documents, places, query_tiles, key_tiles, slopes, window, global_tokens,
      capability):
    return tuple(x.new_empty(x.shape) for x in (q, k, v))


def _keep(ctx, inputs, output):
    *tensors, ctx.window, ctx.global_tokens, ctx.capability = inputs
    ctx.save_for_backward(*tensors, *output)


def _differentiate(ctx, grad_out, _):
    q, k, v, documents, places, query_tiles, key_tiles, slopes, out, lse = ctx.saved_tensors
    grads = sparse_attention_backward(grad_out, q, k, v, out, lse, documents, places, query_tiles, key_tiles, slopes,
                                      ctx.window, ctx.global_tokens, ctx.capability)
    return *grads, *[None] * 8


sparse_attention.register_autograd(_differentiate, setup_context=_keep)
