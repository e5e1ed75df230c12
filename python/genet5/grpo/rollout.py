"""Rollouts: the writer samples several completions of each window under the grammar.

The prefix of a window is read once and its cache is shared by all its completions. A completion is a whole
annotation, `<eos>` included, or what was written of it after the most steps allowed.
Shapes: N windows, G completions of each, C = N * G completions, S steps, n steps of all completions, m sites that the
grammar allowed at them.
"""

import dataclasses

import numpy as np
import torch

import genet5._core as core

EOS = 0


@dataclasses.dataclass(frozen=True)
class Sampling:
    """How completions are drawn.

    completions: int, G
    temperature: float, logits are divided by it, in training as well
    top_p:       float, only the most probable sites that together reach it are offered; 1: all that the grammar allows
    max_steps:   int, a completion that has not ended by then is cut
    """

    completions: int   = 8
    temperature: float = 1.0
    top_p:       float = 1.0
    max_steps:   int   = 128


@dataclasses.dataclass
class Completions:
    """What was written in some windows, and how probable every step was.

    The sites of a step are those it was drawn from: training takes the softmax over the very same ones. The steps of
    a completion follow each other, completion by completion, those of a window side by side.

    counts:     int64 [C], steps of each completion
    types:      uint8 [n] and
    positions:  int32 [n], the steps
    log_probs:  float32 [n], of the steps, under the sampler
    offsets:    int64 [n + 1], where the sites of each step begin
    site_types: uint8 [m] and
    site_positions: int32 [m], the sites
    chosen:     int64 [n], index of each step among the sites
    terminated: bool [C], whether it ended with <eos>
    genes:      list of C lists of (strand, segments)
    """

    counts:         np.ndarray
    types:          np.ndarray
    positions:      np.ndarray
    log_probs:      np.ndarray
    offsets:        np.ndarray
    site_types:     np.ndarray
    site_positions: np.ndarray
    chosen:         np.ndarray
    terminated:     np.ndarray
    genes:          list

    def split(self, groups):
        """The completions of each window on their own.

        groups: int, N
        returns a list of N Completions
        """

        return [self._part(part) for part in np.split(np.arange(len(self.counts)), groups)]

    def _part(self, members):
        first, last = members[0], members[-1] + 1
        ends        = np.concatenate(([0], np.cumsum(self.counts)))
        steps       = slice(ends[first], ends[last])
        sites       = slice(self.offsets[steps.start], self.offsets[steps.stop])
        return Completions(self.counts[first:last], self.types[steps], self.positions[steps], self.log_probs[steps],
                           self.offsets[steps.start:steps.stop + 1] - sites.start, self.site_types[sites],
                           self.site_positions[sites], self.chosen[steps] - sites.start,
                           self.terminated[first:last], self.genes[first:last])


def join(parts):
    """Several Completions as one; the opposite of Completions.split.

    parts: list of Completions
    """

    shifts = np.cumsum([0] + [len(part.site_types) for part in parts])

    def joined(name):
        return np.concatenate([getattr(part, name) for part in parts])

    return Completions(
        offsets = np.concatenate([[0]] + [part.offsets[1:] + shift for part, shift in zip(parts, shifts)]),
        chosen  = np.concatenate([part.chosen + shift for part, shift in zip(parts, shifts)]),
        genes   = [genes for part in parts for genes in part.genes],
        **{name: joined(name) for name in ("counts", "types", "positions", "log_probs", "site_types",
                                           "site_positions", "terminated")})


def sample(model, prefix, batch, windows, grammar, sampling, seeds):
    """Draw completions of all windows of a batch.

    model:    GeneT5
    prefix:   what model.prefill made of the batch
    batch:    dict of tensors
    windows:  list of N bytes or uint8 codes
    grammar:  dict, see ModelConfig.grammar
    sampling: Sampling
    seeds:    list of C seeds of numpy.random.default_rng; a completion depends on its window and seed alone
    returns Completions
    """

    many       = sampling.completions
    machine    = core.grammar.Writer(windows, threads=1, copies=many, **grammar)
    generators = [np.random.default_rng(seed) for seed in seeds]
    device     = prefix.keys.device
    cache      = model.begin(prefix, batch)
    alive      = np.ones(len(seeds), dtype=bool)
    types      = np.zeros(len(seeds), dtype=np.uint8)
    positions  = np.zeros(len(seeds), dtype=np.int32)
    trace      = []
    while alive.any() and len(trace) < sampling.max_steps:
        active = np.flatnonzero(alive)
        states = _read(model, cache, types, positions, many)
        # the cache holds the windows that are still written
        rows   = np.searchsorted(cache.windows.cpu().numpy(), active // many) * many + active % many
        offered = machine.allowed(active)
        logits = model.site_logits(prefix, batch, states[torch.from_numpy(rows).to(device)],
                                   *(torch.from_numpy(x).to(device) for x in (active // many, positions[active],
                                                                              *offered)))
        step   = _draw(logits.double().cpu().numpy() / sampling.temperature, *offered, sampling.top_p,
                       [generators[number] for number in active])
        types[active], positions[active] = step["types"], step["positions"]
        machine.advance(active, step["types"], step["positions"])
        trace.append({"active": active, **step})
        alive[active[step["types"] == EOS]] = False
        cache = _forget(cache, alive, many)
    return _collect(trace, ~alive, [machine.genes(number) for number in range(len(seeds))])


def replay(windows, counts, types, positions, many, grammar):
    """Completions from their steps alone: the sites that they were drawn from are found again, without a nucleus.

    windows:          list of N bytes or uint8 codes
    counts:           int64 [C], steps of each completion
    types, positions: uint8 and int32 [n], the steps
    many:             int, completions of each window, C = N * many
    grammar:          dict, see ModelConfig.grammar
    returns Completions with log-probabilities of 0, which nobody recorded
    raises ValueError where a step is not one that the grammar allows
    """

    machine = core.grammar.Writer(windows, threads=1, copies=many, **grammar)
    starts  = np.cumsum(counts) - counts
    trace   = []
    while (active := np.flatnonzero(counts > len(trace))).size:
        step    = starts[active] + len(trace)
        offered = machine.allowed(active)
        owner   = np.repeat(step, np.diff(offered[0]))
        chosen  = np.flatnonzero((offered[1] == types[owner]) & (offered[2] == positions[owner]))
        if len(chosen) != len(active):
            raise ValueError(f"step {len(trace) + 1} of a completion is no site that the grammar allows there")
        machine.advance(active, types[step], positions[step])
        trace.append({"active": active, "types": types[step], "positions": positions[step], "chosen": chosen,
                      "log_probs": np.zeros(len(active)), "offsets": offered[0], "site_types": offered[1],
                      "site_positions": offered[2]})
    ended = types[np.cumsum(counts) - 1] == EOS
    return _collect(trace, ended, [machine.genes(number) for number in range(len(counts))])


def _read(model, cache, types, positions, many):
    """Read the last step of every completion in the cache, `<bos>` at first; states [completions in the cache, C]."""

    device = cache.windows.device
    index  = cache.windows[:, None] * many + torch.arange(many, device=device)
    # an <eos> that has been written is never seen; its slot stays empty
    place  = torch.from_numpy(np.maximum(positions, 0)).to(device)
    past   = 0 if cache.past[0] is None else cache.past[0][0].shape[1] // many
    own    = torch.eye(many, dtype=torch.bool, device=device).repeat(1, past + 1)
    return model.extend(cache, torch.from_numpy(types).to(device)[index], place[index], own[None]).flatten(0, 1)


def _forget(cache, alive, many):
    """The cache without windows whose completions have all ended."""

    windows = cache.windows.cpu().numpy()
    going   = np.flatnonzero(alive.reshape(-1, many)[windows].any(axis=1))
    if len(going) == len(windows):
        return cache
    return cache.select(torch.from_numpy(going).to(cache.windows.device))


def _draw(logits, offsets, types, positions, top_p, generators):
    """Draw one site for each completion by Gumbel's trick.

    logits:     float64 [m] of the sites, those of completion i from offsets[i] to offsets[i + 1]
    generators: list of numpy.random.Generator, one a completion
    returns dict: types, positions and log_probs of the drawn sites; offsets, site_types and site_positions they were
    drawn from, and chosen, their indices in these
    """

    log_p = logits - np.repeat(log_sums(logits, offsets), np.diff(offsets))
    if top_p < 1:
        kept    = nucleus(log_p, offsets, top_p)
        offsets = np.concatenate(([0], np.cumsum(np.add.reduceat(kept.astype(np.int64), offsets[:-1]))))
        types, positions, log_p = types[kept], positions[kept], log_p[kept]
        log_p   = log_p - np.repeat(log_sums(log_p, offsets), np.diff(offsets))
    noise  = np.concatenate([one.gumbel(size=count) for one, count in zip(generators, np.diff(offsets))])
    noisy  = log_p + noise
    owner  = np.repeat(np.arange(len(generators)), np.diff(offsets))
    # the last of equal ones, by position
    chosen = np.empty(len(generators), dtype=np.int64)
    best   = np.flatnonzero(noisy == np.maximum.reduceat(noisy, offsets[:-1])[owner])
    chosen[owner[best]] = best
    return {"types": types[chosen], "positions": positions[chosen], "log_probs": log_p[chosen], "offsets": offsets,
            "site_types": types, "site_positions": positions, "chosen": chosen}


def log_sums(values, offsets):
    """log of the sum of exponentials of each part of `values`; no part is empty."""

    top = np.maximum.reduceat(values, offsets[:-1])
    return top + np.log(np.add.reduceat(np.exp(values - np.repeat(top, np.diff(offsets))), offsets[:-1]))


def nucleus(log_p, offsets, top_p):
    """The fewest most probable sites of each part whose probabilities reach top_p, bool [m].

    source: Holtzman et al., arXiv 1904.09751
    """

    owner  = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    order  = np.lexsort((-log_p, owner))
    share  = np.exp(log_p[order])
    before = np.cumsum(share) - share
    before = before - np.repeat(before[offsets[:-1]], np.diff(offsets))
    kept   = np.zeros(len(log_p), dtype=bool)
    kept[order] = before < top_p
    # the first of each part, whatever rounding says
    kept[order[offsets[:-1]]] = True
    return kept


def _collect(trace, terminated, genes):
    """The steps of all completions, which the sampler took side by side, one completion after the other."""

    rank   = np.concatenate([np.full(len(step["active"]), number) for number, step in enumerate(trace)])
    owner  = np.concatenate([step["active"] for step in trace])
    order  = np.lexsort((rank, owner))
    sizes  = np.concatenate([np.diff(step["offsets"]) for step in trace])
    starts = np.concatenate(([0], np.cumsum(sizes)))[:-1]
    bases  = np.repeat(np.cumsum([0] + [len(step["site_types"]) for step in trace])[:-1],
                       [len(step["active"]) for step in trace])
    within = np.concatenate([step["chosen"] for step in trace]) + bases - starts
    offsets = np.concatenate(([0], np.cumsum(sizes[order])))
    moved   = np.repeat(starts[order] - offsets[:-1], sizes[order]) + np.arange(offsets[-1])

    def flat(name):
        return np.concatenate([step[name] for step in trace])

    return Completions(
        counts         = np.bincount(owner, minlength=len(genes)).astype(np.int64),
        types          = flat("types")[order],
        positions      = flat("positions")[order],
        log_probs      = flat("log_probs")[order].astype(np.float32),
        offsets        = offsets,
        site_types     = flat("site_types")[moved],
        site_positions = flat("site_positions")[moved],
        chosen         = within[order] + offsets[:-1],
        terminated     = terminated,
        genes          = genes)
