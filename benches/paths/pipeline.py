"""The whole bake, and reading its shards."""

import sys
import threading
import time

import numpy as np

import timing

ROW_TOKENS = 8192


def bake(inputs, folder):
    """`genet5 bake` of one species, as a command, on all cores."""

    raw = folder / "bake"
    raw.mkdir()
    (raw / inputs.species.name).symlink_to(inputs.species)
    command = [sys.executable, "-m", "genet5", "bake", raw, folder / "baked", "--tokenizer", inputs.tokenizer,
               "--force"]
    ours    = timing.command(command, times=2)
    notes   = [f"peak memory {ours.mebibytes:.0f} MiB (reach: 600)", f"{ours.cpu:.2f} s of CPU"]
    return timing.Row(f"bake {inputs.species.name} end to end", 4, "s", 2, ours, None, [], notes)


def read(inputs, folder):
    """Packed batches of the baked shards, with channels, labels and masks; bytes of their arrays."""

    import genet5.data.reader as readers

    reader = readers.Reader(folder / "baked", row_tokens=ROW_TOKENS, rows_per_batch=1, threads=1)
    count  = min(40, len(reader))

    def batches():
        return sum(value.nbytes for _ in range(count) for value in reader.next_batch().values()
                   if isinstance(value, np.ndarray))

    size   = batches() / 1e6
    ours   = timing.call(batches, times=3)
    done   = [0]
    theirs = timing.call(lambda: done.append(webdataset_batches(folder, inputs.species.name)), times=1)
    notes  = [f"beside it a Python loop keeps {100 * free_share(batches):.0f} % of its speed (GIL released)"]
    peer   = ("webdataset, the same shards packed in NumPy, no channels or masks", theirs, done[-1] / 1e6)
    return timing.Row("shard reader, packed batches", 300, "MB/s", 1, ours, size, [peer], notes)


def webdataset_batches(folder, species, most=40):
    """Bytes of batches of tokens, bases and labels packed in order, as a script around webdataset would."""

    import webdataset

    shards = sorted(str(path) for path in (folder / "baked" / species).glob("*.tar"))
    row, total, rows = [], 0, 0
    for sample in webdataset.WebDataset(shards, shardshuffle=False):
        window = [np.frombuffer(sample["tokens"], np.uint32), np.frombuffer(sample["bases"], np.uint8),
                  np.frombuffer(sample["labels"], np.uint8)]
        if row and sum(len(tokens) for tokens, _, _ in row) + len(window[0]) > ROW_TOKENS:
            total += sum(np.concatenate(parts).nbytes for parts in zip(*row))
            row, rows = [], rows + 1
            if rows == most:
                break
        row.append(window)
    return total


def free_share(work):
    """How fast a loop in another thread is while `work` runs, as a share of its speed beside a sleeping thread."""

    def counted(beside):
        stop, count = threading.Event(), 0
        thread = threading.Thread(target=lambda: (beside(), stop.set()))
        thread.start()
        begin = time.thread_time()
        while not stop.is_set():
            count += 1
        thread.join()
        return count / max(time.thread_time() - begin, 1e-9)

    return counted(work) / counted(lambda: time.sleep(0.5))
