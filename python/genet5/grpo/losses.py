"""The policy losses, as sums that any split of a batch adds up; pure functions of tensors.

Shapes: C completions, S steps. Wherever steps are averaged, the caller divides by `divisor` over the whole global
batch, so neither the number of processes nor of micro-batches changes a loss.
"""

import torch


def policy_loss(kind, log_probs, old_log_probs, advantages, mask, clip_low, clip_high):
    """Loss of every step before any averaging, and which steps were clipped.

    kind:          one of genet5.grpo.config.CLIPS:
                   "grpo" (arXiv 2402.03300), "dr_grpo" (2503.20783) and "dapo" (2503.14476): the clipped objective
                   -min(r A, clip(r, 1 - low, 1 + high) A) with r the ratio of a step; they differ in `divisor`
                   "cispo" (2506.13585): -stop_gradient(min(r, high)) A log p
                   "gspo" (2507.18071): the clipped objective with r the geometric mean of a completion's ratios
    log_probs:     float [C, S], of the model in training
    old_log_probs: float [C, S], of the sampler
    advantages:    float [C]
    mask:          float or bool [C, S], steps that count
    returns (float [C, S], dict of low and high, bool [C, S])
    """

    mask      = mask.to(log_probs.dtype)
    advantage = advantages[:, None]
    log_ratio = log_probs - old_log_probs
    if kind == "gspo":
        log_ratio = (log_ratio * mask).sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True).clamp(min=1)
    ratio = log_ratio.exp()
    if kind == "cispo":
        each    = -ratio.clamp(max=clip_high).detach() * advantage * log_probs
        clipped = {"low": torch.zeros_like(ratio, dtype=torch.bool), "high": (ratio > clip_high) & (advantage > 0)}
    else:
        each    = -torch.min(ratio * advantage, ratio.clamp(1 - clip_low, 1 + clip_high) * advantage)
        clipped = {"low":  (ratio < 1 - clip_low) & (advantage < 0), "high": (ratio > 1 + clip_high) & (advantage > 0)}
    return each.expand_as(mask), {name: value.expand_as(mask) for name, value in clipped.items()}


def kl(log_probs, reference_log_probs):
    """The k3 estimate of the divergence from the reference, never negative, [C, S].

    source: Schulman 2020, "Approximating KL Divergence"
    """

    difference = reference_log_probs - log_probs
    return difference.exp() - difference - 1


def total(kind, each, mask):
    """The sum that `divisor` turns into the loss.

    each: float [C, S], loss of every step
    mask: float or bool [C, S]
    """

    mask = mask.to(each.dtype)
    sums = (each * mask).sum(dim=1)
    # a mean over each completion first
    return (sums / mask.sum(dim=1).clamp(min=1)).sum() if kind in ("grpo", "gspo") else sums.sum()


def divisor(kind, completions, steps, max_steps):
    """What the total of a global batch is divided by, at least 1.

    completions: int, of the global batch
    steps:       int, of the global batch, those that count
    max_steps:   int, the most that a completion may have
    """

    whole = {"grpo": completions, "gspo": completions, "dr_grpo": completions * max_steps}
    return max(1, whole.get(kind, steps))
