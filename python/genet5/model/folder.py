"""Model folders: config.json, model.safetensors (or its shards) and tokenizer.json, enough to predict with.

Hugging Face reads and writes the same files, see genet5.hf; tokenizer_config.json is for its AutoTokenizer alone.
"""

import errno
import json
import os
import pathlib
import re
import shutil

import safetensors.torch
import torch

import genet5.errors as errors
import genet5.model.config as configs
import genet5.model.network as network
import genet5.tokenizer as tk

CONFIG    = "config.json"
WEIGHTS   = "model.safetensors"
INDEX     = "model.safetensors.index.json"
TOKENIZER = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"


def create(out, tokenizer_path, preset="small", seed=0, force=False, **changes):
    """Write an untrained model.

    out:            path of the folder
    tokenizer_path: path of a tokenizer.json, or of a folder that holds one
    preset:         str, see genet5.model.config.PRESETS
    seed:           int, of the weights
    force:          bool, overwrite a model that is there
    changes:        fields of ModelConfig
    returns the model
    raises DataError when a model is there, InputError for a broken tokenizer
    """

    refuse_existing(out, force)
    tokenizer = tk.load(tokenizer_file(tokenizer_path))
    config    = configs.ModelConfig.preset(preset, vocab_size=tokenizer.vocab_size, pad_id=tokenizer.pad_id, **changes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network.GeneT5(config)
    save_with(model, out, tokenizer)
    return model


def refuse_existing(out, force):
    """raises DataError where the folder `out` holds a model already, unless `force`"""

    if (pathlib.Path(out) / CONFIG).exists() and not force:
        raise errors.DataError(f"{out} already holds a model; --force replaces it")


def expand(path, tokenizer, out):
    """Write the model of a folder with a larger vocabulary.

    The embedding of each new token starts as the mean of the embeddings of the old tokens that its text was cut into
    before: row(new) = (row(piece 1) + ... + row(piece n)) / n. All else stays, so the outputs on a text that no new
    token occurs in stay as well.

    path:      path of the model folder
    tokenizer: Tokenizer that `genet5.tokenizer.expand` made from the folder's own
    out:       path of the new folder
    returns the new model
    raises DataError where the folder is broken or its tokenizer is no part of the new one
    """

    old_model = load(path)
    old       = tk.load(pathlib.Path(path) / TOKENIZER)
    known     = old.vocab_size
    if tokenizer.tokens()[:known] != old.tokens():
        raise errors.DataError(f"the larger tokenizer does not begin with the tokens of {path}")
    config = configs.ModelConfig.from_dict({**old_model.config.to_dict(), "vocab_size": tokenizer.vocab_size})
    state  = old_model.state_dict()
    rows   = state["embed.weight"]
    rows   = torch.cat((rows, rows.new_zeros(tokenizer.vocab_size - known, rows.shape[1])))
    fill_new_rows(rows, old, tokenizer, known)
    model  = network.GeneT5(config)
    model.load_state_dict({**state, "embed.weight": rows})
    save_with(model, out, tokenizer)
    return model.eval()


def fill_new_rows(rows_VC, old, new, known):
    """Embeddings of the new tokens of DNA: the mean of those that their text was cut into before.

    rows_VC: float [V, C], changed in place from row `known` on
    old:     Tokenizer of the first rows
    new:     Tokenizer of all rows
    """

    for number, _ in new.token_lengths():
        if number >= known:
            pieces          = old.encode(new.tokens()[number].encode())[0].tolist()
            rows_VC[number] = rows_VC[pieces].double().mean(dim=0).to(rows_VC.dtype)


def tokenizer_file(path):
    """The tokenizer.json that a path names, itself or as a folder."""

    path = pathlib.Path(path)
    return path / TOKENIZER if path.is_dir() else path


def save_with(model, out, tokenizer):
    """Write a model folder with a tokenizer that is in memory; otherwise as `save`."""

    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(out / TOKENIZER)
    save(model, out, out / TOKENIZER)


def save(model, out, tokenizer_path):
    """Write a model folder; each file under a temporary name first, config.json last.

    out:            path of the folder, made if missing
    tokenizer_path: path of the tokenizer.json to copy
    raises OSError naming the file that could not be written
    """

    out = pathlib.Path(out)
    save_tokenizer(tokenizer_path, out)
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    try:
        _replace(out / WEIGHTS, lambda path: safetensors.torch.save_file(weights, path, metadata={"format": "pt"}))
    except safetensors.SafetensorError as error:
        # it tells of a full disk in words only
        number = re.search(r"os error (\d+)", str(error))
        code   = int(number[1]) if number else errno.EIO
        raise OSError(code, os.strerror(code), str(out / WEIGHTS)) from error
    # safetensors lets nobody else read it
    shutil.copymode(out / TOKENIZER_CONFIG, out / WEIGHTS)
    _drop_shards(out)
    save_config(model.config, out)


def save_tokenizer(tokenizer_path, out):
    """Write tokenizer.json of a model folder, and what Hugging Face's AutoTokenizer needs beside it.

    tokenizer_path: path of the tokenizer.json to copy
    out:            path of the folder, made if missing
    """

    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    if pathlib.Path(tokenizer_path).resolve() != (out / TOKENIZER).resolve():
        _replace(out / TOKENIZER, lambda path: shutil.copyfile(tokenizer_path, path))
    tokenizer = tk.load(out / TOKENIZER)
    names     = tokenizer.tokens()
    roles     = {"unk_token": names[tokenizer.unk_id], "pad_token": names[tokenizer.pad_id],
                 "bos_token": "<bos>", "eos_token": "<eos>"}
    others    = [name for name in tokenizer.special_tokens() if name not in roles.values()]
    text      = json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", **roles, "additional_special_tokens": others,
                            "model_input_names": ["input_ids", "attention_mask"],
                            "clean_up_tokenization_spaces": False}, indent=2) + "\n"
    _replace(out / TOKENIZER_CONFIG, lambda path: path.write_text(text))


def save_config(config, out):
    """Write only config.json of a model folder."""

    text = json.dumps(config.to_dict(), indent=2) + "\n"
    _replace(pathlib.Path(out) / CONFIG, lambda path: path.write_text(text))


def load(path, device="cpu"):
    """Read a model folder.

    path:   path of the folder
    device: str or torch.device
    returns GeneT5 in evaluation mode, with `folder` set to its path
    raises DataError where a file is missing or does not fit
    """

    path    = pathlib.Path(path)
    weights = INDEX if (path / INDEX).is_file() and not (path / WEIGHTS).is_file() else WEIGHTS
    for name in (CONFIG, weights, TOKENIZER):
        if not (path / name).is_file():
            raise errors.DataError(f"{path} is no model folder: {name} is missing (genet5 init makes one)")
    try:
        fields = json.loads((path / CONFIG).read_text())
        if not isinstance(fields, dict):
            raise errors.DataError("no settings of a model")
        config = configs.ModelConfig.from_dict(fields)
    except (errors.DataError, TypeError, ValueError) as error:
        raise errors.DataError(f"{path / CONFIG}: {error}") from error
    model = network.GeneT5(config)
    try:
        files = shards(path) if weights == INDEX else [path / WEIGHTS]
        state = {}
        for file in files:
            state.update(safetensors.torch.load_file(file))
        model.load_state_dict(state)
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise errors.DataError(f"{path / weights} does not fit {CONFIG}: {error}") from error
    model.folder = path
    return model.to(device).eval()


def shards(path):
    """The files over which the index of a model folder spreads the weights, a list of paths.

    raises DataError where the index is broken or a file is missing
    """

    path = pathlib.Path(path)
    try:
        names = sorted(set(json.loads((path / INDEX).read_text())["weight_map"].values()))
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise errors.DataError(f"{path / INDEX} is no index of weights: {error}") from error
    missing = [name for name in names if not (path / name).is_file()]
    if missing:
        raise errors.DataError(f"{path / INDEX} names files that are missing: {', '.join(missing)}")
    return [path / name for name in names]


def _drop_shards(path):
    """Remove the shards of a model that a single file has replaced."""

    if (path / INDEX).is_file():
        for file in (*shards(path), path / INDEX):
            file.unlink()


def _replace(path, write):
    """Call `write` with a temporary name in the same folder, then rename it to `path`."""

    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
