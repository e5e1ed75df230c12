"""A model that begins as DNABERT-2: its encoder's weights, by name, keep their function exactly.

DNABERT-2 (Zhou et al., arXiv 2306.15006) is a post-norm encoder with ALiBi and gated feed-forwards. Read are its
folder's config.json, tokenizer.json and model.safetensors or pytorch_model.bin, none of its code.
"""

import dataclasses
import json
import pathlib

import safetensors.torch
import torch

import genet5.errors as errors
import genet5.model.config as configs
import genet5.model.folder as folders
import genet5.model.network as network
import genet5.tokenizer as tk

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
FILES   = ("config.json", "tokenizer.json", *WEIGHTS)
# what the encoder's configuration must say for the map below to keep its function
FIXED   = {"hidden_act": "gelu", "layer_norm_eps": 1e-12}
SIZES   = ("hidden_size", "num_attention_heads", "intermediate_size", "num_hidden_layers", "vocab_size",
           "type_vocab_size")

EMBEDDING = "embeddings.word_embeddings.weight"
TYPES     = "embeddings.token_type_embeddings.weight"
NORM      = {"embeddings.LayerNorm.weight": "norm.weight", "embeddings.LayerNorm.bias": "norm.bias"}
# of a layer: the reference's name and ours, of a dense feed-forward and of a mixture
LAYER     = {"attention.self.Wqkv": "qkv", "attention.output.dense": "out",
             "attention.output.LayerNorm": "norm_attention", "mlp.layernorm": "norm_feed"}
FEED      = {"mlp.gated_layers.weight": "gated.weight", "mlp.wo.weight": "out.weight", "mlp.wo.bias": "out.bias"}
EXPERTS   = {"mlp.gated_layers.weight": "gated", "mlp.wo.weight": "out", "mlp.wo.bias": "out_bias"}


@dataclasses.dataclass
class Reference:
    """A DNABERT-2 encoder as read from disk.

    source:    str, the folder or hub name
    config:    dict of its config.json
    tensors:   dict name -> tensor, a leading "bert." taken off
    tokenizer: Tokenizer
    """

    source:    str
    config:    dict
    tensors:   dict
    tokenizer: object


@dataclasses.dataclass
class Report:
    """Names of the reference's tensors: those that the model holds now, and those that it has no use for."""

    used:   list
    unused: list


def read(source):
    """Read a reference encoder.

    source: path of a folder, or the name of a model on the Hugging Face hub (needs a network)
    returns Reference
    raises DataError naming what is missing or does not fit
    """

    folder = pathlib.Path(source)
    if not folder.is_dir():
        folder = _download(str(source))
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    missing = [name for name in FILES[:2] if not (folder / name).is_file()]
    if weights is None:
        missing.append(" or ".join(WEIGHTS))
    if missing:
        raise errors.DataError(f"{source} is no DNABERT-2 folder: {', '.join(missing)} missing")
    return Reference(str(source), _config(folder / "config.json"), _tensors(weights),
                     tk.load(folder / "tokenizer.json"))


def _config(path):
    """config.json as a dict."""

    try:
        config = json.loads(path.read_text())
    except ValueError as error:
        raise errors.DataError(f"{path} is no JSON: {error}") from error
    if not isinstance(config, dict):
        raise errors.DataError(f"{path} holds no settings")
    return config


def _tensors(path):
    """The tensors of a file by name, a leading "bert." taken off; no code in it runs."""

    try:
        if path.suffix == ".bin":
            tensors = torch.load(path, map_location="cpu", weights_only=True)
        else:
            tensors = safetensors.torch.load_file(path)
    # whatever a broken file makes torch say, a hint to load it unsafely included
    except Exception as error:
        raise errors.DataError(f"{path} cannot be read: it is broken, or holds more than tensors; get it again "
                               f"({type(error).__name__})") from error
    if not isinstance(tensors, dict) or not all(isinstance(name, str) and torch.is_tensor(tensor)
                                                for name, tensor in tensors.items()):
        raise errors.DataError(f"{path} is no state dict: it must hold tensors by name and nothing else")
    return {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}


def settings(reference, layers=None):
    """Fields of ModelConfig that the reference decides.

    reference: Reference
    layers:    int or None for the reference's own number
    returns dict
    raises DataError where the encoder is of another kind
    """

    config = reference.config
    for name, wanted in FIXED.items():
        if config.get(name, wanted) != wanted:
            raise errors.DataError(f"{reference.source}: {name} is {config[name]}; only {wanted} keeps its function")
    for name in SIZES:
        if name in config and (type(config[name]) is not int or config[name] < 1):
            raise errors.DataError(f"{reference.source}: {name} in config.json is {config[name]!r}; valid is a whole "
                                   f"number above 0")
    try:
        return {"width": config["hidden_size"], "num_heads": config["num_attention_heads"],
                "feed_forward": config["intermediate_size"], "num_layers": layers or config["num_hidden_layers"],
                "norm": "post", "positions": "alibi", "activation": "gelu"}
    except KeyError as error:
        raise errors.DataError(f"{reference.source}: config.json lacks {error}") from error


def create(out, source, tokenizer_path=None, layers=None, seed=0, force=False, **changes):
    """Write a model folder that begins as a reference encoder.

    Experts are copies of the dense feed-forward. With more layers than the reference has, each of its layers is
    repeated in place; with fewer, the first ones are taken.

    out:            path of the folder
    source:         see `read`
    tokenizer_path: path of a tokenizer.json that begins with the reference's tokens; None for the reference's
    layers:         int or None for the reference's own number
    seed:           int, of the weights that the reference does not have
    force:          bool, overwrite a model that is there
    changes:        other fields of ModelConfig
    returns the model and a Report
    raises DataError where something is missing or does not fit
    """

    out = pathlib.Path(out)
    folders.refuse_existing(out, force)
    reference = read(source)
    tokenizer = reference.tokenizer if tokenizer_path is None else tk.load(folders.tokenizer_file(tokenizer_path))
    config    = configs.ModelConfig.preset("base", **{**settings(reference, layers), **changes},
                                           vocab_size=tokenizer.vocab_size, pad_id=tokenizer.pad_id)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network.GeneT5(config)
    report = fill(model, reference, tokenizer)
    folders.save_with(model, out, tokenizer)
    return model, report


def fill(model, reference, tokenizer):
    """Put the reference's weights into a model of its shape.

    model:     GeneT5
    reference: Reference
    tokenizer: the model's Tokenizer
    returns Report
    raises DataError naming the first tensor that is missing or has another shape
    """

    taken = _Taken(reference)
    state = {ours: taken(theirs) for theirs, ours in NORM.items()}
    state["embed.weight"] = _embedding(model, taken, reference, tokenizer)
    experts = model.config.num_experts
    feed    = FEED if experts == 1 else EXPERTS
    for layer, origin in enumerate(_origins(model.config.num_layers, reference)):
        for theirs, ours in LAYER.items():
            for kind in ("weight", "bias"):
                state[f"layers.{layer}.{ours}.{kind}"] = taken(f"encoder.layer.{origin}.{theirs}.{kind}")
        for theirs, ours in feed.items():
            state[f"layers.{layer}.feed.{ours}"] = taken(f"encoder.layer.{origin}.{theirs}")
    present = model.state_dict()
    for name, tensor in state.items():
        # each expert is a copy
        shape = present[name].shape[1:] if ".feed." in name and experts > 1 else present[name].shape
        if tensor.shape != shape:
            raise errors.DataError(f"{reference.source}: {taken.names[id(tensor)]} has shape {list(tensor.shape)} "
                                   f"where its config.json asks for {list(shape)}")
        present[name].copy_(tensor)
    return Report(sorted(taken.used), sorted(set(reference.tensors) - taken.used))


class _Taken:
    """Gives tensors of a reference by name and remembers which."""

    def __init__(self, reference):
        self.reference = reference
        self.used      = set()
        self.names     = {}

    def __call__(self, name):
        if name not in self.reference.tensors:
            raise errors.DataError(f"{self.reference.source}: the tensor {name} is missing")
        self.used.add(name)
        tensor = self.reference.tensors[name]
        self.names[id(tensor)] = name
        return tensor


def _origins(layers, reference):
    """The reference's layer that each layer copies."""

    count = reference.config["num_hidden_layers"]
    return [index * count // layers for index in range(layers)] if layers > count else list(range(layers))


def _embedding(model, taken, reference, tokenizer):
    """Rows of all tokens: word and first type summed, as every input of the reference has them."""

    words, types = taken(EMBEDDING), taken(TYPES)
    width, sizes = model.embed.weight.shape[1], reference.config
    for name, tensor, size in ((EMBEDDING, words, "vocab_size"), (TYPES, types, "type_vocab_size")):
        rows = sizes.get(size, max(1, tensor.shape[0]) if tensor.ndim else 1)
        if list(tensor.shape) != [rows, width]:
            raise errors.DataError(f"{reference.source}: {name} has shape {list(tensor.shape)} where its config.json "
                                   f"asks for {[rows, width]}")
    known = words.shape[0]
    if known > reference.tokenizer.vocab_size:
        raise errors.DataError(f"{reference.source}: {EMBEDDING} has {known} rows, and tokenizer.json beside it only "
                               f"{reference.tokenizer.vocab_size} tokens")
    if tokenizer.tokens()[:known] != reference.tokenizer.tokens()[:known]:
        raise errors.DataError(f"the tokenizer does not begin with the {known} tokens of {reference.source}; enlarge "
                               f"its own with genet5 tokenizer expand")
    rows = model.embed.weight.detach().clone()
    rows[:known] = words + types[0]
    folders.fill_new_rows(rows, reference.tokenizer, tokenizer, known)
    return rows


def _download(name):
    """The folder of a model from the hub."""

    huggingface_hub = errors.require("huggingface_hub", "model")
    try:
        return pathlib.Path(huggingface_hub.snapshot_download(name, allow_patterns=list(FILES)))
    except Exception as error:
        raise errors.DataError(f"{name} is no folder here, and the Hugging Face hub does not give a model of that "
                               f"name: {type(error).__name__}; name a folder with {', '.join(FILES[:2])} and "
                               f"{' or '.join(WEIGHTS)}") from error
