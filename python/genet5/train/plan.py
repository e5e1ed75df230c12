"""How many steps, and evaluations of which size, fit into the time that the user gives."""

import dataclasses
import math
import time

import genet5.errors as errors

# steps that only wake caches, threads and kernels
WAKE = 1
# share of the time spent on measuring, and the fewest steps measured
PROBE, FEWEST = 0.015, 3
# a GPU is slow until it has met most shapes: while steps still become so much quicker, up to so many times PROBE
QUICKER, LONGEST = 0.8, 4
# share of the time kept for checkpoints and the unforeseen
RESERVE = 0.03
# evaluations of a run where the user names no interval: validation losses, gene F1s, gene F1s where time is short
LOSSES, GENES, FEW = 10, 10, 3
# the most that validation losses and gene F1s (calibration included) may take of the time then
LOSS_SHARE, GENE_SHARE = 0.07, 0.12
# samples below which a gene F1 says little; with fewer affordable, only the calibration is left
TELLING, LEAST = 16, 4
# a trained model writes more than the untrained one that was timed; a calibration is worth two evaluations
WRITES, CALIBRATION = 1.5, 2


@dataclasses.dataclass
class Speed:
    """Measured on this machine, in seconds.

    step:   float, a training step
    batch:  float, the losses of one validation batch
    sample: float, the genes of one sample of eval.json by both decoders of the untrained model
    spent:  float, gone before the first step of the plan
    """

    step:   float
    batch:  float
    sample: float
    spent:  float


def time_steps(run, budget, group):
    """Mean seconds of a step, by the later half of those measured.

    run:    function that does one step and leaves no trace
    budget: float, seconds of the whole run
    group:  genet5.train.distributed.Group, which measures the same number of steps everywhere
    """

    for _ in range(WAKE):
        run()
    ends = [time.perf_counter()]
    while not group.spread(_measured(ends, PROBE * budget)):
        run()
        ends.append(time.perf_counter())
    return _halves(ends)[1]


def _measured(ends, wanted):
    """Whether the steps that ended at these times, the first one the beginning, are enough for `wanted` seconds."""

    took = ends[-1] - ends[0]
    if len(ends) <= FEWEST or took < wanted:
        return False
    earlier, later = _halves(ends)
    return later >= QUICKER * earlier or took >= LONGEST * wanted


def _halves(ends):
    """Mean seconds of the earlier and of the later steps."""

    half = (len(ends) - 1) // 2
    return (ends[half] - ends[0]) / half, (ends[-1] - ends[half]) / (len(ends) - 1 - half)


def settle(config, speed, batches, samples):
    """The configuration with the number of steps that ends on time, and evaluations that leave time for them.

    config:  TrainConfig with max_minutes
    speed:   Speed
    batches: int, validation batches there are
    samples: int, samples of eval.json there are
    raises DataError where the time is too short for a single step
    """

    config, often = _afford_genes(_afford_losses(config, speed, batches), speed, samples)
    left   = config.max_minutes * 60 * (1 - RESERVE) - speed.spent
    each   = speed.step
    loss   = speed.batch * config.eval_batches
    genes  = speed.sample * config.generate_samples * WRITES
    left  -= loss + CALIBRATION * genes * config.calibrate
    # a gene F1 comes with a validation loss
    for every, cost, times in ((config.eval_every, loss, LOSSES), (config.generate_every, genes + loss, often)):
        if every == 0:
            left -= times * cost
        elif every > 0:
            each += cost / every
    steps = int(left / each)
    if steps < 1:
        raise errors.DataError(f"--max-minutes {config.max_minutes:g} is too short: a step takes {speed.step:.2f} s, a "
                               f"validation {loss:.1f} s, a gene F1 {genes:.1f} s and {speed.spent:.0f} s have passed "
                               f"already; give more time or set --max-steps")
    if config.generate_every == 0 and often == FEW:
        config = dataclasses.replace(config, generate_every=math.ceil(steps / (FEW + 1)))
    return dataclasses.replace(config, max_steps=steps)


def _afford_losses(config, speed, batches):
    """Fewer validation batches where all of them would take too much of the time."""

    most = batches
    if config.eval_every == 0:
        most = int(LOSS_SHARE * config.max_minutes * 60 / ((LOSSES + 1) * max(1e-9, speed.batch)))
    return dataclasses.replace(config, eval_batches=max(1, min(batches, most)))


def _afford_genes(config, speed, samples):
    """Fewer samples, and gene F1s only where enough of them are affordable; returns how often, too."""

    seconds    = GENE_SHARE * config.max_minutes * 60 / max(1e-9, speed.sample * WRITES)
    calibrate  = CALIBRATION * config.calibrate
    affordable = samples
    often      = GENES
    if config.generate_every == 0:
        # rather seldom than on fewer samples
        often      = GENES if int(seconds / (GENES + calibrate)) >= samples else FEW
        affordable = int(seconds / (often + calibrate))
        if affordable < min(TELLING, samples):
            config = dataclasses.replace(config, generate_every=-1)
    if config.generate_every < 0 and calibrate:
        affordable = int(seconds / calibrate)
    return dataclasses.replace(config, generate_samples=min(samples, max(LEAST, affordable))), often
