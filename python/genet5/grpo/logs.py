"""Columns of a reinforcement run's logs and its words on the screen; names as TRL's where TRL has the figure."""

import genet5.grpo.rewards as rewards
import genet5.train.config as configs
import genet5.train.logs as logs
import genet5.train.report as reports


def training(custom=()):
    """Columns of training_log.csv, dict column -> meaning; see genet5.train.logs.TRAINING.

    custom: names of the rewards of the user's own
    """

    parts = [*rewards.MEASURES, *custom]
    ours  = {
        "loss":               "policy loss, divergence included, by the global batch",
        **{f"{head}_loss": f"supervised: {logs.TRAINING[f'{head}_loss']}; empty without --sft-weight"
           for head in configs.LOSSES},
        "mask_misses":        "true sites that the grammar would not allow, of these windows",
        "reward":             "mean over all completions of the step, those of resampled windows included",
        "reward_std":         "standard deviation over the same",
        "frac_reward_zero_std": "share of the windows drawn whose completions are all worth the same",
        "resampled":          "windows drawn to replace such ones",
        "groups":             "windows that the step learnt from",
        **{f"rewards/{name}/mean": f"mean of the measure {name}" for name in parts},
        **{f"rewards/{name}/std": f"standard deviation of the measure {name}" for name in parts},
        "rewards/length_excess/mean": "mean excess of length, before the penalty",
        "completions/mean_length": "sites of a completion, <eos> included",
        "completions/min_length": "the fewest",
        "completions/max_length": "the most",
        "completions/clipped_ratio": "share of the completions that did not end",
        "completions/mean_terminated_length": "sites of those that ended",
        "entropy":            "nats of a step's distribution over the sites offered",
        "kl":                 "k3 divergence from the first model, a step; empty without --beta",
        "clip_ratio/low_mean":  "share of the steps whose ratio was held from below",
        "clip_ratio/high_mean": "share of the steps whose ratio was held from above",
        "clip_ratio/region_mean": "share of either",
        "sampling/sampling_logp_difference/mean": "mean difference between a step's log-probability in the sampler and "
                                                  "in the first training pass",
        "sampling/sampling_logp_difference/max": "the largest",
        "rollout_seconds":    "time of the step spent on sampling and scoring",
    }
    kept = ("step", "epoch", "lr", "grad_norm", "skipped", "windows", "tokens", "bases", "tokens_per_second",
            "bases_per_second", "seconds")
    # a mixture of experts has its load
    kept += tuple(name for name in logs.TRAINING if name.startswith(("prefix_load", "steps_load")))
    order = ["step", "epoch", "lr", *ours, *(name for name in logs.TRAINING if name in kept[3:])]
    return {name: ours.get(name) or logs.TRAINING[name] for name in order}


EVALUATION = {
    "step":    logs.EVALUATION["step"],
    "loss":    "1 less the reward",
    "reward":  "mean reward of the greedy writer on held-out windows, length penalty included",
    **{f"rewards/{name}/mean": f"mean of the measure {name}" for name in rewards.MEASURES},
    "gene_f1": "exact genes of all these windows together",
    "gene_sensitivity": "share of the reference genes found",
    "gene_precision":   "share of the written genes that are right",
    "writer_gene_f1":  "exact genes that the writer finds on the samples; empty where no genes were due",
    "viterbi_gene_f1": "the same of the exact decoder",
    "best":    "1 where the loss is the lowest so far and the model was saved",
    "seconds": logs.EVALUATION["seconds"],
}


class Words(reports.Words):
    """How reinforcement speaks of its numbers."""

    @staticmethod
    def brief(row):
        """A row of training_log.csv in a few words, for the bar."""

        return f"reward {row['reward']:.3f}  gene F1 {row['rewards/gene/mean']:.3f}"

    @staticmethod
    def step(row):
        """A row of training_log.csv in one line."""

        divergence = "" if row.get("kl") is None else f"  kl {row['kl']:.4f}"
        return (f"reward {row['reward']:.4f} ± {row['reward_std']:.4f}  gene F1 {row['rewards/gene/mean']:.4f}  alike "
                f"{row['frac_reward_zero_std']:.0%}  entropy {row['entropy']:.4f}{divergence}  length "
                f"{row['completions/mean_length']:.1f}  cut {row['completions/clipped_ratio']:.1%}  lr "
                f"{row['lr']:.2e}  grad {row['grad_norm']:.2f}")

    @staticmethod
    def validation(row):
        """The rewards of a row of eval_log.csv."""

        return (f"reward {row['reward']:.4f}  gene F1 {row['gene_f1']:.4f}  exon {row['rewards/exon/mean']:.4f}  "
                f"nucleotide {row['rewards/nucleotide/mean']:.4f}")

    @staticmethod
    def summary(found):
        """The summary of a finished run, lines."""

        yield (f"{found['steps']} steps in {reports.clock(found['seconds'])}; the model of step {found['best_step']} "
               f"(held-out reward {1 - found['best_loss']:.4f}) is in {found['model']}")
        if found["skipped"]:
            yield f"{found['skipped']} steps skipped as not finite"
        yield from reports.decoders(found)
