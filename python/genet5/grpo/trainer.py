"""One step of reinforcement: draw windows, sample completions, score them, move the policy.

Shapes: N windows, G completions of each, C = N * G completions, S steps of a completion.
"""

import dataclasses
import time

import numpy as np
import torch

import genet5.data.batch as batching
import genet5.grpo.advantages as advantages
import genet5.grpo.losses as losses
import genet5.grpo.policy as policy
import genet5.grpo.rewards as rewards
import genet5.grpo.rollout as rollout
import genet5.model.loss as loss
import genet5.score as score
import genet5.train.batches as batches
import genet5.train.config as configs
import genet5.train.optimizer as optim
import genet5.train.trainer as trainers


@dataclasses.dataclass
class Group:
    """A window and what was made of it.

    window:      int, index
    completions: rollout.Completions, G of them
    parts:       dict measure -> float64 [G]
    excess:      float64 [G], of length
    rewards:     float64 [G]
    """

    window:      int
    completions: rollout.Completions
    parts:       dict       = None
    excess:      np.ndarray = None
    rewards:     np.ndarray = None


class Trainer(trainers.Trainer):
    """As genet5.train.trainer.Trainer, with rewards in the place of targets.

    tokenizer: genet5.tokenizer.Tokenizer of the model
    reference: frozen GeneT5 that the policy is held near to, or None
    custom:    list of (name, function), rewards of the user's own
    source:    genet5.grpo.windows.Source
    """

    def __init__(self, model, source, config, group, tokenizer, reference=None, custom=()):
        for module in [model, reference] if reference is not None else [model]:
            # sampler and training compute the same numbers
            _without_dropout(module)
        super().__init__(model, source, config, group)
        self.tokenizer = tokenizer
        self.reference = reference
        self.custom    = list(custom)
        self.weights   = config.weights([name for name, _ in custom])
        self.sampling  = rollout.Sampling(config.num_generations, config.temperature, config.top_p,
                                          config.max_completion_length)

    def gradient(self, step):
        """Sample, score, and the gradients of the last of num_iterations passes; the earlier ones are steps.

        step: windows.Step
        returns the row of the training log that this much decides, a dict
        """

        drawn, row = self.roll_out(step)
        for _ in range(self.config.num_iterations - 1):
            row.update(self._backward(drawn, first="loss" not in row))
            self.gradients.clip(self.config.clip)
            if torch.isfinite(self.gradients.buffer).all():
                self.optimizer.step(optim.rate(self.progress.step, self.config))
        last = self._backward(drawn, first="loss" not in row)
        return {**row, **last}

    def rehearse(self):
        """The work of a step, all but the updates; `rewind` forgets that it was done."""

        drawn, _ = self.roll_out(self.source.next())
        for _ in range(self.config.num_iterations):
            self._backward(drawn)
            self.gradients.clip(self.config.clip)

    def roll_out(self, step):
        """Sample completions of a step's windows; windows whose completions are all alike are replaced by others.

        step: windows.Step
        returns (list of Group that this process learns from, row of the training log)

        The windows and the chance of each completion are the same for any number of processes.
        """

        begin, wanted  = time.perf_counter(), self.config.batch_rows
        every, kept, numbers = [], [], []
        while wanted and len(numbers) <= self.config.resample_rounds:
            drawn   = step.take(wanted)
            mine    = np.array_split(np.arange(len(drawn)), self.group.world)[self.group.rank]
            groups  = self._sample([drawn[index] for index in mine])
            useful  = [bool(advantages.informative(torch.from_numpy(one.rewards)[None])) for one in groups]
            every  += groups
            kept   += [one for one, good in zip(groups, useful) if good]
            numbers.append(len(drawn))
            wanted -= int(self.group.total([sum(useful)])[0])
        row = self._describe(every)
        row.update(resampled=sum(numbers[1:]), groups=self.config.batch_rows - wanted, windows=sum(numbers),
                   frac_reward_zero_std=1 - (self.config.batch_rows - wanted) / sum(numbers),
                   rollout_seconds=time.perf_counter() - begin)
        return kept, row

    def _sample(self, drawn):
        """Groups of windows, rewards included.

        drawn: list of (number of the draw, index of the window)
        """

        windows = self.source.windows
        groups  = []
        was_training = self.model.training
        self.model.eval()
        with torch.inference_mode(), self.autocast():
            for part in self.micro_batches(drawn, lambda item: item[1]):
                indices = [index for _, index in part]
                letters, batch, grammar = self.assemble(windows, indices)
                seeds   = [(self.config.seed, draw, number) for draw, _ in part
                           for number in range(self.sampling.completions)]
                found   = rollout.sample(self.model, self.model.prefill(batch), batch, letters, grammar, self.sampling,
                                         seeds)
                groups += [Group(*pair) for pair in zip(indices, found.split(len(indices)))]
        self.model.train(was_training)
        self._score(groups)
        return groups

    def _score(self, groups):
        """Fill in the rewards of all groups, with one call of the scores."""

        if not groups:
            return
        many    = self.sampling.completions
        indices = np.repeat(np.array([one.window for one in groups], dtype=np.int64), many)
        scored  = rewards.Scored(
            predictions = score.windows([genes for one in groups for genes in one.completions.genes]),
            references  = rewards.gather(self.source.windows.references, indices),
            letters     = [self.source.windows.bases(index) for index in indices],
            steps       = np.concatenate([one.completions.counts for one in groups]),
            terminated  = np.concatenate([one.completions.terminated for one in groups]))
        parts   = rewards.measures(scored, self.custom, self.config.threads)
        excess  = rewards.length_excess(scored.steps, rewards.reference_steps(scored.references))
        values  = rewards.total(parts, self.weights, excess, self.config.length_penalty)
        for number, one in enumerate(groups):
            own         = slice(number * many, (number + 1) * many)
            one.parts   = {name: part[own] for name, part in parts.items()}
            one.excess  = excess[own]
            one.rewards = values[own]

    def micro_batches(self, items, window):
        """Parts of a list that are worked off one after the other: so small, and of one genetic code each.

        items:  list
        window: function of an item, the index of its window
        yields lists
        """

        most  = max(1, -(-self.config.batch_rows // (self.group.world * self.config.accumulate)))
        codes = self.source.windows.genetic_code
        for code in sorted({int(codes[window(item)]) for item in items}):
            same = [item for item in items if codes[window(item)] == code]
            yield from (same[at:at + most] for at in range(0, len(same), most))

    def assemble(self, windows, indices, targets=False):
        """Some windows for the model: their letters, the batch as tensors, and the grammar they are written under.

        windows: windows.WindowSet
        indices: list of int, of one genetic code
        targets: bool, whether the batch holds what supervised training needs
        """

        grammar = {**self.model.config.grammar(), "genetic_code": int(windows.genetic_code[indices[0]])}
        letters = [windows.bases(index) for index in indices]
        truth   = {"genes":  [windows.genes(index) for index in indices],
                   "labels": [windows.segmentation(index) for index in indices]} if targets else {}
        arrays  = batching.assemble(letters, self.tokenizer, rows=[[row] for row in range(len(letters))],
                                    threads=self.config.threads, **truth, **grammar)
        return letters, batching.to_torch(arrays, self.device), grammar

    def _backward(self, groups, first=False):
        """The gradients of the policy loss and of the supervised one, summed over all processes, and their figures.

        groups: list of Group
        first:  bool, whether the model is still the one that sampled, so that the two may be compared
        """

        config  = self.config
        counted = [self._mask(one.completions) for one in groups]
        sizes   = [sum(int(mask.sum()) for mask in counted), sum(len(one.rewards) for one in groups)]
        steps, completions = map(int, self.group.total(sizes))
        divisor = losses.divisor(config.loss_type, completions, steps, config.max_completion_length)
        scale   = self._scale(groups)
        sums    = dict.fromkeys(("loss", "entropy", "kl", "low", "high", "difference", "tokens", "bases",
                                 *(f"{head}_loss" for head in configs.LOSSES), "mask_misses"), 0.0)
        largest = 0.0
        parts   = [(part, self.assemble(self.source.windows, [one.window for one in part], config.sft_weight > 0)[1])
                   for part in self.micro_batches(groups, lambda one: one.window)]
        counts  = self._counts([batch for _, batch in parts]) if config.sft_weight else None
        self.gradients.zero()
        for part, batch in parts:
            with self.autocast():
                prefix       = self.model.prefill(batch)
                value, found = self._loss(part, prefix, batch, scale, sums)
                value        = value / divisor
                sums["loss"] += float(value.detach())
                if counts is not None:
                    value = value + config.sft_weight * self._imitation(prefix, batch, counts, sums)
            value.backward()
            largest = max(largest, found)
        self.group.sum_(self.gradients.buffer)
        sums    = dict(zip(sums, self.group.total(list(sums.values()))))
        mean    = {name: sums[name] / max(1, steps) for name in ("entropy", "kl", "low", "high", "difference")}
        row     = {"loss": sums["loss"], "entropy": mean["entropy"], "kl": mean["kl"] if config.beta else None,
                   "clip_ratio/low_mean": mean["low"], "clip_ratio/high_mean": mean["high"],
                   "clip_ratio/region_mean": mean["low"] + mean["high"],
                   **{f"{head}_loss": sums[f"{head}_loss"] if config.sft_weight else None for head in configs.LOSSES},
                   **{name: int(sums[name]) for name in ("mask_misses", "tokens", "bases")}}
        if first:
            row["sampling/sampling_logp_difference/mean"] = mean["difference"]
            row["sampling/sampling_logp_difference/max"]  = max(self.group.gather(largest))
        return row

    def _counts(self, batched):
        """What each head's sum of supervised training is divided by: its items in the global batch."""

        own    = [batches.counts(batch) for batch in batched]
        shared = self.group.total([sum(one[head] for one in own) for head in configs.LOSSES])
        return {f"{head}_count": torch.tensor(count, device=self.device) for head, count in zip(configs.LOSSES, shared)}

    def _imitation(self, prefix, batch, counts, sums):
        """The loss of supervised training on a micro-batch's references; its figures are added to `sums`.

        prefix: what the model's prefill made of the batch
        counts: dict from `_counts`
        """

        parts = loss.losses(self.model, batch, self.config.threads, prefix)
        for head in configs.LOSSES:
            sums[f"{head}_loss"] += float(parts[f"{head}_sum"].detach()) / max(1.0, float(counts[f"{head}_count"]))
        sums["mask_misses"] += int(parts["mask_misses"])
        return loss.total(parts, counts, self.config.loss_weights)

    def _loss(self, groups, prefix, batch, scale, sums):
        """The policy loss of a micro-batch, as a sum; its figures are added to `sums`.

        returns (tensor, largest difference between the sampler's and the model's log-probabilities)
        """

        config  = self.config
        joined  = rollout.join([one.completions for one in groups])
        log_p, entropy = policy.log_probs(self.model, batch, joined, len(groups), config.temperature, prefix)
        old     = torch.from_numpy(joined.log_probs).to(self.device)
        mask    = policy.padded(torch.from_numpy(self._mask(joined)).to(self.device), joined.counts)
        gains   = torch.from_numpy(np.stack([one.rewards for one in groups])).float()
        gains   = advantages.advantages(gains, "group" if config.scale_rewards == "group" else "none") / scale
        rows    = [policy.padded(values, joined.counts) for values in (log_p, old, entropy)]
        each, clipped = losses.policy_loss(config.loss_type, *rows[:2], gains.flatten().to(self.device), mask,
                                           *config.clips)
        if self.reference is not None:
            with torch.no_grad():
                theirs, _ = policy.log_probs(self.reference, batch, joined, len(groups), config.temperature)
            divergence  = losses.kl(rows[0], policy.padded(theirs, joined.counts))
            each        = each + config.beta * divergence
            sums["kl"] += float((divergence.detach() * mask).sum())
        difference = ((rows[0].detach() - rows[1]).abs() * mask)
        for name, values in (("low", clipped["low"]), ("high", clipped["high"]), ("entropy", rows[2]),
                             ("difference", difference)):
            sums[name] += float((values * mask).sum())
        sums["tokens"] += int(batch["window_tokens"].sum())
        sums["bases"]  += int(batch["window_bases"].sum())
        return losses.total(config.loss_type, each, mask), float(difference.max())

    def _mask(self, completions):
        """Steps that count, bool [n]: all, or those of completions that ended."""

        whole = completions.terminated | (not self.config.mask_truncated_completions)
        return np.repeat(whole, completions.counts)

    def _scale(self, groups):
        """What advantages are divided by, beyond their group: the deviation of all rewards of the global batch."""

        if self.config.scale_rewards != "batch":
            return 1.0
        values = np.concatenate(self.group.gather(np.concatenate([np.zeros(0)] + [one.rewards for one in groups])))
        return float(advantages.spread(torch.from_numpy(values))) + advantages.EPSILON

    def _describe(self, groups):
        """Figures of all completions of a step, over all processes; columns of training_log.csv."""

        own    = {"reward": [one.rewards for one in groups], "excess": [one.excess for one in groups],
                  "length": [one.completions.counts for one in groups],
                  "terminated": [one.completions.terminated for one in groups],
                  **{f"rewards/{name}": [one.parts[name] for one in groups]
                     for name in [*rewards.MEASURES, *(name for name, _ in self.custom)]}}
        shared = self.group.gather({name: np.concatenate([np.zeros(0), *values]) for name, values in own.items()})
        joined = {name: torch.from_numpy(np.concatenate([one[name] for one in shared])) for name in own}
        length, ended = joined["length"], joined["terminated"] > 0
        row    = {"reward": float(joined["reward"].mean()), "reward_std": float(advantages.spread(joined["reward"])),
                  "rewards/length_excess/mean": float(joined["excess"].mean()),
                  "completions/mean_length": float(length.mean()), "completions/min_length": float(length.min()),
                  "completions/max_length": float(length.max()),
                  "completions/clipped_ratio": float((~ended).double().mean()),
                  "completions/mean_terminated_length": float(length[ended].mean()) if ended.any() else None}
        for name, values in joined.items():
            if name.startswith("rewards/"):
                row[f"{name}/mean"] = float(values.mean())
                row[f"{name}/std"]  = float(advantages.spread(values))
        return row


def _without_dropout(model):
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
