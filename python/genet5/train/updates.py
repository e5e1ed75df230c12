"""The optimizers: AdamW for everything, or Muon for the matrices of the blocks and AdamW for the rest."""

import torch

import genet5.train.optimizer as optim

# Muon's momentum, Newton-Schulz iterations and their coefficients; source: Jordan et al. 2024, "Muon"
MOMENTUM     = 0.95
ITERATIONS   = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
# fused matrices are orthogonalised part by part
PARTS = {"qkv": 3, "gated": 2}
# an orthogonal update of this size moves weights as far as AdamW's; source: Liu et al., arXiv 2502.16982
MATCH = 0.2


class AdamW:
    """AdamW over flat gradients, one vector operation for all parameters.

    Equal to torch.optim.AdamW, whose import alone costs seconds at every start.

    model:     torch.nn.Module
    gradients: optimizer.FlatGradients of its parameters
    config:    TrainConfig
    source:    Loshchilov and Hutter, arXiv 1711.05101
    """

    EPSILON = 1e-8

    def __init__(self, model, gradients, config):
        shrink         = optim.decayed(model)
        names          = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        self.live      = gradients.live
        self.shrunk    = [weight for name, weight in zip(names, self.live) if name in shrink]
        self.gradients = gradients
        self.betas     = (config.beta1, config.beta2)
        self.decay     = config.weight_decay
        self.mean      = torch.zeros_like(gradients.buffer)
        self.square    = torch.zeros_like(gradients.buffer)
        self.updates   = 0

    @torch.no_grad()
    def step(self, lr):
        """Change the parameters by their gradients with learning rate `lr`."""

        self.updates += 1
        torch._foreach_mul_(self.shrunk, 1 - lr * self.decay)
        torch._foreach_add_(self.live, self.gradients.views(self._change().mul_(-lr)))

    def _change(self):
        """The direction of this step, flat."""

        beta1, beta2 = self.betas
        self.mean.lerp_(self.gradients.buffer, 1 - beta1)
        self.square.mul_(beta2).addcmul_(self.gradients.buffer, self.gradients.buffer, value=1 - beta2)
        scale = (self.square / (1 - beta2 ** self.updates)).sqrt_().add_(self.EPSILON)
        return (self.mean / scale).mul_(1 / (1 - beta1 ** self.updates))

    def state_dict(self):
        """Averages and the number of updates."""

        return {"mean": self.gradients.whole(self.mean), "square": self.gradients.whole(self.square),
                "updates": self.updates}

    def load_state_dict(self, state):
        """Go on from a state."""

        self.mean.copy_(self.gradients.part(state["mean"]))
        self.square.copy_(self.gradients.part(state["square"]))
        self.updates = state["updates"]


class Muon(AdamW):
    """AdamW, but the matrices of the blocks move along the orthogonal part of their momentum.

    Parameters as for AdamW; the same learning rate and weight decay serve both kinds.
    """

    def __init__(self, model, gradients, config):
        super().__init__(model, gradients, config)
        named         = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        blocks        = matrices(model)
        self.parts    = [PARTS.get(name.removesuffix(".weight").rpartition(".")[2], 1) if name in blocks else 0
                         for name in named]
        self.momentum = torch.zeros_like(gradients.buffer)

    def _change(self):
        self.momentum.lerp_(self.gradients.buffer, 1 - MOMENTUM)
        change  = super()._change()
        ahead   = self.gradients.buffer.lerp(self.momentum, MOMENTUM)
        inputs  = self._matrices(ahead)
        outputs = self._matrices(change)
        groups  = {}
        for matrix, target in zip(inputs, outputs):
            wide = matrix.shape[0] <= matrix.shape[1]
            pair = (matrix, target) if wide else (matrix.t(), target.t())
            groups.setdefault(tuple(pair[0].shape), []).append(pair)
        for shape, pairs in groups.items():
            found = orthogonal(torch.stack([matrix for matrix, _ in pairs])).mul_(MATCH * max(shape) ** 0.5)
            for (_, target), matrix in zip(pairs, found):
                target.copy_(matrix)
        return change

    def _matrices(self, flat):
        views = zip(self.gradients.views(flat), self.parts)
        return [matrix for view, parts in views if parts for matrix in _split(view, parts)]

    def state_dict(self):
        """AdamW's state and the momentum."""

        return {**super().state_dict(), "momentum": self.momentum}

    def load_state_dict(self, state):
        """Go on from a state."""

        super().load_state_dict(state)
        self.momentum.copy_(state["momentum"])


OPTIMIZERS = {"adamw": AdamW, "muon": Muon}


def matrices(model):
    """Names of the weights that Muon orthogonalises: those of the blocks' linear layers and experts, no routers.

    model: torch.nn.Module with its blocks in `layers`
    returns set of str
    """

    return {name for name, parameter in model.named_parameters()
            if name.startswith("layers.") and parameter.ndim >= 2 and not name.endswith(("router.weight", "bias"))}


def _split(weight, parts):
    """The matrices that a weight holds: one an expert, each cut into its fused parts; a list."""

    stacked = weight if weight.ndim == 3 else weight[None]
    return [part for matrix in stacked for part in matrix.chunk(parts)]


def orthogonal(matrices_NRC):
    """About the nearest orthogonal matrices, by Newton-Schulz iterations: singular values near 1.

    matrices_NRC: float [N, R, C], R <= C
    """

    a, b, c = COEFFICIENTS
    x       = matrices_NRC / (matrices_NRC.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.mT
        x      = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x
