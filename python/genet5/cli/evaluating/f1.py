"""`genet5 eval f1`."""

import click

import genet5.cli.evaluating.options as options
import genet5.errors as errors

EPILOG = """\b
Examples:
  genet5 eval f1 model/yeast baked/yeast -o runs/held_out
  genet5 eval f1 model/yeast baked/yeast -o runs/writer --decoder writer --preset all
"""


@click.command(epilog=EPILOG)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path())
@options.run_options
def f1(model, data, output, presets, by, as_json, **choice):
    """Predict the held-out samples of DATA with MODEL and score them.

    DATA is an eval.json, or the folder that bake or prep-grpo wrote.

    Each sample is annotated as if it were a whole contig. Predictions that touch a gene which is no target, since the
    sample's edge cuts it or it is no valid reading frame, count neither for nor against. Whole contigs: genet5 eval
    genome with --contigs. The longest open reading frames of the same samples are scored beside.
    """

    errors.require("torch", "model")
    import genet5.eval.runs as runs

    options.show(runs.samples(model, data, output, options.asked(presets), by, **choice), as_json)
