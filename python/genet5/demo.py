"""The whole way once, on a random genome: simulate, train, predict, score."""

import dataclasses
import os
import pathlib
import shlex
import subprocess
import sys
import time

import click

import genet5.errors as errors
import genet5.eval.score as score

SPECIES = "S.simulata"
# a tokenizer this small trains in a second and leaves sites at fine resolution
VOCABULARY = 512
# short windows, one row a step: many small steps in little time
TRAINING = ("--crop", 8192, "--row-tokens", 4096, "--batch-rows", 1, "--lr", 3e-3, "--warmup", 30,
            "--eval-batches", 4, "--generate-every", -1, "--generate-samples", 12, "--log-every", 25)
# made by the demo inside its folder, and nothing else there is touched
PARTS = ("raw", "heldout", "tokenizer.json", "baked", "start", "model", "genes.gff3", "orfs.gff3")


@dataclasses.dataclass(frozen=True)
class Result:
    """What the demo found.

    genes, orfs: dicts of genet5.eval.score, the model's and the longest-ORF baseline's agreement
    seconds:     float, wall time of everything
    files:       dict name -> path as str
    """

    genes:   dict
    orfs:    dict
    seconds: float
    files:   dict


def run(folder, steps=200, seed=1, length=1_400_000):
    """Simulate a genome, train the tiny preset on it, predict a contig it never saw and score that.

    folder: path, made when missing; the parts of an earlier demo in it are replaced
    steps:  int, training steps; 200 take about two minutes on two cores and give the same model on any machine
    seed:   int
    length: int, bases of the training genome, in five contigs
    Returns a Result. Raises MissingDependency without torch, DataError when a step fails or the folder
    holds something else.
    """

    errors.require("torch", "model")
    begin  = time.monotonic()
    folder = pathlib.Path(folder)
    prepare(folder)
    for arguments in commands(folder, steps, seed, length):
        step(arguments)
    held     = folder / "heldout" / SPECIES
    paths    = (held / "gff.gz", folder / "genes.gff3", folder / "orfs.gff3")
    [genes]  = score.files(paths[0], [paths[1]])
    orfs     = score.baseline(paths[0], held / "fna.gz", output=paths[2])
    files    = {"genome": held / "fna.gz", "reference": paths[0], "genes": paths[1], "orfs": paths[2],
                "model": folder / "model"}
    return Result(genes, orfs, time.monotonic() - begin, {name: str(path) for name, path in files.items()})


def prepare(folder):
    """An empty place for the demo; refuses a folder that is in other use."""

    if folder.exists():
        strangers = sorted(entry.name for entry in folder.iterdir() if entry.name not in PARTS)
        if strangers:
            raise errors.DataError(f"{folder} holds {strangers[0]}, which is not the demo's; name an empty folder")
    folder.mkdir(parents=True, exist_ok=True)


def commands(folder, steps, seed, length):
    """The commands that a user would type, as lists of arguments of `genet5`."""

    raw, held, tokenizer = folder / "raw", folder / "heldout", folder / "tokenizer.json"
    baked, start, model  = folder / "baked", folder / "start", folder / "model"
    lines = [
        ["simulate", raw / SPECIES, "--length", length, "--contigs", 5, "--seed", seed, "--force"],
        ["simulate", held / SPECIES, "--length", length // 5, "--contigs", 1, "--seed", seed + 1, "--force"],
        ["tokenizer", "train", raw, tokenizer, "--vocab-size", VOCABULARY, "--force"],
        ["bake", raw, baked, "--tokenizer", tokenizer, "--val-contigs", f"{SPECIES}:chr5", "--force"],
        ["init", start, "--tokenizer", tokenizer, "--preset", "tiny", "--force"],
        ["sft", baked, model, start, "--max-steps", steps, *TRAINING, "--force"],
        ["predict", model, held / SPECIES / "fna.gz", "-o", folder / "genes.gff3", "--force"],
    ]
    return [[str(word) for word in line] for line in lines]


def step(arguments):
    """Show a command and run it in a process of its own."""

    click.echo(f"$ genet5 {shlex.join(arguments)}", err=True)
    # threads that wait without spinning: faster by half where other programs share the cores
    environment = {"OMP_WAIT_POLICY": "passive", **os.environ}
    command     = [sys.executable, "-m", "genet5", *arguments]
    status      = subprocess.run(command, env=environment, check=False).returncode
    if status == 130:
        raise KeyboardInterrupt
    if status:
        raise errors.DataError(f"genet5 {arguments[0]} failed with exit code {status}")
