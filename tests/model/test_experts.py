"""A mixture of experts serves each token by its best few, evenly used, whatever way the products are made."""

import math

import hypothesis
import hypothesis.strategies as st
import pytest

torch   = pytest.importorskip("torch")
configs = pytest.importorskip("genet5.model.config")
blocks  = pytest.importorskip("genet5.model.blocks")
experts = pytest.importorskip("genet5.model.experts")


def mixture(count=4, top_k=2, seed=0, **changes):
    torch.manual_seed(seed)
    config = configs.ModelConfig(vocab_size=8, width=16, num_heads=2, feed_forward=32, num_experts=count, top_k=top_k,
                                 **changes)
    made   = experts.Experts(config)
    with torch.no_grad():
        made.out_bias.normal_()
        made.router.weight.normal_()
    return made


def plain(made, x_MC):
    """Token by token and expert by expert, from the definition."""

    rows = []
    for token in x_MC:
        scores = torch.sigmoid(made.router.weight @ token)
        wanted = (scores.detach() + made.balance).tolist()
        best   = sorted(range(len(scores)), key=lambda e: -wanted[e])[:made.top_k]
        total  = sum(scores[e] for e in best)
        served = 0
        for e in best:
            gate, value = (made.gated[e] @ token).chunk(2)
            served = served + scores[e] / total * (made.out[e] @ (made.activate(gate) * value) + made.out_bias[e])
        rows.append(served)
    return torch.stack(rows)


@hypothesis.settings(max_examples=30, deadline=None)
@hypothesis.given(tokens=st.integers(1, 40), count=st.integers(2, 6), top_k=st.integers(1, 3),
                  crowd=st.booleans(), seed=st.integers(0, 1000))
def test_both_ways_equal_the_definition_with_their_gradients(tokens, count, top_k, crowd, seed):
    made = mixture(count, min(top_k, count), seed)
    if crowd:
        # all choose the same experts, so the others serve nobody
        made.balance[:made.top_k] = 10.0
    x        = torch.randn(tokens, 16, requires_grad=True)
    weight   = torch.randn(tokens, 16)
    inputs   = [x, made.gated, made.out, made.out_bias, made.router.weight]
    expected = plain(made, x)
    wanted   = torch.autograd.grad((expected * weight).sum(), inputs)
    logits   = x @ made.router.weight.T
    for serve in [made._looped] + [made._grouped] * experts.grouped_works("cpu", torch.float32):
        found = serve(x, *made.route(logits))
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        for ours, theirs in zip(torch.autograd.grad((found * weight).sum(), inputs, retain_graph=True), wanted):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_every_expert_on_every_token_gives_the_same(top_k):
    made = mixture(top_k=top_k)
    x    = torch.randn(3, 1, 16)
    torch.testing.assert_close(made.everywhere(x), made(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_copies_of_a_feed_forward_are_that_feed_forward(top_k):
    made  = mixture(top_k=top_k)
    dense = blocks.FeedForward(configs.ModelConfig(vocab_size=8, width=16, num_heads=2, feed_forward=32))
    with torch.no_grad():
        made.gated.copy_(dense.gated.weight.expand_as(made.gated))
        made.out.copy_(dense.out.weight.expand_as(made.out))
        made.out_bias.copy_(dense.out.bias.expand_as(made.out_bias))
    x = torch.randn(3, 50, 16)
    torch.testing.assert_close(made(x), dense(x), rtol=1e-5, atol=1e-6)


def test_bfloat16_stays_near_float32():
    made = mixture()
    x    = torch.randn(200, 16)
    with torch.no_grad():
        full = made(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            low = made(x)
    assert float((low.float() - full).abs().max()) < 0.1 * float(full.abs().max())


def test_loads_are_counted_apart_and_without_padding():
    made = mixture().train()
    made(torch.randn(2, 30, 16), "prefix", torch.arange(60).reshape(2, 30) < 45)
    made(torch.randn(1, 7, 16), "steps")
    loads = experts.loads(made)
    assert loads.shape == (2, 1, 4) and loads.sum(dim=(1, 2)).tolist() == [90.0, 14.0]
    made.eval()(torch.randn(9, 16))
    assert torch.equal(experts.loads(made), loads)


def test_the_bias_evens_out_the_load_and_leaves_weights_alone():
    made = mixture().train()
    with torch.no_grad():
        made.router.weight.mul_(0.2)
        made.router.weight[0].add_(0.3)
    x      = torch.randn(500, 16) + 0.5
    before = None
    for _ in range(120):
        with torch.no_grad():
            made(x)
        load   = experts.loads(made)
        before = experts.describe(load) if before is None else before
        experts.rebalance(made, load, 0.01)
    after  = experts.describe(load)
    assert before["prefix_load_max"] > 1.5 > 1.1 > after["prefix_load_max"]
    assert after["prefix_load_entropy"] == pytest.approx(math.log(4), abs=0.02)
    assert float(made.balance.sum()) == pytest.approx(0.0, abs=1e-4)
    # the bias chooses and does not weigh
    scores = torch.sigmoid(x @ made.router.weight.T)
    weight, chosen = made.route(x @ made.router.weight.T)
    taken  = scores.gather(1, chosen)
    torch.testing.assert_close(weight, taken / taken.sum(dim=1, keepdim=True))


def test_router_losses_are_their_formulas():
    made = mixture(top_k=1).train()
    x    = torch.randn(64, 16)
    made(x)
    found  = experts.penalties(made, "cpu")
    logits = x @ made.router.weight.T
    share  = torch.bincount((logits.sigmoid()).argmax(dim=1), minlength=4) / 64
    torch.testing.assert_close(found["router_balance"] / 64, 4 * (share * logits.softmax(dim=1).mean(dim=0)).sum())
    torch.testing.assert_close(found["router_z"] / 64, logits.logsumexp(dim=1).square().mean())
    found["router_balance"].backward()
    assert made.router.weight.grad.abs().sum() > 0
