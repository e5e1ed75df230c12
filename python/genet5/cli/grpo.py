"""`genet5 grpo`: reinforcement on exact genes."""

import copy
import dataclasses

import click

import genet5.cli.errors as exits
import genet5.cli.sft as sft
import genet5.errors as errors
import genet5.grpo.config as configs
import genet5.train.config as train

DEFAULT = configs.GrpoConfig()

EPILOG = """\b
Examples:
  genet5 prep-grpo raw grpo/fungi --tokenizer model/fungi --val-species S.cerevisiae
  genet5 grpo grpo/fungi model/better model/fungi --max-minutes 40
  genet5 grpo grpo/fungi model/better model/fungi --max-minutes 40 --resume
  genet5 grpo grpo/fungi model/near model/fungi --beta 0.001 --reward-weights gene=1,exon=1
  torchrun --nproc-per-node 2 -m genet5 grpo grpo/fungi model/better model/fungi --max-steps 500
"""

# options of `genet5 sft` that read differently here
HELP = {
    "batch_rows":   "Windows of a step, over all processes.",
    "loss_weights": "Weights of the heads in the supervised loss, as in site=2,lattice=0.5.",
    "accumulate":   "Micro-batches that a process works a step off in.",
    "eval_every":   "Steps between validations; 0: a tenth of the run.",
    "eval_batches": "Batches of held-out windows at the most; 0: all.",
    "generate_every":   "Steps between gene F1s of both decoders; 0: with checkpoints; -1: never.",
    "seed":         "Of the order of the windows and of all sampling.",
}


def shared():
    """The options of `genet5 sft` for settings that are read here too, with the defaults that they have here."""

    fields = train.names(configs.GrpoConfig)
    for option in sft.sft.params:
        if not isinstance(option, click.Option) or option.name in configs.UNREAD:
            continue
        option = copy.copy(option)
        # a dict's text is parsed, and empty in both
        if option.name in fields and not isinstance(getattr(DEFAULT, option.name), dict):
            option.default = getattr(DEFAULT, option.name)
        option.help = HELP.get(option.name, option.help)
        yield option


def setting(*given):
    """A click option for a field of GrpoConfig."""

    return sft.setting(*given, config=DEFAULT)


SETTINGS = [
    setting("--loss-type", click.Choice(tuple(configs.CLIPS)), "The policy loss."),
    setting("--num-generations", int, "Completions of each window."),
    setting("--num-iterations", int, "Optimizer steps on the same completions."),
    setting("--max-completion-length", int, "Sites that a completion may have."),
    setting("--temperature", float, "Of the sampler, and of the softmax in training."),
    setting("--top-p", float, "Draw from the most probable sites that together reach this; training sees only them."),
    setting("--scale-rewards", click.Choice(configs.SCALES), "The standard deviation that divides advantages."),
    setting("--epsilon", float, "How far below 1 a ratio may lie; 0: as the loss's paper has it."),
    setting("--epsilon-high", float, "How far above; 0: as the loss's paper has it."),
    setting("--beta", float, "Weight of the divergence from MODEL; 0: none."),
    setting("--sft-weight", float, "Weight of the supervised loss on the windows' references; 0: none."),
    click.Option(["--mask-truncated-completions/--no-mask-truncated-completions"],
                 default=DEFAULT.mask_truncated_completions, show_default=True,
                 help="Learn nothing from completions that did not end."),
    setting("--resample-rounds", int, "Times that windows without any difference in reward are replaced."),
    click.Option(["--reward-weights"], callback=sft.weights(configs.parse_weights), default="", metavar="MEASURE=W,…",
                 help="Weights of the reward's measures; default "
                      + ", ".join(f"{name}={weight:g}" for name, weight in configs.WEIGHTS.items()) + "."),
    setting("--length-penalty", float, "Reward lost where a completion is far longer than the reference."),
    click.Option(["--reward"], multiple=True, metavar="MODULE:FUNCTION",
                 help="A measure of your own, see docs/reinforcement.md; repeatable."),
]


@click.command(epilog=EPILOG)
@click.argument("data_dir", type=click.Path(exists=True, file_okay=False))
@click.argument("out_dir", required=False, metavar="[OUT_DIR]", type=click.Path(file_okay=False))
@click.argument("model", required=False, metavar="MODEL", type=click.Path(file_okay=False))
@click.pass_context
def grpo(ctx, data_dir, out_dir, model, base, resume, force, quiet, workspace, name, **options):
    """Move MODEL towards exact genes on DATA_DIR (from genet5 prep-grpo); OUT_DIR becomes a model folder.

    Of each window several annotations are sampled under the grammar, scored against the reference, and made more or
    less probable by that. Ctrl-C saves a checkpoint and stops; --resume goes on as if nothing had happened.
    """

    out_dir, model = sft.folders(ctx)
    errors.require("torch", "model")
    import genet5.grpo.loop as loop
    import genet5.launch.heartbeat as heartbeat

    given = {name: list(value) if name == "reward" else value for name, value in options.items()
             if ctx.get_parameter_source(name) != click.core.ParameterSource.DEFAULT}
    start  = train.read(base, configs.GrpoConfig) if base else DEFAULT
    config = dataclasses.replace(start, **given)
    with heartbeat.beating(exits.describe) as heart:
        loop.Run(data_dir, out_dir, model, config, given=given, resume=resume, force=force, quiet=quiet,
                 heart=heart).go()


grpo.params += [*SETTINGS, *shared()]
