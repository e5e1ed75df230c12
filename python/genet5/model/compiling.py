"""torch.compile for the blocks: one graph serves all layers and all lengths, and is kept on disk between runs.

What depends on data stays out of the graphs: the grammar and the lattice in Rust, and which expert serves which token.
"""

import functools
import importlib.util
import os
import pathlib
import shutil
import sys
import sysconfig
import threading

import torch

import genet5.errors as errors
import genet5.model.compat as compat
import genet5.model.experts as experts

CACHE = "TORCHINDUCTOR_CACHE_DIR"
# windows are read side by side; torch.compile itself would make the same graph in every thread that lacks it
_FIRST = threading.RLock()


def cache_dir():
    """Where compiled code is kept: TORCHINDUCTOR_CACHE_DIR, else genet5/inductor in the user's cache folder."""

    given = os.environ.get(CACHE)
    user  = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(given) if given else pathlib.Path(user) / "genet5" / "inductor"


def prepare(device):
    """Make this process ready to compile: tools, cache, patches.

    device: torch.device
    raises DataError where a tool is missing
    """

    _demand_tools(device)
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[CACHE] = str(folder)
    compat.repair()
    if not hasattr(experts.Experts.forward, "_torchdynamo_disable"):
        # how many tokens an expert serves is known only from the data
        experts.Experts.forward = torch.compiler.disable(experts.Experts.forward)


def _demand_tools(device):
    """Raise DataError where a compiler or what it needs is missing."""

    leave = "or leave --compile out"
    if device.type == "cuda":
        if importlib.util.find_spec("triton") is None:
            raise errors.DataError(f"--compile on a GPU needs triton: pip install 'genet5[model]', {leave}")
        wanted = [os.environ["CC"]] if "CC" in os.environ else ["gcc", "clang", "cc"]
    else:
        wanted = [os.environ.get("CXX", "clang++" if sys.platform == "darwin" else "g++")]
    if not any(map(shutil.which, wanted)):
        raise errors.DataError(f"--compile needs a compiler, and there is no {' or '.join(wanted)} here: install g++, "
                               f"{leave}")
    header = pathlib.Path(sysconfig.get_paths()["include"]) / "Python.h"
    if not header.is_file():
        raise errors.DataError(f"--compile needs {header}, which is missing: install Python's headers (python3-dev), "
                               f"{leave}")


def for_training(model, device, backend="inductor"):
    """Compile the blocks of a model in place; without gradients they run as before, since evaluation is short.

    model:   GeneT5
    device:  torch.device
    backend: what torch.compile takes
    raises DataError where a tool is missing
    """

    prepare(device)
    for layer in model.layers:
        layer.prefix = _compiled(layer.prefix, backend, training=True)
        layer.steps  = _compiled(layer.steps, backend, training=True)


def for_prediction(model, device, backend="inductor"):
    """Compile the blocks of a model in place, once, for reading windows and for writing with a cache of fixed size.

    Arguments as of `for_training`.
    """

    if getattr(model, "compiled", None) == "prediction":
        return
    prepare(device)
    for layer in model.layers:
        layer.prefix = _compiled(layer.prefix, backend)
        layer.step   = _compiled(layer.step, backend)
    model.compiled = "prediction"


def _compiled(method, backend, training=False):
    """A method of a block that is compiled for any length of its inputs.

    training: bool, compiled only where gradients are recorded
    """

    fast = torch.compile(method, backend=backend, dynamic=None)
    met  = set()

    @functools.wraps(method)
    def run(*inputs, **named):
        if training and not torch.is_grad_enabled():
            return method(*inputs, **named)
        for value in (*inputs, *named.values()):
            _mark(value)
        kind = tuple(map(_kind, (*inputs, *named.values())))
        if kind in met:
            return fast(*inputs, **named)
        # the others wait for the first one's graph
        with _FIRST:
            result = fast(*inputs, **named)
        met.add(kind)
        return result

    return run


def _kind(value):
    """What of an input decides which graph it needs: types, and which sizes are one."""

    tensors = [tensor for tensor, _ in value.lengths()] if hasattr(value, "lengths") else [value]
    return tuple((tensor.dtype, *(size == 1 for size in tensor.shape)) for tensor in tensors
                 if isinstance(tensor, torch.Tensor))


def _mark(value):
    """Tell the compiler which sizes of an input vary: windows, rows, tokens, steps and keys."""

    if hasattr(value, "lengths"):
        for tensor, sizes in value.lengths():
            _mark_sizes(tensor, sizes)
    elif isinstance(value, torch.Tensor) and value.dim() > 1 and not isinstance(value, torch.nn.Parameter):
        # slopes are the only matrix without a length
        _mark_sizes(value, (0, 1) if value.dim() > 2 or not value.is_floating_point() else ())


def _mark_sizes(tensor, sizes):
    for size in sizes:
        # a size of one has a graph of its own; so has a row of a single block, which mark_dynamic would refuse
        if tensor.shape[size] > 1:
            torch._dynamo.maybe_mark_dynamic(tensor, size)
