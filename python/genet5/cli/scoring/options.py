"""Options that several subcommands of `genet5-score` share, and how their values are read."""

import re

import click


def names(ctx, param, value):
    """A comma-separated option as a list, None where it is not given."""

    if value is None:
        return None
    parts = [part.strip() for part in value.split(",")]
    if not all(parts):
        raise click.BadParameter("give names separated by commas, as in chr1,chr2")
    return parts


def regions(ctx, param, value):
    """CONTIG:START-END texts as (contig, first, last)."""

    return [region(text) for text in value]


def region(text):
    """One CONTIG:START-END, 1-based and closed; the contig may hold colons, the numbers commas."""

    match = re.fullmatch(r"(.+):([\d,]+)-([\d,]+)", text)
    if match is None:
        raise click.BadParameter(f"'{text}' is not of the form CONTIG:START-END")
    first, last = (int(number.replace(",", "") or 0) for number in match.group(2, 3))
    if not 1 <= first <= last < 2 ** 32:
        raise click.BadParameter(f"'{text}' must ascend from 1 or more")
    return match.group(1), first, last


contigs_option = click.option("--contigs", callback=names, metavar="A,B", help="Count these contigs only.")
json_option    = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

SELECTION = (
    click.option("--isoforms", type=click.Choice(["longest", "all"]),
                 help="Transcripts of a gene that count, on both sides; longest: the longest CDS, the first of "
                      "several. Default: longest for preset genet5, all for the others."),
    click.option("--feature", type=click.Choice(["CDS", "exon"]),
                 help="Rows that transcripts are made of. Default: CDS for preset genet5; as the tool does for the "
                      "others."),
    contigs_option,
    click.option("--region", "regions", multiple=True, callback=regions, metavar="CONTIG:START-END",
                 help="Count transcripts that lie wholly in this region, 1-based; may be repeated."),
    click.option("--min-cds", type=click.IntRange(min=0), default=0, metavar="N",
                 help="Leave out transcripts with fewer coding bases, on both sides."),
    click.option("--alias", type=click.Path(), metavar="FILE",
                 help="Contig names, two columns separated by a tab: in the predictions, in the reference."),
)


def selection(command):
    """Add the options that choose what counts."""

    for option in reversed(SELECTION):
        command = option(command)
    return command
