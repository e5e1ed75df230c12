"""`genet5-score explain`: what a level counts."""

import textwrap

import click

import genet5.score.definitions as definitions

EPILOG = """\b
Examples:
  genet5-score explain gene
  genet5-score explain transcript --preset gffcompare
  genet5-score explain all --preset cie
"""
LEVELS = tuple(definitions.DEFINITIONS["genet5"])


@click.command(epilog=EPILOG)
@click.argument("level", type=click.Choice([*LEVELS, "all"]))
@click.option("--preset", default="genet5", show_default=True, type=click.Choice(list(definitions.PRESETS)),
              help="Whose definition.")
def explain(level, preset):
    """Print the exact definition of LEVEL."""

    levels = definitions.DEFINITIONS[preset] if level == "all" else [level]
    texts  = [f"{name}: {definitions.explain(name, preset)}" for name in levels]
    click.echo(f"{preset}: {definitions.PRESETS[preset]}")
    for text in texts:
        click.echo(textwrap.fill(text, 100, subsequent_indent="  "))
