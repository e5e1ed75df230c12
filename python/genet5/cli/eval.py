"""`genet5 eval`: how good a model or an annotation is; each command is loaded only when it is called."""

import click

import genet5.cli as cli

# name -> (module:function, one-line help)
COMMANDS = {
    "busco":   ("genet5.cli.evaluating.busco:busco",     "Say how complete a protein set is, by single-copy markers."),
    "compare": ("genet5.cli.evaluating.compare:compare", "Say whether one run is better than another."),
    "f1":      ("genet5.cli.evaluating.f1:f1",           "Predict the held-out samples of baked data and score them."),
    "genome":  ("genet5.cli.evaluating.genome:genome",   "Predict a species and score it."),
}


@click.group(cls=cli.LazyGroup, table=COMMANDS,
             epilog="Example: genet5 eval genome model/yeast raw/S.cerevisiae -o run")
def eval():
    """Say how good a model or an annotation is."""
