"""`genet5 prep-grpo`: options and the summary; the work lives in genet5.grpo.prep."""

import json
import pathlib

import click

import genet5.cli.bake as bake_options
import genet5.grpo.config as configs

BALANCES = configs.BALANCES

EPILOG = """\b
Examples:
  genet5 prep-grpo raw grpo/fungi --tokenizer model/fungi --val-species S.cerevisiae
  genet5 prep-grpo raw/P.falciparum raw/S.cerevisiae grpo/two --tokenizer model/two \\
      --val-contigs P.falciparum:AL844501.2
"""

HEADER = ["side", "species", "candidates", "windows", "genes", "different", "by genes", "by exons", "by strand"]


def names(ctx, param, value):
    """Parse --balance; `none` is an empty list."""

    chosen  = [] if value == "none" else [name.strip() for name in value.split(",")]
    unknown = sorted(set(chosen) - set(BALANCES))
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)} is none of {', '.join(BALANCES)}")
    return tuple(chosen)


@click.command(epilog=EPILOG)
@click.argument("raw_dirs", nargs=-1, required=True, type=click.Path(path_type=pathlib.Path))
@click.argument("out_dir", type=click.Path(path_type=pathlib.Path))
@click.option("--tokenizer", required=True, type=click.Path(path_type=pathlib.Path),
              help="tokenizer.json, or the folder that holds it.")
@click.option("--species", multiple=True, help="Species to take; repeat for several. All by default.")
@click.option("--windows", "count", type=click.IntRange(1), default=2000, show_default=True, help="Training windows.")
@click.option("--held-out-windows", "held_out", type=click.IntRange(0), default=200, show_default=True,
              help="Held-out windows at the most, by chance.")
@click.option("--window-size", type=click.IntRange(1), default=8192, show_default=True,
              help="Bases of a window; best what the model reads in prediction.")
@click.option("--balance", default=",".join(BALANCES), show_default=True, callback=names,
              help="What training windows are balanced by; none for nothing.")
@click.option("--empty-share", type=click.FloatRange(0, 1),
              help="Share of windows without a reference, at the most.  [default: as they occur]")
@click.option("--cut-genes/--no-cut-genes", default=True, show_default=True,
              help="Windows may cut genes at their edges, as they do in prediction; the whole ones are the references.")
@click.option("--eval-samples", type=click.IntRange(0), default=64, show_default=True,
              help="Held-out samples in eval.json at the most, by chance; gene F1 and the calibration read them.")
@click.option("--val-species", multiple=True, metavar="NAME", help="Hold out a whole species; repeatable.")
@click.option("--val-contigs", multiple=True, metavar="SPECIES:CONTIG,…", callback=bake_options.per_species("contigs"),
              help="Hold out contigs; repeatable.")
@click.option("--val-share", type=click.FloatRange(0, 1),
              help="Share of 200 kb blocks to hold out of species that hold out nothing by name: the blocks of a bake "
                   "with the same seed.  [default: 0.05, or 0 with --val-species or --val-contigs]")
@click.option("--genetic-code", "genetic_codes", multiple=True, metavar="SPECIES=TABLE",
              callback=bake_options.per_species("code"), help="NCBI table of a species, 1 if not given; repeatable.")
@click.option("--start-codons", type=click.Choice(["atg", "table"]), default="atg", show_default=True,
              help="ATG alone, or every start codon of the table.")
@click.option("--min-intron", type=click.IntRange(4), default=10, show_default=True, help="Shortest intron.")
@click.option("--max-intron", type=click.IntRange(0), default=0, show_default=True, help="Longest intron; 0: no limit.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of every draw.")
@click.option("--force", is_flag=True, help="Replace windows that are in OUT_DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print the statistics as JSON.")
def prep_grpo(raw_dirs, out_dir, start_codons, min_intron, max_intron, as_json, **settings):
    """Choose windows of several species for genet5 grpo.

    RAW_DIRS are species folders with fna.gz and gff.gz, or folders of them. No window touches a gene
    without a valid reading frame, and with --no-cut-genes none cuts a gene. OUT_DIR gets train.npz, held_out.npz,
    eval.json, stats.json, prep_config.json and tokenizer.json.
    """

    import genet5.grpo.prep as prep

    grammar = {"table_starts": start_codons == "table", "min_intron": min_intron, "max_intron": max_intron}
    stats   = prep.prepare(raw_dirs, out_dir, grammar=grammar, progress=lambda line: click.echo(line, err=True),
                           **settings)
    if as_json:
        click.echo(json.dumps({"out_dir": str(out_dir), **stats}))
    else:
        summary(out_dir, stats)


def summary(out_dir, stats):
    """Print the table of all species on stdout."""

    import genet5.cli.tables as tables

    lines = [[side.replace("_", " "), name, str(row["candidates"]), str(row["windows"]), str(row["genes"]),
              str(row["different_genes"]), *(_counts(row[f"by_{kind}"]) for kind in BALANCES[1:])]
             for side in ("train", "held_out") for name, row in stats[side].items()]
    tables.show(f"{out_dir}: windows for reinforcement", HEADER, lines)


def _counts(counts):
    return ", ".join(f"{name}: {count}" for name, count in counts.items())
