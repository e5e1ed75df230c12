"""What a run of `genet5 grpo` is made of: the settings of supervised training that apply, and its own."""

import dataclasses

import genet5.errors as errors
import genet5.train.config as configs

# loss -> how far below and above 1 a ratio may lie, as its paper has it; of cispo, the largest ratio
CLIPS = {
    "grpo":    (0.2, 0.2),
    "dr_grpo": (0.2, 0.2),
    "dapo":    (0.2, 0.28),
    "cispo":   (0.2, 5.0),
    "gspo":    (3e-4, 4e-4),
}
SCALES = ("none", "group", "batch")
# what prepared windows can be balanced by
BALANCES = ("species", "genes", "exons", "strand")
# measure -> weight; the reward is the weighted mean
WEIGHTS = {"gene": 1.0, "exon": 0.5, "site": 0.5, "nucleotide": 0.25, "validity": 0.25}
# fields of TrainConfig that reinforcement does not read
UNREAD = ("row_tokens", "crop", "reverse_complement", "species", "label_smoothing", "auto_batch", "parallel",
          "compile")


@dataclasses.dataclass(kw_only=True)
class GrpoConfig(configs.TrainConfig):
    """Every setting of a run; the fields of TrainConfig mean what they say there, with these exceptions and additions.

    batch_rows:      int, windows of one step, each with num_generations completions, over all processes
    accumulate:      int, micro-batches in which a process works a step off
    eval_batches:    int, batches of batch_rows held-out windows at the most
    loss_type:       one of CLIPS
    num_generations: int, completions of each window
    num_iterations:  int, optimizer steps on the same completions
    max_completion_length: int, sites that a completion may have, <eos> included
    temperature:     float, of the sampler and of the training's softmax
    top_p:           float in (0, 1], the nucleus from which sites are drawn; training takes the softmax over the same
    scale_rewards:   "none", "group" or "batch": the standard deviation that advantages are divided by
    epsilon, epsilon_high: float, how far below and above 1 a ratio may lie; 0: as the loss's paper has it
    beta:            float, weight of the divergence (k3) from the model that the run starts from; 0: none
    sft_weight:      float, weight of the loss of supervised training, with loss_weights for its heads, on the
                     references of the windows that the step learns from; 0: none
    mask_truncated_completions: bool, completions that did not end teach nothing
    resample_rounds: int, times that windows whose completions are all worth the same are replaced by others
    reward_weights:  dict measure -> float; empty: WEIGHTS, and 1 for rewards of the user's own
    length_penalty:  float, reward lost where a completion is a whole reference too long, beyond the slack
    reward:          list of str, rewards of the user's own as module:function
    raises DataError where a value is out of range
    """

    lr:              float = 5e-5
    warmup:          int   = 10
    weight_decay:    float = 0.0
    ema:             float = 0.0
    batch_rows:      int   = 8
    loss_type:       str   = "dapo"
    num_generations: int   = 8
    num_iterations:  int   = 1
    max_completion_length: int = 128
    temperature:     float = 1.0
    top_p:           float = 1.0
    scale_rewards:   str   = "none"
    epsilon:         float = 0.0
    epsilon_high:    float = 0.0
    beta:            float = 0.0
    sft_weight:      float = 0.02
    mask_truncated_completions: bool = True
    resample_rounds: int   = 2
    reward_weights:  dict  = dataclasses.field(default_factory=dict)
    length_penalty:  float = 0.25
    reward:          list  = dataclasses.field(default_factory=list)

    def __post_init__(self):
        super().__post_init__()
        self.reward_weights = dict(self.reward_weights)
        self.reward         = list(self.reward)
        for name, least in (("num_generations", 2), ("num_iterations", 1), ("max_completion_length", 1),
                            ("resample_rounds", 0)):
            configs.demand(getattr(self, name) >= least, name, getattr(self, name), f"{least} or more")
        for name in ("beta", "sft_weight", "epsilon", "epsilon_high", "length_penalty"):
            configs.demand(getattr(self, name) >= 0, name, getattr(self, name), "0 or more")
        configs.demand(configs.are_weights(self.reward_weights), "reward_weights", self.reward_weights,
                       "0 or more each")
        configs.demand(self.temperature > 0, "temperature", self.temperature, "more than 0")
        configs.demand(0 < self.top_p <= 1, "top_p", self.top_p, "more than 0 and at most 1")
        configs.demand(self.loss_type in CLIPS, "loss_type", self.loss_type, ", ".join(CLIPS))
        configs.demand(self.scale_rewards in SCALES, "scale_rewards", self.scale_rewards, ", ".join(SCALES))

    @property
    def clips(self):
        """How far below and above 1 a ratio may lie, two floats."""

        low, high = CLIPS[self.loss_type]
        return self.epsilon or low, self.epsilon_high or high

    def weights(self, custom):
        """Weights of all measures of the reward.

        custom: names of the rewards of the user's own
        returns dict name -> float
        raises DataError where a weight has no measure, or none counts
        """

        found   = {**WEIGHTS, **dict.fromkeys(custom, 1.0), **self.reward_weights}
        unknown = sorted(set(self.reward_weights) - set(WEIGHTS) - set(custom))
        if unknown:
            raise errors.DataError(f"reward_weights names {', '.join(unknown)}; there are "
                                   f"{', '.join([*WEIGHTS, *custom])}")
        configs.demand(sum(found.values()) > 0, "reward_weights", found, "at least one weight above 0")
        return {name: weight for name, weight in found.items() if weight > 0}

    @classmethod
    def from_dict(cls, fields):
        """The configuration that `to_dict` wrote.

        raises DataError, also for one of supervised training, whose learning rate would do harm
        """

        if "loss_type" not in fields:
            raise errors.DataError("the training configuration is one of genet5 sft, not of genet5 grpo")
        return super().from_dict(fields)

    def to_dict(self):
        """A dict of plain values for finetune_config.json, without what is not read."""

        return {name: value for name, value in super().to_dict().items() if name not in UNREAD}


def parse_weights(text):
    """`gene=1,exon=0.5` as a dict measure -> float.

    raises ValueError
    """

    return configs.parse_weights(text, "MEASURE", ())
