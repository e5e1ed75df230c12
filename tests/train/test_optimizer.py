"""The learning rate, which weights decay, the flat gradients and the averaged weights."""

import pytest

import genet5.train.config as configs

torch = pytest.importorskip("torch")
optim = pytest.importorskip("genet5.train.optimizer")


class Toy(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed  = torch.nn.Embedding(5, 4)
        self.linear = torch.nn.Linear(4, 3)
        self.norm   = torch.nn.LayerNorm(3)
        self.kernel = torch.nn.Conv1d(3, 2, 3)


def test_norms_biases_and_embeddings_do_not_decay():
    assert optim.decayed(Toy()) == {"linear.weight", "kernel.weight"}


def test_the_rate_rises_stays_and_falls():
    config = configs.TrainConfig(max_steps=100, warmup=10, lr=1.0, decay_share=0.5)
    assert optim.rate(0, config) == pytest.approx(0.1)
    assert [optim.rate(step, config) for step in (9, 30, 50)] == [1.0, 1.0, 1.0]
    assert optim.rate(75, config) == pytest.approx(0.5)
    assert optim.rate(99, config) == pytest.approx(0.02)
    cosine = configs.TrainConfig(max_steps=100, warmup=0, lr=1.0, decay="cosine")
    assert optim.rate(50, cosine) == pytest.approx(0.5)
    assert optim.rate(99, cosine) < 0.001


def test_the_square_root_falls_fast_first():
    config = configs.TrainConfig(max_steps=100, warmup=0, lr=1.0, decay="sqrt", decay_share=0.5)
    assert optim.rate(50, config) == 1.0
    assert optim.rate(75, config) == pytest.approx(1 - 0.5 ** 0.5)
    assert 0 < optim.rate(99, config) < 0.02


def test_clipping_equals_torch():
    ours, theirs = Toy(), Toy()
    flat = optim.FlatGradients(ours.parameters())
    x    = torch.tensor([1, 2, 3])
    for model in (ours, theirs):
        (model.norm(model.linear(model.embed(x))) * torch.arange(9.0).reshape(3, 3)).pow(2).sum().backward()
    for parameter in theirs.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    norm = torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
    assert flat.clip(0.5) == pytest.approx(float(norm), rel=1e-6)
    for one, other in zip(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(one.grad, other.grad)


def test_the_average_follows_its_formula_and_swaps_back():
    model   = Toy()
    average = optim.Average(model, 0.5)
    before  = model.linear.weight.detach().clone()
    with torch.no_grad():
        model.linear.weight.add_(1.0)
    average.update(step=0)
    torch.testing.assert_close(average.values["linear.weight"], before + 0.9)
    average.update(step=1000)
    torch.testing.assert_close(average.values["linear.weight"], before + 0.95)
    average.swap()
    torch.testing.assert_close(model.linear.weight.detach(), before + 0.95)
    average.swap()
    torch.testing.assert_close(model.linear.weight.detach(), before + 1.0)
