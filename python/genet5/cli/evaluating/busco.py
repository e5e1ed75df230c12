"""`genet5 eval busco`: completeness of a protein set."""

import click

import genet5.cli.inputs as inputs
import genet5.cli.progress as progress

EPILOG = """\b
Examples:
  genet5 eval busco genes.gff3 genome.fa --lineage saccharomycetes_odb10
  genet5 eval busco --proteins proteins.faa --lineage eukaryota_odb12 -o busco --json
"""


@click.command(epilog=EPILOG)
@click.argument("gff", required=False, type=inputs.Rows())
@click.argument("genome", required=False, type=inputs.InputFile())
@click.option("--lineage", required=True, metavar="DIR", help="BUSCO lineage folder; nothing is ever downloaded.")
@click.option("--proteins", type=inputs.InputFile(), metavar="FASTA",
              help="Proteins instead of GFF and GENOME, one a gene.")
@click.option("--rules", type=click.Choice(["A", "B"]), default="B", show_default=True,
              help="A: as BUSCO 5.4; B: as newer ones (domains that overlap count once, percentages from counts).")
@click.option("--isoforms", type=click.Choice(["longest", "all"]), default="longest", show_default=True,
              help="Proteins of a gene; all of them inflate the duplicated markers.")
@click.option("--genetic-code", default=1, show_default=True, type=int, help="NCBI translation table.")
@click.option("-o", "--output", metavar="DIR",
              help="Write short_summary.txt, full_table.tsv and missing_busco_list.tsv here.")
@click.option("--threads", type=click.IntRange(min=0), default=0, help="Threads; 0: one per core. Never changes the "
                                                                      "result.")
@click.option("--force", is_flag=True, help="Replace files that are in DIR.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def busco(gff, genome, lineage, proteins, rules, isoforms, genetic_code, output, threads, force, quiet, as_json):
    """Say how complete the proteins of GFF on GENOME are, as BUSCO's protein mode counts.

    Complete does not mean correct: a fused or shifted gene can still count. Read it beside gene F1.
    """

    import genet5.eval.busco as completeness
    import genet5.eval.busco.lineage as lineages
    import genet5.eval.busco.proteins as sequences
    import genet5.eval.busco.report as reports

    if (proteins is None) == (genome is None) or (proteins is not None and gff is not None):
        raise click.UsageError("Give GFF and GENOME, or --proteins alone.")
    if output is not None:
        reports.check(output, force)
    # a lineage that cannot be used is said before genomes are read
    known = lineages.read(lineage)
    known.check(rules)
    for problem in known.problems():
        click.echo(f"warning: {problem}", err=True)
    found = (sequences.read(proteins) if proteins is not None
             else sequences.translate(gff, genome, isoforms, genetic_code))
    warn(found, rules)
    with progress.shown(len(known.runnable), "markers", quiet) as done:
        result = completeness.evaluate(found, lineage, rules, threads, done)
    if output is not None:
        reports.write(result, output, proteins or gff)
    if as_json:
        click.echo(reports.as_json(result))
        return
    kind = "as given" if proteins is not None else f"{isoforms} of each gene"
    click.echo(f"{known.name}, rules {reports.RULES[rules]}\n{len(found):,} proteins, {kind}")
    click.echo(reports.line(result))
    counts, share = result.counts(), result.percentages()
    for name, words in reports.CLASSES:
        click.echo(f"{counts[name]:>6}  {share.get(name, 100.0):>5}%  {words}")


def warn(found, rules):
    """Say on stderr what about the proteins may surprise.

    found: list of (str name, str sequence)
    rules: str, "A" or "B"
    """

    import genet5.eval.busco.proteins as sequences

    inner  = sum("*" in sequence for _, sequence in found)
    placed = sum(bool(sequences.PLACED.fullmatch(name)) for name, _ in found) if rules == "A" else 0
    if not found:
        click.echo("warning: no protein at all; every marker is missing", err=True)
    if inner:
        click.echo(f"warning: {inner} of {len(found)} proteins have a stop inside; they are searched as they are",
                   err=True)
    if placed:
        click.echo(f"warning: {placed} proteins are named like NAME:START-END; of those that overlap BUSCO 5.4 drops "
                   f"some, which is not done here", err=True)
