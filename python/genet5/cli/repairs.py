"""What had to be repaired in an annotation: the option that refuses it, and the note that tells of it."""

import click


def option(name="strict"):
    """The option `--strict`; `name` is that of the parameter."""

    return click.option("--strict", name, is_flag=True, help="Refuse annotations that must be repaired, with the line.")


def note(path, counts):
    """Say on stderr, in one line, what was repaired in a file; nothing where nothing was.

    counts: dict kind -> int
    """

    if counts:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in counts.items())
        click.echo(f"note: {path}: repaired: {kinds} (--strict refuses; see docs/formats.md)", err=True)


def refuse(paths):
    """Refuse the first of these files that must be repaired."""

    import genet5.genome as gm

    for path in paths:
        gm.repairs(path, strict=True)
