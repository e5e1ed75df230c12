"""`genet5 tokenizer`: train a DNA tokenizer, make one larger or look at one."""

import contextlib
import json
import os
import pathlib
import sys

import click

import genet5.errors as errors
import genet5.tokenizer as tk

TRAIN_EPILOG = """\b
Examples:
  genet5 tokenizer train raw tokenizer.json --vocab-size 1024 --species S.cerevisiae
  genet5 tokenizer train raw model/tok --exclude-contigs S.cerevisiae:BK006937.2,BK006939.2
"""
EXPAND_EPILOG = """\b
Examples:
  genet5 tokenizer expand tokenizer.json raw larger.json --add 1024
  genet5 tokenizer expand model/base raw model/larger --add 4096 --species S.cerevisiae
"""
INFO_EPILOG  = "Example: genet5 tokenizer info tokenizer.json --genome raw/S.cerevisiae/fna.gz"
GROUP_EPILOG = "Example: genet5 tokenizer train raw tokenizer.json --vocab-size 1024"


@click.group(epilog=GROUP_EPILOG)
def tokenizer():
    """Train, enlarge or look at a DNA tokenizer (byte-pair encoding, Hugging Face's tokenizer.json)."""


def corpus_options(command):
    """The options of the commands that learn from genomes."""

    for option in reversed((
            click.option("--species", multiple=True, metavar="NAME",
                         help="Only this species; repeatable. Default: all."),
            click.option("--exclude-contigs", multiple=True, metavar="SPECIES:CONTIG,…",
                         help="Contigs that the tokenizer must not see; repeatable."),
            click.option("--max-token-length", type=click.IntRange(min=1), default=32, show_default=True,
                         help="In bases."),
            click.option("--threads", type=click.IntRange(min=1), default=lambda: os.cpu_count() or 1,
                         show_default="all cores", help="Genomes read at a time; the result is the same."),
            click.option("--force", is_flag=True, help="Replace a file that is there."))):
        command = option(command)
    return command


@tokenizer.command(epilog=TRAIN_EPILOG)
@click.argument("raw_dir", type=click.Path(exists=True, file_okay=False))
@click.argument("out", type=click.Path())
@click.option("--vocab-size", type=click.IntRange(min=13), default=4096, show_default=True,
              help="Number of ids, special tokens included.")
@corpus_options
def train(raw_dir, out, vocab_size, species, exclude_contigs, max_token_length, threads, force):
    """Learn a tokenizer from the genomes RAW_DIR/{G.species}/fna.gz and write it to OUT.

    OUT is the file when it ends in .json, otherwise a folder in which tokenizer.json is written.
    """

    path = tk.output_file(out)
    _refuse_existing(path, force)
    genomes = tk.raw_genomes(raw_dir, species, exclude_contigs)
    with _progress() as progress:
        made = tk.train(genomes=genomes, vocab_size=vocab_size, max_token_length=max_token_length,
                        threads=threads, progress=progress)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(path)
    if made.vocab_size < vocab_size:
        click.echo(f"the sequence offers only {made.vocab_size} tokens of {vocab_size}", err=True)
    click.echo(f"{path}: {made.vocab_size} tokens from {len(genomes)} genomes, hash {made.hash}")


@tokenizer.command(epilog=EXPAND_EPILOG)
@click.argument("base", metavar="MODEL_OR_TOKENIZER", type=click.Path(exists=True))
@click.argument("raw_dir", type=click.Path(exists=True, file_okay=False))
@click.argument("out", type=click.Path())
@click.option("--add", type=click.IntRange(min=1), required=True, metavar="N", help="Number of new tokens.")
@corpus_options
def expand(base, raw_dir, out, add, species, exclude_contigs, max_token_length, threads, force):
    """Add N tokens, learnt from the genomes of RAW_DIR, to a tokenizer or to a model folder.

    No old id changes. Of a model folder the whole model is written to OUT: each new token's embedding starts as the
    mean of those of the tokens that its text was cut into before.
    """

    is_model = tk.is_model(base)
    path     = tk.output_file(out)
    if is_model and path != pathlib.Path(out) / tk.FILE:
        raise click.BadParameter("the larger model needs a folder, not a .json file", param_hint="OUT")
    _refuse_existing(path, force)
    old     = tk.load(base) if is_model else tk.read(base)
    genomes = tk.raw_genomes(raw_dir, species, exclude_contigs)
    with _progress() as progress:
        made = tk.expand(old, genomes=genomes, add=add, max_token_length=max_token_length, threads=threads,
                         progress=progress)
    if is_model:
        import genet5.model.folder as folders

        folders.expand(base, made, out)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save(path)
    new = made.vocab_size - old.vocab_size
    if new < add:
        click.echo(f"the sequence offers only {new} new tokens of {add}", err=True)
    click.echo(f"{path.parent if is_model else path}: {made.vocab_size} tokens, {new} of them new, hash {made.hash}")


@tokenizer.command(epilog=INFO_EPILOG)
@click.argument("path", metavar="TOKENIZER", type=click.Path(exists=True))
@click.option("--genome", type=click.Path(exists=True, dir_okay=False), help="FASTA file to cut into tokens.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(path, genome, as_json):
    """Say what is in TOKENIZER, a tokenizer.json or a folder that holds one."""

    found = tk.info(path, genome)
    if as_json:
        click.echo(json.dumps({"file": path, **found}))
        return
    for name, value in found.items():
        if name == "token_lengths":
            continue
        text = " ".join(value) if isinstance(value, list) else f"{value:.3f}" if isinstance(value, float) else value
        click.echo(f"{name:<18}{text}")
    click.echo("bases  tokens")
    most = max(found["token_lengths"].values())
    for length, count in found["token_lengths"].items():
        click.echo(f"{length:5d}  {count:6d}  {'#' * round(40 * count / most)}")


def _refuse_existing(path, force):
    if path.exists() and not force:
        raise errors.DataError(f"{path} is there already; --force replaces it")


@contextlib.contextmanager
def _progress():
    """A function of (done, total): a bar on a terminal, a plain line every tenth elsewhere."""

    import rich.console as console
    import rich.progress as bars

    if sys.stderr.isatty():
        with bars.Progress(console=console.Console(stderr=True), transient=True) as bar:
            task = bar.add_task("reading genomes", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total, description="merges")
        return
    shown = 0

    def line(done, total):
        nonlocal shown
        if done * 10 // total > shown:
            shown = done * 10 // total
            click.echo(f"merges {done}/{total}", err=True)

    yield line
