"""`genet5-score`: compare annotations; needs neither torch nor numpy."""

import json
import sys

import click

import genet5
import genet5.cli.errors as errors
import genet5.cli.tables as tables

CONTEXT = {"auto_envvar_prefix": "GENET5_SCORE", "help_option_names": ["-h", "--help"]}
HEADER  = ["prediction", "level", "sensitivity", "precision", "f1", "tp", "fp", "fn"]

F1_EPILOG = """\b
Examples:
  genet5-score f1 reference.gff.gz genes.gff3
  genet5-score f1 reference.gff.gz a.gff3 b.gtf --contigs chr1,chr2 --json
  genet5-score f1 reference.gff.gz genes.gff3 --errors
"""
BASELINE_EPILOG = """\b
Examples:
  genet5-score baseline reference.gff.gz genome.fna.gz
  genet5-score baseline reference.gff.gz genome.fna.gz --min-length 300 -o orfs.gff3
"""


def names(ctx, param, value):
    """A comma-separated option as a list, None where it is not given."""

    if value is None:
        return None
    parts = [part.strip() for part in value.split(",")]
    if not all(parts):
        raise click.BadParameter("give names separated by commas, as in chr1,chr2")
    return parts


def length(ctx, param, value):
    """`best` as None, anything else as a number of bases."""

    if value == "best":
        return None
    if not value.isdigit():
        raise click.BadParameter("give a number of bases or the word best")
    return int(value)


contigs_option = click.option("--contigs", callback=names, metavar="A,B", help="Count these contigs only.")
json_option    = click.option("--json", "as_json", is_flag=True, help="Print a JSON list of rows.")
errors_option  = click.option("--errors", "show_errors", is_flag=True, help="Also count genes by kind of error.")


@click.group(context_settings=CONTEXT, epilog="Example: genet5-score f1 reference.gff.gz genes.gff3")
@click.version_option(version=genet5.__version__, prog_name="genet5-score")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug):
    """Say how well predicted genes agree with a reference annotation."""


@cli.command(epilog=F1_EPILOG)
@click.argument("ref")
@click.argument("pred", nargs=-1, required=True)
@contigs_option
@json_option
@errors_option
def f1(ref, pred, contigs, as_json, show_errors):
    """Compare each PRED with REF (GFF3 or GTF): nucleotide, exon and gene level.

    Strand-aware, on the coding sequence of the longest-CDS transcript of each gene. A gene counts as found
    when its whole CDS chain is right.
    """

    import genet5.eval.score as score

    results = score.files(ref, pred, contigs)
    for path, result in zip(pred, results):
        warn(ref, path, result)
    report(ref, list(zip(pred, results)), as_json, show_errors)


@cli.command(epilog=BASELINE_EPILOG)
@click.argument("ref")
@click.argument("genome")
@contigs_option
@click.option("--min-length", default="best", show_default=True, callback=length, metavar="N|best",
              help="Shortest ORF in bases, stop codon included; best: the one with the highest gene F1.")
@click.option("--genetic-code", default=1, show_default=True, type=int, help="NCBI translation table.")
@click.option("-o", "--output", help="Write the ORFs to this GFF3 file.")
@json_option
@errors_option
def baseline(ref, genome, contigs, min_length, genetic_code, output, as_json, show_errors):
    """Score the longest open reading frames of GENOME (FASTA) against REF: what needs no model.

    The longest ATG-to-stop frame of every stop codon on both strands, longest first; one that longer ones
    overlap by more than a tenth is dropped.
    """

    import genet5.eval.score as score

    result = score.baseline(ref, genome, contigs, min_length, genetic_code, output)
    name   = f"longest ORF >= {result['min_length']}"
    warn(ref, name, result)
    report(ref, [(name, result)], as_json, show_errors)


def report(ref, results, as_json, show_errors):
    """Print the rows of several (name, comparison) as JSON or as tables."""

    import genet5.eval.score as score

    if as_json:
        rows = [row for name, result in results for row in score.rows(ref, name, result)]
        click.echo(json.dumps(rows, indent=2))
        return
    title = f"reference {ref}, longest CDS per gene, exact coordinates"
    tables.show(title, HEADER, [cells(row) for name, result in results for row in score.rows(ref, name, result)])
    if show_errors:
        kinds = list(results[0][1]["classes"])
        lines = [[name, *(str(result["classes"][kind]) for kind in kinds)] for name, result in results]
        click.echo()
        tables.show("genes by kind", ["prediction", *(kind.replace("_", " ") for kind in kinds)], lines)


def cells(row):
    """The cells of one row of the table."""

    shares = ["-" if row[name] is None else f"{row[name]:.4f}" for name in ("sensitivity", "precision", "f1")]
    return [row["prediction"], row["level"], *shares, *(str(row[name]) for name in ("tp", "fp", "fn"))]


def warn(ref, path, result):
    """Say on stderr what the table would hide."""

    for side, contigs in ((ref, result["only_reference"]), (path, result["only_prediction"])):
        if contigs:
            shown = ", ".join(contigs[:8]) + (", ..." if len(contigs) > 8 else "")
            plural = "contig has" if len(contigs) == 1 else "contigs have"
            click.echo(f"note: {len(contigs)} {plural} genes in {side} only: {shown}", err=True)
    shifted = result["stop_shifted"]
    if shifted > result["levels"]["gene"]["tp"]:
        click.echo(f"note: {shifted} genes of {path} differ by the stop codon alone: one of the two files "
                   "leaves it out of the CDS", err=True)


def main():
    """Entry point of `genet5-score`."""

    sys.exit(errors.run(cli, "genet5-score"))


if __name__ == "__main__":
    main()
