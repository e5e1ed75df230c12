"""`genet5 model`: look at a model folder."""

import json

import click

import genet5.errors as errors

EPILOG = """\b
Examples:
  genet5 model info model/yeast
  genet5 model info model/start --genome raw/S.cerevisiae/fna.gz --json
"""


@click.group(epilog="Example: genet5 model info model/yeast")
def model():
    """Look at a model folder."""


@model.command(epilog=EPILOG)
@click.argument("path", metavar="MODEL", type=click.Path(exists=True, file_okay=False))
@click.option("--genome", type=click.Path(exists=True, dir_okay=False),
              help="FASTA file on which bases per token are counted; random sequence where not given.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(path, genome, as_json):
    """Say how large MODEL is: parameters, those that serve one token, and operations per base."""

    errors.require("torch", "model")
    import genet5.model.size as size

    found = size.info(path, genome)
    if as_json:
        click.echo(json.dumps({"model": path, **found}))
        return
    for name, value in found.items():
        text = f"{value:,.2f}" if isinstance(value, float) and value < 1000 else \
            f"{value:,.0f}" if isinstance(value, int | float) else value
        click.echo(f"{name:<18}{text}")
