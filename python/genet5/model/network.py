"""GeneT5: a bidirectional prefix of DNA, then steps that see all of it.

Shapes: R rows, T tokens of a row, B bases of a row, N windows, P prefix tokens of a window, S steps, C width,
K key width, M sites that the grammar allows.
"""

import dataclasses
import functools

import torch
import torch.nn as nn
import torch.utils.checkpoint as checkpointing

import genet5.model.attention as attention
import genet5.model.blocks as blocks
import genet5.model.config as configs
import genet5.model.experts as experts
import genet5.model.stem as stems

EOS = 0
# every so many of ALiBi's heads look from steps to the prefix without a distance bias
FREE_HEADS = 2


@dataclasses.dataclass
class Prefix:
    """What the model keeps of a batch of windows.

    segmentation: float [R, B, 9] logits
    potentials:   float [R, B, 17] for the lattice
    keys:         float [R, B, K] of sites
    memory:       per layer, keys and values [R, T, H, D]
    states:       float [R, T, C] of the tokens behind the last block
    """

    segmentation: torch.Tensor
    potentials:   torch.Tensor
    keys:         torch.Tensor
    memory:       list
    states:       torch.Tensor


class WriterCache:
    """Keys and values of a batch of windows and of the steps written so far.

    windows: long [N], index in the batch of each window still written
    """

    def __init__(self, prefix, windows, memory, visible, rows):
        self.prefix  = prefix
        self.windows = windows
        self.memory  = memory
        self.visible = visible
        self.rows    = rows
        self.past    = [None] * len(memory)

    def select(self, indices):
        """Keep only the windows at these places of the present order, long [n]."""

        chosen         = WriterCache(self.prefix, self.windows[indices],
                                     [(k[indices], v[indices]) for k, v in self.memory],
                                     self.visible[indices], self.rows)
        chosen.past    = [None if past is None else tuple(x[indices] for x in past) for past in self.past]
        return chosen


def slopes(config):
    """ALiBi's slopes among the prefix and from steps to it, float32 [2, H]; None with other positions."""

    if config.positions != "alibi":
        return None
    both = attention.alibi_slopes(config.num_heads).repeat(2, 1)
    both[1, ::FREE_HEADS] = 0.0
    return both


class GeneT5(nn.Module):
    """The model; batches are dicts of tensors as docs/formats.md describes them.

    config: ModelConfig

    With `gradient_checkpointing` a block keeps only its input while training, and is computed again in the backward
    pass: less memory, about a third more time.
    """

    gradient_checkpointing       = False
    _gradient_checkpointing_func = staticmethod(functools.partial(checkpointing.checkpoint, use_reentrant=False))

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.build()

    def build(self):
        """Make all layers from `config`, with random weights."""

        config         = self.config
        self.stem      = stems.Stem(config)
        self.embed     = nn.Embedding(config.vocab_size, config.width)
        self.from_stem = nn.Linear(config.stem_width, config.width, bias=False)
        self.norm      = nn.LayerNorm(config.width, eps=blocks.EPSILON[config.norm])
        self.layers    = nn.ModuleList(blocks.Block(config) for _ in range(config.num_layers))
        self.head      = stems.BaseHead(config)
        # row EOS stands for <bos>, since <eos> is never read back
        self.embed_type = nn.Embedding(len(configs.SITE_TYPES), config.width)
        self.from_key   = nn.Linear(config.key_width, config.width, bias=False)
        self.queries    = nn.Linear(config.width, len(configs.SITE_TYPES) * config.key_width)
        self.eos_key    = nn.Parameter(torch.zeros(config.key_width))
        self.register_buffer("slopes", slopes(config), persistent=False)
        self.apply(self._initialize)
        with torch.no_grad():
            # the lattice adds potentials up over whole genes: start from none, with a price on each site
            self.head.segmentation.weight.zero_()
            self.head.potentials.weight.zero_()
            self.head.potentials.bias[configs.NUM_LABELS:] = -4.0 / stems.SITE_SCALE
        # the stem joins a warm-started trunk without disturbing it at step 0
        if config.norm == "post":
            nn.init.zeros_(self.from_stem.weight)

    def _initialize(self, module):
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.02 if self.config.norm == "post" else 0.3)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features ** -0.5)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, blocks.Block):
            # residual branches start small, so depth does not change the scale
            with torch.no_grad():
                module.out.weight.mul_((2 * self.config.num_layers) ** -0.5)

    def prefill(self, batch):
        """Read windows: one bidirectional pass over their tokens and bases.

        batch: dict with tokens, token_position, token_window, bases, base_token, channels, window_row, window_token,
               window_tokens
        returns Prefix
        """

        stem_RBC, x_RTC, memory = self.encode(batch)
        return Prefix(*self.head(stem_RBC, x_RTC, batch["base_token"]), memory, x_RTC)

    def encode(self, batch):
        """The stem's features [R, B, stem width], the tokens' final states [R, T, C], keys and values per layer."""

        stem_RBC = self.stem(batch["bases"], batch["channels"])
        tokens   = batch["tokens"]
        x_RTC    = self.embed(tokens) + self.from_stem(stems.pool(stem_RBC, batch["base_token"], tokens.shape[1]))
        if self.config.norm == "post":
            x_RTC = self.norm(x_RTC)
        memory = []
        where  = attention.prefixes(batch, self.config)
        for layer in self.layers:
            x_RTC, k, v = self._through(layer, layer.prefix, x_RTC, batch["token_position"], where, self.slopes)
            memory.append((k, v))
        return stem_RBC, self.finish(x_RTC), memory

    def begin(self, prefix, batch):
        """A cache to write all windows of a batch from the beginning."""

        rows, starts, counts = (batch[name].long() for name in ("window_row", "window_token", "window_tokens"))
        length   = batch["tokens"].shape[1]
        width    = int(counts.max())
        # right-aligned, so that a window's steps follow its prefix
        place_NP = torch.arange(width, device=rows.device) - (width - counts)[:, None]
        visible  = place_NP >= 0
        index_NP = (rows * length + starts)[:, None] + place_NP.clamp(min=0)
        memory   = [tuple(x.flatten(0, 1)[index_NP] for x in layer) for layer in prefix.memory]
        place    = {name: batch[name].long() for name in ("window_row", "window_base", "window_token")}
        place["base_token"] = batch["base_token"]
        return WriterCache(prefix, torch.arange(len(rows), device=rows.device), memory, visible, place)

    def write(self, prefix, batch, step_type, step_position):
        """States of all steps at once, teacher forced.

        step_type:     uint8 [N, S], 255 where padded
        step_position: int [N, S], base in the window
        returns [N, S + 1, C]; entry i predicts step i, entry 0 read <bos>
        """

        bos   = torch.zeros_like(step_type[:, :1])
        types = torch.cat((bos, step_type.where(step_type < len(configs.SITE_TYPES), 0)), dim=1)
        place = torch.cat((torch.zeros_like(step_position[:, :1]), step_position.clamp(min=0)), dim=1)
        counted = torch.cat((torch.ones_like(bos, dtype=torch.bool), step_type < len(configs.SITE_TYPES)), dim=1)
        return self._advance(self.begin(prefix, batch), types, place, counted)

    def step(self, cache, step_type, step_position):
        """Read one step of each window in the cache and return the states that predict the next.

        step_type:     uint8 [N], or None to read <bos>
        step_position: int [N], or None with <bos>
        returns [N, C]
        """

        if step_type is None:
            step_type     = torch.zeros(len(cache.windows), dtype=torch.uint8, device=cache.windows.device)
            step_position = torch.zeros(len(cache.windows), dtype=torch.int32, device=cache.windows.device)
        return self._advance(cache, step_type[:, None], step_position[:, None])[:, 0]

    def extend(self, cache, step_type, step_position, sees, counted=None):
        """Read steps of several completions of each window, which share its prefix, and extend the cache.

        step_type:     uint8 [N, S], 0 to read <bos>
        step_position: int [N, S], base in the window, 0 with <bos>
        sees:          bool [N, S, A + S], which of the A past and S new steps each new one sees, itself at least
        counted:       None or bool [N, S], False where a step is padding
        returns the states that predict the next steps [N, S, C]
        """

        return self._advance(cache, step_type, step_position, counted, sees)

    def _advance(self, cache, types_NS, positions_NS, counted_NS=None, sees_NSL=None):
        """Run steps through the blocks behind what the cache holds, and extend it."""

        x_NSC  = self.embed_steps(cache, types_NS, positions_NS)
        past   = 0 if cache.past[0] is None else cache.past[0][0].shape[1]
        token  = self.tokens_of(cache, positions_NS)
        seen   = attention.sight(cache.visible, token, past, self.config, self.slopes, sees_NSL)
        for number, layer in enumerate(self.layers):
            k_past, v_past    = cache.past[number] or (None, None)
            x_NSC, k, v       = self._through(layer, layer.steps, x_NSC, positions_NS, *cache.memory[number], seen,
                                              k_past, v_past, counted_NS)
            cache.past[number] = (k, v)
        return self.finish(x_NSC)

    def _through(self, layer, call, *inputs):
        """What a block's method makes of inputs, kept or to be computed again."""

        if not (self.gradient_checkpointing and self.training and torch.is_grad_enabled()):
            return call(*inputs)
        return self._gradient_checkpointing_func(experts.counted_once(layer, call), *inputs)

    def finish(self, x):
        """The states that the heads read, from those of the last block."""

        return self.norm(x) if self.config.norm == "pre" else x

    def tokens_of(self, cache, positions_NS):
        """The place in its window of the token that holds each base, int [N, S]."""

        rows  = cache.rows["window_row"][cache.windows][:, None]
        bases = cache.rows["window_base"][cache.windows][:, None] + positions_NS.long()
        return cache.rows["base_token"][rows, bases] - cache.rows["window_token"][cache.windows][:, None]

    def embed_steps(self, cache, types_NS, positions_NS):
        """What the first block reads of steps, [N, S, C]; the windows are those of a WriterCache."""

        rows  = cache.rows["window_row"][cache.windows][:, None]
        bases = cache.rows["window_base"][cache.windows][:, None] + positions_NS.long()
        keys  = cache.prefix.keys[rows, bases]
        bos   = (types_NS == EOS)[..., None]
        x_NSC = self.embed_type(types_NS.long()) + self.from_key(keys).masked_fill(bos, 0.0)
        return self.norm(x_NSC) if self.config.norm == "post" else x_NSC

    def site_logits(self, prefix, batch, states_NC, windows_N, origins_N, offsets, types_M, positions_M):
        """Logits of the sites that the grammar allows, flat.

        states_NC:   states that predict one step each
        windows_N:   long, the window in the batch of each state
        origins_N:   int, base position of the step that each state has read (0 for <bos>)
        offsets:     long [N + 1], the sites of state n are offsets[n] to offsets[n + 1]
        types_M:     uint8, positions_M: int, the sites (<eos> has position -1)
        returns float [M]
        """

        owner    = torch.repeat_interleave(torch.arange(len(windows_N), device=states_NC.device), offsets.diff())
        queries  = self.queries(states_NC).unflatten(-1, (len(configs.SITE_TYPES), -1))[owner, types_M.long()]
        window   = windows_N[owner]
        base     = batch["window_base"].long()[window] + positions_M.clamp(min=0).long()
        keys_MK  = prefix.keys[batch["window_row"].long()[window], base]
        distance = positions_M - origins_N[owner]
        is_eos   = types_M == EOS
        keys_MK  = torch.where(is_eos[:, None], self.eos_key.to(keys_MK.dtype), keys_MK)
        # half of every key knows how far the site is from the last step
        half     = keys_MK.shape[-1] // 2
        near     = attention.rope(keys_MK[:, None, :half], distance.masked_fill(is_eos, 0))[:, 0]
        score    = (queries[:, :half] * near).sum(-1) + (queries[:, half:] * keys_MK[:, half:]).sum(-1)
        return score.float() * keys_MK.shape[-1] ** -0.5
