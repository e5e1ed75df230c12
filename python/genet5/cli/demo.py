"""`genet5 demo`."""

import json
import pathlib

import click


@click.command(epilog="Example: genet5 demo my_demo")
@click.argument("folder", metavar="[DIR]", default="demo", type=click.Path(path_type=pathlib.Path, file_okay=False))
@click.option("--steps", default=200, show_default=True, type=click.IntRange(min=1),
              help="Training steps; 200 take about two minutes on two cores.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="Seed of the genome.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, as the last line.")
def demo(folder, steps, seed, as_json):
    """Simulate a genome, train on it for about two minutes, predict a contig never seen, and score the genes.

    Everything is kept in DIR (default: demo).
    """

    import genet5.cli.tables as tables
    import genet5.demo as library
    import genet5.eval.score as score

    result = library.run(folder, steps=steps, seed=seed)
    if as_json:
        click.echo(json.dumps({"gene_f1":          result.genes["levels"]["gene"]["f1"],
                               "baseline_gene_f1": result.orfs["levels"]["gene"]["f1"],
                               "seconds":          round(result.seconds, 1),
                               "files":            result.files}))
        return
    rows = [(name, level, found["levels"][level]) for name, found in (("GeneT5", result.genes),
                                                                      ("longest ORF", result.orfs))
            for level in score.LEVELS]
    tables.show("\nGenes of a contig that the model never saw", HEADER, [cells(*row) for row in rows])
    click.echo(f"\n{result.seconds:.0f} seconds; the files:")
    for name, path in result.files.items():
        click.echo(f"  {name:<10} {path}")


HEADER = ["genes by", "level", "sensitivity", "precision", "f1"]


def cells(name, level, row):
    """One line of the table."""

    return [name, level, *("-" if row[key] is None else f"{row[key]:.3f}" for key in HEADER[2:])]
