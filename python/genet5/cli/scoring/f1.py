"""`genet5-score f1`: predictions against a reference."""

import click

import genet5.cli.scoring.options as options
import genet5.cli.scoring.report as report
import genet5.score as score

EPILOG = """\b
Examples:
  genet5-score f1 reference.gff.gz genes.gff3
  genet5-score f1 reference.gff.gz a.gff3 b.gtf --level all --tsv
  genet5-score f1 reference.gff.gz genes.gff3 --by exons --level gene
  genet5-score f1 reference.gff.gz genes.gff3 --list wrong wrong.gff3 --errors
  genet5-score f1 reference.gff.gz genes.gff3 --fail-under gene=0.8
"""
# what is printed when nobody asks for a level
COMMON = ("nucleotide", "exon", "gene")
# exit code of a score under a limit
FAILED = 3


def limits(ctx, param, value):
    """LEVEL=X texts as (level, limit)."""

    return [limit(text) for text in value]


def limit(text):
    """One LEVEL=X."""

    level, _, number = text.partition("=")
    try:
        least = float(number)
    except ValueError:
        least = -1.0
    if level not in score.LEVELS or not 0 <= least <= 1:
        known = ", ".join(score.LEVELS)
        raise click.BadParameter(f"'{text}' is not of the form LEVEL=X, as in gene=0.8; levels: {known}")
    return level, least


@click.command(epilog=EPILOG)
@click.argument("ref")
@click.argument("pred", nargs=-1, required=True)
@click.option("--level", "levels", multiple=True, type=click.Choice([*score.LEVELS, "all"]),
              help="Levels to print; may be repeated. Default: nucleotide, exon and gene.")
@options.selection
@click.option("--by", type=click.Choice(score.PARTS), help="Also score each part of the genes by itself.")
@click.option("--genome", type=click.Path(), metavar="FASTA", help="The genome, for --by gc.")
@click.option("--list", "lists", multiple=True, type=(click.Choice(score.LISTS), click.Path()), metavar="CLASS FILE",
              help=f"Write the genes of a class as GFF3; classes: {', '.join(score.LISTS)}. May be repeated.")
@click.option("--fail-under", multiple=True, callback=limits, metavar="LEVEL=X",
              help="Exit with 3 if the F1 of a level is under X for any prediction. May be repeated.")
@options.json_option
@click.option("--tsv", "as_tsv", is_flag=True, help="Print tab-separated values.")
@click.option("--errors", "show_errors", is_flag=True, help="Also count genes by kind of error.")
def f1(ref, pred, levels, isoforms, feature, fail_under, as_json, as_tsv, show_errors, **choice):
    """Compare each PRED with REF (GFF3 or GTF).

    Strand-aware, on the coding sequence of the longest-CDS transcript of each gene. A gene counts as found when its
    whole CDS chain is right. `genet5-score explain LEVEL` says what each level counts.
    """

    if choice["lists"] and len(pred) > 1:
        raise click.UsageError("--list needs exactly one PRED")
    if choice["by"] == "gc" and choice["genome"] is None:
        raise click.UsageError("--by gc needs --genome FASTA")
    if as_json and as_tsv:
        raise click.UsageError("give one of --json and --tsv")
    isoforms = isoforms or "longest"
    results  = score.files(ref, pred, isoforms=isoforms, feature=feature or "CDS", **choice)
    for path, result in zip(pred, results):
        report.warn(ref, path, result)
    asked = chosen(levels)
    rows  = [row for path, result in zip(pred, results) for row in score.rows(ref, path, result, asked)]
    if as_json:
        report.print_json(rows)
    elif as_tsv:
        report.print_tsv(rows)
    else:
        policy = "longest CDS per gene" if isoforms == "longest" else "all isoforms"
        report.print_table(f"reference {ref}, {policy}, exact coordinates", rows, wide=bool(levels))
        if show_errors:
            report.print_classes(list(zip(pred, results)))
    return check(fail_under, pred, results)


def chosen(levels):
    """The levels to print, in their usual order."""

    if "all" in levels:
        return score.LEVELS
    return [level for level in score.LEVELS if level in levels] or COMMON


def check(limits, pred, results):
    """FAILED if a prediction's F1 is under its limit, with a note for each; no score is under any limit."""

    failed = False
    for path, result in zip(pred, results):
        for level, least in limits:
            found = result["levels"][level]["f1"]
            if found is None or found < least:
                report.note(f"{path}: {level} F1 {'-' if found is None else f'{found:.4f}'} is under {least}")
                failed = True
    return FAILED if failed else 0
