"""The writer: the model spells a window's genes site by site, and the grammar lets it spell only genes.

Shapes: N windows still written, M sites that the grammar allows, of all windows one after the other.
"""

import numpy as np
import torch

import genet5._core as core
import genet5.inference.stepping as stepping

EOS   = 0
START = 5


def write(model, prefix, batch, windows, grammar, choose, steps=stepping.Growing):
    """Write the genes of the first windows of a batch.

    model:   GeneT5
    prefix:  what model.prefill made of the batch
    batch:   dict of tensors
    windows: list of bytes or uint8 codes, the first windows of the batch, which are written
    grammar: dict, see ModelConfig.grammar
    choose:  `Greedy` or `Sampled`
    steps:   stepping.Growing or stepping.Static
    returns one list a window of (strand, segments, probability), in the window's coordinates, by anchor;
    the probability is the product of the conditional ones of the gene's steps
    """

    machine = core.grammar.Writer(windows, threads=1, **grammar)
    device  = prefix.keys.device
    active  = np.arange(len(windows), dtype=np.int64)
    reader  = steps(model, prefix, batch, len(windows))
    surprise = np.zeros(len(windows))
    scores   = [[] for _ in windows]
    states   = reader.begin()
    origins  = torch.zeros(len(windows), dtype=torch.int32, device=device)
    while len(active):
        offsets, types, positions = machine.allowed(active)
        logits = model.site_logits(prefix, batch, states, torch.from_numpy(active).to(device), origins,
                                   *(torch.from_numpy(x).to(device) for x in (offsets, types, positions)))
        picks  = _pick(choose, active, logits.double().cpu().numpy(), offsets, types, positions)
        index, log_probability   = picks
        types, positions = types[index], positions[index]
        machine.advance(active, types, positions)
        surprise[active] += log_probability
        for window in active[types == START]:
            scores[window].append(float(np.exp(surprise[window])))
            surprise[window] = 0.0
        going = np.flatnonzero(types != EOS)
        if len(going) < len(active):
            active, types, positions = active[going], types[going], positions[going]
        if len(active):
            origins = torch.from_numpy(positions).to(device)
            states  = reader.read(*(torch.from_numpy(x).to(device) for x in (active, types)), origins)
    return [[(strand, tuple(segments), score) for (strand, segments), score in zip(machine.genes(window), found)]
            for window, found in enumerate(scores)]


def _pick(choose, active, logits_M, offsets, types_M, positions_M):
    """The chosen site of each window, as an index into the flat arrays, and its log probability."""

    index = np.empty(len(active), dtype=np.int64)
    score = np.empty(len(active))
    for row, window in enumerate(active):
        part = slice(offsets[row], offsets[row + 1])
        best, score[row] = choose(window, logits_M[part], types_M[part], positions_M[part])
        index[row] = part.start + best
    return index, score


class Greedy:
    """Inside a gene the most probable site; between genes the first anchor that is sure enough.

    The anchors' distribution is a hazard along the window: h(x) = p(x) / (1 - sum of p before x), <eos> last.
    The first anchor with h above the threshold is taken, <eos> where there is none.

    threshold:    float, 0 to 1
    suppress_eos: bool, tests only: <eos> is never taken while an anchor is left, the surest one instead
    """

    def __init__(self, threshold, suppress_eos=False):
        self.threshold    = threshold
        self.suppress_eos = suppress_eos

    def __call__(self, window, logits, types, positions):
        if types[0] != EOS:
            best = int(np.argmax(logits))
            return best, float(logits[best] - log_sum(logits))
        # <eos> has position -1 and comes last
        order  = np.append(1 + np.argsort(positions[1:], kind="stable"), 0)
        values = logits[order]
        hazard = values - np.logaddexp.accumulate(values[::-1])[::-1]
        sure   = np.flatnonzero(hazard[:-1] > np.log(max(self.threshold, 1e-300)))
        if len(sure):
            place = sure[0]
        elif self.suppress_eos and len(order) > 1:
            place = int(np.argmax(values[:-1]))
        else:
            place = len(order) - 1
        return int(order[place]), float(min(hazard[place], 0.0))


class Sampled:
    """Every site by chance, as probable as the model says; each window has its own stream of chance.

    seeds:       list of int or tuple, one a window
    temperature: float, 1 is the model's own distribution
    """

    def __init__(self, seeds, temperature=1.0):
        self.generators  = [np.random.default_rng(seed) for seed in seeds]
        self.temperature = temperature

    def __call__(self, window, logits, types, positions):
        noise = self.generators[window].gumbel(size=len(logits))
        best  = int(np.argmax(logits / self.temperature + noise))
        return best, float(logits[best] - log_sum(logits))


def log_sum(logits):
    """log of the sum of exponentials."""

    top = logits.max()
    return top + np.log(np.exp(logits - top).sum())
