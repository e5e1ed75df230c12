"""Progress of a run: a bar on a terminal, plain lines elsewhere, nothing on other ranks."""

import sys

import rich.console
import rich.progress


class Words:
    """How supervised training speaks of its numbers; another kind of training has a subclass."""

    @staticmethod
    def brief(row):
        """A row of training_log.csv in a few words, for the bar."""

        return f"loss {row['loss']:.3f}  {row['bases_per_second']:,.0f} bases/s"

    @staticmethod
    def step(row):
        """A row of training_log.csv in one line."""

        return (f"loss {row['loss']:.4f}  site {row['site_loss']:.4f}  seg {row['segmentation_loss']:.4f}  "
                f"lattice {row['lattice_loss']:.5f}  lr {row['lr']:.2e}  grad {row['grad_norm']:.2f}  "
                f"{row['tokens_per_second']:,.0f} tokens/s  {row['bases_per_second']:,.0f} bases/s  "
                f"padding {row['padding_share']:.1%}")

    @staticmethod
    def validation(row):
        """The losses of a row of eval_log.csv."""

        return (f"loss {row['loss']:.4f}  site {row['site_loss']:.4f}  seg {row['segmentation_loss']:.4f}  lattice "
                f"{row['lattice_loss']:.5f}")

    @staticmethod
    def summary(found):
        """The summary of a finished run, lines."""

        yield (f"{found['steps']} steps in {clock(found['seconds'])}; the model of step {found['best_step']} "
               f"(validation loss {found['best_loss']:.4f}) is in {found['model']}")
        if found["skipped"] or found["mask_misses"]:
            yield (f"{found['skipped']} steps skipped as not finite; {found['mask_misses']} true sites that the "
                   f"grammar would not allow")
        yield from decoders(found)


def decoders(found):
    """What the calibration found, a line where there was one."""

    if "writer_threshold" in found:
        yield (f"gene F1 on eval.json: viterbi {found['viterbi_gene_f1']:.3f} (probability from "
               f"{found['min_probability']:g}), writer {found['writer_gene_f1']:.3f} (threshold "
               f"{found['writer_threshold']:g}), both {found['both_gene_f1']:.3f}; {found['decoder']} is the model's "
               f"decoder")


class Reporter:
    """Tells the user how a run goes, on stderr.

    quiet: bool, say nothing
    every: int, steps between plain lines
    words: Words
    """

    def __init__(self, quiet=False, every=10, words=Words):
        self.quiet   = quiet
        self.every   = every
        self.words   = words
        self.console = rich.console.Console(stderr=True, highlight=False)
        self.bar     = None

    def line(self, text):
        """Print a line."""

        if self.quiet:
            return
        if self.bar is not None:
            self.bar.console.print(text, markup=False)
        elif self.console.is_terminal:
            self.console.print(text, markup=False)
        else:
            print(text, file=sys.stderr, flush=True)

    def begin(self, step, steps):
        """The run is at `step` of `steps`."""

        if self.quiet or not self.console.is_terminal:
            return
        columns  = (rich.progress.TextColumn("{task.completed}/{task.total}"), rich.progress.BarColumn(bar_width=None),
                    rich.progress.TimeElapsedColumn(), rich.progress.TimeRemainingColumn(),
                    rich.progress.TextColumn("{task.description}"))
        self.bar = rich.progress.Progress(*columns, console=self.console, refresh_per_second=2, expand=True)
        self.bar.start()
        self.task = self.bar.add_task("", total=steps, completed=step)

    def step(self, row, steps, left):
        """One step is done.

        row:   dict, a row of training_log.csv
        steps: int, steps of the run
        left:  float, seconds until the end as far as is known
        """

        if self.bar is not None:
            self.bar.update(self.task, completed=row["step"], description=self.words.brief(row))
        elif row["step"] % self.every == 0 or row["step"] == steps:
            self.line(f"step {row['step']}/{steps}  {self.words.step(row)}  eta {clock(left)}")

    def end(self):
        """Take the bar away."""

        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def clock(seconds):
    """Seconds as h:mm:ss."""

    seconds = max(0, round(seconds))
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
