"""Checkpoints: all that a run needs to go on as if it had never stopped."""

import contextlib
import errno
import os
import pathlib
import pickle
import random
import re
import shutil
import threading
import zipfile

import numpy as np
import torch

import genet5.errors as errors

LATEST = "checkpoint_latest.pt"
BEST   = "best_model.pt"
FORMAT = 1
# what a run needs to go on; best_model.pt has less
WHOLE  = {"asked", "config", "model_config", "world", "versions", "model", "average", "optimizer", "step", "progress",
          "sampler", "random", "data_hash"}
_STEP  = re.compile(r"checkpoint_step_(\d+)\.pt")


def write(path, state):
    """Write a checkpoint under a temporary name, force it to disk, rename it.

    path:  path of the file
    state: dict of tensors and plain values
    raises OSError naming the file
    """

    path      = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            torch.save({"format": FORMAT, **state}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    # torch turns some failed writes into RuntimeError
    except (OSError, RuntimeError) as error:
        raise _disk_error(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _disk_error(path, error):
    """The OSError behind a failed write, with the name of the file."""

    cause = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__context__
    if cause is None:
        return OSError(errno.EIO, " ".join(str(error).split())[:200], str(path))
    return OSError(cause.errno, cause.strerror, str(path))


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


def exists(folder):
    """Whether a folder holds a checkpoint, whole or not."""

    folder = pathlib.Path(folder)
    return (folder / LATEST).exists() or (folder.is_dir() and bool(steps(folder)))


class Writer:
    """Writes the checkpoints of a run in the background, one after the other.

    A checkpoint that could not be written (a full disk) costs none that was there before; the run goes on, and
    `finish` raises when the last one is missing.

    folder: path of the run
    keep:   int, step files to keep, see `save`
    tell:   function of a str, for warnings
    """

    def __init__(self, folder, keep, tell):
        self.folder  = pathlib.Path(folder)
        self.keep    = keep
        self.tell    = tell
        self.thread  = None
        self.failure = None
        self.failed  = 0

    def save(self, state):
        """Write a checkpoint; returns as soon as its tensors are copied, so that training may change them.

        state: dict with `step`, see `write`
        """

        self.wait()
        self.thread = threading.Thread(target=self._write, args=(copy(state),), name="checkpoint")
        self.thread.start()

    def save_now(self, state):
        """Write a checkpoint without a copy of it in memory, and wait for it."""

        self.wait()
        self._write(state)

    def wait(self):
        """Wait until nothing is being written."""

        if self.thread is not None:
            self.thread.join()
            self.thread = None

    def finish(self):
        """Wait; the last checkpoint is on the disk then.

        raises OSError where it could not be written
        """

        self.wait()
        if self.failure is not None:
            raise self.failure

    def _write(self, state):
        try:
            save(self.folder, state, self.keep)
            self.failure = None
        except OSError as error:
            self.failed += 1
            self.failure = OSError(error.errno, error.strerror,
                                   str(self.folder / f"checkpoint_step_{state['step']}.pt"))
            self.tell(f"warning: the checkpoint of step {state['step']} was not written: {error.strerror}; the one "
                      f"before it stays")


def copy(state):
    """A state whose tensors are copies on the CPU; dicts, lists and tuples are walked through."""

    if torch.is_tensor(state):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {key: copy(value) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)(copy(value) for value in state)
    return state


def newest(folder, tell, needs=frozenset()):
    """The newest checkpoint of a run that can be read; None where there is none at all.

    folder: path of the run
    tell:   function of a str, told of each one that is broken
    needs:  set of str, what it has to hold, as WHOLE
    raises DataError where all of them are broken
    """

    folder = pathlib.Path(folder)
    if not folder.is_dir():
        return None
    paths = [path for path in (folder / LATEST, *reversed(steps(folder))) if path.is_file()]
    for number, path in enumerate(paths):
        try:
            state   = read(path)
            missing = sorted(needs - set(state))
            if missing:
                raise errors.DataError(f"{path} is no checkpoint that a run can go on from: it lacks "
                                       f"{', '.join(missing)}")
            return state
        except errors.DataError as error:
            if number + 1 == len(paths):
                raise
            tell(f"warning: {error}")
    return None


def tidy(folder):
    """Remove half-written files that a killed run left under temporary names."""

    for path in pathlib.Path(folder).glob(".*.tmp"):
        if path.name.startswith((".checkpoint_", f".{BEST}.", ".training_log.", ".eval_log.", ".model.safetensors.",
                                 ".config.json.", ".tokenizer.json.", ".tokenizer_config.json.")):
            path.unlink(missing_ok=True)


def read(path):
    """A checkpoint, loaded as data only (no code in it runs).

    path: path of the file
    raises DataError where it is broken or of another version
    """

    path = pathlib.Path(path)
    # torch says of a torn file the same as of a missing one
    path.open("rb").close()
    try:
        # torch does not look at the sums that it writes
        with zipfile.ZipFile(path) as parts:
            damaged = parts.testzip()
        if damaged:
            raise zipfile.BadZipFile(f"{damaged} has another sum")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, LookupError, pickle.UnpicklingError, TypeError, ValueError,
            zipfile.BadZipFile) as error:
        raise errors.DataError(f"{path} is no checkpoint, or a broken one; take an older checkpoint_step_*.pt") \
            from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise errors.DataError(f"{path} was written by another version of GeneT5")
    return state


def clear(folder):
    """Remove what an earlier run left in a folder: checkpoints, best model and logs."""

    folder = pathlib.Path(folder)
    for name in (LATEST, BEST, "training_log.csv", "training_log.jsonl", "eval_log.csv", "eval_log.jsonl",
                 "finetune_config.json"):
        (folder / name).unlink(missing_ok=True)
    for path in folder.glob("memory_*.csv"):
        path.unlink()
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
