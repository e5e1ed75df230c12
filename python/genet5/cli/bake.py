"""`genet5 bake`: options, progress and the summary; the work lives in genet5.bake."""

import contextlib
import json
import pathlib
import threading
import time

import click

import genet5.cli.repairs as repairs
import genet5.cli.workspace as workspace

EXAMPLE = """\b
Example:
  genet5 tokenizer train raw tok --vocab-size 1024
  genet5 bake raw baked/yeast --tokenizer tok --species S.cerevisiae \\
      --val-contigs S.cerevisiae:BK006937.2,BK006939.2"""

HEADER = ["species", "genes", "valid", "windows", "in no window", "held-out windows", "held-out genes", "seconds"]


def table(text):
    """NCBI's number of a genetic code; raises ValueError for one that it has not given out."""

    number = int(text)
    if not 1 <= number <= 33:
        raise ValueError(text)
    return number


def per_species(what):
    """A click callback that turns SPECIES=VALUE or SPECIES:A,B options into a dict."""

    sign, convert = {"code": ("=", table), "contigs": (":", lambda text: [x for x in text.split(",") if x])}[what]

    def parse(ctx, param, values):
        parsed = {}
        for value in values:
            name, found, rest = value.partition(sign)
            try:
                item = convert(rest)
            except ValueError:
                item = None
            if not (name and found and item):
                raise click.BadParameter(f"{value!r} is not SPECIES{sign}{'TABLE' if what == 'code' else 'CONTIG,…'}")
            parsed[name] = parsed.get(name, []) + item if what == "contigs" else item
        return parsed

    return parse


@click.command(epilog=EXAMPLE)
@click.argument("raw_dir", type=click.Path(path_type=pathlib.Path))
@click.argument("out_dir", required=False, type=click.Path(path_type=pathlib.Path))
@workspace.folder
@click.option("--tokenizer", required=True, type=click.Path(path_type=pathlib.Path),
              help="tokenizer.json, or the folder that holds it.")
@click.option("--species", multiple=True, help="Folder to bake; repeat for several. All by default.")
@click.option("--window-size", type=click.IntRange(1), default=20000, show_default=True, help="Bases of a window.")
@click.option("--stride", type=click.IntRange(1), help="Bases between windows.  [default: window size / e]")
@click.option("--empty-share", type=click.FloatRange(0, 1), default=0.1, show_default=True,
              help="Share of training windows without a gene.")
@click.option("--keep-invalid", is_flag=True, help="Keep windows that touch a gene without a valid reading frame.")
@click.option("--val-species", multiple=True, metavar="NAME", help="Hold out a whole species; repeatable.")
@click.option("--val-contigs", multiple=True, metavar="SPECIES:CONTIG,…", callback=per_species("contigs"),
              help="Hold out contigs; repeatable.")
@click.option("--val-share", type=click.FloatRange(0, 1),
              help="Share of 200 kb blocks to hold out of species that hold out nothing by name.  "
                   "[default: 0.05, or 0 with --val-species or --val-contigs]")
@click.option("--genetic-code", multiple=True, metavar="SPECIES=TABLE", callback=per_species("code"),
              help="NCBI table of a species, 1 if not given; repeatable.")
@click.option("--start-codons", type=click.Choice(["atg", "table"]), default="atg", show_default=True,
              help="ATG alone, or every start codon of the table.")
@click.option("--min-intron", type=click.IntRange(4), default=10, show_default=True, help="Shortest intron.")
@click.option("--max-intron", type=click.IntRange(0), default=0, show_default=True, help="Longest intron; 0: no limit.")
@click.option("--eval-samples", type=click.IntRange(0), default=32, show_default=True,
              help="Gene-rich held-out samples of a species in eval.json.")
@click.option("--train", "parts", flag_value="train", help="Make the shards only.")
@click.option("--eval", "parts", flag_value="eval", help="Make validation.bin and eval.json only.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Seed of every draw.")
@click.option("--threads", type=click.IntRange(0), default=0, help="Threads.  [default: one per core]")
@click.option("--force", is_flag=True, help="Start over in a folder that was baked before.")
@repairs.option()
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def bake(as_json, **options):
    """Turn genomes into training shards and held-out samples.

    RAW_DIR holds one folder per species with fna.gz and gff.gz. OUT_DIR gets one folder of shards per species,
    validation.bin, eval.json and bake_config.json. The same command goes on where it was stopped. Without OUT_DIR it is
    WORKSPACE/baked/GeneT5/{mon}{DD}_s{training species}_v{validation species}_e{eval samples}.
    """

    import genet5.bake as baking

    began   = time.perf_counter()
    run     = baking.Bake(**arguments(options))
    out_dir = run.out_dir
    if run.is_finished():
        click.echo(f"{out_dir}: nothing to do, everything is baked", err=True)
    rows = {}
    for index, name in enumerate(run.species):
        with watched(run, name):
            baked, rows[name] = run.bake(index)
        if baked:
            click.echo(f"{name}: {describe(rows[name])}, {run.seconds[name]:.1f} s", err=True)
            repairs.note(f"the annotation of {name}", rows[name]["repairs"] if rows[name] else {})
    run.finish()
    seconds = time.perf_counter() - began
    if as_json:
        click.echo(json.dumps({"out_dir": str(out_dir), "seconds": round(seconds, 3), "species": rows}))
    elif options["parts"] != "eval":
        summary(run, rows, seconds)


def arguments(options):
    """The arguments of genet5.bake.Bake that the options of this command mean.

    options: dict, as click parsed them
    """

    import genet5.workspace as places

    plain   = {name: value for name, value in options.items()
               if name not in ("workspace", "parts", "start_codons", "min_intron", "max_intron", "genetic_code")}
    out_dir = places.settle_baked(options["out_dir"], options["workspace"], options["raw_dir"], options["species"],
                                  options["val_species"], options["eval_samples"])
    grammar = {"table_starts": options["start_codons"] == "table", "min_intron": options["min_intron"],
               "max_intron": options["max_intron"]}
    return {**plain, "out_dir": out_dir, "genetic_codes": options["genetic_code"], "grammar": grammar,
            "train": options["parts"] != "eval", "eval": options["parts"] != "train"}


@contextlib.contextmanager
def watched(run, name):
    """A progress bar on a terminal while the body runs; nothing elsewhere."""

    import rich.console
    import rich.progress

    console = rich.console.Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    done    = threading.Event()
    columns = (rich.progress.TextColumn(name, markup=False), rich.progress.BarColumn(),
               rich.progress.MofNCompleteColumn(), rich.progress.TimeElapsedColumn())
    with rich.progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)

        def follow():
            while not done.wait(0.1):
                written, total = run.progress()
                bar.update(task, completed=written, total=total or None)

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def describe(stats):
    """A species in one line."""

    if stats is None:
        return "held-out windows made"
    train  = stats["train"]
    held   = stats["held_out"]
    counts = ", ".join(f"{reason} {count}" for reason, count in stats["genes"]["invalid"].items())
    return (f"{stats['genes']['valid']:,} of {stats['genes']['coding']:,} genes valid"
            f"{f' (not: {counts})' if counts else ''}; {train['windows']:,} windows "
            f"({train['windows_dropped_invalid']:,} dropped for invalid genes, {train['windows_dropped_empty']:,} as "
            f"empty), {train['genes_in_no_window']:,} of {train['genes']:,} genes in none; held out "
            f"{held['windows']:,} windows with {held['genes']:,} genes")


def summary(run, rows, seconds):
    """Print the table of all species on stdout."""

    import genet5.cli.tables as tables

    lines = [[name, str(stats["genes"]["coding"]), str(stats["genes"]["valid"]), str(stats["train"]["windows"]),
              str(stats["train"]["genes_in_no_window"]), str(stats["held_out"]["windows"]),
              str(stats["held_out"]["genes"]), f"{run.seconds[name]:.1f}"] for name, stats in rows.items()]
    tables.show(f"{run.out_dir}: baked in {seconds:.1f} s", HEADER, lines)
