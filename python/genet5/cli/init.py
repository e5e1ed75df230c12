"""`genet5 init`: a model folder to start training from."""

import click

import genet5.errors as errors

EPILOG = """\b
Examples:
  genet5 init model/start --tokenizer tokenizer.json --preset small
  genet5 init model/experts --tokenizer tokenizer.json --experts 4 --top-k 2 --feed-forward 256
  genet5 init model/ciliate --tokenizer tokenizer.json --preset tiny --genetic-code 6
  genet5 init model/start --from DNABERT-2-117M --experts 4 --top-k 2
"""


@click.command(epilog=EPILOG)
@click.argument("out", type=click.Path(file_okay=False))
@click.option("--tokenizer", type=click.Path(exists=True),
              help="tokenizer.json, or a folder with one; with --from, its own enlarged one.")
@click.option("--from", "source", metavar="DIR|HUB_ID", help="Begin with the weights of DNABERT-2.")
@click.option("--preset", type=click.Choice(["tiny", "small", "base", "long"]), default=None,
              help="Size of the model; small, or with --from that of the reference.")
@click.option("--layers", type=click.IntRange(min=1), default=None, help="Number of blocks.")
@click.option("--feed-forward", type=click.IntRange(min=1), default=None, metavar="N",
              help="Inner width of the feed-forward, of each expert's where there are several; the preset's where "
                   "not given, and not with --from.")
@click.option("--experts", type=click.IntRange(min=1), default=None,
              help="Feed-forwards of a block, among which a router chooses; 1 is a dense block.")
@click.option("--top-k", type=click.IntRange(min=1), default=None, help="Experts that serve one token.")
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
def init(out, tokenizer, source, preset, layers, experts, top_k, seed, force, **fields):
    """Write a model folder to OUT (config.json, model.safetensors, tokenizer.json).

    Without --from the weights are random. With it they are those of DNABERT-2, whose function they keep; what it
    lacks is random, and starts without a say where it can.
    """

    errors.require("torch", "model")
    import genet5.model.folder as folders

    fields["num_experts"], fields["top_k"] = experts, top_k
    changes = {name: value for name, value in fields.items() if value is not None}
    if source is None:
        if tokenizer is None:
            raise click.UsageError("Missing option '--tokenizer' (or --from, which brings one).")
        changes |= {"num_layers": layers} if layers else {}
        model = folders.create(out, tokenizer, preset=preset or "small", seed=seed, force=force, **changes)
    else:
        if preset is not None:
            raise click.UsageError("--preset does not go with --from, which decides the size; --layers does.")
        if "feed_forward" in changes:
            raise click.UsageError("--feed-forward does not go with --from, which decides its width.")
        model = _from(out, source, tokenizer, layers, seed, force, changes)
    count = sum(parameter.numel() for parameter in model.parameters())
    name  = source or preset or "small"
    click.echo(f"{out}: {name}, {count:,} parameters, {model.config.vocab_size} tokens", err=True)


def _from(out, source, tokenizer, layers, seed, force, changes):
    """Begin as a reference; says which of its tensors are in use."""

    import genet5.model.warm_start as warm_start

    model, report = warm_start.create(out, source, tokenizer, layers, seed, force, **changes)
    for word, names in (("used", report.used), ("not used", report.unused)):
        for name in names:
            click.echo(f"{word}: {name}", err=True)
    click.echo(f"{len(report.used)} tensors used, {len(report.unused)} not", err=True)
    return model
