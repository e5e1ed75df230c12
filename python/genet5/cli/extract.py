"""`genet5 extract`: sequences, tables and statistics of an annotation."""

import json

import click

import genet5.cli.inputs as inputs
import genet5.cli.repairs as repairs
import genet5.cli.tables as tables
import genet5.outputs as writing

EPILOG = """\b
Examples:
  genet5 extract genes.gff3 genome.fa --proteins proteins.faa --cds cds.fna
  genet5 extract genes.gff.gz genome.fa.gz --stats --longest
  genet5 extract genes.gtf genome.fa --proteins - --genetic-code 12 | less
  genet5 extract genes.gff3 genome.fa --upstream 1000 promoters.fna --bed genes.bed
"""
# columns of a distribution
COLUMNS = ("count", "min", "lower_quartile", "median", "upper_quartile", "max", "mean", "sum")


def file_option(name, text):
    """An option that names an output."""

    return click.option(f"--{name}", type=click.Path(), metavar="FILE", help=text)


@click.command(epilog=EPILOG)
@click.argument("gff", type=inputs.Rows())
@click.argument("genome", type=inputs.InputFile())
@file_option("proteins", "Translations, without the stop.")
@file_option("cds", "Coding sequences, stop codon included.")
@file_option("mrna", "Joined exons of coding transcripts.")
@file_option("exons", "Each exon of each transcript.")
@file_option("introns", "Each intron of each transcript.")
@file_option("genes", "Each gene from its first to its last base.")
@file_option("intergenic", "What lies between genes, coding or not.")
@click.option("--upstream", type=(click.IntRange(min=1), click.Path()), metavar="N FILE",
              help="N bases before each gene's 5' end.")
@file_option("bed", "BED12, one line per transcript.")
@file_option("gtf", "GTF.")
@click.option("--stats", is_flag=True, help="Print statistics.")
@click.option("--json", "as_json", is_flag=True, help="Print the statistics as one JSON object.")
@click.option("--genetic-code", type=int, default=1, show_default=True, metavar="N", help="NCBI table.")
@click.option("--longest", is_flag=True, help="Of each gene only the transcript with the longest CDS; else all.")
@click.option("--contigs", metavar="A,B", help="These contigs only.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@repairs.option()
def extract(gff, genome, upstream, stats, as_json, genetic_code, longest, contigs, force, strict, **files):
    """Write sequences of the coding genes of GFF (GFF3 or GTF) on GENOME (FASTA); both plain, gzip or bgzip.

    FILE may be - for standard output. Letters keep the genome's case. A coding sequence begins with its first whole
    codon. Several files are written in one pass.
    """

    import genet5.extract as extracting

    outputs = {product: path for product, path in files.items() if path is not None}
    if upstream:
        outputs["upstream"] = upstream[1]
    stats = stats or as_json
    if not outputs and not stats:
        raise click.UsageError("nothing is asked for; name a file, as in --proteins FILE, or give --stats")
    if stats and "-" in outputs.values():
        raise click.UsageError("--stats prints on standard output; name a file instead of -")
    writing.check(list(outputs.values()), force, [gff, genome])
    if strict:
        repairs.refuse([gff])
    report = extracting.extract(gff, genome, outputs, upstream[0] if upstream else 0, genetic_code, longest,
                                contigs.split(",") if contigs else None, stats)
    repairs.note(gff, report["repairs"])
    warn(report)
    if as_json:
        click.echo(json.dumps({"annotation": gff, "genome": genome, "repairs": report["repairs"],
                               **report["stats"]}))
    elif stats:
        show(gff, report["stats"])


def warn(report):
    """Say on stderr what is empty or left out."""

    if report["mixed_strands"]:
        click.echo(f"warning: {report['mixed_strands']} transcripts with CDS on both strands or on none are left out",
                   err=True)
    for product, records in report["records"].items():
        if not records:
            click.echo(f"warning: no {product}; that output is empty", err=True)


def show(gff, stats):
    """Print the statistics as tables."""

    lists  = ("splice_pairs", "start_codons", "stop_codons")
    counts = [[name, str(value)] for name, value in stats.items() if isinstance(value, int)]
    tables.show(gff, ["what", "count"], counts)
    parts = [[name, *(number(value[column]) for column in COLUMNS)] for name, value in stats.items()
             if isinstance(value, dict) and "median" in value]
    tables.show("\nlengths and numbers", ["what", *COLUMNS], parts)
    tables.show("\nGC", ["where", "share"], [[where, number(share, 4)] for where, share in stats["gc"].items()])
    for name in lists:
        total = sum(entry["count"] for entry in stats[name])
        rows  = [[entry["name"], str(entry["count"]), f"{entry['count'] / total:.4f}"] for entry in stats[name]]
        tables.show("\n" + name.replace("_", " "), ["letters", "count", "share"], rows)
    rows = [[use["codon"], use["amino_acid"], str(use["count"]), f"{use['per_thousand']:.2f}", f"{use['share']:.3f}"]
            for use in sorted(stats["codon_usage"], key=lambda use: (use["amino_acid"], use["codon"]))]
    tables.show("\ncodon usage", ["codon", "amino acid", "count", "per thousand", "share"], rows)


def number(value, digits=2):
    """A number for a cell."""

    return "-" if value is None else f"{value:.{digits}f}" if isinstance(value, float) else str(value)
