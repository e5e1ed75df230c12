"""How large a model is, and what reading a base costs."""

import random

import genet5.model.experts as experts
import genet5.model.folder as folders
import genet5.tokenizer as tk

# sequence on which bases per token are counted where no genome is given
PROBE = 100_000


def info(path, genome=None):
    """Parameters and forward cost of a model folder.

    path:   path of the folder
    genome: None or path of a FASTA file to count bases per token on; random bases where None
    returns dict: preset-independent fields of config.json, parameters, active_parameters (of those, the ones that
    serve one token), bases_per_token, flops_per_base (forward, a multiply-add counts two; heads of the writer's
    steps left out)
    raises DataError where the folder holds no model, OSError or InputError for a bad genome
    """

    model     = folders.load(path)
    config    = model.config
    tokenizer = tk.load(folders.tokenizer_file(path))
    rate      = bases_per_token(tokenizer, genome)
    total     = sum(parameter.numel() for parameter in model.parameters())
    idle      = _mixed(model) * (config.num_experts - config.top_k) // config.num_experts
    return {**{name: getattr(config, name) for name in ("width", "num_layers", "num_heads", "feed_forward", "norm",
                                                        "positions", "num_experts", "top_k", "attention_window",
                                                        "window_size", "vocab_size")},
            "parameters":        total,
            "active_parameters": total - idle,
            "bases_per_token":   rate,
            "flops_per_base":    flops_per_base(model, rate)}


def flops_per_base(model, rate):
    """Floating-point operations of the forward pass for each base, of products alone, a float.

    model: GeneT5
    rate:  float, bases per token
    """

    config = model.config
    blocks = sum(p.numel() for name, p in model.layers.named_parameters() if p.ndim >= 2 and "bias" not in name)
    active = blocks - _mixed(model, 3) * (config.num_experts - config.top_k) / config.num_experts
    # scores and their sum over values; a token sees its window on both sides
    mixing = 2 * config.num_layers * (2 * config.attention_window - 1) * config.width
    token  = active + mixing + model.from_stem.weight.numel() + model.head.from_token.weight.numel()
    base   = sum(p.numel() for part in (model.stem, model.head) for name, p in part.named_parameters()
                 if p.ndim >= 2 and name != "from_token.weight")
    return 2 * (token / rate + base)


def _mixed(model, least=2):
    """Parameters of all experts that have at least `least` dimensions, the router's aside."""

    return sum(parameter.numel() for mixture in experts.of(model) for name, parameter in mixture.named_parameters()
               if parameter.ndim >= least and not name.startswith("router"))


def bases_per_token(tokenizer, genome=None):
    """Mean bases of a known token on a genome, or on random sequence, a float."""

    if genome is not None:
        return tk.usage(tokenizer, genome)["bases_per_token"]
    letters = bytes(random.Random(0).choices(b"ACGT", k=PROBE))
    return PROBE / len(tokenizer.encode(letters)[0])
