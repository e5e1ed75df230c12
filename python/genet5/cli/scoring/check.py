"""`genet5-score check`: the acceptance checklist of a GFF3 file."""

import click

import genet5.cli.inputs as inputs
import genet5.cli.scoring.options as options
import genet5.cli.scoring.report as report

EPILOG = """\b
Examples:
  genet5-score check genes.gff3
  genet5-score check genes.gff3 --genome genome.fa.gz --genetic-code 12
"""
# exit code of a file that violates a rule
VIOLATED = 1


@click.command(epilog=EPILOG)
@click.argument("gff", type=inputs.Rows())
@click.option("--genome", type=inputs.InputFile(), metavar="FASTA",
              help="Look at the letters too: codons, splice sites, N.")
@click.option("--genetic-code", default=1, show_default=True, type=int, help="NCBI translation table.")
@click.option("--table-starts", is_flag=True, help="Every start codon of the table is one, not ATG only.")
@click.option("--min-intron", default=10, show_default=True, type=click.IntRange(min=0), help="Bases of the shortest.")
@options.json_option
def check(gff, genome, as_json, **choice):
    """Validate gene models in GFF3: one line for each violated rule, with counts and the first lines.

    Exits with 1 if any rule is violated.
    """

    import genet5.score as score

    found = score.check(gff, genome, **choice)
    if as_json:
        report.print_json(found)
    else:
        for violation in found:
            click.echo(f"{violation['rule']} ({violation['count']}): {violation['says']}: "
                       f"{'; '.join(place(*at) for at in violation['places'])}")
        if not found:
            unseen = "" if genome else " (without --genome, letters are not looked at)"
            click.echo(f"{gff}: no rule is violated{unseen}")
    return VIOLATED if found else 0


def place(line, text):
    """One place: its line, where it has one."""

    return f"line {line}: {text}" if line else text
