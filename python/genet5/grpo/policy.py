"""How probable completions are under a model: one pass over each window's prefix and all its completions.

Shapes: N windows, L steps of a window's completions one after the other, n steps of all completions.
"""

import dataclasses

import numpy as np
import torch

import genet5.model.loss as loss


@dataclasses.dataclass
class Packed:
    """The steps that are read to predict those of all completions, those of a window one behind the other.

    step_type:     uint8 [N, L], 0 for <bos> and padding
    step_position: int32 [N, L]
    sees:          bool [N, L, L], steps of the same completion up to the own one
    counted:       bool [N, L], False where padded; its True ones are the n steps in order
    windows:       int64 [n], the window of each
    """

    step_type:     torch.Tensor
    step_position: torch.Tensor
    sees:          torch.Tensor
    counted:       torch.Tensor
    windows:       torch.Tensor


def pack(completions, groups, device="cpu"):
    """Lay completions out behind the prefixes of their windows.

    completions: rollout.Completions of all windows of a batch, equally many of each
    groups:      int, N
    returns Packed
    """

    counts  = completions.counts
    ends    = np.cumsum(counts)
    owner   = np.repeat(np.arange(len(counts)), counts)
    window  = owner // (len(counts) // groups)
    sizes   = np.bincount(window, minlength=groups)
    place   = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    shape   = groups, int(sizes.max())
    types, positions, number = np.zeros(shape, np.uint8), np.zeros(shape, np.int32), np.full(shape, -1)
    # each step is read to predict the next; a completion begins with <bos>, and nothing follows its last step
    types[window, place]     = np.concatenate(([0], completions.types[:-1]))
    positions[window, place] = np.concatenate(([0], completions.positions[:-1]))
    first = ends - counts
    types[window[first], place[first]]     = 0
    positions[window[first], place[first]] = 0
    number[window, place] = owner
    types, positions, number = (torch.from_numpy(x).to(device) for x in (types, positions, number))
    sees  = (number[:, :, None] == number[:, None, :]).tril()
    return Packed(types, positions, sees, number >= 0, torch.from_numpy(window).to(device))


def log_probs(model, batch, completions, groups, temperature=1.0, prefix=None):
    """Log-probability of every step among the sites that the sampler was offered.

    model:       GeneT5
    batch:       dict of tensors, N windows
    completions: rollout.Completions, equally many of each window
    groups:      int, N
    temperature: float, that of the sampler
    prefix:      what model.prefill made of the batch, where that is known
    returns (float [n], entropy of each step's distribution float [n], without gradient)
    """

    prefix  = model.prefill(batch) if prefix is None else prefix
    device  = prefix.keys.device
    packed  = pack(completions, groups, device)
    states  = model.extend(model.begin(prefix, batch), packed.step_type, packed.step_position, packed.sees,
                           packed.counted)
    offsets, types, positions, chosen = (
        torch.from_numpy(getattr(completions, name)).to(device)
        for name in ("offsets", "site_types", "site_positions", "chosen"))
    logits  = model.site_logits(prefix, batch, states[packed.counted], packed.windows,
                                packed.step_position[packed.counted], offsets, types, positions) / temperature
    total   = loss.segment_logsumexp(logits, offsets)
    with torch.no_grad():
        owner   = torch.repeat_interleave(torch.arange(len(total), device=device), offsets.diff())
        log_p   = logits - total[owner]
        entropy = torch.zeros_like(total).index_add(0, owner, -log_p.exp() * log_p)
    return logits[chosen] - total, entropy


def padded(values, counts):
    """Values of the steps as one row a completion.

    values: tensor [n]
    counts: int array [C]
    returns [C, S], 0 where there is no step
    """

    counts = torch.as_tensor(counts, device=values.device)
    mask   = torch.arange(int(counts.max()), device=values.device) < counts[:, None]
    return values.new_zeros(mask.shape).masked_scatter(mask, values)
