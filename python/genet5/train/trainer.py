"""The state of a run and what one optimizer step does to it."""

import dataclasses
import math
import random
import time

import numpy as np
import torch

import genet5.errors as errors
import genet5.model.experts as experts
import genet5.model.loss as loss
import genet5.train.batches as batches
import genet5.train.checkpoint as checkpoint
import genet5.train.config as configs
import genet5.train.optimizer as optim
import genet5.train.updates as updates

# steps in a row that may be skipped before the run gives up
MOST_SKIPPED = 50


@dataclasses.dataclass
class Progress:
    """Where a run stands; part of every checkpoint.

    step:       int, optimizer steps done
    skipped:    int, of them left out because a number was not finite
    in_a_row:   int, skipped since the last good step
    best_step:  int, when the lowest validation loss was seen
    best_loss:  float
    misses:     int, true sites that the grammar would not allow
    seconds:    float, time spent, over all resumptions
    """

    step:      int   = 0
    skipped:   int   = 0
    in_a_row:  int   = 0
    best_step: int   = -1
    best_loss: float = math.inf
    misses:    int   = 0
    seconds:   float = 0.0


class Trainer:
    """A model, its optimizer and its data, advanced one step at a time.

    model:  genet5.model.network.GeneT5 on the group's device
    source: genet5.train.batches.Source of this process
    config: TrainConfig, dtype settled; max_steps may follow before the first step
    group:  genet5.train.distributed.Group, started
    """

    def __init__(self, model, source, config, group):
        self.model     = model
        self.config    = config
        self.group     = group
        self.device    = group.device
        self.progress  = Progress()
        self.source    = source
        self.sampler   = source.state()
        self.gradients = self._gradients()
        self.optimizer = updates.OPTIMIZERS[config.optimizer](model, self.gradients, config)
        self.evaluated = None
        self.average   = optim.Average(model, config.ema, self.gradients) if config.ema else None
        self.begun     = time.perf_counter()
        random.seed(config.seed + group.rank)
        np.random.seed(config.seed + group.rank)
        torch.manual_seed(config.seed + group.rank)

    def _gradients(self):
        """Where the gradients are: all of them on every process, or cut into parts."""

        if self.config.parallel == "fsdp" and self.group.world > 1:
            import genet5.train.sharding as sharding

            sharding.shard(self.model, self.group)
            return sharding.Gradients(self.model, self.group)
        return optim.FlatGradients(self.model.parameters())

    def seconds(self):
        """Time spent on this run, over all resumptions, float."""

        return self.progress.seconds + time.perf_counter() - self.begun

    def autocast(self):
        """The context in which the model computes."""

        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.dtype == "bfloat16")

    def gradient(self, step):
        """Forward and backward of all micro-batches; the gradients are summed over all processes.

        step: batches.Step
        returns the row of the training log that this much decides, a dict

        Each head's loss is its sum over the global batch by its count over the global batch, so neither the
        number of processes nor of micro-batches changes it.
        """

        sized  = [{**batches.counts(arrays), **batches.sizes(arrays)} for arrays in step.micro]
        names  = list(sized[0])
        shared = dict(zip(names, self.group.total([sum(one[name] for one in sized) for name in names])))
        counts = {f"{head}_count": torch.tensor(shared[head], device=self.device) for head in configs.LOSSES}
        keys   = [f"{head}_sum" for head in configs.LOSSES] + ["mask_misses"]
        sums   = torch.zeros(len(keys), dtype=torch.float64, device=self.device)
        self.gradients.zero()
        for arrays in step.micro:
            with self.autocast():
                parts = loss.losses(self.model, batches.to_device(arrays, self.device), self.config.threads,
                                    smoothing=self.config.label_smoothing)
                value = loss.total(parts, counts, self.config.loss_weights)
            value.backward()
            sums += torch.stack([parts[key].detach().double() for key in keys])
        self.gradients.reduce(self.group)
        *heads, misses = self.group.sum_(sums).tolist()
        means = {head: total / max(1.0, shared[head]) for head, total in zip(configs.LOSSES, heads)}
        return {**{f"{head}_loss": means[head] for head in configs.LOSSES},
                "loss":          sum(weight * means[head] for head, weight in self.config.loss_weights.items()),
                "mask_misses":   int(misses),
                "padding_share": 1.0 - shared["tokens"] / shared["places"],
                **{name: int(shared[name]) for name in ("windows", "tokens", "bases")}}

    def step(self):
        """One optimizer step; returns a row of the training log.

        raises GeneT5Error when too many steps in a row are not finite
        """

        begin  = time.perf_counter()
        number = self.progress.step
        epoch  = self.sampler["epoch"]
        step   = self.source.next()
        row    = self.gradient(step)
        norm   = self.gradients.clip(self.config.clip)
        lr     = optim.rate(number, self.config)
        # loss and gradient are sums over all processes, so all of them decide alike
        good   = math.isfinite(norm) and math.isfinite(row["loss"])
        if good:
            self._update(number, lr)
        else:
            self._skip()
        row.update(self._balance(self.config.balance_rate if good else 0.0))
        self.sampler          = step.state
        self.progress.step   += 1
        self.progress.misses += row["mask_misses"]
        took = time.perf_counter() - begin
        return {**row, "step": self.progress.step, "epoch": epoch, "lr": lr, "grad_norm": norm,
                "skipped": self.progress.skipped, "tokens_per_second": row["tokens"] / took,
                "bases_per_second": row["bases"] / took, "seconds": self.seconds()}

    def rehearse(self):
        """The work of a step, all but the update; `rewind` forgets that it was done."""

        self.gradient(self.source.next())
        self.gradients.clip(self.config.clip)

    def rewind(self):
        """Read the data from the last finished step on again."""

        self.source.load_state(self.sampler)
        self._balance(0.0)

    def _balance(self, rate):
        """Even out the use of experts by the load of all processes; returns the load as columns of the log."""

        loads = experts.loads(self.model)
        if loads is None:
            return {}
        self.group.sum_(loads)
        experts.rebalance(self.model, loads, rate)
        return experts.describe(loads)

    def _update(self, number, lr):
        self.optimizer.step(lr)
        if self.average is not None:
            self.average.update(number)
        self.progress.in_a_row = 0

    def _skip(self):
        self.progress.skipped  += 1
        self.progress.in_a_row += 1
        if self.progress.in_a_row >= MOST_SKIPPED:
            raise errors.GeneT5Error(f"{MOST_SKIPPED} steps in a row were not finite; the training has diverged: "
                                     f"start again with a lower --lr, or --dtype float32")

    def state_dict(self):
        """All that `load_state_dict` needs to go on; every process calls it, the first one keeps it."""

        self.progress.seconds, self.begun = self.seconds(), time.perf_counter()
        return {"model":     self.gradients.model_state(self.model),
                "average":   self.average.state_dict() if self.average else None,
                "optimizer": self.optimizer.state_dict(),
                "step":      self.progress.step,
                "progress":  dataclasses.asdict(self.progress),
                "sampler":   self.sampler,
                "random":    self.group.gather(checkpoint.random_state()),
                "data_hash": self.source.data_hash}

    def load_state_dict(self, state):
        """Go on from a checkpoint.

        raises DataError where the checkpoint belongs to other data
        """

        if state["data_hash"] != self.source.data_hash:
            raise errors.DataError(f"the checkpoint was made on other data ({state['data_hash']}, here "
                                   f"{self.source.data_hash}); --resume needs the baked folder that the run began with")
        self.gradients.load_model_state(self.model, state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.progress = Progress(**state["progress"])
        self.sampler  = state["sampler"]
        self.rewind()
        if self.group.rank < len(state["random"]):
            checkpoint.restore_random_state(state["random"][self.group.rank])
        self.begun = time.perf_counter()
