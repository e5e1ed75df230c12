"""Measure blocked against dense attention at 20 kb windows on a CPU: time and memory of forward and backward.

Usage: python benches/attention_cpu.py [--rounds N] [--write FILE]

Every measurement is a process of its own with one thread; contenders take turns, and the times are CPU times, so that
other work on the machine disturbs them little. Memory is the peak above what the process held before.
"""

import argparse
import json
import pathlib
import platform
import random
import resource
import statistics
import subprocess
import sys
import time

WINDOW     = 20_000
# DNABERT-2's tokens have five bases; rows are multiples of 64
TOKENS     = 4032
BACKENDS   = ("dense", "blocked")
CASES      = {"attention, preset base":       ("base", False),
              "attention, preset small":      ("small", False),
              "training step, preset small":  ("small", True)}
REPEATS    = 3


def peak():
    """Most memory that this process ever held, MiB."""

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 ** 2 if sys.platform == "darwin" else 1024)


def attention_pass(config):
    """A function that runs attention over one window, forward and backward."""

    import torch

    import genet5.model.attention as attention

    size     = config.width // config.num_heads
    batch    = {"token_window": torch.zeros(1, TOKENS, dtype=torch.int32), "window_token": torch.zeros(1)}
    where    = attention.prefixes(batch, config)
    slopes   = attention.alibi_slopes(config.num_heads).repeat(2, 1) if config.positions == "alibi" else None
    leaves   = [torch.randn(1, TOKENS, config.num_heads, size, requires_grad=True) for _ in range(3)]
    upstream = torch.randn(1, TOKENS, config.num_heads, size)

    def run():
        out = attention.prefix(*leaves, where, config, slopes)
        torch.autograd.grad(out, leaves, upstream)

    return run


def training_step(config):
    """A function that computes all losses of one window and their gradients."""

    import torch

    import genet5.data.batch as batching
    import genet5.model.loss as loss
    import genet5.model.network as network
    import genet5.tokenizer as tk

    draw      = random.Random(1)
    letters   = "".join(draw.choices("ACGT", k=WINDOW)).encode()
    tokenizer = tk.train(["".join(draw.choices("ACGT", k=10 * WINDOW)).encode()], vocab_size=config.vocab_size)
    arrays    = batching.assemble([letters], tokenizer, genes=[[]], labels=[bytes(WINDOW)], rows=[[0]], threads=1,
                                  **config.grammar())
    batch     = batching.to_torch(arrays, torch.device("cpu"))
    model     = network.GeneT5(config).train()

    def run():
        parts = loss.losses(model, batch, threads=1)
        sum(value for name, value in parts.items() if name.endswith("_sum")).backward()

    return run


def child(preset, backend, whole):
    """Measure one contender in this process and print it as JSON."""

    import torch

    import genet5.model.config as configs

    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = configs.ModelConfig.preset(preset, vocab_size=4096, attention=backend)
    run    = (training_step if whole else attention_pass)(config)
    before = peak()
    # the first pass sets up threads and kernels
    run()
    times  = []
    for _ in range(REPEATS):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    print(json.dumps({"seconds": min(times), "memory": peak() - before}))


def measure(rounds):
    """The table, a list of dicts; contenders take turns."""

    found = {}
    for _ in range(rounds):
        for case, (preset, whole) in CASES.items():
            for backend in BACKENDS:
                command = [sys.executable, __file__, "--child", preset, backend, str(int(whole))]
                run     = subprocess.run(command, capture_output=True, text=True, check=True)
                found.setdefault((case, backend), []).append(json.loads(run.stdout.splitlines()[-1]))
                print(case, backend, run.stdout.splitlines()[-1], flush=True)
    rows = []
    for case in CASES:
        best = {backend: {"seconds": min(one["seconds"] for one in found[case, backend]),
                          "memory":  statistics.median(one["memory"] for one in found[case, backend])}
                for backend in BACKENDS}
        rows.append({"case": case, **best, "faster": best["dense"]["seconds"] / best["blocked"]["seconds"],
                     "share": best["blocked"]["memory"] / best["dense"]["memory"]})
    return rows


def table(rows, rounds):
    """The measurements as Markdown."""

    import torch

    lines = ["# Attention on a CPU", "",
             f"Written by `python benches/attention_cpu.py` on {processor()}, torch {torch.__version__}:",
             f"one window of {WINDOW:,} bases ({TOKENS:,} tokens), float32, one thread, forward and backward.",
             f"Times are the least CPU time of {REPEATS * rounds} passes, processes taking turns; memory is the peak",
             "above what the process held before.", "",
             "| what | dense, s | blocked, s | times faster | dense, MiB | blocked, MiB | share of memory |",
             "| --- | --- | --- | --- | --- | --- | --- |"]
    lines += [f"| {row['case']} | {row['dense']['seconds']:.2f} | {row['blocked']['seconds']:.2f} | "
              f"{row['faster']:.1f} | {row['dense']['memory']:.0f} | {row['blocked']['memory']:.0f} | "
              f"{row['share']:.2f} |" for row in rows]
    return "\n".join(lines) + "\n"


def processor():
    """The machine's name."""

    info = pathlib.Path("/proc/cpuinfo")
    text = info.read_text() if info.exists() else ""
    name = next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), "")
    return name or platform.processor() or platform.machine()


def main():
    """Measure, print, write."""

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2, help="processes of each contender")
    parser.add_argument("--write", metavar="FILE", type=pathlib.Path, help="write the table to this file")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        preset, backend, whole = arguments.child
        child(preset, backend, whole == "1")
        return
    text = table(measure(arguments.rounds), arguments.rounds)
    print(text)
    if arguments.write:
        arguments.write.write_text(text)


if __name__ == "__main__":
    main()
