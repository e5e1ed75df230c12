"""What one optimizer step reads, and its sizes."""

import dataclasses
import pathlib

import numpy as np

import genet5.data.batch as batch_arrays
import genet5.data.reader as readers
import genet5.errors as errors
import genet5.train.config as configs


@dataclasses.dataclass
class Step:
    """What one optimizer step of this process reads.

    micro: list of dicts of NumPy arrays, the micro-batches
    state: dict, the sampler's state once the step is done
    """

    micro: list
    state: dict


class Source:
    """Steps of one process; their global batch depends on neither processes nor micro-batches.

    baked_dir:  path of a baked folder
    tokenizer:  path of the model's tokenizer.json
    config:     TrainConfig, crop settled
    rank, world: int, this process and the number of processes
    raises DataError where there is no baked data, or batch_rows cannot be shared out
    """

    def __init__(self, baked_dir, tokenizer, config, rank=0, world=1):
        if not (pathlib.Path(baked_dir) / "bake_config.json").is_file():
            raise errors.DataError(f"{baked_dir} is no baked folder: bake_config.json is missing (genet5 bake makes "
                                   f"one)")
        # each micro-batch reads as if it were a process of its own
        parts        = world * config.accumulate
        options      = reading(tokenizer, config, parts)
        self.readers = [readers.Reader(baked_dir, rank=rank * config.accumulate + part, world=parts, seed=config.seed,
                                       reverse_complement=config.reverse_complement, **options)
                        for part in range(config.accumulate)]
        self.data_hash = self.readers[0].data_hash

    def next(self):
        """The next Step; the reader prepares the one after it in the background."""

        return Step([reader.next_batch() for reader in self.readers], self.state())

    def state(self):
        """Where the sampler stands: dict with epoch, seed and consumed."""

        return self.readers[0].state()

    def load_state(self, state):
        """Go on from a sampler's state."""

        for reader in self.readers:
            reader.load_state(state)


def reading(tokenizer, config, parts):
    """Keyword arguments of a reader that takes its share of batch_rows.

    parts: int, processes times micro-batches
    raises DataError where batch_rows cannot be shared out
    """

    if config.batch_rows % parts:
        raise errors.DataError(f"batch_rows {config.batch_rows} is not divisible by processes x accumulate, "
                               f"{parts}; give another --accumulate, or another number of processes")
    return {"tokenizer": tokenizer, "species": config.species or None, "row_tokens": config.row_tokens,
            "rows_per_batch": config.batch_rows // parts, "crop": config.crop, "threads": config.threads}


def validation(baked_dir, tokenizer, config, rank=0, world=1):
    """This process's share of the validation batches, a list of dicts of NumPy arrays; see Source."""

    options = reading(tokenizer, config, world)
    return readers.validation(baked_dir, config.eval_batches, rank=rank, world=world, **options)


def counts(arrays):
    """Supervised items of a batch per head, known before the model runs.

    arrays: dict of NumPy arrays with targets
    returns dict loss -> int: site steps the grammar allows, labelled bases, bases of all windows, tokens
    """

    tokens = int(arrays["window_tokens"].sum())

    return {"site":         int((arrays["allowed_target"] >= 0).sum()),
            "segmentation": int((arrays["labels"] != 255).sum()),
            "lattice":      int(arrays["window_bases"].sum()),
            **dict.fromkeys(configs.ROUTER, tokens)}


def sizes(arrays):
    """Windows, tokens, bases and token places of a batch, dict of int."""

    return {"windows": len(arrays["window_row"]),
            "tokens":  int(arrays["window_tokens"].sum()),
            "bases":   int(arrays["window_bases"].sum()),
            "places":  int(np.prod(arrays["tokens"].shape))}


def to_device(arrays, device):
    """The arrays as tensors on a device, dict with the same keys."""

    return batch_arrays.to_torch(arrays, device)
