"""The largest micro-batch that fits into memory, found from below: too large a one freezes a machine of one memory."""

import torch

import genet5.errors as errors
import genet5.machine as machine
import genet5.model.loss as loss
import genet5.train.batches as batches
import genet5.train.checkpoint as checkpoint

# batches differ in size; memory fragments
HEADROOM = 1.15


def accumulate(trainer, source, config, group, floor):
    """The fewest micro-batches of a step that fit; leaves no trace in the trainer.

    trainer: Trainer
    source:  function of a TrainConfig that gives a batches.Source
    config:  TrainConfig; batch_rows is shared out
    group:   genet5.train.distributed.Group; all processes choose alike
    floor:   float, bytes to leave free
    returns (int, int, float): accumulate, rows of a micro-batch, bytes that one takes
    raises DataError where a single row does not fit
    """

    if config.batch_rows % group.world:
        raise errors.DataError(f"batch_rows {config.batch_rows} is not divisible by {group.world} processes")
    rows   = config.batch_rows // group.world
    random = checkpoint.random_state()
    probe  = Probe(trainer.device)
    room   = min(group.gather(probe.room() - floor))
    fits, took = 0, 0.0
    for micro in (number for number in range(1, rows + 1) if rows % number == 0):
        if fits and took * micro / fits * HEADROOM > room:
            break
        arrays = source(config, rows // micro).next().micro[0]
        used   = max(group.gather(probe.measure(lambda: _work(trainer, arrays))))  # noqa: B023 called at once
        if used * HEADROOM > room:
            break
        fits, took = micro, used
    trainer.gradients.zero()
    trainer.rewind()
    checkpoint.restore_random_state(random)
    if not fits:
        raise errors.DataError(f"--auto-batch: a single row of {config.row_tokens} tokens does not fit into the "
                               f"{max(0.0, room) / (1 << 30):.2f} GiB that are free; use a smaller --row-tokens")
    return rows // fits, fits, took


class Probe:
    """Measures the memory that a piece of work takes, from the moment that this was made.

    device: torch.device
    """

    def __init__(self, device):
        self.device = device
        # on a machine of one memory the driver does not know what the page cache could give back
        self.own    = device.type == "cuda" and not torch.cuda.get_device_properties(device).is_integrated
        self.before = torch.cuda.memory_reserved(device) if device.type == "cuda" else machine.resident()

    def room(self):
        """Bytes that work may take."""

        free = torch.cuda.mem_get_info(self.device)[0] if self.own else machine.available()
        return float("inf") if free is None else float(free)

    def measure(self, work):
        """Bytes at the peak of `work()`, infinity where it ran out of memory."""

        try:
            if self.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats(self.device)
                work()
                torch.cuda.synchronize(self.device)
                return float(torch.cuda.max_memory_reserved(self.device) - self.before)
            machine.forget_peak()
            work()
            return float(max(0, machine.peak_resident() - self.before))
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            return float("inf")


def _work(trainer, arrays):
    """Forward and backward of one micro-batch, without a word to the other processes."""

    with trainer.autocast():
        parts = loss.losses(trainer.model, batches.to_device(arrays, trainer.device), trainer.config.threads)
        value = loss.total(parts, parts, trainer.config.loss_weights)
    value.backward()
