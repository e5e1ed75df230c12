"""The `genet5` command: a table of subcommands, each loaded only when it is called."""

import importlib
import sys

import click

import genet5
import genet5.cli.errors as errors

# name -> (module:function, one-line help); kept here so that --help loads no command
COMMANDS = {
    "bake":      ("genet5.cli.bake:bake",           "Turn genomes into training shards."),
    "demo":      ("genet5.cli.demo:demo",           "Simulate, train, predict and score in five minutes."),
    "doctor":    ("genet5.cli.doctor:doctor",       "Say what is installed, missing and slow."),
    "eval":      ("genet5.cli.eval:eval",           "Say how good a model or an annotation is."),
    "extract":   ("genet5.cli.extract:extract",     "Write sequences and statistics of an annotation."),
    "grpo":      ("genet5.cli.grpo:grpo",           "Move a model towards exact genes by reinforcement."),
    "init":      ("genet5.cli.init:init",           "Make a model folder to train, from DNABERT-2 or from nothing."),
    "inspect":   ("genet5.cli.inspect:inspect",     "Say what is in an annotation."),
    "launch":    ("genet5.cli.launch:launch",       "Train on several machines with one command."),
    "model":     ("genet5.cli.model:model",         "Say how large a model is."),
    "prep-grpo": ("genet5.cli.prep_grpo:prep_grpo", "Choose windows for reinforcement."),
    "predict":   ("genet5.cli.predict:predict",     "Find the genes of a genome."),
    "sft":       ("genet5.cli.sft:sft",             "Train a model on baked genomes."),
    "sft-report": ("genet5.cli.sft_report:sft_report", "Draw the curves of training runs, side by side."),
    "simulate":  ("genet5.cli.simulate:simulate",   "Write a random genome with its annotation."),
    "tokenizer": ("genet5.cli.tokenizer:tokenizer", "Train, enlarge or look at a DNA tokenizer."),
}

CONTEXT = {"auto_envvar_prefix": "GENET5", "help_option_names": ["-h", "--help"]}


class LazyGroup(click.Group):
    """A click group that imports a subcommand only when it runs; `table` is like COMMANDS."""

    def __init__(self, *args, table, **kwargs):
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx):
        return sorted(self.table)

    def get_command(self, ctx, name):
        if name not in self.table:
            return None
        module, _, function = self.table[name][0].partition(":")
        return getattr(importlib.import_module(module), function)

    def format_commands(self, ctx, formatter):
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.table[name][1]) for name in sorted(self.table)])


@click.group(cls=LazyGroup, table=COMMANDS, context_settings=CONTEXT, epilog="Example: genet5 demo")
@click.version_option(version=genet5.__version__, prog_name="genet5")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug):
    """GeneT5 reads DNA and writes gene models (GFF3)."""


def main():
    """Entry point of `genet5`: runs the command, turns failures into one line and an exit code."""

    sys.exit(errors.run(cli, "genet5"))
