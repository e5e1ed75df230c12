"""Validation losses, gene F1 on eval.json, and the choice of decoding settings."""

import contextlib
import json
import pathlib

import torch

import genet5.errors as errors
import genet5.inference.evaluation as evaluate
import genet5.model.folder as folders
import genet5.model.loss as loss
import genet5.train.batches as batches
import genet5.train.config as configs


@contextlib.contextmanager
def averaged(trainer):
    """Gives the model with its averaged weights (where the run has them) in evaluation mode, whole on every process.

    Inside, trainer.evaluated is that model.
    """

    if trainer.average is not None:
        trainer.average.swap()
    trainer.model.eval()
    try:
        trainer.evaluated = trainer.gradients.whole_model(trainer.model).eval()
        yield trainer.evaluated
    finally:
        trainer.evaluated = None
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

    trainer: Trainer, inside of `averaged`
    held:    list of dicts of NumPy arrays, this process's share of the validation batches
    returns dict: loss and one loss per head
    """

    keys = list(configs.HEADS)
    sums = dict.fromkeys([f"{key}_sum" for key in keys] + [f"{key}_count" for key in keys], 0.0)
    with torch.no_grad(), trainer.autocast():
        for arrays in held:
            parts = loss.losses(trainer.evaluated, batches.to_device(arrays, trainer.device), trainer.config.threads)
            counts = batches.counts(arrays)
            for key in keys:
                sums[f"{key}_sum"]   += float(parts[f"{key}_sum"])
                sums[f"{key}_count"] += counts[key]
    sums  = dict(zip(sums, trainer.group.total(list(sums.values()))))
    means = {key: sums[f"{key}_sum"] / max(1.0, sums[f"{key}_count"]) for key in keys}
    return {"loss": sum(trainer.config.loss_weights[key] * means[key] for key in keys),
            **{f"{key}_loss": means[key] for key in keys}}


def samples(data_dir, config):
    """The samples of eval.json that a run writes genes for, a list of dicts.

    data_dir: path of a baked folder
    config:   TrainConfig
    raises DataError where they are wanted and missing
    """

    if config.generate_every < 0 and not config.calibrate:
        return []
    path = pathlib.Path(data_dir) / "eval.json"
    if not path.is_file():
        raise errors.DataError(f"{path} is missing: bake it with genet5 bake --eval, or train with --generate-every -1 "
                               f"--no-calibrate")
    return evenly(json.loads(path.read_text())["samples"], config.generate_samples)


def genes(model, chosen, threads):
    """F1 of genes, exons and nucleotides by both decoders, in the words of eval_log.csv.

    model:   GeneT5
    chosen:  list of dicts, from `samples`
    threads: int
    """

    scores = evaluate.evaluate(model, chosen, threads=threads)
    return {f"{decoder}_{level}_f1": scores[decoder][f"{level}_f1"] for decoder in ("writer", "viterbi")
            for level in ("gene", "exon", "nucleotide")}


def calibrate(folder, chosen, device, threads):
    """Choose decoder and thresholds of a finished model folder; its config.json is written again.

    folder:  path of the model folder
    chosen:  list of dicts, from `samples`
    device:  torch.device
    threads: int
    returns dict: decoder, writer_threshold, min_probability and gene F1 by decoder
    """

    model  = folders.load(folder, device)
    scores = evaluate.calibrate(model, chosen, threads=threads)
    folders.save_config(model.config, folder)
    chosen = {name: model.config.decoding[name] for name in ("decoder", "writer_threshold", "min_probability")}
    return {**chosen, **{f"{decoder}_gene_f1": rates["gene_f1"] for decoder, rates in scores.items()}}
