"""`genet5 eval`: a table of subcommands, each loaded only when it is called."""

import click

import genet5.cli as cli_module

# name -> (module:function, one-line help)
COMMANDS = {
    "busco": ("genet5.cli.busco:busco", "Say how complete a protein set is, by single-copy markers."),
}


@click.group(cls=cli_module.LazyGroup, table=COMMANDS)
def evaluate():
    """Judge annotations and models."""
