"""How many steps fit into the time that the user gives."""

import dataclasses
import time

import genet5.errors as errors

# steps that only wake caches, threads and kernels
WAKE = 2
# share of the time kept for writing genes, checkpoints and the calibration at the end
RESERVE = 0.08
# share of the time spent on measuring, and the fewest steps measured
PROBE, FEWEST = 0.015, 4


@dataclasses.dataclass
class Speed:
    """Measured on this machine.

    step:       float, seconds of a training step
    validation: float, seconds of one validation loss
    spent:      float, seconds gone before the first step of the plan
    """

    step:       float
    validation: float
    spent:      float


def time_steps(run, budget, group):
    """Mean seconds of a step.

    run:    function that does one step and leaves no trace
    budget: float, seconds of the whole run
    group:  genet5.train.distributed.Group, which measures the same number of steps everywhere
    """

    for _ in range(WAKE):
        run()
    begin, done = time.perf_counter(), 0
    while done < FEWEST or group.spread(time.perf_counter() - begin) < PROBE * budget:
        run()
        done += 1
    return (time.perf_counter() - begin) / done


def fit(config, speed):
    """The number of steps that ends on time.

    config: TrainConfig with max_minutes
    speed:  Speed
    returns int
    raises DataError where the time is too short for a single step
    """

    budget = config.max_minutes * 60 * (1 - RESERVE) - speed.spent
    if config.eval_every:
        steps = int(budget / (speed.step + speed.validation / config.eval_every))
    else:
        # ten validation losses whatever the number of steps
        steps = int((budget - 10 * speed.validation) / speed.step)
    if steps < 1:
        raise errors.DataError(f"--max-minutes {config.max_minutes:g} is too short: a step takes {speed.step:.2f} s "
                               f"and {speed.spent:.0f} s have passed already; give more time or set --max-steps")
    return steps
