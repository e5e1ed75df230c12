"""`genet5 sft`: supervised training on baked genomes."""

import dataclasses
import pathlib

import click

import genet5.cli.errors as exits
import genet5.cli.workspace as workspace
import genet5.errors as errors
import genet5.train.config as configs
import genet5.workspace as places

DEFAULT = configs.TrainConfig()

EPILOG = """\b
Examples:
  genet5 sft baked/yeast model/yeast model/start --max-minutes 60
  genet5 sft baked/yeast model/yeast model/start --max-minutes 60 --resume
  genet5 sft baked/yeast model/again model/start --config model/yeast/finetune_config.json
  genet5 sft baked/yeast model/start --workspace ~/genet5 --name yeast
  genet5 sft baked/yeast model/other model/start --config run.toml --lr 1e-4
  torchrun --nproc-per-node 2 -m genet5 sft baked/yeast model/yeast model/start --max-steps 2000
"""


def setting(flag, kind, text, config=DEFAULT):
    """A click option for a field of a configuration, with its default there."""

    name = flag.lstrip("-").replace("-", "_")
    return click.Option([flag, name], type=kind, default=getattr(config, name), show_default=True, help=text)


def weights(parse):
    """A callback for an option of NAME=WEIGHT,…; parse: function of a text that raises ValueError."""

    def read(ctx, param, value):
        try:
            return parse(value) if value else {}
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    return read


SETTINGS = [
    setting("--max-steps", int, "Optimizer steps of the whole run; 0: as many as fit into --max-minutes."),
    setting("--max-minutes", float, "Wall time of the whole run; read only without --max-steps."),
    setting("--optimizer", click.Choice(configs.OPTIMIZERS), "muon: for the blocks' matrices, AdamW for the rest."),
    setting("--lr", float, "Peak learning rate."),
    setting("--warmup", int, "Steps in which the learning rate rises (a fifth of the run at the most)."),
    setting("--decay", click.Choice(configs.DECAYS), "How the learning rate falls to zero."),
    setting("--decay-share", float, "Share of the steps, at the end, in which it falls; constant before."),
    setting("--weight-decay", float, "Of matrices; norms, biases and embeddings have none."),
    setting("--beta1", float, "AdamW's average of the gradient."),
    setting("--beta2", float, "AdamW's average of its square."),
    setting("--clip", float, "Largest norm of the gradient."),
    setting("--label-smoothing", float, "Share of a site's target spread over the sites that the grammar allows."),
    setting("--ema", float, "Decay of the averaged weights that are evaluated and saved; 0: none."),
    click.Option(["--loss-weights"], callback=weights(configs.parse_weights), default="", metavar="HEAD=W,…",
                 help="Weights of the heads site, segmentation and lattice, as in site=2,lattice=0.5."),
    setting("--batch-rows", int, "Rows of a step, over all processes and micro-batches."),
    setting("--row-tokens", int, "Tokens of a row."),
    setting("--accumulate", int, "Micro-batches that a step is worked off in."),
    click.Option(["--auto-batch"], is_flag=True, default=DEFAULT.auto_batch,
                 help="Choose the fewest micro-batches that fit into memory, instead of --accumulate."),
    setting("--crop", int, "Bases of a training window, at a random offset; 0: the model's window_size."),
    click.Option(["--reverse-complement/--no-reverse-complement"], default=DEFAULT.reverse_complement,
                 show_default=True, help="Read half of the windows from the other strand."),
    click.Option(["--species"], multiple=True, help="Train on this folder of DATA_DIR only; repeatable."),
    setting("--eval-every", int, "Steps between validation losses; 0: a tenth of the run."),
    setting("--balance-rate", float, "Move of the bias that evens out the use of experts, a step; 0: none."),
    setting("--eval-batches", int, "Validation batches at the most; 0: all."),
    setting("--generate-every", int, "Steps between gene F1s on eval.json; 0: with checkpoints; -1: never."),
    setting("--generate-samples", int, "Samples of eval.json at the most; 0: all."),
    click.Option(["--calibrate/--no-calibrate"], default=DEFAULT.calibrate, show_default=True,
                 help="Choose decoder and writer threshold on eval.json at the end."),
    setting("--save-every", int, "Steps between checkpoints; 0: a tenth of the run."),
    setting("--keep-checkpoints", int, "checkpoint_step_*.pt files to keep."),
    setting("--log-every", int, "Steps between progress lines where there is no terminal."),
    click.Option(["--tensorboard"], is_flag=True, default=DEFAULT.tensorboard, help="Write logs for TensorBoard, too."),
    setting("--memory-floor", float, "GiB of free memory below which the run saves and ends with exit code 75; 0: a "
                                     "twenty-fifth of all; -1: never."),
    setting("--memory-every", float, "Seconds between rows of memory_{host}.csv."),
    setting("--parallel", click.Choice(configs.PARALLEL), "fsdp: each process keeps a part of the weights only."),
    setting("--seed", int, "Of the order of the data, the crops and dropout."),
    setting("--threads", int, "Threads of each process; 0: all cores, shared out."),
    setting("--device", click.Choice(["auto", "cpu", "cuda"]), "Where to compute."),
    click.Option(["--compile/--no-compile"], default=DEFAULT.compile, show_default=True,
                 help="Compile the blocks first (a minute, kept for the next time): for long runs on a GPU."),
    setting("--dtype", click.Choice(configs.DTYPES), "auto: bfloat16 where the hardware has units for it."),
]


def folders(ctx):
    """OUT_DIR and MODEL of a command line that may leave OUT_DIR out."""

    given      = ctx.params
    out, model = given["out_dir"], given["model"]
    if model is None:
        out, model = None, out
    if model is None:
        raise click.UsageError("Missing argument 'MODEL'.", ctx)
    if not pathlib.Path(model).is_dir():
        raise click.BadParameter(f"Directory {model!r} does not exist.", ctx, param_hint="'MODEL'")
    return places.settle_model(out, given["workspace"], given["name"], given["data_dir"], given["resume"]), model


@click.command(epilog=EPILOG)
@click.argument("data_dir", type=click.Path(exists=True, file_okay=False))
@click.argument("out_dir", required=False, metavar="[OUT_DIR]", type=click.Path(file_okay=False))
@click.argument("model", required=False, metavar="MODEL", type=click.Path(file_okay=False))
@workspace.option
@click.option("--config", "base", type=click.Path(exists=True, dir_okay=False),
              help="Take settings from a finetune_config.json or a TOML file; options given here come on top.")
@click.option("--resume", is_flag=True, help="Go on from checkpoint_latest.pt where there is one.")
@click.option("--force", is_flag=True, help="Replace a run that is in OUT_DIR.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.pass_context
def sft(ctx, data_dir, out_dir, model, base, resume, force, quiet, workspace, name, **options):
    """Train MODEL on DATA_DIR (from genet5 bake); OUT_DIR becomes a model folder with the best weights.

    Without OUT_DIR the run goes to WORKSPACE/model/GeneT5/{mon}{DD}_{name}_t{number}. Ctrl-C saves a checkpoint and
    stops; --resume goes on as if nothing had happened.
    """

    out_dir, model = folders(ctx)
    errors.require("torch", "model")
    import genet5.launch.heartbeat as heartbeat
    import genet5.train.loop as loop

    given = {name: list(value) if name == "species" else value for name, value in options.items()
             if ctx.get_parameter_source(name) != click.core.ParameterSource.DEFAULT}
    start  = configs.read(base) if base else DEFAULT
    config = dataclasses.replace(start, **given)
    with heartbeat.beating(exits.describe) as heart:
        loop.Run(data_dir, out_dir, model, config, given=given, resume=resume, force=force, quiet=quiet,
                 heart=heart).go()


sft.params += SETTINGS
