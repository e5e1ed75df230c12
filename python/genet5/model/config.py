"""What a model is made of, as one flat record that config.json holds."""

import dataclasses

import genet5._core as core
import genet5.errors as errors
import genet5.fields as checks
import genet5.kernels.tiles as tiles

SITE_TYPES   = ("<eos>", "<stop+>", "<stop->", "<acceptor>", "<donor>", "<start>")
NUM_LABELS   = 9
NUM_CHANNELS = 12
# nine label potentials, then start, stop, donor, acceptor on either strand
NUM_POTENTIALS = 17

PRESETS = {
    "tiny":  {"width": 96,  "num_layers": 2, "num_heads": 3, "feed_forward": 256, "stem_width": 48,
              "base_width": 64},
    "small": {"width": 192, "num_layers": 4, "num_heads": 6, "feed_forward": 512, "stem_width": 64,
              "base_width": 96},
    "base":  {"width": 768, "num_layers": 12, "num_heads": 12, "feed_forward": 3072, "stem_width": 128,
              "base_width": 192, "key_width": 128, "norm": "post", "positions": "alibi", "activation": "gelu",
              "block_size": 64, "attention_window": 256},
}
# fields that are 1 at the least
SIZES = ("vocab_size", "width", "num_layers", "num_heads", "feed_forward", "num_experts", "stem_width", "stem_kernel",
         "base_width", "key_width", "window_size")
# what Hugging Face writes into config.json beside the fields
FOREIGN = ("model_type", "architectures", "dtype", "torch_dtype", "transformers_version")

# twice as deep
PRESETS["long"] = {**PRESETS["base"], "num_layers": 24}


def decoding_defaults():
    """Decoding settings that a new model starts with; training overwrites what it calibrates."""

    return {"decoder": "viterbi", "writer_threshold": 0.2, "min_probability": 0.0, "rc_average": True}


@dataclasses.dataclass(kw_only=True)
class ModelConfig:
    """Architecture, grammar and decoding settings of a model.

    vocab_size:       int, tokens of the tokenizer, specials included
    pad_id:           int, the token that fills rows
    width:            int, size of a token's state
    num_layers, num_heads, feed_forward: int, the blocks; a head has width / num_heads dimensions
    norm:             "pre" or "post" (DNABERT-2)
    positions:        "rope" (over base positions) or "alibi" (over tokens, DNABERT-2)
    block_size:       int, 16, 32, 64 or 128 tokens
    attention_window: int, a token sees others fewer than this many tokens away; divisible by block_size
    global_tokens:    int, the first tokens of a window that see all of it and are seen by all of it
    attention:        "auto" ("triton" on a GPU, else "blocked"), "triton", "blocked", "flex" (torch's
                      FlexAttention, GPUs only) or "dense" (the reference)
    activation:       "gelu" (exact, DNABERT-2) or "silu", of the gated feed-forward
    num_experts, top_k: int, one expert is a dense feed-forward
    stem_width, stem_kernel, stem_dilations: the convolutions over bases
    base_width:       int, features per base behind the blocks
    key_width:        int, size of the site keys and queries
    dropout:          float, on the outputs of blocks while training
    window_size:      int, bases that one window holds in prediction
    genetic_code, table_starts, min_intron, max_intron: the grammar's parameters
    decoding:         dict, see decoding_defaults
    raises ValueError where two fields contradict each other
    """

    vocab_size:       int
    pad_id:           int   = 0
    width:            int   = 192
    num_layers:       int   = 4
    num_heads:        int   = 6
    feed_forward:     int   = 512
    norm:             str   = "pre"
    positions:        str   = "rope"
    block_size:       int   = 64
    attention_window: int   = 64
    global_tokens:    int   = 0
    attention:        str   = "auto"
    activation:       str   = "silu"
    num_experts:      int   = 1
    top_k:            int   = 1
    stem_width:       int   = 64
    stem_kernel:      int   = 9
    stem_dilations:   tuple = (1, 2, 4, 8)
    base_width:       int   = 96
    key_width:        int   = 64
    dropout:          float = 0.0
    window_size:      int   = 8192
    genetic_code:     int   = 1
    table_starts:     bool  = False
    min_intron:       int   = 10
    max_intron:       int   = 0
    decoding:         dict  = dataclasses.field(default_factory=decoding_defaults)

    def __post_init__(self):
        self.stem_dilations = tuple(self.stem_dilations)
        for name in SIZES:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; valid are 1 or more")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout}; valid are 0 or more and less than 1")
        if self.block_size not in (16, 32, 64, 128):
            raise ValueError(f"block_size is {self.block_size}; valid are 16, 32, 64 and 128")
        if self.attention_window < self.block_size or self.attention_window % self.block_size:
            raise ValueError(f"attention_window is {self.attention_window}; "
                             f"valid are multiples of block_size, {self.block_size}")
        if self.width % self.num_heads or (self.width // self.num_heads) % 2:
            raise ValueError(f"width {self.width} does not split into {self.num_heads} heads of even size")
        if self.norm not in ("pre", "post") or self.positions not in ("rope", "alibi"):
            raise ValueError(f"norm is pre or post and positions are rope or alibi, "
                             f"not {self.norm} and {self.positions}")
        if self.global_tokens < 0:
            raise ValueError(f"global_tokens is {self.global_tokens}; valid are 0 or more")
        if self.attention not in ("auto", "triton", "blocked", "flex", "dense"):
            raise ValueError(f"attention is auto, triton, blocked, flex or dense, not {self.attention}")
        if self.attention == "triton" and self.width // self.num_heads not in tiles.HEAD_SIZES:
            raise ValueError(f"attention by Triton kernels has heads of 32, 64 or 128 dimensions, "
                             f"not {self.width // self.num_heads}")
        if self.activation not in ("gelu", "silu"):
            raise ValueError(f"activation is gelu or silu, not {self.activation}")
        if not 1 <= self.top_k <= self.num_experts:
            raise ValueError(f"top_k is {self.top_k}; valid are 1 to num_experts, {self.num_experts}")
        # an unknown genetic code and impossible introns are errors
        core.grammar.WindowGrammar(b"", **self.grammar())

    @classmethod
    def preset(cls, name, **changes):
        """A named architecture with some fields changed.

        name: "tiny", "small", "base" or "long"
        """

        if name not in PRESETS:
            raise ValueError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
        return cls(**{**PRESETS[name], **changes})

    @classmethod
    def from_dict(cls, fields):
        """The configuration that `to_dict` wrote; unknown fields are an error.

        raises DataError
        """

        known   = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(fields) - known - set(FOREIGN))
        if unknown:
            raise errors.DataError(f"config.json has fields that this version does not know: {', '.join(unknown)}")
        values = {name: value for name, value in fields.items() if name in known}
        checks.check(values, cls)
        return cls(**values)

    def to_dict(self):
        """A dict of plain values for config.json."""

        return {"model_type": "genet5", **dataclasses.asdict(self), "stem_dilations": list(self.stem_dilations)}

    def grammar(self):
        """Keyword arguments of the grammar and the lattice."""

        return {"genetic_code": self.genetic_code, "table_starts": self.table_starts,
                "min_intron": self.min_intron, "max_intron": self.max_intron}
