"""`genet5 init`: a model folder with untrained weights."""

import click

import genet5.errors as errors

EPILOG = """\b
Examples:
  genet5 init model/start --tokenizer tokenizer.json --preset small
  genet5 init model/ciliate --tokenizer tokenizer.json --preset tiny --genetic-code 6
"""


@click.command(epilog=EPILOG)
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--tokenizer", required=True, type=click.Path(exists=True), help="tokenizer.json, or a folder with one.")
@click.option("--preset", type=click.Choice(["tiny", "small", "base"]), default="small", show_default=True,
              help="Size of the model.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the weights.")
@click.option("--genetic-code", type=int, default=1, show_default=True, help="NCBI number of the codon table.")
@click.option("--table-starts", is_flag=True, help="Genes may begin with the table's other start codons.")
@click.option("--min-intron", type=click.IntRange(min=4), default=10, show_default=True,
              help="Shortest intron in bases.")
@click.option("--max-intron", type=click.IntRange(min=0), default=0, show_default=True,
              help="Longest intron in bases; 0: no limit.")
@click.option("--window-size", type=click.IntRange(min=64), default=None,
              help="Bases of a window in training and prediction; the preset's where not given.")
@click.option("--force", is_flag=True, help="Replace a model that is there.")
def init(out, tokenizer, preset, seed, genetic_code, table_starts, min_intron, max_intron, window_size, force):
    """Write an untrained model folder to OUT (config.json, model.safetensors, tokenizer.json)."""

    errors.require("torch", "model")
    import genet5.model.folder as folders

    changes = {"genetic_code": genetic_code, "table_starts": table_starts, "min_intron": min_intron,
               "max_intron": max_intron, **({"window_size": window_size} if window_size else {})}
    model = folders.create(out, tokenizer, preset=preset, seed=seed, force=force, **changes)
    count = sum(parameter.numel() for parameter in model.parameters())
    click.echo(f"{out}: {preset}, {count:,} parameters, {model.config.vocab_size} tokens", err=True)
