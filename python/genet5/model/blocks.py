"""A transformer block whose weights serve the prefix and the steps alike.

Shapes: R rows, T tokens, N windows, S steps, C width, H heads, D head size.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

import genet5.model.attention as attention
import genet5.model.experts as experts

# of the layer norms: torch's default, and DNABERT-2's
EPSILON = {"pre": 1e-5, "post": 1e-12}


class FeedForward(nn.Module):
    """Gated feed-forward, GEGLU or SwiGLU; source: Shazeer, arXiv 2002.05202."""

    def __init__(self, config):
        super().__init__()
        self.activate = {"gelu": F.gelu, "silu": F.silu}[config.activation]
        self.gated    = nn.Linear(config.width, 2 * config.feed_forward, bias=False)
        self.out      = nn.Linear(config.feed_forward, config.width)

    def forward(self, x):
        gate, value = self.gated(x).chunk(2, dim=-1)
        return self.out(self.activate(gate) * value)


class Block(nn.Module):
    """Attention and feed-forward with pre- or post-norm."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.qkv    = nn.Linear(config.width, 3 * config.width)
        self.out    = nn.Linear(config.width, config.width)
        self.feed   = experts.Experts(config) if config.num_experts > 1 else FeedForward(config)
        self.norm_attention = nn.LayerNorm(config.width, eps=EPSILON[config.norm])
        self.norm_feed      = nn.LayerNorm(config.width, eps=EPSILON[config.norm])
        self.dropout        = nn.Dropout(config.dropout)

    def project(self, x, positions):
        """Queries, keys and values, each [..., H, D]; rotated where positions are RoPE's."""

        shape   = (*x.shape[:-1], self.config.num_heads, self.config.width // self.config.num_heads)
        q, k, v = (part.reshape(shape) for part in self.qkv(x).chunk(3, dim=-1))
        if self.config.positions == "rope":
            q, k = attention.rope(q, positions), attention.rope(k, positions)
        return q, k, v

    def residual(self, x, attend, feed):
        """Run the block around `attend` and `feed`, which map the (normed) input to their output."""

        if self.config.norm == "pre":
            x = x + self.dropout(self.out(attend(self.norm_attention(x)).flatten(-2)))
            return x + self.dropout(feed(self.norm_feed(x)))
        x = self.norm_attention(x + self.dropout(self.out(attend(x).flatten(-2))))
        return self.norm_feed(x + self.dropout(feed(x)))

    def prefix(self, x_RTC, positions_RT, where, slopes_2H):
        """One layer over packed prefixes.

        where: attention.Prefixes
        returns the new states [R, T, C] and this layer's keys and values [R, T, H, D]
        """

        kept = []

        def attend(h):
            q, k, v = self.project(h, positions_RT)
            kept.extend((k, v))
            return attention.prefix(q, k, v, where, self.config, slopes_2H)

        return self.residual(x_RTC, attend, self._feeding("prefix", where.window_RT >= 0)), *kept

    def steps(self, x_NSC, positions_NS, k_prefix, v_prefix, seen, k_past=None, v_past=None, counted=None):
        """One layer over steps, which see their prefix, earlier steps (past) and the steps up to them.

        k_prefix, v_prefix: [N, P, H, D]; k_past, v_past: None or [N, A, H, D]; seen: attention.Sight
        counted:            None or bool [N, S], False where a step is padding
        returns the new states [N, S, C] and the keys and values of past and present steps [N, A + S, H, D]
        """

        kept = []

        def attend(h):
            q, k, v = self.project(h, positions_NS)
            if k_past is not None:
                k, v = torch.cat((k_past, k), dim=1), torch.cat((v_past, v), dim=1)
            kept.extend((k, v))
            return attention.steps(q, torch.cat((k_prefix, k), dim=1), torch.cat((v_prefix, v), dim=1), seen)

        return self.residual(x_NSC, attend, self._feeding("steps", counted)), *kept

    def step(self, x_N1C, positions_N1, k_NLHD, v_NLHD, place, seen):
        """One layer over one step of each window, with a cache of fixed size that takes up its key and value.

        k_NLHD, v_NLHD: keys and values of the prefix and of steps, those to come included
        place:          long [1], where the step's own go
        seen:           attention.Sight
        returns the new states [N, 1, C]
        """

        def attend(h):
            q, k, v = self.project(h, positions_N1)
            k_NLHD.index_copy_(1, place, k)
            v_NLHD.index_copy_(1, place, v)
            return attention.steps(q, k_NLHD, v_NLHD, seen)

        return self.residual(x_N1C, attend, self.feed.everywhere if self.config.num_experts > 1 else self.feed)

    def _feeding(self, kind, counted):
        """The feed-forward as a function; experts count its load, see Experts.forward."""

        if self.config.num_experts == 1:
            return self.feed
        return lambda h: self.feed(h, kind, counted)
