"""`genet5-score baseline`: what needs no model."""

import click

import genet5.cli.inputs as inputs
import genet5.cli.repairs as repairs
import genet5.cli.scoring.options as options
import genet5.cli.scoring.report as report
import genet5.outputs as outputs

EPILOG = """\b
Examples:
  genet5-score baseline reference.gff.gz genome.fna.gz
  genet5-score baseline reference.gff.gz genome.fna.gz --min-length 300 -o orfs.gff3
"""


def length(ctx, param, value):
    """`best` as None, anything else as a number of bases."""

    if value == "best":
        return None
    if not value.isdigit():
        raise click.BadParameter("give a number of bases or the word best")
    return int(value)


@click.command(epilog=EPILOG)
@click.argument("ref", type=inputs.Rows())
@click.argument("genome", type=inputs.InputFile())
@options.contigs_option
@click.option("--min-length", default="best", show_default=True, callback=length, metavar="N|best",
              help="Shortest ORF in bases, stop codon included; best: the one with the highest gene F1.")
@click.option("--genetic-code", default=1, show_default=True, type=int, help="NCBI translation table.")
@click.option("-o", "--output", help="Write the ORFs to this GFF3 file.")
@repairs.option()
@options.json_option
@click.option("--errors", "show_errors", is_flag=True, help="Also count genes by kind of error.")
def baseline(ref, genome, contigs, min_length, genetic_code, output, strict, as_json, show_errors):
    """Score the longest open reading frames of GENOME (FASTA) against REF: what needs no model.

    The longest ATG-to-stop frame of every stop codon on both strands, longest first; one that longer ones
    overlap by more than a tenth is dropped.
    """

    import genet5.eval.score as score

    outputs.spare([ref, genome], [output])
    if strict:
        repairs.refuse([ref])
    result = score.baseline(ref, genome, contigs, min_length, genetic_code, output)
    name   = f"longest ORF >= {result['min_length']}"
    report.warn(ref, name, result)
    rows   = score.rows(ref, name, result)
    if as_json:
        report.print_json(rows)
        return
    report.print_table(f"reference {ref}, longest CDS per gene, exact coordinates", rows, wide=False)
    if show_errors:
        report.print_classes([(name, result)])
