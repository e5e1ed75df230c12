"""How far a command is: a bar on a terminal, a line every ten per cent elsewhere."""

import contextlib

import click


@contextlib.contextmanager
def shown(total, unit, quiet=False):
    """Show progress on stderr.

    total: int, all there is to do
    unit:  str, what is counted, in the plural
    quiet: bool, show nothing
    yields a function of an int that counts so many as done; None when quiet or nothing is to do
    """

    import rich.console
    import rich.progress

    console = rich.console.Console(stderr=True)
    if quiet or not total:
        yield None
    elif console.is_terminal:
        columns = ("[progress.description]{task.description}", rich.progress.BarColumn(),
                   rich.progress.TaskProgressColumn(), rich.progress.TimeRemainingColumn())
        with rich.progress.Progress(*columns, console=console) as bar:
            task = bar.add_task(unit, total=total)
            yield lambda count: bar.advance(task, count)
    else:
        yield Lines(total, unit)


class Lines:
    """Plain progress: a line whenever another tenth is done.

    total: int, all there is to do
    unit:  str, what is counted
    """

    def __init__(self, total, unit):
        self.total = total
        self.unit  = unit
        self.done  = 0

    def __call__(self, count):
        tenth      = self.done * 10 // self.total
        self.done += count
        if self.done * 10 // self.total > tenth:
            click.echo(f"{self.done:,} of {self.total:,} {self.unit}", err=True)
