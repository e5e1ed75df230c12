"""Minutes become a number of steps once, evaluations included."""

import dataclasses

import pytest

import genet5.errors as errors
import genet5.train.config as configs
import genet5.train.plan as plans

distributed = pytest.importorskip("genet5.train.distributed")

HOUR  = configs.TrainConfig(max_minutes=60.0)
SPEED = plans.Speed(step=2.0, validation=10.0, genes=20.0, spent=60.0)


def cost(config, steps):
    """Seconds of a whole run at that speed."""

    losses = steps / config.eval_every if config.eval_every else plans.LOSSES
    genes  = steps / config.generate_every if config.generate_every else plans.GENES
    genes  = max(0, genes) + plans.CALIBRATION * config.calibrate
    return SPEED.spent + steps * SPEED.step + losses * SPEED.validation + genes * SPEED.genes * plans.WRITES


@pytest.mark.parametrize("changes", [{}, {"eval_every": 7}, {"generate_every": 50}, {"generate_every": -1},
                                     {"calibrate": False}])
def test_the_steps_fill_the_time(changes):
    config = dataclasses.replace(HOUR, **changes)
    steps  = plans.fit(config, SPEED)
    free   = 3600 * (1 - plans.RESERVE)
    if config.generate_every >= 0:
        assert cost(config, steps) <= free < cost(config, steps + 1)
    else:
        assert steps > plans.fit(HOUR, SPEED)


def test_too_little_time_is_refused():
    with pytest.raises(errors.DataError, match="too short"):
        plans.fit(configs.TrainConfig(max_minutes=0.5), SPEED)


def test_a_step_is_timed_after_the_first_ones():
    calls = []
    assert plans.time_steps(lambda: calls.append(1), 0.0, distributed.Group()) < 0.1
    assert len(calls) == plans.WAKE + plans.FEWEST
