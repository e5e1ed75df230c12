"""Tables: drawn by rich on a terminal, plain aligned text elsewhere."""

import sys

import click


def show(title, header, rows):
    """Print a table on stdout.

    title:  str
    header: list of str
    rows:   list of lists of str, one entry per column; columns of numbers are aligned to the right
    """

    if sys.stdout.isatty():
        draw(title, header, rows)
        return
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    right  = [all(is_number(row[i]) for row in rows) for i in range(len(header))]
    click.echo(title)
    for row in [header, *rows]:
        cells = (cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right))
        click.echo("  ".join(cells).rstrip())


def draw(title, header, rows):
    """Print the table with rich."""

    import rich.console
    import rich.table
    import rich.text

    table = rich.table.Table(title=rich.text.Text(title), title_justify="left")
    for i, name in enumerate(header):
        right = all(is_number(row[i]) for row in rows)
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(rich.text.Text(cell) for cell in row))
    rich.console.Console().print(table)


def is_number(text):
    """Whether a cell holds a number or the dash that stands for none."""

    return text == "-" or text.removeprefix("-").replace(".", "", 1).isdigit()
