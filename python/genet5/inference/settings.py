"""How to decode: what a model's config.json says, and what the caller wants otherwise."""

import dataclasses

import genet5.genome as genome

DECODERS = ("writer", "viterbi", "both")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """One run's decoding.

    decoder:          "writer", "viterbi" or "both"
    writer_threshold: float, hazard above which the writer takes an anchor
    min_probability:  float, genes that are less probable are dropped
    rc_average:       bool, Viterbi's potentials are the mean of both strands' readings
    overlap:          float, share of a window that the next one covers again; None: as much as the decoder needs, half
                      a window for the writer (so that a gene of that length is whole in one) and a quarter for the path
    both_add:         float, probability from which `both` adds a gene of the writer
    both_margin:      float, how much more probable a gene of the writer must be to replace one of the path
    min_cds:          int, coding bases below which a gene is dropped, stop codon included
    grammar:          dict, see ModelConfig.grammar
    window_size:      int, bases
    batch_size:       int, windows that a GPU reads at once
    compile:          bool, by torch.compile, and with a cache of fixed size for the writer
    suppress_eos:     bool, tests only: the writer goes on as long as the grammar has an anchor
    """

    decoder:          str   = "viterbi"
    writer_threshold: float = 0.2
    min_probability:  float = 0.0
    rc_average:       bool  = True
    overlap:          float = None
    both_add:         float = 0.5
    both_margin:      float = 0.2
    min_cds:          int   = 0
    grammar:          dict
    window_size:      int
    batch_size:       int   = 16
    compile:          bool  = False
    suppress_eos:     bool  = False

    def __post_init__(self):
        if self.decoder not in DECODERS:
            raise ValueError(f"no decoder {self.decoder!r}; there are {', '.join(DECODERS)}")
        if self.batch_size < 1:
            raise ValueError(f"batch_size is {self.batch_size}; it must be at least 1")
        # an unknown genetic code is an error before any work
        genome.translate(b"", self.grammar["genetic_code"])

    @property
    def covers(self):
        """The share of a window that the next one covers again."""

        return self.overlap if self.overlap is not None else 0.5 if self.writes else 0.25

    @property
    def writes(self):
        """Whether the writer runs."""

        return self.decoder in ("writer", "both")

    @property
    def searches(self):
        """Whether the exact decoder runs."""

        return self.decoder in ("viterbi", "both")


def settle(config, genetic_code=None, **wanted):
    """Settings for a model.

    config:       ModelConfig
    genetic_code: int or None for the model's own
    wanted:       fields of Settings; None stands for the model's own choice
    raises ValueError, also for names that are no setting
    """

    names   = {field.name for field in dataclasses.fields(Settings)}
    unknown = sorted(set(wanted) - names)
    if unknown:
        raise ValueError(f"no decoding setting {', '.join(unknown)}")
    own     = {name: value for name, value in config.decoding.items() if name in names}
    grammar = config.grammar()
    if genetic_code is not None:
        grammar["genetic_code"] = genetic_code
    given   = {name: value for name, value in wanted.items() if value is not None}
    return Settings(**{"grammar": grammar, "window_size": config.window_size, **own, **given})
