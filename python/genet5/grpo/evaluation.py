"""Held-out windows: what the greedy writer, as `genet5 predict` uses it, is worth on them."""

import numpy as np
import torch

import genet5.grpo.rewards as rewards
import genet5.inference.writer as writing
import genet5.score as score
import genet5.train.evaluation as evaluation


def batches(windows, rows, most, rank=0, world=1):
    """This process's share of the held-out windows.

    windows: windows.WindowSet
    rows:    int, windows of a batch
    most:    int, batches of all processes at the most, drawn evenly; 0: all
    returns a list of lists of window indices; each batch has one genetic code
    """

    found = []
    for code in np.unique(windows.genetic_code):
        same   = np.flatnonzero(windows.genetic_code == code).tolist()
        found += [same[at:at + rows] for at in range(0, len(same), rows)]
    return evaluation.evenly(found, most)[rank::world]


def validate(trainer, windows, held):
    """Reward and exact genes of the greedy writer over the batches of all processes.

    trainer: grpo.trainer.Trainer, its model in evaluation mode
    windows: windows.WindowSet
    held:    list of lists of indices, this process's share
    returns dict: the columns of eval_log.csv that this decides
    """

    choose = writing.Greedy(trainer.model.config.decoding["writer_threshold"])
    sums   = dict.fromkeys(["windows", "reward", *(f"rewards/{name}/mean" for name in rewards.MEASURES), "right",
                            "written", "known"], 0.0)
    with torch.inference_mode(), trainer.autocast():
        for indices in held:
            letters, batch, grammar = trainer.assemble(windows, indices)
            written = writing.write(trainer.model, trainer.model.prefill(batch), batch, letters, grammar, choose)
            for name, value in _scores(trainer, windows, indices, written).items():
                sums[name] += value
    sums  = dict(zip(sums, trainer.group.total(list(sums.values()))))
    count = max(1.0, sums.pop("windows"))
    right, ours, theirs = (sums.pop(name) for name in ("right", "written", "known"))
    row   = {name: value / count for name, value in sums.items()}
    return {"loss": 1.0 - row["reward"], **row, "gene_f1": 2 * right / max(1.0, ours + theirs),
            "gene_sensitivity": right / max(1.0, theirs), "gene_precision": right / max(1.0, ours)}


def _scores(trainer, windows, indices, written):
    """Sums over some windows."""

    genes      = [[(strand, list(segments)) for strand, segments, _ in found] for found in written]
    references = rewards.gather(windows.references, np.array(indices))
    scored     = rewards.Scored(
        predictions = score.windows(genes),
        references  = references,
        letters     = [windows.bases(index) for index in indices],
        steps       = np.array([1 + 2 * sum(len(segments) for _, segments in found) for found in genes]),
        terminated  = np.ones(len(indices), dtype=bool))
    parts      = rewards.measures(scored, trainer.custom, trainer.config.threads)
    excess     = rewards.length_excess(scored.steps, rewards.reference_steps(references))
    values     = rewards.total(parts, trainer.weights, excess, trainer.config.length_penalty)
    known      = [{(strand, tuple(segments)) for strand, segments in windows.genes(index)} for index in indices]
    ours       = [{(strand, tuple(segments)) for strand, segments in found} for found in genes]
    return {"windows": len(indices), "reward": float(values.sum()),
            **{f"rewards/{name}/mean": float(parts[name].sum()) for name in rewards.MEASURES},
            "right":   sum(len(a & b) for a, b in zip(ours, known)),
            "written": sum(map(len, ours)), "known": sum(map(len, known))}
