"""AdamW and Muon, the learning rate of each step, averaged weights, and gradients in one flat buffer."""

import math

import torch


def decayed(model):
    """Names of the parameters that weight decay shrinks: matrices and kernels, no norms, biases or embeddings.

    model: torch.nn.Module
    returns set of str
    """

    tables = {id(parameter) for module in model.modules() if isinstance(module, torch.nn.Embedding)
              for parameter in module.parameters(recurse=False)}
    return {name for name, parameter in model.named_parameters()
            if parameter.requires_grad and parameter.ndim >= 2 and id(parameter) not in tables
            and not name.endswith("bias")}


def rate(step, config):
    """Learning rate of a step: linear warm-up, constant, then the fall to almost zero at the last step.

    step:   int, 0-based
    config: TrainConfig with max_steps and warmup settled
    returns float
    source: the square root is Hägele et al., arXiv 2405.18392
    """

    steps = config.max_steps
    begin = max(config.warmup, steps - round(config.decay_share * steps))
    left  = 1.0 if step < begin else (steps - step) / (steps - begin)
    if config.decay == "cosine":
        left = 0.5 - 0.5 * math.cos(math.pi * left)
    elif config.decay == "sqrt":
        left = 1.0 - math.sqrt(1.0 - left)
    return config.lr * left * min(1.0, (step + 1) / max(1, config.warmup))


class FlatGradients:
    """The gradients of all parameters as views of one buffer: one norm, one message between processes.

    parameters: iterable of torch.nn.Parameter, all of one dtype and device
    """

    def __init__(self, parameters):
        self.live   = [parameter for parameter in parameters if parameter.requires_grad]
        self.buffer = torch.zeros(sum(parameter.numel() for parameter in self.live),
                                  dtype=self.live[0].dtype, device=self.live[0].device)
        for parameter, view in zip(self.live, self.views(self.buffer)):
            parameter.grad = view

    def views(self, flat):
        """The parts of a vector as long as the buffer, shaped as the parameters."""

        parts = flat.split([parameter.numel() for parameter in self.live])
        return [part.view_as(parameter) for part, parameter in zip(parts, self.live)]

    def zero(self):
        """Forget all gradients."""

        self.buffer.zero_()

    def reduce(self, group):
        """Sum the gradients over all processes.

        group: genet5.train.distributed.Group
        """

        group.sum_(self.buffer)

    def norm(self):
        """Their norm, a tensor."""

        return torch.linalg.vector_norm(self.buffer)

    def whole(self, flat):
        """The full vector of which each process may hold a part: here every process has it all."""

        return flat

    part = whole_values = part_values = whole

    def model_state(self, model):
        """The full state_dict of a model."""

        return model.state_dict()

    def load_model_state(self, model, state):
        """The opposite of `model_state`."""

        model.load_state_dict(state)

    def whole_model(self, model):
        """A model that needs no other process to compute."""

        return model

    def clip(self, largest):
        """Scale the gradients down to a norm of at most `largest`; returns the norm before, float."""

        norm = self.norm()
        self.buffer.mul_((largest / (norm + 1e-6)).clamp(max=1.0))
        return float(norm)


class Average:
    """Exponential moving average of the weights, quicker in the first steps.

    model:     torch.nn.Module
    decay:     float in (0, 1)
    gradients: FlatGradients of its parameters, which know where the weights of this process are; None: in the model
    """

    def __init__(self, model, decay, gradients=None):
        named          = dict(model.named_parameters())
        self.decay     = decay
        self.gradients = gradients
        self.live      = dict(zip(named, gradients.live, strict=True)) if gradients else named
        self.values = {name: parameter.detach().clone() for name, parameter in self.live.items()}

    @torch.no_grad()
    def update(self, step):
        """Move towards the model's weights after optimizer step number `step` (0-based)."""

        share = 1.0 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.values.values()), [self.live[name] for name in self.values], share)

    @torch.no_grad()
    def swap(self):
        """Exchange the averaged and the live weights; a second call undoes it."""

        for name, value in self.values.items():
            held = self.live[name].detach().clone()
            self.live[name].copy_(value)
            value.copy_(held)

    def state_dict(self):
        """The averaged weights by parameter name."""

        return self.gradients.whole_values(self.values) if self.gradients else self.values

    def load_state_dict(self, values):
        """Take averaged weights over."""

        values = self.gradients.part_values(values) if self.gradients else values
        with torch.no_grad():
            for name, value in values.items():
                self.values[name].copy_(value)
