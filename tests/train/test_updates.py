"""AdamW equals torch's; Muon moves the blocks' matrices as torch's does, each part of a fused one alone."""

import pytest

import genet5.train.config as configs

torch   = pytest.importorskip("torch")
optim   = pytest.importorskip("genet5.train.optimizer")
updates = pytest.importorskip("genet5.train.updates")


class Toy(torch.nn.Module):
    """The kinds of parameters that a model has, under its names."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed  = torch.nn.Embedding(5, 8)
        self.kernel = torch.nn.Conv1d(3, 2, 3)
        self.layers = torch.nn.ModuleList([torch.nn.ModuleDict({
            "qkv":    torch.nn.Linear(8, 24),
            "out":    torch.nn.Linear(8, 8),
            "gated":  torch.nn.Linear(8, 24, bias=False),
            "down":   torch.nn.Linear(12, 8),
            "router": torch.nn.Linear(8, 4, bias=False),
            "norm":   torch.nn.LayerNorm(8)}) for _ in range(2)])


def train(model, kind, config, rates):
    """Steps with gradients that depend on the step alone."""

    gradients = optim.FlatGradients(model.parameters())
    optimizer = kind(model, gradients, config)
    torch.manual_seed(1)
    for lr in rates:
        for parameter in model.parameters():
            parameter.grad.copy_(torch.randn_like(parameter))
        optimizer.step(lr)
    return optimizer


RATES = (0.1, 0.01, 0.02, 0.003)


def test_adamw_equals_torch_s():
    config       = configs.TrainConfig(weight_decay=0.1, beta1=0.9, beta2=0.95)
    ours, theirs = Toy(), Toy()
    train(ours, updates.AdamW, config, RATES)
    shrink       = optim.decayed(theirs)
    reference    = torch.optim.AdamW(
        [{"params": [p for name, p in theirs.named_parameters() if name in shrink], "weight_decay": 0.1},
         {"params": [p for name, p in theirs.named_parameters() if name not in shrink], "weight_decay": 0.0}],
        betas=(0.9, 0.95))
    torch.manual_seed(1)
    for lr in RATES:
        for parameter in theirs.parameters():
            parameter.grad = torch.randn_like(parameter)
        for group in reference.param_groups:
            group["lr"] = lr
        reference.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_muon_takes_the_matrices_of_the_blocks_and_leaves_the_rest_to_adamw():
    config         = configs.TrainConfig()
    muon, adamw    = Toy(), Toy()
    chosen         = updates.matrices(muon)
    assert chosen == {f"layers.{layer}.{name}.weight" for layer in (0, 1) for name in ("qkv", "out", "gated", "down")}
    train(muon, updates.Muon, config, RATES)
    train(adamw, updates.AdamW, config, RATES)
    for (name, one), other in zip(muon.named_parameters(), adamw.parameters(), strict=True):
        assert (name in chosen) != torch.equal(one, other)


def test_muon_turns_each_expert_s_matrices_apart():
    torch.manual_seed(3)
    stacked = torch.randn(3, 8, 5)
    parts   = updates._split(stacked, 2)
    assert [tuple(part.shape) for part in parts] == [(4, 5)] * 6
    assert torch.equal(torch.stack(parts).reshape(3, 8, 5), stacked)


def test_muon_equals_torch_s_on_each_part_of_a_matrix():
    config = configs.TrainConfig(weight_decay=0.1)
    model  = Toy()
    parts  = {}
    for name, parameter in model.named_parameters():
        if name in updates.matrices(model):
            count       = updates.PARTS.get(name.split(".")[-2], 1)
            parts[name] = [torch.nn.Parameter(part.clone()) for part in parameter.detach().chunk(count)]
    train(model, updates.Muon, config, RATES)
    reference = torch.optim.Muon([part for matrix in parts.values() for part in matrix], weight_decay=0.1,
                                 momentum=updates.MOMENTUM, adjust_lr_fn="match_rms_adamw")
    torch.manual_seed(1)
    for lr in RATES:
        for name, parameter in model.named_parameters():
            gradient = torch.randn_like(parameter)
            if name in parts:
                for part, piece in zip(parts[name], gradient.chunk(len(parts[name])), strict=True):
                    part.grad = piece.clone()
        for group in reference.param_groups:
            group["lr"] = lr
        reference.step()
    for name, parameter in model.named_parameters():
        if name in parts:
            # torch iterates in bfloat16
            torch.testing.assert_close(parameter, torch.cat(parts[name]), rtol=0.0, atol=2e-3)


def test_singular_values_come_near_one():
    torch.manual_seed(0)
    found = torch.linalg.svdvals(updates.orthogonal(torch.randn(4, 16, 40)))
    assert 0.6 < found.min() and found.max() < 1.3


@pytest.mark.parametrize("kind", updates.OPTIMIZERS.values(), ids=updates.OPTIMIZERS)
def test_a_state_goes_on_where_it_was_taken(kind):
    config      = configs.TrainConfig()
    whole, part = Toy(), Toy()
    train(whole, kind, config, RATES)
    state       = {name: value.clone() if torch.is_tensor(value) else value
                   for name, value in train(part, kind, config, RATES[:2]).state_dict().items()}
    gradients   = optim.FlatGradients(part.parameters())
    optimizer   = kind(part, gradients, config)
    optimizer.load_state_dict(state)
    torch.manual_seed(1)
    for number, lr in enumerate(RATES):
        for parameter in part.parameters():
            parameter.grad.copy_(torch.randn_like(parameter))
        if number >= 2:
            optimizer.step(lr)
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), part.parameters(), strict=True))
