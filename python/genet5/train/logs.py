"""training_log and eval_log as CSV and JSONL: one row at a time, and continued exactly after a kill."""

import contextlib
import csv
import io
import json
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
    "memory_available":  "bytes that the first process may still take after the step; empty where nobody says",
    "memory_resident":   "bytes that the first process holds",
    "memory_reserved":   "bytes that torch's allocator holds on its GPU; empty on a CPU",
    "seconds":           "training time so far, evaluation included, summed over resumptions",
}
EVALUATION = {
    "step":              "optimizer steps done",
    "loss":              "weighted sum of the heads' means over the validation batches",
    "site_loss":         "nats per step of the gene language",
    "segmentation_loss": "nats per labelled base",
    "lattice_loss":      "nats per base of the exact decoder's path",
    "writer_gene_f1":    "exact genes that the writer finds on eval.json; empty where it was not asked to write",
    "writer_exon_f1":    "exact CDS segments that it finds",
    "writer_nucleotide_f1": "coding bases that it finds, by strand",
    "viterbi_gene_f1":   "the same of the exact decoder",
    "viterbi_exon_f1":   "the same of the exact decoder",
    "viterbi_nucleotide_f1": "the same of the exact decoder",
    "best":              "1 where the loss is the lowest so far and the model was saved",
    "seconds":           "training time so far, evaluation included, summed over resumptions",
}


class Log:
    """A CSV file that gains one row at a time, and a JSONL file beside it with the same rows.

    path:    path of the CSV file; the other one ends in .jsonl
    columns: dict column -> meaning, see TRAINING and EVALUATION
    upto:    int, keep the rows up to this step of files that are there; None: begin new files
    warn:    function of a str, told once of each column in which a number was not finite
    """

    def __init__(self, path, columns, upto=None, warn=None):
        self.path    = pathlib.Path(path)
        self.columns = list(columns)
        self.warn    = warn or (lambda text: None)
        self.warned  = set()
        self.csv     = _begin(self.path, _line(self.columns), self._kept(upto))
        self.json    = _begin(jsonl(self.path), "", _kept_json(jsonl(self.path), upto))

    def write(self, row):
        """Append a row and hand it to the system at once.

        row: dict column -> number or None; what is not finite is left empty, null in JSONL
        """

        values = {column: self._finite(column, row.get(column)) for column in self.columns}
        with self._named():
            self.csv.write(_line([_cell(value) for value in values.values()]))
            self.json.write(json.dumps(values) + "\n")

    def close(self):
        """Close the files."""

        with self._named():
            self.csv.close()
            self.json.close()

    @contextlib.contextmanager
    def _named(self):
        """A full disk is told with the name of the file."""

        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def _finite(self, column, value):
        if not isinstance(value, float) or math.isfinite(value):
            return value
        if column not in self.warned:
            self.warned.add(column)
            self.warn(f"warning: {column} is {value}; {self.path.name} leaves it empty (said once)")
        return None

    def _kept(self, upto):
        if upto is None or not self.path.exists():
            return []
        lines = self.path.read_text().splitlines(keepends=True)[1:]
        rows  = [line for line in lines if line.endswith("\n") and line.count(",") == len(self.columns) - 1]
        return [line for line in rows if int(line.partition(",")[0]) <= upto]


def jsonl(path):
    """The JSONL file beside a CSV file."""

    return pathlib.Path(path).with_suffix(".jsonl")


def _begin(path, head, kept):
    """The file with these lines only, open for more."""

    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text("".join([head, *kept]))
    temporary.replace(path)
    return path.open("a", buffering=1, newline="")


def _kept_json(path, upto):
    if upto is None or not path.exists():
        return []
    lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("}\n")]
    return [line for line in lines if json.loads(line)["step"] <= upto]


def _line(cells):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


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
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)
