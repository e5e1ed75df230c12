"""DNABERT-2's encoder written plainly from its description, and folders that hold such an encoder.

Nothing here shares code with the model: every layer is spelt out on one sequence, in the reference's own names.
"""

import json
import math

import safetensors.torch
import torch

CONFIG = {"hidden_act": "gelu", "layer_norm_eps": 1e-12, "hidden_size": 96, "num_attention_heads": 12,
          "num_hidden_layers": 3, "intermediate_size": 128, "vocab_size": 4096, "type_vocab_size": 2}


def tensors(config, seed=0):
    """Random weights by the reference's names, with the heads that a BertForMaskedLM has."""

    made = torch.Generator().manual_seed(seed)
    wide, inner, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]

    def draw(*shape, scale=None, shift=0.0):
        return torch.randn(*shape, generator=made) * (scale or shape[-1] ** -0.5) + shift

    def norm(name):
        return {f"{name}.weight": draw(wide, scale=0.1, shift=1.0), f"{name}.bias": draw(wide, scale=0.1)}

    out = {"bert.embeddings.word_embeddings.weight":       draw(vocabulary, wide, scale=0.5),
           "bert.embeddings.token_type_embeddings.weight": draw(2, wide, scale=0.5),
           **norm("bert.embeddings.LayerNorm")}
    for number in range(config["num_hidden_layers"]):
        layer = f"bert.encoder.layer.{number}"
        out |= {f"{layer}.attention.self.Wqkv.weight":     draw(3 * wide, wide),
                f"{layer}.attention.self.Wqkv.bias":       draw(3 * wide, scale=0.1),
                f"{layer}.attention.output.dense.weight":  draw(wide, wide),
                f"{layer}.attention.output.dense.bias":    draw(wide, scale=0.1),
                **norm(f"{layer}.attention.output.LayerNorm"),
                f"{layer}.mlp.gated_layers.weight":        draw(2 * inner, wide),
                f"{layer}.mlp.wo.weight":                  draw(wide, inner),
                f"{layer}.mlp.wo.bias":                    draw(wide, scale=0.1),
                **norm(f"{layer}.mlp.layernorm")}
    return out | {"cls.predictions.decoder.bias":            draw(vocabulary, scale=0.1),
                  "cls.predictions.transform.dense.weight":  draw(wide, wide)}


def write(folder, shared, config, weights, binary=False):
    """A folder with config.json, tokenizer.json and the weights as safetensors or as a torch pickle."""

    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_bytes((shared / "dnabert2" / "tokenizer.json").read_bytes())
    if binary:
        torch.save(weights, folder / "pytorch_model.bin")
    else:
        safetensors.torch.save_file(weights, folder / "model.safetensors")
    return folder


def slopes(heads):
    """ALiBi's slopes: those of the power of two below, then every second one of twice as many heads."""

    def geometric(count):
        first = 2 ** (-(2 ** -(math.log2(count) - 3)))
        return [first * first ** index for index in range(count)]

    if math.log2(heads).is_integer():
        return geometric(heads)
    below = 2 ** int(math.log2(heads))
    return geometric(below) + geometric(2 * below)[::2][:heads - below]


def encode(weights, config, ids):
    """Final states [T, C] of a sequence of token ids, one head and one layer after the other."""

    wide, heads = config["hidden_size"], config["num_attention_heads"]
    size        = wide // heads
    x           = weights["bert.embeddings.word_embeddings.weight"][ids]
    x           = x + weights["bert.embeddings.token_type_embeddings.weight"][0]
    x           = _normalise(x, weights, "bert.embeddings.LayerNorm")
    place       = torch.arange(len(ids))
    far         = (place[:, None] - place[None, :]).abs()
    for number in range(config["num_hidden_layers"]):
        layer  = f"bert.encoder.layer.{number}"
        both   = x @ weights[f"{layer}.attention.self.Wqkv.weight"].T + weights[f"{layer}.attention.self.Wqkv.bias"]
        q, k, v = both[:, :wide], both[:, wide:2 * wide], both[:, 2 * wide:]
        mixed  = []
        for head, slope in enumerate(slopes(heads)):
            part   = slice(head * size, (head + 1) * size)
            scores = q[:, part] @ k[:, part].T / math.sqrt(size) - slope * far
            mixed.append(torch.softmax(scores, dim=-1) @ v[:, part])
        dense  = torch.cat(mixed, dim=1) @ weights[f"{layer}.attention.output.dense.weight"].T
        x      = _normalise(dense + weights[f"{layer}.attention.output.dense.bias"] + x, weights,
                            f"{layer}.attention.output.LayerNorm")
        gated  = x @ weights[f"{layer}.mlp.gated_layers.weight"].T
        gate, value = gated[:, :config["intermediate_size"]], gated[:, config["intermediate_size"]:]
        inner  = 0.5 * gate * (1 + torch.erf(gate / math.sqrt(2))) * value
        y      = inner @ weights[f"{layer}.mlp.wo.weight"].T + weights[f"{layer}.mlp.wo.bias"]
        x      = _normalise(y + x, weights, f"{layer}.mlp.layernorm")
    return x


def _normalise(x, weights, name):
    centred = x - x.mean(dim=-1, keepdim=True)
    scaled  = centred / torch.sqrt(centred.square().mean(dim=-1, keepdim=True) + 1e-12)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]
