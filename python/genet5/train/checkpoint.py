"""Checkpoints: all that a run needs to go on as if it had never stopped."""

import contextlib
import os
import pathlib
import pickle
import random
import re
import shutil

import numpy as np
import torch

import genet5.errors as errors

LATEST = "checkpoint_latest.pt"
BEST   = "best_model.pt"
FORMAT = 1
_STEP  = re.compile(r"checkpoint_step_(\d+)\.pt")


def write(path, state):
    """Write a checkpoint under a temporary name, force it to disk, rename it.

    path:  path of the file
    state: dict of tensors and plain values
    """

    path      = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            torch.save({"format": FORMAT, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def save(folder, state, keep):
    """Write checkpoint_step_N.pt and checkpoint_latest.pt, and drop old step files.

    folder: path of the run
    state:  dict with `step`, see write
    keep:   int, step files to keep; with 0 only checkpoint_latest.pt is written
    """

    folder = pathlib.Path(folder)
    if keep == 0:
        write(folder / LATEST, state)
        return
    numbered = folder / f"checkpoint_step_{state['step']}.pt"
    write(numbered, state)
    _alias(numbered, folder / LATEST)
    for path in steps(folder)[:-keep]:
        path.unlink()


def steps(folder):
    """The checkpoint_step_*.pt files of a run, oldest first."""

    found = [(int(match[1]), path) for path in pathlib.Path(folder).iterdir() if (match := _STEP.fullmatch(path.name))]
    return [path for _, path in sorted(found)]


def read(path):
    """A checkpoint, loaded as data only (no code in it runs).

    path: path of the file
    raises DataError where it is broken or of another version
    """

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, LookupError, pickle.UnpicklingError, TypeError, ValueError) as error:
        raise errors.DataError(f"{path} is no checkpoint, or a broken one; take an older checkpoint_step_*.pt") \
            from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise errors.DataError(f"{path} was written by another version of GeneT5")
    return state


def clear(folder):
    """Remove what an earlier run left in a folder: checkpoints, best model and logs."""

    folder = pathlib.Path(folder)
    for name in (LATEST, BEST, "training_log.csv", "eval_log.csv", "finetune_config.json"):
        (folder / name).unlink(missing_ok=True)
    for path in steps(folder):
        path.unlink()


def random_state():
    """The states of all random generators of this process, in plain types and tensors."""

    version, words, gauss       = random.getstate()
    kind, keys, place, has, kept = np.random.get_state()
    return {"python": [version, list(words), gauss],
            "numpy":  [kind, torch.from_numpy(keys.astype(np.int64)), place, has, kept],
            "torch":  torch.get_rng_state(),
            "cuda":   torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None}


def restore_random_state(state):
    """Put all random generators back; the opposite of `random_state`."""

    version, words, gauss       = state["python"]
    kind, keys, place, has, kept = state["numpy"]
    random.setstate((version, tuple(words), gauss))
    np.random.set_state((kind, keys.numpy().astype(np.uint32), place, has, kept))
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def _alias(source, target):
    """Give a file a second name, by a hard link where the file system has them."""

    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    temporary.replace(target)
