"""Policy losses against their published formulas, written as plain loops, and against TRL's code."""

import math
import types

import pytest

pytest.importorskip("torch")
import genet5.grpo.config as configs
import genet5.grpo.losses as losses
import torch

COMPLETIONS, STEPS, MOST = 5, 7, 11


@pytest.fixture(params=range(3), ids=lambda seed: f"seed {seed}")
def tensors(request):
    """Log-probabilities of three models, advantages and a ragged mask, one completion masked as a whole."""

    draw   = torch.Generator().manual_seed(request.param)
    old    = -torch.rand(COMPLETIONS, STEPS, generator=draw) * 3
    new    = (old + 0.4 * torch.randn(COMPLETIONS, STEPS, generator=draw)).requires_grad_()
    theirs = old + 0.3 * torch.randn(COMPLETIONS, STEPS, generator=draw)
    gains  = torch.randn(COMPLETIONS, generator=draw)
    counts = torch.tensor([7, 1, 4, 6, 0])
    mask   = torch.arange(STEPS) < counts[:, None]
    return types.SimpleNamespace(new=new, old=old, reference=theirs, gains=gains, mask=mask)


def ours(kind, tensors, beta=0.0, clips=None):
    """Our loss with its global divisor."""

    each, _ = losses.policy_loss(kind, tensors.new, tensors.old, tensors.gains, tensors.mask,
                                 *(clips or configs.CLIPS[kind]))
    if beta:
        each = each + beta * losses.kl(tensors.new, tensors.reference)
    return losses.total(kind, each, tensors.mask) / losses.divisor(kind, COMPLETIONS, int(tensors.mask.sum()), MOST)


def plainly(kind, tensors, low, high):
    """The papers' formulas, one number at a time."""

    new, old, gains = tensors.new.tolist(), tensors.old.tolist(), tensors.gains.tolist()
    sums = []
    for row in range(COMPLETIONS):
        places = [place for place in range(STEPS) if tensors.mask[row, place]]
        ratios = {place: math.exp(new[row][place] - old[row][place]) for place in places}
        if kind == "gspo" and places:
            mean   = math.exp(sum(math.log(ratio) for ratio in ratios.values()) / len(places))
            ratios = dict.fromkeys(places, mean)
        terms  = []
        for place, ratio in ratios.items():
            if kind == "cispo":
                terms.append(min(ratio, high) * gains[row] * new[row][place])
            else:
                held = min(max(ratio, 1 - low), 1 + high)
                terms.append(min(ratio * gains[row], held * gains[row]))
        sums.append(terms)
    tokens = sum(map(len, sums))
    if kind in ("grpo", "gspo"):
        return -sum(sum(terms) / len(terms) for terms in sums if terms) / COMPLETIONS
    return -sum(map(sum, sums)) / (COMPLETIONS * MOST if kind == "dr_grpo" else tokens)


@pytest.mark.parametrize("kind", configs.CLIPS)
def test_each_loss_is_its_papers_formula(kind, tensors):
    expected = plainly(kind, tensors, *configs.CLIPS[kind])
    assert ours(kind, tensors).item() == pytest.approx(expected, rel=1e-5)


def trl_loss(kind, tensors, beta, clips):
    """TRL's own loss on the same tensors, and its metrics."""

    trainer = pytest.importorskip("trl.trainer.grpo_trainer", reason="TRL is not installed").GRPOTrainer
    metrics = {"train": {name: [] for name in ("kl", "entropy", "cispo_clip_ratio", "clip_ratio/low_mean",
                                               "clip_ratio/high_mean", "clip_ratio/region_mean", "clip_ratio/low_min",
                                               "clip_ratio/high_max")}}
    fake    = types.SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *args, **kwargs: (tensors.new, torch.zeros_like(tensors.old), None),
        aux_loss_enabled=False, top_entropy_quantile=1.0, off_policy_mask_threshold=None, beta=beta,
        importance_sampling_level="sequence" if kind == "gspo" else "token",
        loss_type="grpo" if kind == "gspo" else kind, epsilon_low=clips[0], epsilon_high=clips[1], use_vllm=False,
        args=types.SimpleNamespace(use_bias_correction_kl=False, delta=None, steps_per_generation=1),
        model=types.SimpleNamespace(training=True), current_gradient_accumulation_steps=1, max_completion_length=MOST,
        accelerator=types.SimpleNamespace(num_processes=1, reduce=lambda x, reduction: x, gather=lambda x: x),
        _entropy_bonus_enabled=False, _metrics=metrics)
    ids     = torch.zeros(COMPLETIONS, STEPS, dtype=torch.long)
    inputs  = {"prompt_ids": ids[:, :1], "prompt_mask": ids[:, :1], "completion_ids": ids,
               "completion_mask": tensors.mask.int(), "advantages": tensors.gains,
               "old_per_token_logps": tensors.old, "ref_per_token_logps": tensors.reference,
               "num_items_in_batch": tensors.mask.sum()}
    return trainer._compute_loss(fake, None, inputs), metrics["train"]


@pytest.mark.parametrize("beta", [0.0, 0.3])
@pytest.mark.parametrize("kind", configs.CLIPS)
@pytest.mark.filterwarnings("ignore")
def test_each_loss_and_its_gradient_are_trls(kind, beta, tensors):
    clips         = (0.1, 1.3) if kind == "cispo" else (0.1, 0.25)
    theirs, said  = trl_loss(kind, tensors, beta, clips)
    mine          = ours(kind, tensors, beta, clips)
    assert mine.item() == pytest.approx(theirs.item(), rel=1e-5)
    gradients     = [torch.autograd.grad(loss, tensors.new)[0] for loss in (mine, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-7)
    if kind in ("dapo", "grpo", "dr_grpo"):
        _, clipped = losses.policy_loss(kind, tensors.new, tensors.old, tensors.gains, tensors.mask, *clips)
        for side in ("low", "high"):
            share = float((clipped[side] & tensors.mask).sum() / tensors.mask.sum())
            assert share == pytest.approx(said[f"clip_ratio/{side}_mean"][0], abs=1e-6)


def test_equal_rewards_teach_nothing(tensors):
    tensors.gains = torch.zeros(COMPLETIONS)
    for kind in configs.CLIPS:
        gradient, = torch.autograd.grad(ours(kind, tensors), tensors.new)
        assert not gradient.any()


def test_on_policy_the_gradient_is_the_policy_gradient(tensors):
    tensors.old = tensors.new.detach().clone()
    gradient, = torch.autograd.grad(ours("dapo", tensors), tensors.new)
    torch.testing.assert_close(gradient, -tensors.gains[:, None] * tensors.mask / tensors.mask.sum())


def test_the_divergence_is_never_negative_and_pulls_to_the_reference(tensors):
    divergence = losses.kl(tensors.new, tensors.reference)
    assert (divergence >= 0).all()
    gradient, = torch.autograd.grad(divergence.sum(), tensors.new)
    assert (torch.sign(gradient) == torch.sign(tensors.new - tensors.reference)).all()
    assert losses.kl(tensors.old, tensors.old).abs().max() == 0


def test_parts_of_a_batch_add_up(tensors):
    for kind in configs.CLIPS:
        parts = []
        for rows in (slice(0, 2), slice(2, 5)):
            each, _ = losses.policy_loss(kind, tensors.new[rows], tensors.old[rows], tensors.gains[rows],
                                         tensors.mask[rows], *configs.CLIPS[kind])
            parts.append(losses.total(kind, each, tensors.mask[rows]))
        whole = losses.divisor(kind, COMPLETIONS, int(tensors.mask.sum()), MOST)
        torch.testing.assert_close(sum(parts) / whole, ours(kind, tensors))
