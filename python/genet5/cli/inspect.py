"""`genet5 inspect`."""

import json
import sys

import click

import genet5.cli.inputs as inputs
import genet5.cli.repairs as repairs
import genet5.genome as gm

EXAMPLE = "Example: genet5 inspect gff.gz --genome fna.gz --genetic-code 12"
COUNTS = ("contigs", "genes", "transcripts", "cds_segments", "single_exon_share", "noncoding_genes", "pseudogenes")


@click.command(epilog=EXAMPLE)
@click.argument("file", type=inputs.Rows(exists=True, dir_okay=False))
@click.option("--genome", type=inputs.InputFile(exists=True, dir_okay=False), help="FASTA file: check every gene.")
@click.option("--genetic-code", type=int, default=1, show_default=True, help="NCBI table.")
@click.option("--table-starts", is_flag=True, help="The table's other start codons count beside ATG.")
@click.option("--min-intron", type=click.IntRange(min=4), default=10, show_default=True, help="In bases.")
@click.option("--max-intron", type=click.IntRange(min=0), default=0, show_default=True, help="0: no limit.")
@repairs.option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--genes", is_flag=True, help="Print one JSON line per gene model (0-based, half-open).")
def inspect(file, genome, as_json, genes, **grammar):
    """Say what is in the annotation FILE (GFF3 or GTF, plain or gzip).

    Counts are of genes and transcripts with CDS; single_exon_share is of transcripts. Repairs are what had
    to be mended or guessed. With --genome, genes whose canonical transcript is no valid reading frame are
    counted by reason.
    """

    if as_json and genes:
        raise click.UsageError("--json and --genes exclude each other")
    if genes:
        for line in gm.gene_lines(file, genome, **grammar):
            click.echo(line)
        repairs.note(file, {kind: count for kind, count, _ in gm.repairs(file)})
        return
    summary = gm.inspect(file, genome, **grammar)
    if as_json:
        click.echo(json.dumps({"file": file, **summary}))
    elif sys.stdout.isatty():
        _table(file, summary)
    else:
        for name, value in _rows(summary):
            click.echo(f"{name}\t{value}")


def _rows(summary):
    """(name, text) of everything in a summary."""

    def text(value):
        return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else f"{value}"

    rows  = [("format", summary["format"])]
    rows += [(name, text(summary[name])) for name in COUNTS]
    rows += [(f"repair {kind}", text(n)) for kind, n in summary["repairs"].items()]
    if summary["valid_genes"] is not None:
        rows += [("valid_genes", text(summary["valid_genes"]))]
        rows += [(f"invalid {reason}", text(n)) for reason, n in summary["invalid_genes"].items()]
    return rows


def _table(file, summary):
    import rich.console as console
    import rich.table as table

    shown = table.Table(title=file)
    shown.add_column("what")
    shown.add_column("count", justify="right")
    for name, value in _rows(summary):
        shown.add_row(name, value)
    console.Console().print(shown)
