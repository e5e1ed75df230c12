"""Per-base layers: the convolutional stem before the blocks, and the head behind them.

Shapes: R rows, B bases of a row, T tokens of a row, C channels.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

import genet5.model.config as configs
import genet5.model.convolution as convolution

# A, C, G, T, N and padding
NUM_BASE_CODES = 6
# neighbouring bases repeat each other's evidence, and a gene adds up a thousand of them; sites are rare
LABEL_SCALE    = 0.02
SITE_SCALE     = 4.0


class Convolution(nn.Conv1d):
    """A convolution over bases of [R, B, C], as long as its input."""

    def __init__(self, width_in, width_out, kernel, dilation=1):
        super().__init__(width_in, width_out, kernel, dilation=dilation, padding=dilation * (kernel // 2))

    def forward(self, x_RBC):
        if x_RBC.device.type == "cpu":
            return convolution.Shifted.apply(x_RBC, self.weight.to(x_RBC.dtype), self.bias.to(x_RBC.dtype),
                                             self.dilation[0])
        return super().forward(x_RBC.transpose(1, 2)).transpose(1, 2)


class MaskedConvolution(nn.Module):
    """A residual convolution over bases that sees nothing beyond its window's edges.

    Padding between windows is zeroed before the kernel reads it, so a packed window equals a lone one
    as long as the gap is at least the kernel's reach.
    """

    def __init__(self, width, kernel, dilation):
        super().__init__()
        self.norm        = nn.LayerNorm(width)
        self.convolution = Convolution(width, width, kernel, dilation)

    def forward(self, x_RBC, valid_RB1):
        return x_RBC + self.convolution(F.relu(self.norm(x_RBC)) * valid_RB1)


class Stem(nn.Module):
    """Bases and reading-frame channels to features per base."""

    def __init__(self, config):
        super().__init__()
        kernel      = config.stem_kernel
        self.embed  = Convolution(NUM_BASE_CODES - 1 + configs.NUM_CHANNELS, config.stem_width, kernel)
        self.layers = nn.ModuleList(MaskedConvolution(config.stem_width, kernel, dilation)
                                    for dilation in config.stem_dilations)

    def forward(self, bases_RB, channels_RBC):
        # a model all in bfloat16 reads float32 channels, too
        channels_RBC = channels_RBC.to(self.embed.weight.dtype)
        valid = (bases_RB < NUM_BASE_CODES - 1)[..., None].to(channels_RBC.dtype)
        track = F.one_hot(bases_RB.long(), NUM_BASE_CODES)[..., :-1].to(channels_RBC.dtype)
        x     = self.embed(torch.cat((track, channels_RBC * valid), dim=-1))
        for layer in self.layers:
            x = layer(x, valid)
        return x * valid


class BaseHead(nn.Module):
    """Stem features and token states to segmentation logits, lattice potentials and site keys per base."""

    def __init__(self, config):
        super().__init__()
        width             = config.base_width
        self.from_stem    = nn.Linear(config.stem_width, width)
        self.from_token   = nn.Linear(config.width, width, bias=False)
        self.mix          = MaskedConvolution(width, 5, 1)
        self.norm         = nn.LayerNorm(width)
        self.segmentation = nn.Linear(width, configs.NUM_LABELS)
        self.potentials   = nn.Linear(width, configs.NUM_POTENTIALS)
        self.keys         = nn.Linear(width, config.key_width)
        self.label_keys   = nn.Linear(configs.NUM_LABELS, config.key_width, bias=False)
        self.temper       = nn.Parameter(torch.ones(()))

    def forward(self, stem_RBC, tokens_RTC, base_token_RB):
        """returns logits [R, B, 9], potentials [R, B, 17] and keys [R, B, K]"""

        valid = (base_token_RB >= 0)[..., None].to(stem_RBC.dtype)
        x     = self.from_stem(stem_RBC) + spread(self.from_token(tokens_RTC), base_token_RB)
        x     = F.relu(self.norm(self.mix(x * valid, valid)))
        logits_RB9   = self.segmentation(x)
        keys_RBK     = self.keys(x) + self.label_keys(logits_RB9.softmax(dim=-1))
        labels, site = self.potentials(x).split((configs.NUM_LABELS, configs.NUM_POTENTIALS - configs.NUM_LABELS), -1)
        labels       = LABEL_SCALE * (self.temper * logits_RB9.detach().log_softmax(dim=-1) + labels)
        return logits_RB9, torch.cat((labels, SITE_SCALE * site), dim=-1), keys_RBK


def spread(tokens_RTC, base_token_RB):
    """Each token's state on each of its bases [R, B, C]; padding takes the row's first token."""

    rows, length, _ = tokens_RTC.shape
    first           = torch.arange(rows, device=tokens_RTC.device)[:, None] * length
    return tokens_RTC.flatten(0, 1)[first + base_token_RB.clamp(min=0)]


def pool(bases_RBC, base_token_RB, num_tokens):
    """Mean over each token's bases [R, T, C]; tokens without bases get zeros."""

    rows, _, width = bases_RBC.shape
    valid = base_token_RB >= 0
    first = torch.arange(rows, device=bases_RBC.device)[:, None] * num_tokens
    index = (first + base_token_RB)[valid]
    total = bases_RBC.new_zeros(rows * num_tokens, width).index_add_(0, index, bases_RBC[valid])
    count = torch.bincount(index, minlength=rows * num_tokens).clamp(min=1).to(total.dtype)
    return (total / count[:, None]).reshape(rows, num_tokens, width)
