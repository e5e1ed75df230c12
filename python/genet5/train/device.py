"""Where a run computes and in which precision."""


import torch

import genet5.errors as errors
import genet5.machine as machine


def choose(name, local_rank=0):
    """The device of this process.

    name: "auto", "cpu" or "cuda"
    raises DataError where CUDA is asked for and missing
    """

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise errors.DataError("--device cuda: torch finds no CUDA device here; use --device cpu")
    if name not in ("cpu", "cuda"):
        raise errors.DataError(f"device is {name}; valid is auto, cpu, cuda")
    device = torch.device(name, local_rank) if name == "cuda" else torch.device(name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def precision(name, device):
    """The autocast type and the reason.

    name:   "auto", "float32" or "bfloat16"
    device: torch.device
    returns ("float32" or "bfloat16", str)

    On a processor without tiles for it bfloat16 is several times slower than float32.
    """

    if name != "auto":
        return name, "as asked"
    if device.type == "cuda":
        able = torch.cuda.is_bf16_supported(including_emulation=False)
        return ("bfloat16", "the GPU has it") if able else ("float32", "the GPU has no bfloat16")
    tiles = getattr(torch.cpu, "_is_amx_tile_supported", bool)()
    return ("bfloat16", "the processor has AMX") if tiles else ("float32", "the processor has no AMX")


def share_cores(threads, local_world):
    """Give this process its threads; returns their number.

    threads:     int, 0: the cores divided by the processes of this machine
    local_world: int, processes of this machine
    """

    count = threads or max(1, machine.cores() // local_world)
    torch.set_num_threads(count)
    return count
