"""The three losses of supervised training, as sums and counts so that any split of a batch adds up.

Shapes: R rows, B bases of a row, N windows, M sites that the grammar allows, Q steps of all windows.
"""

import torch
import torch.nn.functional as F

import genet5._core as core
import genet5.model.experts as experts

# the lattice counts nats per base, of which a gene has thousands and decisions few
WEIGHTS = {"site": 1.0, "segmentation": 1.0, "lattice": 200.0}
UNKNOWN = 255


class LatticeLoss(torch.autograd.Function):
    """Negative log likelihood of the labels under the gene lattice; forward-backward in Rust.

    Windows whose labels no path of the lattice has are left out.
    returns the sum over windows (nats) and which windows are in it, bool [N]
    """

    @staticmethod
    def forward(ctx, potentials, batch, grammar, threads):
        if not potentials.isfinite().all():
            # a diverged model's loss is infinite, so that its step is left out
            solved = torch.ones(len(batch["window_row"]), dtype=torch.bool, device=potentials.device)
            ctx.save_for_backward(torch.zeros_like(potentials))
            ctx.mark_non_differentiable(solved)
            return potentials.new_full((), torch.inf, dtype=torch.float64), solved
        arrays    = [batch[name].cpu().numpy() for name in ("bases", "window_row", "window_base", "window_bases")]
        nll, grad = core.lattice.loss(*arrays, potentials.detach().float().cpu().numpy(),
                                      batch["labels"].cpu().numpy(), threads=threads, **grammar)
        ctx.save_for_backward(torch.from_numpy(grad).to(potentials))
        nll    = torch.from_numpy(nll).to(potentials.device)
        solved = ~nll.isnan()
        ctx.mark_non_differentiable(solved)
        return nll[solved].sum(), solved

    @staticmethod
    def backward(ctx, upstream, _):
        grad, = ctx.saved_tensors
        return grad * upstream.to(grad.dtype), None, None, None


def losses(model, batch, threads=0, prefix=None, smoothing=0.0):
    """Sums and counts of every head on one batch with targets.

    prefix:    None, or what model.prefill made of the batch
    smoothing: float, share of the site's target that is spread evenly over the allowed sites
    returns a dict of tensors: site_sum (nats), site_count (steps), segmentation_sum, segmentation_count (bases),
    lattice_sum, lattice_count (bases), router_balance_sum, router_z_sum and their counts (tokens), mask_misses (steps
    whose true site the grammar would not allow); and site_logits [M], of all sites that the grammar allows
    """

    prefix  = model.prefill(batch) if prefix is None else prefix
    site    = site_loss(model, prefix, batch, smoothing)
    labels  = batch["labels"].long()
    known   = labels != UNKNOWN
    logits  = prefix.segmentation.float().flatten(0, 1)
    nll     = F.cross_entropy(logits, labels.masked_fill(~known, -100).flatten(), reduction="sum")
    lattice, solved = LatticeLoss.apply(prefix.potentials, batch, model.config.grammar(), threads)
    tokens  = batch["window_tokens"].sum()
    router  = experts.penalties(model, nll.device)
    return {"site_sum":           site["sum"],
            "site_count":         site["count"],
            **{f"{name}_sum": value for name, value in router.items()},
            **{f"{name}_count": tokens for name in router},
            "segmentation_sum":   nll,
            "segmentation_count": known.sum(),
            "lattice_sum":        lattice,
            "lattice_count":      batch["window_bases"][solved].sum(),
            "mask_misses":        site["misses"],
            "site_logits":        site["logits"]}


def site_loss(model, prefix, batch, smoothing=0.0):
    """Cross entropy of every true step over the sites that the grammar allows there."""

    offsets = batch["allowed_offsets"].long()
    target  = batch["allowed_target"].long()
    windows = batch["allowed_window"].long()
    states  = model.write(prefix, batch, batch["step_type"], batch["step_position"])
    # step i of a window is predicted by state i, which has read step i - 1
    rank    = torch.arange(states.shape[1], device=states.device)[None, :]
    real    = rank < batch["step_count"].long()[:, None]
    before  = F.pad(batch["step_position"], (1, 0))[real]
    logits  = model.site_logits(prefix, batch, states[real], windows, before, offsets,
                                batch["allowed_type"], batch["allowed_position"])
    allowed = target >= 0
    score   = segment_logsumexp(logits, offsets)
    aim     = logits[target.clamp(min=0)]
    if smoothing:
        aim = (1 - smoothing) * aim + smoothing * segment_mean(logits, offsets)
    nll     = torch.where(allowed, score - aim, 0.0)
    return {"sum": nll.sum(), "count": allowed.sum(), "misses": (~allowed).sum(), "logits": logits}


def segment_logsumexp(values, offsets):
    """log sum exp of values[offsets[n]:offsets[n + 1]] for each n; empty segments give minus infinity."""

    count = len(offsets) - 1
    owner = torch.repeat_interleave(torch.arange(count, device=values.device), offsets.diff())
    top   = values.new_full((count,), -torch.inf).scatter_reduce(0, owner, values.detach(), "amax")
    total = values.new_zeros(count).index_add(0, owner, (values - top[owner]).exp())
    return total.log() + top


def segment_mean(values, offsets):
    """Mean of values[offsets[n]:offsets[n + 1]] for each n; empty segments give 0."""

    lengths = offsets.diff()
    owner   = torch.repeat_interleave(torch.arange(len(lengths), device=values.device), lengths)
    return values.new_zeros(len(lengths)).index_add(0, owner, values) / lengths.clamp(min=1)


def total(sums, counts, weights=None):
    """The scalar that training minimises: each head's mean, weighted.

    sums:    dict from `losses`
    counts:  dict with the same names' counts over the whole global batch
    weights: dict head -> float, WEIGHTS where None
    """

    weights = WEIGHTS if weights is None else weights
    return sum(weight * sums[f"{head}_sum"] / counts[f"{head}_count"].clamp(min=1)
               for head, weight in weights.items() if weight)
