"""What a training run is made of, as one flat record that finetune_config.json holds."""

import dataclasses
import json
import math
import pathlib
import sys

import genet5.errors as errors
import genet5.fields as checks

HEADS  = ("site", "segmentation", "lattice")
# optional losses of a mixture of experts, over the tokens of the prefix
ROUTER = ("router_balance", "router_z")
LOSSES = HEADS + ROUTER
DTYPES = ("auto", "float32", "bfloat16")
DECAYS = ("linear", "sqrt", "cosine")
# named here too, so that a configuration can be checked without torch
OPTIMIZERS = ("adamw", "muon")
PARALLEL = ("ddp", "fsdp")

# fields that may change when a run is resumed; the others decide what the run computes
FREE = ("threads", "device", "compile", "save_every", "keep_checkpoints", "log_every", "tensorboard", "memory_floor",
        "memory_every", "parallel", "accumulate")


@dataclasses.dataclass(kw_only=True)
class TrainConfig:
    """Every setting of a run; a 0 that means "choose" is replaced by the choice before the run starts.

    max_steps:        int, optimizer steps of the whole run; 0: as many as fit into max_minutes
    max_minutes:      float, wall time of the whole run, evaluation included; read only where max_steps is 0
    optimizer:        "adamw" or "muon" (for the matrices of the blocks, AdamW for the rest)
    lr:               float, peak learning rate
    warmup:           int, steps over which the learning rate rises to lr (a fifth of max_steps at the most)
    decay:            "linear", "sqrt" or "cosine", shape of the fall to zero
    decay_share:      float in (0, 1], share of the steps that fall, at the end; before, the rate is constant
    weight_decay:     float, of matrices; norms, biases and embeddings have none
    beta1, beta2:     float, AdamW's averages
    clip:             float, largest norm of the gradient
    label_smoothing:  float in [0, 1), share of the site's target that is spread evenly over the sites that the
                      grammar allows; 0: none
    ema:              float in [0, 1), decay of the averaged weights that are evaluated and saved; 0: none
    loss_weights:     dict loss -> float over site, segmentation, lattice, router_balance and router_z; empty: the
                      model's default, in which the router's have no weight
    balance_rate:     float, by which a step moves the bias that evens out the use of experts; 0: never
    batch_rows:       int, rows of one step, over all processes and micro-batches
    row_tokens:       int, tokens of a row; windows are packed into rows
    accumulate:       int, micro-batches of one step on each process
    auto_batch:       bool, choose the fewest micro-batches that fit into memory instead of accumulate
    crop:             int, bases of a training window (random offset); 0: the model's window_size
    reverse_complement: bool, read half of the windows from the other strand
    species:          list of str, folders of the baked data to train on; empty: all
    eval_every:       int, steps between validation losses; 0: a tenth of the run
    eval_batches:     int, batches of validation.bin at the most, drawn evenly; 0: all; fewer where the time given
                      by max_minutes is short
    generate_every:   int, steps between gene F1s; 0: with the checkpoints, some ten times; where max_minutes is short a
                      quarter of the run, or never; -1: never
    generate_samples: int, samples of eval.json at the most, drawn evenly; 0: all; fewer where the time is short
    calibrate:        bool, choose the decoder and the writer's threshold on eval.json at the end
    save_every:       int, steps between checkpoints; 0: a tenth of the run
    keep_checkpoints: int, checkpoint_step_*.pt files to keep
    log_every:        int, steps between plain progress lines
    tensorboard:      bool, write the logs for TensorBoard as well
    memory_floor:     float, GiB of free memory below which the run saves a checkpoint and ends; 0: a twenty-fifth of
                      the machine's or the control group's; -1: never
    memory_every:     float, seconds between rows of memory_{host}.csv
    parallel:         "ddp" (every process holds all weights) or "fsdp" (a part of weights, gradients and AdamW's state)
    seed:             int, of the order of the data, of the crops and of dropout
    threads:          int, of each process; 0: the cores shared out among the processes
    device:           "auto", "cpu" or "cuda"
    dtype:            "auto", "float32" or "bfloat16" (autocast); auto: bfloat16 where the hardware has units for it
    compile:          bool, compile the blocks by torch.compile; evaluation runs as ever
    raises DataError where a value is out of range
    """

    max_steps:          int   = 0
    max_minutes:        float = 60.0
    optimizer:          str   = "adamw"
    lr:                 float = 1.5e-3
    warmup:             int   = 100
    decay:              str   = "linear"
    decay_share:        float = 1.0
    weight_decay:       float = 0.05
    beta1:              float = 0.9
    beta2:              float = 0.98
    clip:               float = 1.0
    label_smoothing:    float = 0.0
    ema:                float = 0.99
    loss_weights:       dict  = dataclasses.field(default_factory=dict)
    balance_rate:       float = 1e-3
    batch_rows:         int   = 2
    row_tokens:         int   = 8192
    accumulate:         int   = 1
    auto_batch:         bool  = False
    crop:               int   = 0
    reverse_complement: bool  = True
    species:            list  = dataclasses.field(default_factory=list)
    eval_every:         int   = 0
    eval_batches:       int   = 12
    generate_every:     int   = 0
    generate_samples:   int   = 64
    calibrate:          bool  = True
    save_every:         int   = 0
    keep_checkpoints:   int   = 2
    log_every:          int   = 10
    tensorboard:        bool  = False
    memory_floor:       float = 0.0
    memory_every:       float = 5.0
    parallel:           str   = "ddp"
    seed:               int   = 0
    threads:            int   = 0
    device:             str   = "auto"
    dtype:              str   = "auto"
    compile:            bool  = False

    def __post_init__(self):
        self.loss_weights = dict(self.loss_weights)
        self.species      = list(self.species)
        for name, least in (("batch_rows", 1), ("row_tokens", 64), ("accumulate", 1), ("max_steps", 0),
                            ("warmup", 0), ("crop", 0), ("eval_every", 0), ("eval_batches", 0), ("save_every", 0),
                            ("generate_every", -1), ("generate_samples", 0), ("keep_checkpoints", 0),
                            ("log_every", 1), ("threads", 0), ("seed", 0)):
            demand(getattr(self, name) >= least, name, getattr(self, name), f"{least} or more")
        for field in dataclasses.fields(self):
            if field.type is float:
                demand(math.isfinite(getattr(self, field.name)), field.name, getattr(self, field.name), "a number")
        for name in ("lr", "clip", "memory_every"):
            demand(getattr(self, name) > 0, name, getattr(self, name), "more than 0")
        for name in ("ema", "beta1", "beta2", "label_smoothing"):
            demand(0 <= getattr(self, name) < 1, name, getattr(self, name), "0 or more and less than 1")
        for name in ("weight_decay", "balance_rate"):
            demand(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        demand(self.memory_floor == -1 or self.memory_floor >= 0, "memory_floor", self.memory_floor,
               "0 or more, or -1")
        demand(0 < self.decay_share <= 1, "decay_share", self.decay_share, "more than 0 and at most 1")
        demand(self.max_steps > 0 or self.max_minutes > 0, "max_minutes", self.max_minutes, "more than 0")
        demand(self.decay in DECAYS, "decay", self.decay, " or ".join(DECAYS))
        demand(self.optimizer in OPTIMIZERS, "optimizer", self.optimizer, " or ".join(OPTIMIZERS))
        demand(self.parallel in PARALLEL, "parallel", self.parallel, " or ".join(PARALLEL))
        demand(self.parallel == "ddp" or self.optimizer == "adamw", "parallel", self.parallel,
               "ddp where the optimizer is muon, which needs whole matrices")
        demand(self.dtype in DTYPES, "dtype", self.dtype, ", ".join(DTYPES))
        demand(self.row_tokens % 64 == 0, "row_tokens", self.row_tokens, "a multiple of 64")
        demand(set(self.loss_weights) <= set(LOSSES), "loss_weights", self.loss_weights,
               f"weights of {', '.join(LOSSES)}")
        demand(are_weights(self.loss_weights), "loss_weights", self.loss_weights, "0 or more each")

    def to_dict(self):
        """A dict of plain values for finetune_config.json."""

        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields):
        """The configuration that `to_dict` wrote; unknown fields are an error.

        raises DataError
        """

        unknown = sorted(set(fields) - names(cls))
        if unknown:
            raise errors.DataError(f"the training configuration has fields that this version does not know: "
                                   f"{', '.join(unknown)}")
        checks.check(fields, cls)
        return cls(**fields)

    def with_intervals(self):
        """The same run with the intervals that depend on max_steps filled in; max_steps is set by now."""

        steps = self.max_steps
        saves = self.save_every or max(1, steps // 10)
        return dataclasses.replace(
            self,
            warmup         = min(self.warmup, steps // 5),
            eval_every     = self.eval_every or max(1, steps // 10),
            generate_every = self.generate_every or saves * max(1, round(steps / (10 * saves))),
            save_every     = saves)


def are_weights(table):
    """Whether all values of a dict are finite numbers of 0 or more."""

    return all(isinstance(value, (int, float)) and 0 <= value < math.inf for value in table.values())


def names(kind=TrainConfig):
    """Names of all fields of a TrainConfig, or of another kind of configuration, a set."""

    return {field.name for field in dataclasses.fields(kind)}


def read(path, kind=TrainConfig):
    """The training configuration of a finetune_config.json, or of a TOML file with the fields of the configuration.

    path: path of the file; TOML where its name ends in .toml
    kind: class of the configuration
    returns an instance of it
    raises DataError
    """

    path = pathlib.Path(path)
    try:
        if path.suffix == ".toml":
            return _from_toml(toml(path), kind)
        return kind.from_dict(json.loads(path.read_text())["config"])
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise errors.DataError(f"{path} is no finetune_config.json of GeneT5: {error}") from error
    except errors.DataError as error:
        raise errors.DataError(str(error) if str(path) in str(error) else f"{path}: {error}") from error


def _from_toml(fields, kind):
    unknown = sorted(set(fields) - names(kind))
    if unknown:
        raise errors.DataError(f"settings that are not known: {', '.join(unknown)}; they are the options of the "
                               f"command, see its --help, with _ for -")
    checks.check(fields, kind)
    return kind(**fields)


def toml(path):
    """The content of a TOML file, a dict.

    raises DataError where it is none
    """

    import importlib

    # the standard library has the reader from Python 3.11 on
    tomllib = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        return tomllib.loads(pathlib.Path(path).read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise errors.DataError(f"{path} is no TOML: {error}") from error


def merge(asked, settled, given):
    """The configuration of a resumed run: the checkpoint's, with what may change taken from the command line.

    asked:   TrainConfig with which the run was started
    settled: TrainConfig that it was then run with, choices made
    given:   dict of the fields that the user named now
    raises DataError where a named field decides what the run computes and differs
    """

    for name, value in given.items():
        if name not in FREE and value not in (getattr(asked, name), getattr(settled, name)):
            raise errors.DataError(f"--resume continues a run with {name} = {getattr(settled, name)}, not {value}; "
                                   f"leave the option out, or start a new run in another folder")
    return dataclasses.replace(settled, **{name: value for name, value in given.items() if name in FREE})


def parse_weights(text, kind="LOSS", known=LOSSES):
    """`site=2,lattice=0.5` as a dict name -> float.

    kind:  str, what the names are, for messages
    known: the names there are, empty where any will do
    raises ValueError
    """

    weights = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        name                = name.strip()
        if not (name and equals) or (known and name not in known):
            among = f" with {kind} one of {', '.join(known)}" if known else ""
            raise ValueError(f"{part!r} is no {kind}=WEIGHT{among}")
        weights[name] = float(value)
    return weights


def demand(holds, name, value, valid):
    """Raise DataError unless a setting `holds`; `valid` says in words what it may be."""

    if not holds:
        raise errors.DataError(f"{name} is {value}; valid is {valid}")
