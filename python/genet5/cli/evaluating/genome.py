"""`genet5 eval genome`."""

import click

import genet5.cli.evaluating.options as options
import genet5.cli.scoring.options as scoring
import genet5.errors as errors

EPILOG = """\b
Examples:
  genet5 eval genome model/yeast raw/S.cerevisiae -o runs/yeast --contigs BK006936.2
  genet5 eval genome model/candida raw/C.albicans -o runs/candida --genetic-code 12 --by exons
"""


@click.command(epilog=EPILOG)
@click.argument("model", type=click.Path())
@click.argument("species_dir", type=click.Path())
@scoring.contigs_option
@click.option("--genetic-code", type=int, metavar="N", help="NCBI's genetic code; else the model's.")
@options.run_options
def genome(model, species_dir, output, presets, by, as_json, **choice):
    """Predict the species in SPECIES_DIR (fna.gz and gff.gz, as bake reads them) with MODEL and score it.

    Predictions are compared with the annotation by any preset of genet5-score; the longest open reading frames of the
    same contigs are scored beside.
    """

    errors.require("torch", "model")
    import genet5.eval.runs as runs

    options.show(runs.species(model, species_dir, output, options.asked(presets), by, **choice), as_json)
