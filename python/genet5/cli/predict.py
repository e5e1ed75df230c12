"""`genet5 predict`: find the genes of a genome."""

import pathlib
import time

import click

import genet5.cli.inputs as inputs
import genet5.cli.progress as progress
import genet5.errors as errors

EPILOG = """\b
Examples:
  genet5 predict model/yeast genome.fa -o genes.gff3
  genet5 predict model/yeast genome.fa.gz -o genes.gff3 --proteins proteins.faa --cds cds.fna
  genet5 predict model/candida genome.fa -o - --genetic-code 12 --contigs chr1,chr2 | less
"""


@click.command(epilog=EPILOG)
@click.argument("model", type=click.Path())
@click.argument("genome", type=inputs.InputFile())
@click.option("-o", "--output", required=True, type=click.Path(), help="GFF3 file to write; - is standard output.")
@click.option("--decoder", type=click.Choice(["writer", "viterbi", "both"]),
              help="How genes are read off; the model's config.json names its best one.")
@click.option("--proteins", type=click.Path(), help="Write the proteins as FASTA.")
@click.option("--cds", type=click.Path(), help="Write the coding sequences as FASTA.")
@click.option("--contigs", metavar="A,B", help="Look at these contigs only.")
@click.option("--genetic-code", type=int, metavar="N", help="NCBI's genetic code; else the model's.")
@click.option("--min-cds", type=click.IntRange(min=0), metavar="N", help="Drop genes with fewer coding bases.")
@click.option("--min-probability", type=click.FloatRange(0, 1), metavar="P",
              help="Drop genes that are less probable; else the limit that training chose.")
@click.option("--rc-average/--no-rc-average", default=None,
              help="Read both strands and average, for the exact path; else as the model says.")
@click.option("--id-prefix", default="", metavar="P", help="In front of every ID.")
@click.option("--threads", type=click.IntRange(min=0), default=0, show_default=True,
              help="Windows read side by side on a CPU; 0: one per core. Never changes the result.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
              help="Where to compute.")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N",
              help="Windows that a GPU reads at once (16); a CPU reads one per thread.")
@click.option("--compile", is_flag=True, default=None,
              help="Compile the model first (a minute, kept for the next time): for large genomes on a GPU.")
@click.option("--force", is_flag=True, help="Replace outputs that are there.")
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
def predict(model, genome, output, proteins, cds, contigs, id_prefix, threads, device, force, quiet, genetic_code,
            **wanted):
    """Find the genes of GENOME (FASTA; plain, gzip or bgzip) with MODEL, a folder that init or sft wrote.

    Every gene is a complete reading frame from a start codon to a stop codon. Column 6 of the GFF3 is the model's
    probability of the gene.
    """

    errors.require("torch", "model")
    import genet5.inference.output as outputs
    import genet5.inference.predict as predicting
    import genet5.inference.settings as settings
    import genet5.inference.sources as sources

    began = time.monotonic()
    outputs.check([output, proteins, cds], id_prefix, force, [genome])
    predictor = predicting.Predictor.load(model, device, threads)
    chosen    = settings.settle(predictor.model.config, genetic_code=genetic_code, **wanted)
    source    = sources.open_source(pathlib.Path(genome), contigs.split(",") if contigs else None)
    with progress.shown(source.bases, "bases", quiet) as done:
        genes = [gene for _, found in predictor.annotate(source, chosen, done) for gene in found]
    outputs.write(source, genes, output, proteins, cds, chosen.grammar["genetic_code"], id_prefix)
    if not genes:
        click.echo("warning: no gene was found; the output is valid and empty", err=True)
    if not quiet:
        seconds = time.monotonic() - began
        speed   = source.bases / 1e6 / (seconds / 60)
        click.echo(f"{len(genes):,} genes in {source.bases:,} bases, {chosen.decoder}, {seconds:.1f} s, "
                   f"{speed:.2f} Mb/min", err=True)
