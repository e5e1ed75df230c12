"""The reference: torch's attention with the full mask of the package's docstring."""

import torch
import torch.nn.functional as F


def mask(documents, place_Q, keys, window, global_tokens, slopes_2H=None):
    """What each query row sees.

    documents: int [N, 5], columns as `attention.layout` has them
    place_Q:   int [Q], the token at which each query row stands
    keys:      int, rows of the keys, padding included
    returns bool [Q, K], or with slopes float [H, Q, K] with -inf where a row does not see
    """

    allowed = torch.zeros(len(place_Q), keys, dtype=torch.bool, device=place_Q.device)
    bias    = None
    if slopes_2H is not None:
        bias = torch.zeros(slopes_2H.shape[1], *allowed.shape, device=place_Q.device)
    for query_start, queries, key_start, length, prefix in documents.tolist():
        i     = torch.arange(length - queries, length, device=place_Q.device)[:, None]
        j     = torch.arange(length, device=place_Q.device)[None, :]
        near  = ((i - j).abs() < window) | (i < global_tokens) | (j < global_tokens)
        ours  = slice(query_start, query_start + queries)
        keys  = slice(key_start, key_start + length)
        allowed[ours, keys] = torch.where(i < prefix, near & (j < prefix), j <= i)
        if bias is not None:
            distance = torch.where(j < prefix, (place_Q[ours, None] - j).abs(), 0)
            slope    = torch.where(i < prefix, *slopes_2H[:, :, None, None].float())
            bias[:, ours, keys] = -slope * distance
    return allowed if bias is None else bias.masked_fill(~allowed, float("-inf"))


def attend(q_QHD, k_KGD, v_KGD, documents, place_Q, window, global_tokens=0, slopes_2H=None):
    """Attention of packed documents; arguments as of `attention.attend` and `mask`; returns [Q, H, D]."""

    seen    = mask(documents, place_Q, len(k_KGD), window, global_tokens, slopes_2H)
    nothing = ~(seen if slopes_2H is None else seen[0] > float("-inf")).any(dim=1)
    # rows of no document see the first key, and are then set to zero
    if slopes_2H is None:
        seen = seen.index_put((nothing, torch.zeros_like(nothing).long()[nothing]), torch.tensor(True).to(seen.device))
    else:
        seen = seen.clone()
        seen[:, nothing, 0] = 0.0
        seen = seen.to(q_QHD.dtype)
    q, k, v = (x.transpose(0, 1)[None] for x in (q_QHD, k_KGD, v_KGD))
    out     = F.scaled_dot_product_attention(q, k, v, attn_mask=seen, enable_gqa=q.shape[1] != k.shape[1])
    return out[0].transpose(0, 1).masked_fill(nothing[:, None, None], 0.0)
