"""A mixture of feed-forwards: each token is served by the few experts that a router chooses.

Shapes: M tokens, E experts, K experts of a token, C width, F inner width, X = M * K choices.
"""

import functools
import itertools

import torch
import torch.nn as nn
import torch.nn.functional as F

# who asks: tokens of the prefix outnumber the steps of the writer by far, so their loads are counted apart
KINDS = ("prefix", "steps")


class Experts(nn.Module):
    """Top-k mixture of gated feed-forwards, dropless.

    The router's scores are sigmoids in float32, the chosen ones renormalised to sum to 1, so copies of one
    feed-forward give that feed-forward's output. `balance` is added to the scores for the choice alone; training
    moves it so that the experts are used evenly, without a loss for it.

    source: DeepSeek-V3, arXiv 2412.19437; auxiliary-loss-free balancing, arXiv 2408.15664
    """

    def __init__(self, config):
        super().__init__()
        self.top_k    = config.top_k
        self.activate = {"gelu": F.gelu, "silu": F.silu}[config.activation]
        count         = config.num_experts
        self.router   = nn.Linear(config.width, count, bias=False)
        self.gated    = nn.Parameter(torch.empty(count, 2 * config.feed_forward, config.width))
        self.out      = nn.Parameter(torch.empty(count, config.width, config.feed_forward))
        self.out_bias = nn.Parameter(torch.zeros(count, config.width))
        self.register_buffer("balance", torch.zeros(count, dtype=torch.float32))
        # choices per expert since the last `rebalance`; they are no part of the model
        for kind in KINDS:
            self.register_buffer(f"{kind}_load", torch.zeros(count, dtype=torch.int64), persistent=False)
        # of the prefix in the last forward pass while training: sums over its tokens
        self.penalties = None
        # False while a forward pass is repeated for its gradients, see counted_once
        self.counting  = True
        self.reset_parameters()

    def reset_parameters(self):
        """Random weights on the scale of a linear layer's."""

        for weight in (self.gated, self.out):
            nn.init.normal_(weight, std=weight.shape[-1] ** -0.5)

    def forward(self, x, kind="prefix", counted=None):
        """Serve tokens.

        x:       [..., C]
        kind:    "prefix" or "steps", whose load this is
        counted: bool [...], tokens that count (no padding); None: all of them
        returns [..., C]
        """

        flat_MC   = x.reshape(-1, x.shape[-1])
        logits_ME = self._logits(flat_MC)
        weight, chosen = self.route(logits_ME)
        if self.training:
            self._watch(logits_ME, chosen, kind, counted)
        grouped = grouped_works(flat_MC.device.type, _compute_dtype(flat_MC))
        serve   = self._grouped if grouped else self._looped
        return serve(flat_MC, weight, chosen).reshape(x.shape)

    def everywhere(self, x):
        """Serve few tokens by every expert, of which the chosen count: no shape depends on the choice.

        x: [..., C]
        returns [..., C], what `forward` returns
        """

        flat_MC        = x.reshape(-1, x.shape[-1])
        weight, chosen = self.route(self._logits(flat_MC))
        share_ME       = torch.zeros_like(weight[:, :1]).repeat(1, len(self.balance)).scatter(1, chosen, weight)
        gate, value    = torch.einsum("mc,efc->emf", flat_MC, self.gated).chunk(2, dim=-1)
        out_EMC        = torch.einsum("emf,ecf->emc", self.activate(gate) * value, self.out) + self.out_bias[:, None]
        return (out_EMC * share_ME.t()[..., None].to(out_EMC.dtype)).sum(dim=0).reshape(x.shape).to(x.dtype)

    def _logits(self, flat_MC):
        with torch.autocast(flat_MC.device.type, enabled=False):
            return F.linear(flat_MC.float(), self.router.weight.float())

    def route(self, logits_ME):
        """Weights [M, K] that sum to 1, and the experts chosen, long [M, K]."""

        score_ME = logits_ME.sigmoid()
        chosen   = (score_ME.detach() + self.balance).topk(self.top_k, dim=-1).indices
        weight   = score_ME.gather(1, chosen)
        return weight / weight.sum(dim=-1, keepdim=True).clamp(min=1e-20), chosen

    def _looped(self, flat_MC, weight_MK, chosen_MK):
        """One expert after the other: the plain form."""

        out_MKC = flat_MC.new_zeros(*chosen_MK.shape, flat_MC.shape[-1])
        for number in range(len(self.balance)):
            rows, ranks  = (chosen_MK == number).nonzero(as_tuple=True)
            gate, value  = F.linear(flat_MC[rows], self.gated[number]).chunk(2, dim=-1)
            served       = F.linear(self.activate(gate) * value, self.out[number], self.out_bias[number])
            out_MKC      = out_MKC.index_put((rows, ranks), served.to(out_MKC.dtype))
        return (out_MKC * weight_MK[..., None].to(out_MKC.dtype)).sum(dim=1)

    def _grouped(self, flat_MC, weight_MK, chosen_MK):
        """All experts in one product over the choices sorted by expert; the sum over a token's choices is in order."""

        order_X = chosen_MK.flatten().argsort(stable=True)
        counts  = torch.bincount(chosen_MK.flatten(), minlength=len(self.balance))
        ends    = counts.cumsum(0).to(torch.int32)
        dtype   = _compute_dtype(flat_MC)
        x_XC    = flat_MC[order_X // self.top_k].to(dtype)
        gate, value = F.grouped_mm(x_XC, self.gated.to(dtype).transpose(1, 2), offs=ends).chunk(2, dim=-1)
        inner_XF = (self.activate(gate) * value).contiguous()
        y_XC    = F.grouped_mm(inner_XF, self.out.to(dtype).transpose(1, 2), offs=ends)
        y_XC    = y_XC + self.out_bias.to(dtype)[chosen_MK.flatten()[order_X]]
        place_X = torch.empty_like(order_X).scatter_(0, order_X, torch.arange(len(order_X), device=order_X.device))
        out_MKC = y_XC[place_X].reshape(*chosen_MK.shape, -1)
        return (out_MKC * weight_MK[..., None].to(dtype)).sum(dim=1).to(flat_MC.dtype)

    def _watch(self, logits_ME, chosen_MK, kind, counted):
        """Count the choices, and hold what the optional router losses are made of."""

        if counted is not None:
            logits_ME, chosen_MK = logits_ME[counted.reshape(-1)], chosen_MK[counted.reshape(-1)]
        load_E = torch.bincount(chosen_MK.flatten(), minlength=len(self.balance))
        if self.counting:
            getattr(self, f"{kind}_load").add_(load_E)
        if kind == "prefix":
            # Switch Transformer's balance loss, arXiv 2101.03961, and ST-MoE's z-loss, arXiv 2202.08906
            share_E   = load_E / max(1, chosen_MK.numel())
            penalties = {"router_balance": len(load_E) * (share_E * logits_ME.softmax(dim=-1)).sum(),
                         "router_z":       logits_ME.logsumexp(dim=-1).square().sum()}
            self.penalties = penalties if self.counting else self.penalties

    def forget_loads(self):
        """Count from zero again."""

        for kind in KINDS:
            getattr(self, f"{kind}_load").zero_()


def _compute_dtype(x):
    """The type in which products of x are computed, autocast included."""

    device = x.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else x.dtype


@functools.cache
def grouped_works(device, dtype):
    """Whether torch multiplies in groups here, forward and backward, empty groups included.

    device: "cpu" or "cuda"
    dtype:  torch.dtype
    """

    if not hasattr(F, "grouped_mm"):
        return False
    try:
        with torch.enable_grad(), torch.autocast(device, enabled=False):
            x    = torch.ones(16, 16, device=device, dtype=dtype, requires_grad=True)
            w    = torch.ones(3, 32, 16, device=device, dtype=dtype, requires_grad=True)
            ends = torch.tensor([4, 4, 16], device=device, dtype=torch.int32)
            y    = F.grouped_mm(x, w.transpose(1, 2), offs=ends)
            y.backward(torch.ones_like(y))
        return bool((y == 16).all() and (x.grad == 32).all() and (w.grad[1] == 0).all() and (w.grad[2] == 12).all())
    except (RuntimeError, NotImplementedError, TypeError):
        return False


def of(model):
    """The mixtures of a model, a list of Experts in the order of its blocks."""

    return [module for module in model.modules() if isinstance(module, Experts)]


def penalties(model, device):
    """The optional router losses of the last forward pass while training, summed over tokens, mean over layers.

    returns dict: router_balance (1 where the experts are used evenly) and router_z, each a scalar tensor
    """

    held  = [mixture.penalties for mixture in of(model) if mixture.training and mixture.penalties is not None]
    zero  = torch.zeros((), device=device)
    return {name: sum((one[name] for one in held), zero) / max(1, len(held)) for name in ("router_balance", "router_z")}


def loads(model):
    """Choices per kind, layer and expert since the last `rebalance`, float64 [2, layers, E]; None for a dense model."""

    mixtures = of(model)
    if not mixtures:
        return None
    counts = [torch.stack([getattr(mixture, f"{kind}_load") for mixture in mixtures]) for kind in KINDS]
    return torch.stack(counts).double()


def counted_once(module, call):
    """`call`, while whose second and later runs the mixtures of a module count no loads.

    A forward pass that is repeated for its gradients is the same pass.
    """

    mixtures, runs = of(module), itertools.count()

    def run(*inputs):
        first = next(runs) == 0
        for mixture in mixtures:
            mixture.counting = first
        try:
            return call(*inputs)
        finally:
            for mixture in mixtures:
                mixture.counting = True

    return run


@torch.no_grad()
def rebalance(model, loads_KLE, rate):
    """Make overloaded experts less likely to be chosen, and count from zero again.

    loads_KLE: float64 [2, layers, E], see `loads`, summed over processes and micro-batches
    rate:      float, the size of a move; 0 moves nothing
    """

    for layer, mixture in enumerate(of(model)):
        load = loads_KLE[:, layer].sum(dim=0)
        move = rate * (load.mean() - load).sign().to(mixture.balance.dtype)
        mixture.balance.add_(move - move.mean())
        mixture.forget_loads()


def describe(loads_KLE):
    """How evenly the experts were used, as columns of training_log.csv.

    loads_KLE: see `loads`
    returns dict: for each kind the entropy of the load (nats, mean over layers; log E is even), the largest over the
    mean load (mean over layers), and the share of each expert (mean over layers, blank-separated)
    """

    out = {}
    for kind, loads_LE in zip(KINDS, loads_KLE):
        if float(loads_LE.sum()) == 0:
            continue
        share = loads_LE / loads_LE.sum(dim=1, keepdim=True).clamp(min=1)
        out[f"{kind}_load_entropy"] = float(torch.special.entr(share).sum(dim=1).mean())
        out[f"{kind}_load_max"]     = float((share.max(dim=1).values * share.shape[1]).mean())
        out[f"{kind}_load"]         = " ".join(f"{value:.4f}" for value in share.mean(dim=0).tolist())
    return out
