"""Reinforcement from start to finish: the loop of supervised training with another step and another validation."""

import dataclasses

import genet5.errors as errors
import genet5.grpo.config as configs
import genet5.grpo.evaluation as evaluation
import genet5.grpo.logs as logs
import genet5.grpo.rewards as rewards
import genet5.grpo.trainer as trainers
import genet5.grpo.windows as windows
import genet5.model.folder as folders
import genet5.tokenizer as tk
import genet5.train.evaluation as supervised
import genet5.train.loop as loop


class Run(loop.Run):
    """One run of `genet5 grpo`; takes what genet5.train.loop.Run takes, with a folder of `genet5 prep-grpo`."""

    CONFIG       = configs.GrpoConfig
    EVALUATION   = logs.EVALUATION
    WORDS        = logs.Words
    NOTHING_HELD = "held_out.npz holds no window: prepare them with --held-out-windows, and hold something out"

    def _make_trainer(self, model):
        self.config   = dataclasses.replace(self.config, loss_weights=self._loss_weights())
        self.custom   = [rewards.load(text) for text in self.config.reward]
        self.TRAINING = logs.training([name for name, _ in self.custom])
        train         = windows.load(self.data_dir, windows.TRAIN)
        self.held_out = windows.load(self.data_dir, windows.HELD_OUT)
        if len(train) == 0:
            raise errors.DataError(f"{self.data_dir}: train.npz holds no window")
        reference = None
        if self.config.beta:
            reference = folders.load(self.source, next(model.parameters()).device).requires_grad_(False)
        tokenizer = tk.load(folders.tokenizer_file(self.source))
        return trainers.Trainer(model.train(), windows.Source(train, self.config.seed), self.config, self.group,
                                tokenizer, reference, self.custom)

    def _read_held(self, config):
        self.held    = evaluation.batches(self.held_out, config.batch_rows, config.eval_batches, self.group.rank,
                                          self.group.world)
        self.samples = supervised.samples(self.data_dir, config)
        if not any(sample["genes"] for sample in self.samples) and (config.generate_every >= 0 or config.calibrate):
            raise errors.DataError(f"{self.data_dir}: eval.json holds no gene: hold more out, or run with "
                                   f"--generate-every -1 --no-calibrate")

    def _validate(self, held):
        return evaluation.validate(self.trainer, self.held_out, held)
