"""`genet5 eval compare`."""

import json

import click

import genet5.cli.tables as tables

EPILOG = """\b
Examples:
  genet5 eval compare runs/before runs/after
  genet5 eval compare runs/before runs/after --resamples 10000 --json
"""
HEADER = ["preset", "level", "f1_a", "f1_b", "difference", "low", "high"]


@click.command(epilog=EPILOG)
@click.argument("run_a", type=click.Path())
@click.argument("run_b", type=click.Path())
@click.option("--resamples", type=click.IntRange(min=1), default=2000, show_default=True,
              help="Draws of the bootstrap.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Names the draws.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def compare(run_a, run_b, resamples, seed, as_json):
    """Say whether RUN_B is better than RUN_A: folders that eval f1 or eval genome wrote, on the same data.

    Differences of F1 (B less A) for every preset that both have; those of preset genet5 with a paired bootstrap
    interval of 95 % over loci, and the genes that only one of the two finds with McNemar's exact test.
    """

    import genet5.eval.runs as runs

    found = runs.compare(run_a, run_b, resamples=resamples, seed=seed)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    rows = [[entry["preset"], entry["level"], *map(cell, (entry["f1_a"], entry["f1_b"], entry["difference"],
                                                          *(entry["interval"] or (None, None))))]
            for entry in found["differences"]]
    tables.show(f"A = {run_a}, B = {run_b}: B less A, 95% interval over {found['loci']} loci", HEADER, rows)
    click.echo(f"genes found by A only: {found['only_a']}, by B only: {found['only_b']}, "
               f"McNemar's exact p = {found['p_value']:.3g}")
    speed = " and ".join(f"{value:.2f}" for value in found["megabases_per_minute"])
    click.echo(f"Mb/min: {speed}; MB of memory at most: {' and '.join(f'{m:,.0f}' for m in found['peak_memory_mb'])}")


def cell(value):
    """A share."""

    return "-" if value is None else f"{value:.4f}"
