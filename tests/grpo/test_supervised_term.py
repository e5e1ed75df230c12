"""The supervised loss beside the policy's: nothing where its weight is 0, else the sum of the two."""

import dataclasses
import types

import pytest

pytest.importorskip("torch")
import genet5.grpo.advantages as advantages
import genet5.grpo.config as configs
import genet5.grpo.losses as losses
import genet5.grpo.policy as policy
import genet5.grpo.rollout as rollout
import genet5.grpo.trainer as trainers
import genet5.grpo.windows as windows
import genet5.model.loss as supervised
import genet5.train.config as train
import genet5.train.distributed as distributed
import torch

WEIGHTS = {**dict.fromkeys(train.LOSSES, 0.0), **supervised.WEIGHTS}
WEIGHT  = 0.3


@pytest.fixture(scope="module")
def drawn(loaded, prepared):
    """A trainer with its completions of one step."""

    config = configs.GrpoConfig(max_steps=1, warmup=0, batch_rows=4, num_generations=4, max_completion_length=60,
                                threads=1, device="cpu", dtype="float32", loss_weights=WEIGHTS)
    group  = distributed.Group()
    group.start(torch.device("cpu"))
    trainer = trainers.Trainer(loaded.models["rope"], windows.Source(windows.load(prepared), 0), config, group,
                               loaded.tokenizer)
    groups, _ = trainer.roll_out(trainer.source.next())
    assert len(groups) == 4 and sum(len(one.completions.genes[0]) for one in groups)
    return types.SimpleNamespace(trainer=trainer, groups=groups)


def gradient(drawn, **changes):
    """The gradients that a trainer with other settings makes of these completions, and its row of the log."""

    before = drawn.trainer.config
    drawn.trainer.config = dataclasses.replace(before, **changes)
    try:
        row = drawn.trainer._backward(drawn.groups)
        return drawn.trainer.gradients.buffer.clone(), row
    finally:
        drawn.trainer.config = before


def by_hand(drawn, value):
    """The gradients of a loss, as one vector."""

    drawn.trainer.gradients.zero()
    value.backward()
    return drawn.trainer.gradients.buffer.clone()


def policy_alone(drawn):
    """dapo's loss of all completions in one batch that holds no targets."""

    trainer, joined = drawn.trainer, rollout.join([one.completions for one in drawn.groups])
    _, batch, _     = trainer.assemble(trainer.source.windows, [one.window for one in drawn.groups])
    log_p, _ = policy.log_probs(trainer.model, batch, joined, len(drawn.groups))
    gains    = advantages.advantages(torch.stack([torch.from_numpy(one.rewards) for one in drawn.groups]).float())
    mask     = policy.padded(torch.from_numpy(trainer._mask(joined)), joined.counts)
    each, _  = losses.policy_loss("dapo", policy.padded(log_p, joined.counts),
                                  policy.padded(torch.from_numpy(joined.log_probs), joined.counts), gains.flatten(),
                                  mask, 0.2, 0.28)
    return losses.total("dapo", each, mask) / int(mask.sum())


def supervision_alone(drawn):
    """The loss of supervised training on the same windows."""

    trainer     = drawn.trainer
    _, batch, _ = trainer.assemble(trainer.source.windows, [one.window for one in drawn.groups], targets=True)
    parts       = supervised.losses(trainer.model, batch, threads=1)
    return parts, supervised.total(parts, parts)


def test_without_weight_the_gradients_are_those_of_the_policy_loss_to_the_bit(drawn):
    ours, row = gradient(drawn, sft_weight=0.0)
    assert ours.abs().max() > 0
    assert torch.equal(ours, by_hand(drawn, policy_alone(drawn)))
    assert row["site_loss"] is None and row["lattice_loss"] is None


def test_gradients_are_the_sum_of_both_parts(drawn):
    ours, row = gradient(drawn, sft_weight=WEIGHT)
    without   = by_hand(drawn, policy_alone(drawn))
    parts, value = supervision_alone(drawn)
    alone     = by_hand(drawn, value)
    assert WEIGHT * alone.norm() > 0.1 * without.norm()
    torch.testing.assert_close(ours, without + WEIGHT * alone, rtol=1e-4, atol=1e-6)
    # the loss that the log names is the policy's with or without
    assert row["loss"] == pytest.approx(gradient(drawn, sft_weight=0.0)[1]["loss"], abs=1e-7)
    for head in supervised.WEIGHTS:
        assert row[f"{head}_loss"] == pytest.approx(float(parts[f"{head}_sum"].detach() / parts[f"{head}_count"]),
                                                     rel=1e-5)


def test_micro_batches_change_nothing_but_rounding(drawn):
    whole, ours = gradient(drawn, sft_weight=WEIGHT)
    parts, theirs = gradient(drawn, sft_weight=WEIGHT, accumulate=4)
    torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-6)
    assert ours["site_loss"] == pytest.approx(theirs["site_loss"], rel=1e-5)
