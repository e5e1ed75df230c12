"""`genet5 sft-report`: the curves of training runs, side by side."""

import pathlib

import click

EPILOG = """\b
Examples:
  genet5 sft-report model/yeast
  genet5 sft-report model/lr_3e-4 model/lr_1e-4 --out docs/lr
"""


@click.command(epilog=EPILOG)
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path))
@click.option("--out", type=click.Path(path_type=pathlib.Path),
              help="Where the files go: OUT.png, OUT.svg, OUT.md.  [default: sft_report in the first RUN]")
def sft_report(runs, out):
    """Draw the curves of training runs, side by side.

    Every RUN is a folder of genet5 sft, finished or not. The figure shows losses, gene F1, learning rate, gradient
    norm, speed and memory; the table, printed as well, what differs in the settings and what came out.
    """

    import genet5.train.curves as curves

    loaded = [curves.load(run) for run in runs]
    out    = out or runs[0] / "sft_report"
    out.parent.mkdir(parents=True, exist_ok=True)
    files  = [out.with_name(f"{out.name}.{kind}") for kind in ("png", "svg", "md")]
    text   = curves.table(loaded)
    curves.draw(loaded, files[:2])
    files[2].write_text(f"![curves]({files[0].name})\n\n{text}")
    click.echo(text, nl=False)
    click.echo(f"drawn in {', '.join(map(str, files))}", err=True)
