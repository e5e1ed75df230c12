"""Advantages of groups of rewards."""

import statistics

import pytest

pytest.importorskip("torch")
import genet5.grpo.advantages as advantages
import torch

REWARDS = torch.tensor([[0.0, 1.0, 0.5, 0.5], [1.0, 1.0, 1.0, 1.0], [0.25, 0.0, 0.0, 0.75]])


def test_rewards_are_centred_in_their_group():
    rows = REWARDS.tolist()
    expected = [[value - statistics.mean(row) for value in row] for row in rows]
    torch.testing.assert_close(advantages.advantages(REWARDS), torch.tensor(expected))


def test_they_are_divided_by_the_groups_or_the_batchs_deviation():
    rows  = REWARDS.tolist()
    group = [[(value - statistics.mean(row)) / (statistics.stdev(row) + 1e-4) for value in row] for row in rows]
    torch.testing.assert_close(advantages.advantages(REWARDS, "group"), torch.tensor(group))
    deviation = statistics.stdev([value for row in rows for value in row]) + 1e-4
    batch = [[(value - statistics.mean(row)) / deviation for value in row] for row in rows]
    torch.testing.assert_close(advantages.advantages(REWARDS, "batch"), torch.tensor(batch))


def test_a_group_of_equal_rewards_teaches_nothing():
    assert advantages.informative(REWARDS).tolist() == [True, False, True]
    for scale in ("none", "group", "batch"):
        assert not advantages.advantages(REWARDS, scale)[1].any()


def test_the_deviation_of_one_value_is_zero():
    assert float(advantages.spread(torch.tensor([0.7]))) == 0.0
    assert float(advantages.spread(REWARDS)) == pytest.approx(statistics.stdev(REWARDS.flatten().tolist()))
