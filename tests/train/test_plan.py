"""Minutes become a number of steps once, evaluations included."""

import dataclasses
import math

import pytest

import genet5.errors as errors
import genet5.train.config as configs
import genet5.train.plan as plans

distributed = pytest.importorskip("genet5.train.distributed")

HOUR  = configs.TrainConfig(max_minutes=60.0)
SPEED = plans.Speed(step=2.0, batch=0.3, sample=0.5, spent=60.0)


def evaluations(config):
    """Seconds of all validation losses and of all gene F1s."""

    losses = config.max_steps / config.eval_every if config.eval_every else plans.LOSSES
    genes  = config.max_steps / config.generate_every if config.generate_every else plans.GENES
    # the last quarter ends with the calibration instead
    genes  = plans.FEW if config.generate_every == math.ceil(config.max_steps / 4) else max(0.0, genes)
    return (losses + genes + 1) * SPEED.batch * config.eval_batches, \
        (genes + plans.CALIBRATION * config.calibrate) * SPEED.sample * config.generate_samples * plans.WRITES


def settled(batches=12, samples=64, **changes):
    return plans.settle(dataclasses.replace(HOUR, **changes), SPEED, batches, samples)


@pytest.mark.parametrize("changes", [{}, {"eval_every": 7}, {"generate_every": 50}, {"generate_every": -1},
                                     {"calibrate": False}, {"max_minutes": 5.0}])
def test_the_steps_fill_the_time(changes):
    config = settled(**changes)
    free   = config.max_minutes * 60 * (1 - plans.RESERVE)
    total  = SPEED.spent + config.max_steps * SPEED.step + sum(evaluations(config))
    assert total <= free < total + 2 * (SPEED.step + SPEED.batch * 12)


def test_a_long_run_evaluates_on_everything():
    config = settled(max_minutes=120)
    assert (config.eval_batches, config.generate_samples, config.generate_every) == (12, 64, 0)
    assert config.with_intervals().generate_every == config.with_intervals().save_every


def test_a_run_of_an_hour_writes_genes_more_seldom_rather_than_fewer():
    config = settled()
    assert (config.eval_batches, config.generate_samples) == (12, 64)
    assert config.generate_every == math.ceil(config.max_steps / 4)


def test_a_short_run_evaluates_on_less():
    config       = settled(max_minutes=2.0)
    loss, genes  = evaluations(config)
    assert config.generate_every == -1
    assert 1 <= config.eval_batches < 12
    assert plans.LEAST <= config.generate_samples < 64
    assert loss + genes <= (plans.LOSS_SHARE + plans.GENE_SHARE) * 120 + SPEED.batch


def test_too_little_time_is_refused():
    with pytest.raises(errors.DataError, match="too short"):
        settled(max_minutes=0.5)


def test_a_step_is_timed_after_the_first_ones():
    calls = []
    assert plans.time_steps(lambda: calls.append(1), 0.0, distributed.Group()) < 0.1
    assert len(calls) == plans.WAKE + plans.FEWEST


def test_steps_that_become_quicker_are_measured_on_until_they_do_not(monkeypatch):
    clock = [0.0]
    costs = iter([9.0] + [max(0.1, 0.8 ** number) for number in range(1000)])
    monkeypatch.setattr(plans.time, "perf_counter", lambda: clock[0])

    def run():
        clock[0] += next(costs)

    # the first four seconds see slow steps alone
    assert plans.time_steps(run, 4.0 / plans.PROBE, distributed.Group()) < 0.2


def test_steady_steps_are_measured_for_their_share_of_the_time(monkeypatch):
    clock = [0.0]
    calls = []
    monkeypatch.setattr(plans.time, "perf_counter", lambda: clock[0])

    def run():
        clock[0] += 2.0
        calls.append(1)

    assert plans.time_steps(run, 40.0 / plans.PROBE, distributed.Group()) == 2.0
    assert len(calls) == plans.WAKE + 20
