"""Reinforcement of GeneT5 by TRL's GRPOTrainer: TRL's batches, advantages, losses, optimizer, logs and checkpoints.

    python docs/examples/trl_grpo.py --windows windows --model model/yeast --output_dir model/by_trl --max_steps 100

The other options are those of trl.GRPOConfig. Two hooks stand where a language model would be asked for logits over a
vocabulary: the rollouts are the grammar's, and a step's probability is that among the sites that the grammar allows.
A prompt is the number of its window, one id; a site's id is len(tokenizer) + 6 * base + type, and `<eos>` is `<eos>`.
"""

import copy
import dataclasses
import pathlib
import sys

import datasets
import numpy as np
import torch
import transformers
import trl

import genet5.data.batch as batching
import genet5.errors as errors
import genet5.grpo.config as configs
import genet5.grpo.policy as policy
import genet5.grpo.rewards as rewards
import genet5.grpo.rollout as rollout
import genet5.grpo.windows as prepared
import genet5.hf as hf
import genet5.model.folder as folders
import genet5.score as score
import genet5.tokenizer as tk

SITE_TYPES = len(tk.GENE_LANGUAGE) - 1
# what differs from TRL's own: whole annotations, full precision, all completions of a step in one backward pass
DEFAULTS   = {"bf16": False, "gradient_checkpointing": False, "disable_dropout": True, "scale_rewards": "none",
              "mask_truncated_completions": True, "max_completion_length": 128, "per_device_train_batch_size": 64,
              "learning_rate": 5e-5, "max_grad_norm": 1.0, "epsilon_high": 0.28, "logging_steps": 1, "report_to": []}
# TRL's options of a sampler that ours does not have, or whose sites could not be found again from the ids
PLAIN      = {"top_p": 1.0, "top_k": 0, "min_p": None, "repetition_penalty": 1.0, "use_vllm": False, "world_size": 1}


@dataclasses.dataclass
class Paths:
    """What is read.

    windows: folder of genet5 prep-grpo
    model:   model folder
    """

    windows: str
    model:   str


class GeneTrainer(trl.GRPOTrainer):
    """TRL's trainer on windows.

    model:   genet5.hf.GeneT5ForGenePrediction, read from a folder with a tokenizer
    windows: genet5.grpo.windows.WindowSet
    args:    trl.GRPOConfig
    raises DataError where one of the three does not fit the others
    """

    def __init__(self, model, windows, args, **options):
        tokenizer = transformers.AutoTokenizer.from_pretrained(model.folder)
        _check(tokenizer, windows, args)
        self.windows   = windows
        self.grammar   = {**model.config.grammar(), "genetic_code": int(windows.genetic_code[0])}
        self.encoder   = tk.load(pathlib.Path(model.folder) / folders.TOKENIZER)
        # TRL builds a reference by classes of transformers alone, so it is handed over afterwards
        beta, args.beta = args.beta, 0.0
        reference       = copy.deepcopy(model).requires_grad_(False).eval() if beta else None
        model.generation_config = transformers.GenerationConfig()
        data = datasets.Dataset.from_dict({"prompt": [str(index) for index in range(len(windows))]})
        super().__init__(model, _reward(windows), args, data, processing_class=tokenizer, rollout_func=_roll_out,
                         **options)
        args.beta = self.beta = beta
        self.ref_model        = reference.to(self.accelerator.device) if beta else None

    def assemble(self, indices):
        """Letters of some windows, and the batch that the model reads; indices: list of int."""

        letters = [self.windows.bases(index) for index in indices]
        arrays  = batching.assemble(letters, self.encoder, rows=[[row] for row in range(len(letters))], threads=1,
                                    **self.grammar)
        return letters, batching.to_torch(arrays, self.accelerator.device)

    def _get_per_token_logps_and_entropies(self, model, input_ids, attention_mask, logits_to_keep, batch_size=None,
                                           **unused):
        parts = [self._measure(model, rows[:, 0], rows[:, -logits_to_keep:])
                 for rows in input_ids.split(batch_size or len(input_ids))]
        log_probs, entropies = (torch.cat(values) for values in zip(*parts))
        return log_probs, entropies, None

    def _measure(self, model, windows, ids):
        """Log-probabilities and entropies [C, S] of completions [C, S] of windows [C], 0 where they are padded."""

        order = windows.argsort(stable=True)
        shown, sizes = windows[order].unique_consecutive(return_counts=True)
        # one prefix for a whole group; one for each completion where TRL's shuffle has torn groups apart
        shown = (shown if (sizes == sizes[0]).all() else windows[order]).tolist()
        letters, batch = self.assemble(shown)
        rows  = ids[order].cpu().numpy()
        steps = rows != self.processing_class.pad_token_id
        types, positions = _sites(rows[steps], self.processing_class)
        found = rollout.replay(letters, steps.sum(axis=1), types, positions, len(rows) // len(shown), self.grammar)
        with self.accelerator.autocast():
            values = policy.log_probs(model, batch, found, len(shown), self.temperature)
        rows = [policy.padded(each, found.counts) for each in values]
        rows = [torch.nn.functional.pad(each, (0, ids.shape[1] - each.shape[1])) for each in rows]
        return [each[order.argsort()] for each in rows]


def _check(tokenizer, windows, args):
    if tokenizer.eos_token != "<eos>" or tokenizer.pad_token is None:
        raise errors.DataError("AutoTokenizer finds no <eos> or no padding in the model folder: tokenizer_config.json, "
                               "which genet5 init and sft write, names them")
    if len(np.unique(windows.genetic_code)) > 1:
        raise errors.DataError("the windows have several genetic codes; genet5 grpo takes them, this example does not")
    wrong = [f"{name} {getattr(args, name)}" for name, value in PLAIN.items() if getattr(args, name) != value]
    if wrong:
        raise errors.DataError(f"{', '.join(wrong)}: this example draws from all sites, in one process; leave it out")


def _ids(types, positions, tokenizer):
    """Sites as ids that begin behind the vocabulary, int64."""

    sites = len(tokenizer) + SITE_TYPES * positions.astype(np.int64) + types
    return np.where(types == rollout.EOS, tokenizer.eos_token_id, sites)


def _sites(ids, tokenizer):
    """The opposite: types uint8, positions int32."""

    ended = ids == tokenizer.eos_token_id
    sites = ids - len(tokenizer)
    return (np.where(ended, rollout.EOS, sites % SITE_TYPES).astype(np.uint8),
            np.where(ended, -1, sites // SITE_TYPES).astype(np.int32))


def _roll_out(prompts, trainer):
    """TRL's rollout_func: one completion of every prompt; those of a window lie side by side."""

    model   = trainer.accelerator.unwrap_model(trainer.model)
    trained = model.training
    many    = trainer.num_generations if trained else trainer.num_generations_eval
    indices = [int(prompt) for prompt in prompts]
    letters, batch = trainer.assemble(indices[::many])
    sampling = rollout.Sampling(many, trainer.temperature, max_steps=trainer.max_completion_length)
    # drawn from torch's generator, whose state TRL's checkpoints hold
    seeds    = torch.randint(2 ** 62, (len(indices),)).tolist()
    model.eval()
    with torch.inference_mode(), trainer.accelerator.autocast():
        found = rollout.sample(model, model.prefill(batch), batch, letters, trainer.grammar, sampling, seeds)
    model.train(trained)
    ids     = _ids(found.types, found.positions, trainer.processing_class)
    ends    = np.cumsum(found.counts)[:-1]
    return {"prompt_ids": [[index] for index in indices], "completion_ids": [x.tolist() for x in np.split(ids, ends)],
            "logprobs": [x.tolist() for x in np.split(found.log_probs, ends)], "genes": found.genes,
            "terminated": found.terminated.tolist()}


def _reward(windows):
    """A reward function as TRL wants it: the one of genet5 grpo with its usual weights."""

    def exact_genes(prompts, completion_ids, genes, terminated, log_metric, log_extra, **others):
        indices = np.array(prompts).astype(np.int64)
        scored  = rewards.Scored(score.windows(genes), rewards.gather(windows.references, indices),
                                 [windows.bases(index) for index in indices],
                                 np.array([len(ids) for ids in completion_ids]), np.array(terminated))
        parts   = rewards.measures(scored)
        excess  = rewards.length_excess(scored.steps, rewards.reference_steps(scored.references))
        for name, values in parts.items():
            log_metric(f"rewards/{name}/mean", float(values.mean()))
        log_extra("genes", [str(found) for found in genes])
        return rewards.total(parts, configs.WEIGHTS, excess, configs.GrpoConfig.length_penalty).tolist()

    return exact_genes


def main(words=None):
    """Train, and write a model folder that `genet5 predict` reads; words: list of str; returns the trainer."""

    parser = trl.TrlParser((Paths, trl.GRPOConfig))
    parser.set_defaults(**DEFAULTS)
    paths, args = parser.parse_args_and_config(words)
    model   = hf.GeneT5ForGenePrediction.from_pretrained(paths.model)
    trainer = GeneTrainer(model, prepared.load(paths.windows), args)
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)
    model.save_pretrained(args.output_dir)
    return trainer


if __name__ == "__main__":
    try:
        main()
    except errors.DataError as error:
        sys.exit(f"error: {error}")
