"""Curves and a table of training runs, side by side."""

import math
import pathlib
import statistics

import genet5.errors as errors
import genet5.train.config as configs
import genet5.train.logs as logs

# panel title -> (log, columns with their labels, logarithmic)
PANELS = {
    "loss":                         ("both", {"loss": ""}, True),
    "site loss, nats a step":       ("both", {"site_loss": ""}, True),
    "segmentation loss, nats a base": ("both", {"segmentation_loss": ""}, True),
    "lattice loss, nats a base":    ("both", {"lattice_loss": ""}, True),
    "gene F1 on eval.json":         ("eval", {"writer_gene_f1": "writer", "viterbi_gene_f1": "viterbi"}, False),
    "learning rate":                ("train", {"lr": ""}, False),
    "gradient norm":                ("train", {"grad_norm": ""}, True),
    "bases per second":             ("train", {"bases_per_second": ""}, False),
    "memory of the process, GiB":   ("train", {"memory_resident": ""}, False),
}
COLUMNS = 3
# a curve of every step is averaged over this share of the run
SMOOTH  = 0.02
GIB     = 1 << 30
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999")
# settings that say nothing of what a run learns
UNTOLD  = {*configs.FREE, "eval_batches", "eval_every", "generate_every", "generate_samples"}


def load(folder):
    """What a run left.

    folder: path of the run
    returns dict: name, path, config (TrainConfig), train and eval (rows as dicts)
    raises DataError where the folder holds no run
    """

    folder = pathlib.Path(folder)
    if not (folder / "training_log.csv").is_file() or not (folder / "finetune_config.json").is_file():
        raise errors.DataError(f"{folder} holds no run of genet5 sft: training_log.csv or finetune_config.json is "
                               f"missing")
    found = {"name":   folder.resolve().name,
             "path":   folder,
             "config": configs.read(folder / "finetune_config.json"),
             "train":  logs.read(folder / "training_log.csv"),
             "eval":   logs.read(folder / "eval_log.csv") if (folder / "eval_log.csv").is_file() else []}
    if not found["train"]:
        raise errors.DataError(f"{folder}: training_log.csv has no step yet")
    return found


def smooth(values, width):
    """Running mean over the last `width` values; None is left out."""

    window, result = [], []
    for value in values:
        window = [*window, value][-width:]
        known  = [one for one in window if one is not None]
        result.append(sum(known) / len(known) if known else None)
    return result


def summary(run):
    """A run in numbers, a dict; None where it has none."""

    train, held = run["train"], run["eval"]
    tail        = train[-max(1, len(train) // 20):]
    best        = min((row for row in held if row["loss"] is not None), key=lambda row: row["loss"], default={})
    last        = {name: next((row[name] for row in reversed(held) if row.get(name) is not None), None)
                   for name in ("writer_gene_f1", "viterbi_gene_f1")}
    loss        = _mean(row["loss"] for row in tail)
    return {"steps":      int(train[-1]["step"]),
            "train loss": loss,
            "best validation loss": best.get("loss"),
            "at step":    None if not best else int(best["step"]),
            "validation / train": best["loss"] / loss if best and loss else None,
            "gene F1 writer":  last["writer_gene_f1"],
            "gene F1 viterbi": last["viterbi_gene_f1"],
            "bases/s":    _mean((row["bases_per_second"] for row in train), statistics.median),
            "padding":    _mean(row["padding_share"] for row in train),
            "skipped":    int(train[-1]["skipped"]),
            "hours":      train[-1]["seconds"] / 3600}


def table(runs):
    """The runs as a Markdown table, one column a run: what differs in their settings, then what came out.

    runs: list of dicts from `load`
    """

    fields = [run["config"].to_dict() for run in runs]
    told   = [name for name in fields[0] if name not in UNTOLD and len({str(one[name]) for one in fields}) > 1]
    rows   = [[name, *(str(one[name]) for one in fields)] for name in told]
    sums   = [summary(run) for run in runs]
    rows  += [[name, *(_cell(one[name]) for one in sums)] for name in sums[0]]
    head   = ["", *(run["name"] for run in runs)]
    lines  = [head, ["---", *("---:" for _ in runs)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def draw(runs, paths):
    """Draw the curves of all runs into one figure.

    runs:  list of dicts from `load`
    paths: paths of the files; their endings decide the format
    raises MissingDependency where matplotlib is not installed
    """

    errors.require("matplotlib", "watch")
    import matplotlib.backends.backend_agg
    import matplotlib.figure

    lines  = math.ceil(len(PANELS) / COLUMNS)
    figure = matplotlib.figure.Figure(figsize=(5 * COLUMNS, 3.2 * lines), layout="constrained")
    matplotlib.backends.backend_agg.FigureCanvasAgg(figure)
    axes   = figure.subplots(lines, COLUMNS).flatten()
    for axis, (title, (which, columns, steep)) in zip(axes, PANELS.items()):
        for number, run in enumerate(runs):
            _panel(axis, run, which, columns, COLOURS[number % len(COLOURS)])
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("step", fontsize=8)
        axis.grid(alpha=0.25)
        if steep and axis.has_data():
            axis.set_yscale("log")
        axis.tick_params(which="both", labelsize=7)
        if which != "train" and axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=7)
    handles = [matplotlib.lines.Line2D([], [], color=COLOURS[number % len(COLOURS)], label=run["name"])
               for number, run in enumerate(runs)]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(4, len(runs)), fontsize=9)
    for path in paths:
        figure.savefig(path, dpi=150)


def _panel(axis, run, which, columns, colour):
    """The curves of one run in one panel."""

    dashes = iter(("-", "--"))
    for column, label in columns.items():
        scale = GIB if column.startswith("memory") else 1
        if which in ("train", "both"):
            width  = max(1, round(SMOOTH * len(run["train"])))
            values = smooth([row.get(column) for row in run["train"]], width)
            _line(axis, [row["step"] for row in run["train"]], values, scale, color=colour, alpha=0.45, linewidth=1,
                  label="training" if which == "both" else None)
        if which in ("eval", "both"):
            rows = [row for row in run["eval"] if row.get(column) is not None]
            _line(axis, [row["step"] for row in rows], [row[column] for row in rows], scale, color=colour, marker=".",
                  linestyle=next(dashes), linewidth=1.2, label=label or "validation")


def _line(axis, steps, values, scale, label=None, **style):
    """A curve without the places where there is no value; each label once a panel."""

    points = [(step, value / scale) for step, value in zip(steps, values) if value is not None]
    known  = axis.get_legend_handles_labels()[1]
    if points:
        axis.plot(*zip(*points), label=label if label not in known else None, **style)


def _mean(values, how=statistics.fmean):
    known = [value for value in values if value is not None]
    return how(known) if known else None


def _cell(value):
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
