"""The `genet5-score` command: subcommands, each loaded only when it is called; needs neither torch nor numpy."""

import sys

import click

import genet5
import genet5.cli as cli_module
import genet5.cli.errors as errors

# name -> (module:function, one-line help)
COMMANDS = {
    "baseline": ("genet5.cli.scoring.baseline:baseline", "Score the longest open reading frames of a genome."),
    "check":    ("genet5.cli.scoring.check:check",       "Validate a GFF3 file of gene models."),
    "compare":  ("genet5.cli.scoring.compare:compare",   "Say whether one prediction is better than another."),
    "explain":  ("genet5.cli.scoring.explain:explain",   "Print the exact definition of a level."),
    "f1":       ("genet5.cli.scoring.f1:f1",             "Compare predictions with a reference."),
}

CONTEXT = {"auto_envvar_prefix": "GENET5_SCORE", "help_option_names": ["-h", "--help"]}


@click.group(cls=cli_module.LazyGroup, table=COMMANDS, context_settings=CONTEXT,
             epilog="Example: genet5-score f1 reference.gff.gz genes.gff3")
@click.version_option(version=genet5.__version__, prog_name="genet5-score")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug):
    """Say how well predicted genes agree with a reference annotation."""


def main():
    """Entry point of `genet5-score`."""

    sys.exit(errors.run(cli, "genet5-score"))


if __name__ == "__main__":
    main()
