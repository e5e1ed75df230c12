"""training_log.csv and eval_log.csv: one row at a time, and continued exactly after a kill."""

import csv
import io
import math
import os
import pathlib

# column -> meaning; the last columns are measured, the ones before depend on data, model and seed alone
TRAINING = {
    "step":              "optimizer steps done, this one included",
    "epoch":             "passes over the data begun before this step, 0-based",
    "lr":                "learning rate of the step",
    "loss":              "weighted sum of the heads' means over the global batch",
    "site_loss":         "nats per step of the gene language",
    "segmentation_loss": "nats per labelled base",
    "lattice_loss":      "nats per base of the exact decoder's path",
    "router_balance_loss": "of a mixture of experts, 1 where the prefix uses them evenly; 0 for a dense model",
    "router_z_loss":     "mean square of the router's log partition function over tokens of the prefix",
    "prefix_load":       "share of the prefix's choices that falls on each expert, mean over layers; empty if dense",
    "prefix_load_entropy": "entropy of these shares in nats, mean over layers; log of the experts where even",
    "prefix_load_max":   "largest share by the mean share, mean over layers",
    "steps_load":        "as prefix_load, of the writer's steps",
    "steps_load_entropy": "as prefix_load_entropy",
    "steps_load_max":    "as prefix_load_max",
    "grad_norm":         "norm of the gradient before clipping; empty where not finite",
    "skipped":           "steps left out so far because a number was not finite",
    "mask_misses":       "true sites of this batch that the grammar would not allow",
    "windows":           "windows of the batch",
    "tokens":            "tokens of the batch without padding",
    "bases":             "bases of the batch without padding",
    "padding_share":     "share of the batch's token places that are padding",
    "tokens_per_second": "tokens by the time of the step",
    "bases_per_second":  "bases by the time of the step",
    "seconds":           "training time so far, evaluation included, summed over resumptions",
}
EVALUATION = {
    "step":              "optimizer steps done",
    "loss":              "weighted sum of the heads' means over the validation batches",
    "site_loss":         "nats per step of the gene language",
    "segmentation_loss": "nats per labelled base",
    "lattice_loss":      "nats per base of the exact decoder's path",
    "writer_gene_f1":    "exact genes that the writer finds on eval.json; empty where it was not asked to write",
    "viterbi_gene_f1":   "the same of the exact decoder",
    "best":              "1 where the loss is the lowest so far and the model was saved",
    "seconds":           "training time so far, evaluation included, summed over resumptions",
}


class Log:
    """A CSV file that gains one row at a time.

    path:    path of the file
    columns: dict column -> meaning, see TRAINING and EVALUATION
    upto:    int, keep the rows up to this step of a file that is there; None: begin a new file
    """

    def __init__(self, path, columns, upto=None):
        self.path    = pathlib.Path(path)
        self.columns = list(columns)
        kept         = self._kept(upto) if upto is not None and self.path.exists() else []
        temporary    = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        temporary.write_text("".join([self._line(self.columns), *kept]))
        temporary.replace(self.path)
        self.file    = self.path.open("a", buffering=1, newline="")

    def write(self, row):
        """Append a row and hand it to the system at once.

        row: dict column -> number or None; what is not finite is left empty
        """

        self.file.write(self._line([_cell(row.get(column)) for column in self.columns]))

    def close(self):
        """Close the file."""

        self.file.close()

    def _line(self, cells):
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerow(cells)
        return text.getvalue()

    def _kept(self, upto):
        lines = self.path.read_text().splitlines(keepends=True)[1:]
        rows  = [line for line in lines if line.endswith("\n") and line.count(",") == len(self.columns) - 1]
        return [line for line in rows if int(line.partition(",")[0]) <= upto]


def read(path):
    """The rows of a log as dicts of float, None where a cell is empty, a tuple where it holds several.

    path: path of training_log.csv or eval_log.csv
    """

    with pathlib.Path(path).open(newline="") as file:
        return [{name: _number(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def _number(cell):
    parts = [float(part) for part in cell.split()]
    return tuple(parts) if len(parts) > 1 else parts[0] if parts else None


def _cell(value):
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return repr(value) if isinstance(value, float) else str(value)
