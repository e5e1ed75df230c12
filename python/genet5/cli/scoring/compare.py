"""`genet5-score compare`: whether one prediction is better than another."""

import click

import genet5.cli.inputs as inputs
import genet5.cli.repairs as repairs
import genet5.cli.scoring.options as options
import genet5.cli.scoring.presets as choices
import genet5.cli.scoring.report as report
import genet5.cli.tables as tables

EPILOG = """\b
Examples:
  genet5-score compare reference.gff3 old.gff3 new.gff3
  genet5-score compare reference.gff3 old.gff3 new.gff3 --level all --resamples 10000 --json
"""
HEADER = ["level", "f1_a", "f1_b", "difference", "low", "high", "tp_a", "tp_b", "n_reference"]


@click.command(epilog=EPILOG)
@click.argument("ref", type=inputs.Rows())
@click.argument("a", type=inputs.Rows())
@click.argument("b", type=inputs.Rows())
@click.option("--level", "levels", multiple=True, type=click.Choice(choices.LEVELS),
              help="Levels to print; may be repeated. Default: nucleotide, exon and gene.")
@options.selection
@click.option("--resamples", type=click.IntRange(min=1), default=2000, show_default=True,
              help="Draws of the bootstrap.")
@click.option("--confidence", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.95,
              show_default=True, help="Share of the draws inside the interval.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Names the draws.")
@repairs.option()
@options.json_option
def compare(ref, a, b, levels, isoforms, feature, strict, as_json, **choice):
    """Say whether prediction B is better than prediction A, both against REF.

    Difference of F1 (B less A) with a paired bootstrap interval over loci, and the genes that only one of the two finds
    with McNemar's exact test.
    """

    import genet5.score as score

    if strict:
        repairs.refuse([ref, a, b])
    result = score.compare(ref, a, b, isoforms=isoforms or "longest", feature=feature or "CDS", **choice)
    result["levels"] = {level: result["levels"][level] for level in choices.levels(levels) or choices.COMMON}
    if as_json:
        report.print_json({"reference": ref, "a": a, "b": b, "preset": score.PRESET, "resamples": choice["resamples"],
                           "confidence": choice["confidence"], "seed": choice["seed"], **result})
        return
    width = f"{choice['confidence']:.0%} interval over {result['loci']} loci"
    title = f"reference {ref}, A = {a}, B = {b}: B less A, {width}"
    tables.show(title, HEADER, [cells(level, counts) for level, counts in result["levels"].items()])
    click.echo(f"genes found by A only: {result['only_a']}, by B only: {result['only_b']}, "
               f"McNemar's exact p = {result['p_value']:.3g}")


def cells(level, counts):
    """One line of the table."""

    low, high = counts["interval"] or (None, None)
    numbers   = [counts["a"]["f1"], counts["b"]["f1"], counts["difference"], low, high]
    shares    = ["-" if number is None else f"{number:.4f}" for number in numbers]
    return [level, *shares, str(counts["a"]["tp"]), str(counts["b"]["tp"]), str(counts["a"]["n_reference"])]
