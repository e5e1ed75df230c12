"""`genet5-score f1`: predictions against a reference."""

import pathlib

import click

import genet5.cli.inputs as inputs
import genet5.cli.repairs as repairs
import genet5.cli.scoring.options as options
import genet5.cli.scoring.presets as choices
import genet5.cli.scoring.report as report
import genet5.outputs as outputs
import genet5.score as score

EPILOG = """\b
Examples:
  genet5-score f1 reference.gff.gz genes.gff3
  genet5-score f1 reference.gff.gz a.gff3 b.gtf --preset all --tsv
  genet5-score f1 reference.gff.gz genes.gff3 --by exons --level gene
  genet5-score f1 reference.gff.gz genes.gff3 --list wrong wrong.gff3 --errors
  genet5-score f1 reference.gff.gz genes.gff3 --fail-under gene=0.8
  genet5-score f1 reference.gtf genes.gtf --preset gffcompare --strict-match -e 0 --as-original
"""
# exit code of a score under a limit
FAILED = 3


def limits(ctx, param, value):
    """LEVEL=X texts as (level, limit)."""

    return [limit(text) for text in value]


def limit(text):
    """One LEVEL=X."""

    level, _, number = text.partition("=")
    try:
        least = float(number)
    except ValueError:
        least = -1.0
    if level not in score.LEVELS or not 0 <= least <= 1:
        known = ", ".join(score.LEVELS)
        raise click.BadParameter(f"'{text}' is not of the form LEVEL=X, as in gene=0.8; levels: {known}")
    return level, least


@click.command(epilog=EPILOG)
@click.argument("ref", type=inputs.Rows())
@click.argument("pred", type=inputs.Rows(), nargs=-1, required=True)
@choices.options
@click.option("--level", "levels", multiple=True, type=click.Choice(choices.LEVELS),
              help="Levels to print; may be repeated. Default: all of the presets asked for; nucleotide, exon and gene "
                   "if none is.")
@options.selection
@click.option("--by", type=click.Choice(score.PARTS), help="Also score each part of the genes by itself.")
@click.option("--genome", type=inputs.InputFile(), metavar="FASTA",
              help="The genome, for --by gc; and where genes differ by the stop codon alone, to say whose lack it.")
@click.option("--genetic-code", type=int, default=1, show_default=True, help="NCBI table of these stop codons.")
@click.option("--list", "lists", multiple=True, type=(click.Choice(score.LISTS), click.Path()), metavar="CLASS FILE",
              help=f"Write the genes of a class as GFF3; classes: {', '.join(score.LISTS)}. May be repeated.")
@click.option("--fail-under", multiple=True, callback=limits, metavar="LEVEL=X",
              help="Exit with 3 if the F1 of a level is under X for any prediction and preset. May be repeated.")
@repairs.option("refuse_repairs")
@options.json_option
@click.option("--tsv", "as_tsv", is_flag=True, help="Print tab-separated values.")
@click.option("--errors", "show_errors", is_flag=True, help="Also count genes by kind of error.")
def f1(ref, pred, presets, as_original, no_phase, levels, isoforms, feature, contigs, regions, min_cds, alias, by,
       genome, genetic_code, lists, fail_under, refuse_repairs, as_json, as_tsv, show_errors, **tool):
    """Compare each PRED with REF (GFF3 or GTF, plain or gzip; - is standard input).

    By default strand-aware, on the coding sequence of the longest-CDS transcript of each gene; a gene counts as found
    when its whole CDS chain is right. `genet5-score explain LEVEL --preset P` says what each level counts.
    """

    names  = choices.asked(presets, no_phase)
    tool   = choices.tool_options(names, feature, **tool)
    choice = {"contigs": contigs, "regions": regions, "min_cds": min_cds, "alias": alias}
    extra  = {"by": by, "genome": genome, "lists": lists}
    refuse(names, pred, extra, as_json and as_tsv, show_errors, feature)
    outputs.spare([ref, *pred, genome], [path for _, path in lists])
    if refuse_repairs:
        repairs.refuse([ref, *pred])
    if as_original:
        if len(names) != 1 or names[0] == score.PRESET or len(pred) != 1 or as_json or as_tsv or fail_under:
            raise click.UsageError("--as-original needs one --preset of another tool and one PRED, and prints text")
        level = choices.original_level(names[0], levels)
        tool  = tool | choice | {"isoforms": isoforms or "all"}
        click.echo(score.original(ref, pred[0], names[0], level, **tool), nl=False)
        return 0
    shown   = choices.shown(levels, names, presets)
    results = ours(ref, pred, isoforms, feature, choice | extra, genetic_code) if score.PRESET in names else None
    theirs  = others(ref, pred, names, "all" in presets, {**tool, **choice, "isoforms": isoforms or "all"})
    every   = []
    for i, path in enumerate(pred):
        for name in names:
            found  = results[i] if name == score.PRESET else {"levels": theirs[i].get(name, {})}
            every += score.rows(ref, path, found, preset=name)
    report.warn_of_nothing(every)
    rows = [row for row in every if row["level"] in shown]
    if as_json:
        report.print_json(rows)
    elif as_tsv:
        report.print_tsv(rows)
    else:
        report.print_table(title(ref, names, isoforms), rows, wide=bool(levels or presets))
        if show_errors:
            report.print_classes(list(zip(pred, results)))
    return check(fail_under, every)


def refuse(names, pred, extra, two_formats, show_errors, feature):
    """Stop at options that do not go together."""

    if extra["lists"] and len(pred) > 1:
        raise click.UsageError("--list needs exactly one PRED")
    if len({pathlib.Path(path).resolve() for _, path in extra["lists"]}) < len(extra["lists"]):
        raise click.UsageError("--list needs another FILE for each CLASS")
    if extra["by"] == "gc" and extra["genome"] is None:
        raise click.UsageError("--by gc needs --genome FASTA")
    if two_formats:
        raise click.UsageError("give one of --json and --tsv")
    if score.PRESET not in names and (extra["by"] or extra["lists"] or show_errors or feature == "exon"):
        raise click.UsageError(f"--by, --list, --errors and --feature exon belong to --preset {score.PRESET}")


def ours(ref, pred, isoforms, feature, choice, genetic_code):
    """The comparisons of preset genet5, with notes on stderr."""

    results = score.files(ref, pred, isoforms=isoforms or "longest", feature=feature or "CDS", **choice)
    repairs.note(ref, results[0]["reference_repairs"])
    for path, result in zip(pred, results):
        repairs.note(path, result["prediction_repairs"])
        report.warn(ref, path, result)
    lacking = [path for path, result in zip(pred, results) if report.lacks_stops(result)]
    if choice["genome"] and lacking:
        report.say_whose([ref, *lacking], choice["genome"], genetic_code)
    return results


def others(ref, pred, names, lenient, choice):
    """For each prediction the levels of the presets of other tools; with `all`, what a tool cannot read is noted."""

    tools = [name for name in names if name != score.PRESET]
    if not tools:
        return [{} for _ in pred]
    # beside cie its numbers without phases, to see whether phases are what differs
    read    = [name for tool in tools for name in ((tool, "cie-no-phase") if tool == "cie" else (tool,))]
    # preset genet5 tells of names itself
    tell    = None if score.PRESET in names else lambda index, spelt: report.warn_of_spelling(ref, pred[index], spelt)
    results = score.by_preset(ref, pred, list(dict.fromkeys(read)), lenient=lenient, tell=tell, **choice)
    for path, result in zip(pred, results):
        if "cie" in tools and not isinstance(result["cie"], str):
            report.warn_of_phases(ref, path, result["cie"]["exon"], result["cie-no-phase"]["exon"])
    for name in tools:
        if isinstance(results[0][name], str):
            report.note(f"preset {name} is left out: {results[0][name]}")
    return [{name: found for name, found in result.items() if not isinstance(found, str)} for result in results]


def title(ref, names, isoforms):
    """What stands above the table."""

    if names != [score.PRESET]:
        return f"reference {ref}"
    policy = "all isoforms" if isoforms == "all" else "longest CDS per gene"
    return f"reference {ref}, {policy}, exact coordinates"


def check(limits, rows):
    """FAILED if an F1 is under its limit, with a note for each; no score is under any limit."""

    missing = [level for level, _ in limits if not any(row["level"] == level for row in rows)]
    if missing:
        raise click.UsageError(f"--fail-under {missing[0]}: no preset that is asked for has this level")
    failed = False
    for row in rows:
        for level, least in limits:
            if row["level"] == level and "part" not in row and (row["f1"] is None or row["f1"] < least):
                found = "-" if row["f1"] is None else f"{row['f1']:.4f}"
                report.note(f"{row['prediction']}, {row['preset']}: {level} F1 {found} is under {least}")
                failed = True
    return FAILED if failed else 0
