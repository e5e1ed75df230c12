"""Validation losses, gene F1 on eval.json, and the choice of the writer's threshold."""

import contextlib

import torch

import genet5.model.loss as loss
import genet5.train.batches as batches
import genet5.train.config as configs

THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)


@contextlib.contextmanager
def averaged(trainer):
    """Inside, the model has its averaged weights (where the run has them) and is in evaluation mode."""

    if trainer.average is not None:
        trainer.average.swap()
    trainer.model.eval()
    try:
        yield trainer.model
    finally:
        trainer.model.train()
        if trainer.average is not None:
            trainer.average.swap()


def evenly(items, most):
    """At most `most` of a list, drawn evenly over it; all with 0."""

    if most == 0 or len(items) <= most:
        return list(items)
    return [items[index * len(items) // most] for index in range(most)]


def validate(trainer, held):
    """The losses of the model as it stands, over the batches of all processes.

    trainer: Trainer
    held:    list of dicts of NumPy arrays, this process's share of the validation batches
    returns dict: loss and one loss per head
    """

    keys = list(configs.HEADS)
    sums = dict.fromkeys([f"{key}_sum" for key in keys] + [f"{key}_count" for key in keys], 0.0)
    with torch.no_grad(), trainer.autocast():
        for arrays in held:
            parts = loss.losses(trainer.model, batches.to_device(arrays, trainer.device))
            for key, count in batches.counts(arrays).items():
                sums[f"{key}_sum"]   += float(parts[f"{key}_sum"])
                sums[f"{key}_count"] += count
    sums  = dict(zip(sums, trainer.group.total(list(sums.values()))))
    means = {key: sums[f"{key}_sum"] / max(1.0, sums[f"{key}_count"]) for key in keys}
    return {"loss": sum(weight * means[key] for key, weight in trainer.config.loss_weights.items()),
            **{f"{key}_loss": means[key] for key in keys}}


def genes(model, data_dir, config, autocast):
    """Stub until inference lands."""

    return {"gene_f1": None}


def calibrate(*a):
    return {}
