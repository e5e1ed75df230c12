"""Supervised training from start to finish: plan, steps, evaluations, checkpoints, the finished model folder."""

import dataclasses
import pathlib
import time

import torch

import genet5.errors as errors
import genet5.machine as machine
import genet5.model.compiling as compiling
import genet5.model.experts as experts
import genet5.model.folder as folders
import genet5.model.loss as loss
import genet5.train.batches as batches
import genet5.train.checkpoint as checkpoint
import genet5.train.config as configs
import genet5.train.device as devices
import genet5.train.distributed as distributed
import genet5.train.evaluation as evaluation
import genet5.train.fitting as fitting
import genet5.train.logs as logs
import genet5.train.memory as memory
import genet5.train.plan as plans
import genet5.train.records as records
import genet5.train.report as reports
import genet5.train.signals as signals
import genet5.train.trainer as trainers
import genet5.versions as versions


class Run:
    """One training run of `genet5 sft`.

    data_dir: path of a baked folder
    out_dir:  path of the run's folder, which becomes a model folder
    model:    path of the model folder to start from
    config:   TrainConfig as asked for
    given:    dict of the fields that the user named (checked on resume)
    resume:   bool, go on from checkpoint_latest.pt where there is one
    force:    bool, replace a run that is in out_dir
    quiet:    bool, print nothing
    heart:    genet5.launch.heartbeat.Heart, told of every step; None: nobody is
    raises DataError where folders do not fit

    Another kind of training is a subclass with its own configuration, columns, words, trainer and validation.
    """

    CONFIG       = configs.TrainConfig
    TRAINING     = logs.TRAINING
    EVALUATION   = logs.EVALUATION
    WORDS        = reports.Words
    NOTHING_HELD = "validation.bin holds no window: bake with --val-share or --val-contigs that leave something out"

    def __init__(self, data_dir, out_dir, model, config, given=None, resume=False, force=False, quiet=False,
                 heart=None):
        self.began    = time.perf_counter()
        self.data_dir = pathlib.Path(data_dir)
        self.out_dir  = pathlib.Path(out_dir)
        self.source   = pathlib.Path(model)
        self.asked    = config
        self.group    = distributed.Group()
        self.first    = self.group.rank == 0
        self.report   = reports.Reporter(quiet or not self.first, config.log_every, self.WORDS)
        self.heart    = heart
        self.records  = None
        self.versions = versions.recorded()
        self.given    = given or {}
        self.config   = config
        self.state    = self._stored(resume, force)
        self._take()

    def go(self):
        """Train; returns a dict with the summary.

        raises KeyboardInterrupt after a clean stop by Ctrl-C or SIGTERM, LowMemory after one for want of memory; the
        checkpoint is saved
        """

        with signals.Stop() as stop:
            self._set_up()
            try:
                self._begin()
                self._train(stop)
                return self._finish()
            finally:
                self._close()
                self.group.stop()

    def _stored(self, resume, force):
        """The checkpoint to go on from, None for a new run."""

        if resume:
            return checkpoint.newest(self.out_dir, self.report.line)
        if force:
            return None
        if (self.out_dir / checkpoint.LATEST).exists():
            raise errors.DataError(f"{self.out_dir} already holds a run: --resume continues it, --force replaces it")
        if (self.out_dir / folders.CONFIG).exists() and not (self.out_dir / records.SETTINGS).exists():
            raise errors.DataError(f"{self.out_dir} holds a model that is no run's; name another OUT_DIR, or --force "
                                   f"replaces it")
        return None

    def _take(self):
        """The configuration of the checkpoint to go on from, where there is one."""

        if self.state is not None:
            self.asked  = self.CONFIG.from_dict(self.state["asked"])
            settled     = self.CONFIG.from_dict(self.state["config"])
            self.config = configs.merge(self.asked, settled, self.given)

    def _share(self):
        """One checkpoint for all processes: the first one's, also on machines that do not see its folder."""

        steps = self.group.gather(-1 if self.state is None else self.state["step"])
        if len(set(steps)) == 1:
            return
        if steps[0] < 0:
            raise errors.DataError(f"{self.out_dir} holds a checkpoint on another machine, but none on the first one")
        self.state = self.group.spread_state(self.state)
        self._take()

    def _set_up(self):
        """Device, precision, model, data and trainer."""

        device  = devices.choose(self.config.device, self.group.local_rank)
        self.group.start(device)
        self._share()
        threads = devices.share_cores(self.config.threads, self.group.local_world)
        dtype, reason = devices.precision(self.config.dtype, device)
        # the same bits again for the same number of threads; use_deterministic_algorithms would import the compiler
        torch.set_deterministic_debug_mode("warn" if device.type == "cpu" else "default")
        torch.utils.deterministic.fill_uninitialized_memory = False
        model       = folders.load(self.source, device)
        self.config = dataclasses.replace(self.config, device=device.type, threads=threads, dtype=dtype)
        if self.config.compile:
            compiling.for_training(model, device)
            self.report.line(f"the blocks are compiled; what is compiled is kept in {compiling.cache_dir()}")
        self.trainer = self._make_trainer(model)
        self._read_held(self.config)
        if self.group.total([len(self.held)])[0] == 0:
            raise errors.DataError(f"{self.data_dir}: {self.NOTHING_HELD}")
        self.trainer.begun = self.began
        self.report.line(f"{sum(p.numel() for p in model.parameters()):,} parameters, {dtype} ({reason}) on "
                         f"{device.type}, {self.group.world} x {threads} threads")
        if model.config.num_experts > 1:
            grouped = experts.grouped_works(device.type, getattr(torch, dtype))
            self.report.line(f"{model.config.num_experts} experts, {model.config.top_k} for each token, multiplied "
                             f"{'in groups' if grouped else 'one after the other: torch has no grouped_mm here'}")
        self.watch  = memory.Watch(self.out_dir / memory.file_name(self.group.local_rank), self.config.memory_floor,
                                   self.config.memory_every)
        self.writer = checkpoint.Writer(self.out_dir, self.config.keep_checkpoints, self.report.line)
        if self.config.auto_batch and self.state is None:
            self._fit()

    def _read(self, config, accumulate):
        """The training data of this process in so many micro-batches."""

        config = dataclasses.replace(config, accumulate=accumulate)
        return batches.Source(self.data_dir, folders.tokenizer_file(self.source), config, self.group.rank,
                              self.group.world)

    def _fit(self):
        """Choose `accumulate` by the memory there is."""

        count, rows, took = fitting.accumulate(self.trainer, self._read, self.config, self.group, self.watch.floor)
        self.config         = self.trainer.config = dataclasses.replace(self.config, accumulate=count)
        self.trainer.source = self._read(self.config, count)
        self.report.line(f"micro-batches of {rows} rows fit ({took / memory.GIB:.2f} GiB), {count} a step")

    def _make_trainer(self, model):
        """The trainer of a loaded model; the configuration is settled by what the model is."""

        self.config = dataclasses.replace(self.config, crop=self.config.crop or model.config.window_size,
                                          loss_weights=self._loss_weights())
        model.config.window_size = self.config.crop
        source = batches.Source(self.data_dir, folders.tokenizer_file(self.source), self.config, self.group.rank,
                                self.group.world)
        return trainers.Trainer(model.train(), source, self.config, self.group)

    def _loss_weights(self):
        """The weight of every loss, the model's own where none was asked for; a dict."""

        return {**dict.fromkeys(configs.LOSSES, 0.0), **loss.WEIGHTS, **self.config.loss_weights}

    def _begin(self):
        """Take up the checkpoint, or clear the folder, plan the run and save its beginning."""

        if self.state is not None:
            self._resume()
            return
        if self.first:
            self.out_dir.mkdir(parents=True, exist_ok=True)
            checkpoint.clear(self.out_dir)
            checkpoint.tidy(self.out_dir)
        self.group.wait()
        self.watch.start()
        self.config = self.trainer.config = self._plan()
        if self.first:
            records.write_settings(self.out_dir, {**self._settings(), "data_dir": str(self.data_dir.resolve()),
                                                  "model": str(self.source.resolve()),
                                                  "data_hash": self.trainer.source.data_hash})
        self._open_logs(None)
        self._evaluate()
        self._save()

    def _resume(self):
        """Load everything from the checkpoint; logs lose the rows beyond it."""

        theirs, ours = self.state["model_config"], self.trainer.model.config.to_dict()
        different    = sorted(key for key in ours if key != "decoding" and ours[key] != theirs.get(key))
        if different:
            raise errors.DataError(f"{self.source} is another model than the run began with: it differs in "
                                   f"{', '.join(different)}")
        self.trainer.load_state_dict(self.state)
        if self.first:
            checkpoint.tidy(self.out_dir)
        self.watch.start()
        self._open_logs(self.trainer.progress.step)
        self.report.line(f"going on from step {self.trainer.progress.step} of {self.config.max_steps}")
        others = versions.changed(self.state["versions"], self.versions)
        if others:
            self.report.line(f"warning: the run began with another {', '.join(others)}; the next losses may differ "
                             f"from those it would have had")
        self.state = None

    def _plan(self):
        """The configuration with the number of steps and all intervals settled, the same on every process."""

        config, trainer = self.config, self.trainer
        if config.max_steps == 0:
            random = checkpoint.random_state()
            speed  = plans.Speed(*self.group.spread(dataclasses.astuple(self._speed())))
            trainer.rewind()
            checkpoint.restore_random_state(random)
            config  = plans.settle(config, speed, self.group.spread(len(self.held)), len(self.samples))
            self._read_held(config)
            self.report.line(f"{config.max_steps} steps planned for {config.max_minutes:g} minutes: {speed.step:.2f} s "
                             f"a step; evaluation on {config.eval_batches} batches and {len(self.samples)} samples")
        return config.with_intervals()

    def _speed(self):
        """How fast this machine is, see plan.Speed."""

        few   = evaluation.evenly(self.samples, 2)
        step  = plans.time_steps(self.trainer.rehearse, self.config.max_minutes * 60, self.group)
        times = [time.perf_counter()]
        with evaluation.averaged(self.trainer) as model:
            if self.config.device == "cuda":
                # the first time loads kernels
                self._validate(self.held[:1])
                if few and self.first:
                    evaluation.genes(model, few[:1], self._cores())
                times = [time.perf_counter()]
            self._validate(self.held[:1])
            times.append(time.perf_counter())
            if few and self.first:
                evaluation.genes(model, few, self._cores())
            times.append(time.perf_counter())
        return plans.Speed(step=step, batch=times[1] - times[0], sample=(times[2] - times[1]) / max(1, len(few)),
                           spent=times[2] - self.began)

    def _read_held(self, config):
        """The validation batches of this process and the samples to write genes for."""

        self.held    = batches.validation(self.data_dir, folders.tokenizer_file(self.source), config, self.group.rank,
                                          self.group.world)
        self.samples = evaluation.samples(self.data_dir, config)

    def _train(self, stop):
        """Steps until the plan is fulfilled."""

        trainer, config = self.trainer, self.config
        steps           = config.max_steps
        first, begin    = trainer.progress.step, time.perf_counter()
        self.report.begin(first, steps)
        while trainer.progress.step < steps:
            row  = trainer.step()
            done = row["step"]
            self._record(row)
            took = (time.perf_counter() - begin) / (done - first)
            self.report.step(row, steps, took * (steps - done))
            if done % config.eval_every == 0 or self._genes_due() or done == steps:
                self._evaluate()
            # one process's signal, or want of memory, stops all of them
            asked, low = self.group.total([float(stop.asked), float(self.watch.low)])
            if asked or low or done % config.save_every == 0 or done == steps:
                self._save(now=low > 0)
            if (asked or low) and done < steps:
                self._halt(low > 0)
        self.report.end()

    def _record(self, row):
        """A finished step into the logs."""

        self.watch.step = row["step"]
        if self.heart is not None:
            self.heart.beat(row["step"])
        row.update(memory_available=self.watch.last["available"], memory_resident=machine.resident(),
                   memory_reserved=self.watch.last["reserved"])
        if self.first:
            self.records.step(row)

    def _rest(self, what):
        """Who follows the run learns that the next step may take longer."""

        if self.heart is not None:
            self.heart.rest(what)

    def _halt(self, low):
        """End before the plan is fulfilled, the checkpoint on the disk.

        low: bool, for want of memory
        """

        # others must not be ended by torchrun while the first process still writes
        self.writer.finish()
        why = [reason for reason in self.group.gather(self.watch.describe() if self.watch.low else "") if reason]
        self.report.end()
        where = f"step {self.trainer.progress.step} of {self.config.max_steps}; --resume continues"
        if low:
            raise errors.LowMemory(f"{why[0]}; saved at {where}")
        self.report.line(f"stopped at {where}")
        raise KeyboardInterrupt

    def _cores(self):
        """Threads for what the first process does alone: those of the waiting ones of its machine, too."""

        return self.config.threads * self.group.local_world

    def _genes_due(self):
        """Whether gene F1 is due after the present step; the calibration stands for the last one."""

        step, every = self.trainer.progress.step, self.config.generate_every
        return every > 0 and 0 < step < self.config.max_steps and step % every == 0

    def _evaluate(self):
        """Validation loss, gene F1 where it is due; the best model is saved."""

        progress = self.trainer.progress
        due      = self._genes_due()
        self._rest("the evaluation")
        with evaluation.averaged(self.trainer) as model:
            row  = self._validate(self.held)
            best = row["loss"] < progress.best_loss
            if best:
                progress.best_loss, progress.best_step = row["loss"], progress.step
            if self.first:
                if due:
                    row.update(evaluation.genes(model, self.samples, self._cores()))
                if best:
                    self._save_best(row)
        if self.first:
            row.update(step=progress.step, best=int(best), seconds=self.trainer.seconds())
            self.records.evaluated(row)
            genes = f"  gene F1 writer {row['writer_gene_f1']:.3f} viterbi {row['viterbi_gene_f1']:.3f}" if due else ""
            self.report.line(f"validation at step {progress.step}: {self.WORDS.validation(row)}{genes}"
                             f"{'  best' if best else ''}")

    def _validate(self, held):
        """The validation of some batches, a dict for eval_log.csv; its `loss` is the lower the better."""

        return evaluation.validate(self.trainer, held)

    def _save_best(self, row):
        """The model as it stands (averaged weights) as the model folder and as best_model.pt."""

        model = self.trainer.evaluated
        folders.save(model, self.out_dir, folders.tokenizer_file(self.source))
        checkpoint.write(self.out_dir / checkpoint.BEST,
                         {"model": model.state_dict(), "step": self.trainer.progress.step, "losses": row,
                          **self._settings()})

    def _save(self, now=False):
        """All that the run needs to go on.

        now: bool, wait for it and take no memory for a copy
        """

        state = self.trainer.state_dict()
        if self.first:
            write = self.writer.save_now if now else self.writer.save
            write({**state, **self._settings()})

    def _finish(self):
        """Choose the decoder with the best weights; the summary."""

        self._rest("the end")
        self.writer.finish()
        progress = self.trainer.progress
        summary  = {"steps": progress.step, "seconds": self.trainer.seconds(), "best_step": progress.best_step,
                    "best_loss": progress.best_loss, "skipped": progress.skipped, "mask_misses": progress.misses,
                    "model": str(self.out_dir)}
        if self.first:
            if self.config.calibrate:
                summary.update(evaluation.calibrate(self.out_dir, self.samples, self.trainer.device,
                                                    self._cores()))
            for line in self.WORDS.summary(summary):
                self.report.line(line)
        self.group.wait()
        return summary

    def _settings(self):
        """What a checkpoint says beside the state itself."""

        return {"asked": self.asked.to_dict(), "config": self.config.to_dict(),
                "model_config": self.trainer.model.config.to_dict(), "world": self.group.world,
                "versions": self.versions}

    def _close(self):
        """End what the run has open, however it ends."""

        self.report.end()
        self.watch.stop()
        if self.records is not None:
            self.records.close()

    def _open_logs(self, upto):
        if self.first:
            self.records = records.Records(self.out_dir, self.TRAINING, self.EVALUATION, upto, self.config.tensorboard,
                                           self.report.line)
