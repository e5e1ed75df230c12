"""How scores are printed: JSON, tab-separated values, tables, and notes on stderr."""

import json

import click

import genet5.cli.tables as tables

SHARES  = ("sensitivity", "precision", "f1")
COUNTS  = ("tp", "fp", "fn")
# share of rows with another phase that no two sound files have
ODD_PHASES = 0.1
COLUMNS = ("reference", "prediction", "preset", "part", "level", *COUNTS, "n_reference", "n_prediction", *SHARES,
           "tp_reference", "tp_prediction")


def print_json(value):
    """Print a value as JSON."""

    click.echo(json.dumps(value, indent=2))


def print_tsv(rows):
    """Print rows as tab-separated values with a header; NA where there is nothing."""

    columns = [name for name in COLUMNS if name != "part" or any("part" in row for row in rows)]
    click.echo("\t".join(columns))
    for row in rows:
        values = [row.get(name.replace("tp_reference", "tp") if name not in row else name) if name == "tp_reference"
                  else row.get(name, row["tp"] if name == "tp_prediction" else None) for name in columns]
        click.echo("\t".join("NA" if value is None else str(value) for value in values))


def print_table(title, rows, wide):
    """Print rows as a table; `wide` adds the preset and both denominators."""

    with_part = any("part" in row for row in rows)
    header    = ["prediction", *(["preset"] if wide else []), *(["part"] if with_part else []), "level", *SHARES,
                 *COUNTS, *(["n_reference", "n_prediction"] if wide else [])]
    tables.show(title, header, [[cell(row, name) for name in header] for row in rows])


def cell(row, name):
    """One cell of the table."""

    value = row.get(name, "all" if name == "part" else None)
    if value is None:
        return "-"
    return f"{value:.4f}" if name in SHARES else str(value)


def print_classes(results):
    """Print the genes by kind of error, a line for each (name, comparison)."""

    kinds = list(results[0][1]["classes"])
    lines = [[name, *(str(result["classes"][kind]) for kind in kinds)] for name, result in results]
    click.echo()
    tables.show("genes by kind", ["prediction", *(kind.replace("_", " ") for kind in kinds)], lines)


def warn(ref, path, result):
    """Say on stderr what the table would hide."""

    for side, contigs in ((ref, result["only_reference"]), (path, result["only_prediction"])):
        if contigs:
            plural = "contig has" if len(contigs) == 1 else "contigs have"
            note(f"{len(contigs)} {plural} genes in {side} only: {shown(contigs)}")
    warn_of_spelling(ref, path, result.get("spelt_differently"))
    if lacks_stops(result):
        shifted = result["stop_shifted"]
        note(f"{shifted} genes of {path} differ by the stop codon alone: one of the two files leaves it out of the CDS")


def warn_of_spelling(ref, path, spelt):
    """Say on stderr which contigs seem to be the same under two names."""

    if spelt:
        pairs = shown([f"{here} is {there}" for here, there in spelt])
        note(f"names of {path} and {ref} seem to differ in spelling only ({pairs}); map them with --alias FILE")


def warn_of_nothing(rows):
    """Say on stderr which files have nothing that a preset counts: their zeros say nothing about the genes."""

    for side in ("reference", "prediction"):
        counted = {}
        for row in rows:
            counted.setdefault(row[side], {}).setdefault(row["preset"], []).append(row[f"n_{side}"])
        for path, presets in counted.items():
            empty = [preset for preset, counts in presets.items() if not any(counts)]
            if empty:
                note(f"{path} has nothing to count by {', '.join(empty)}; genet5 inspect says what is in it")


def warn_of_phases(ref, path, with_phase, without):
    """Say on stderr that it is the phases in which many CDS rows of preset cie differ."""

    right, other = without["tp"], without["tp"] - with_phase["tp"]
    if other > ODD_PHASES * right:
        note(f"{other} of {right} CDS rows that {path} shares with {ref} have another phase there, so preset cie calls "
             "them wrong; frames in place of phases? --no-phase leaves phases out")


def lacks_stops(result):
    """Whether the two sides look as if one of them left the stop codon out of the CDS."""

    return result["stop_shifted"] > result["levels"]["gene"]["tp"]


def say_whose(paths, genome, genetic_code):
    """Say on stderr which of several files leave the stop codon out."""

    import genet5.score.stops as stops

    for path in paths:
        found = stops.count(path, genome, genetic_code)
        note(f"{path}: of {found['genes']} genes {found['inside']} end with a stop codon, {found['behind']} before one")


def shown(items):
    """The first items of a list as text."""

    return ", ".join(items[:8]) + (", ..." if len(items) > 8 else "")


def note(text):
    """One line on stderr."""

    click.echo(f"note: {text}", err=True)
