"""What `genet5 eval f1` and `genet5 eval genome` share: options, and how a run is shown."""

import json

import click

import genet5.cli.scoring.report as report
import genet5.score as score

PRESETS = (score.PRESET, *score.TOOLS)

OPTIONS = (
    click.option("-o", "--output", required=True, type=click.Path(), metavar="DIR",
                 help="Folder of the run: run.json, genes.gff3 and what they were compared with."),
    click.option("--preset", "presets", multiple=True, type=click.Choice([*PRESETS, "all"]),
                 help="Whose definitions; may be repeated. Default: genet5."),
    click.option("--by", type=click.Choice(score.PARTS), help="Also score each part of the genes by itself."),
    click.option("--decoder", type=click.Choice(["writer", "viterbi", "both"]),
                 help="How genes are read off; the model's config.json names its best one."),
    click.option("--min-probability", type=click.FloatRange(0, 1), metavar="P",
                 help="Drop genes that are less probable; else the limit that training chose."),
    click.option("--threads", type=click.IntRange(min=0), default=0, show_default=True,
                 help="Windows read side by side on a CPU; 0: one per core. Never changes the result."),
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
                 help="Where to compute."),
    click.option("--force", is_flag=True, help="Replace the run that is there."),
    click.option("--json", "as_json", is_flag=True, help="Print run.json."),
)


def run_options(command):
    """Add the options of a run."""

    for option in reversed(OPTIONS):
        command = option(command)
    return command


def asked(presets):
    """The presets in the order asked for, each once."""

    names = [name for preset in presets or [score.PRESET] for name in (PRESETS if preset == "all" else [preset])]
    return list(dict.fromkeys(names))


def show(run, as_json):
    """Print a run: as JSON, or the table of scores with the baseline beneath and a line on speed and memory."""

    if as_json:
        click.echo(json.dumps(run, indent=2))
        return
    rows = []
    for preset, levels in run["scores"].items():
        if not isinstance(levels, dict):
            report.note(f"preset {preset}: {levels}")
            continue
        found = {"levels": levels, **({"parts": run["parts"]} if preset == score.PRESET and run["parts"] else {})}
        rows += score.rows(run["reference"], "model", found, run["levels"], preset)
    name  = f"longest ORF >= {run['baseline']['min_length']}"
    rows += score.rows(run["reference"], name, run["baseline"], run["levels"])
    report.print_table(f"{run['model']} on {run['data']}, {run['settings']['decoder']}", rows, wide=True)
    click.echo(f"{run['genes']:,} genes in {run['bases']:,} bases, {run['seconds']:.1f} s, "
               f"{run['megabases_per_minute']:.2f} Mb/min, {run['peak_memory_mb']:,.0f} MB of memory at most", err=True)
