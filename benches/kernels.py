"""Time the attention kernels on a GPU against torch's attention with the same mask and against FlexAttention.

Usage: python benches/kernels.py [--json FILE] [--tests] [--sweep]

Median milliseconds of the forward and of the backward pass, bf16, 12 heads of 64, window 256. Without a GPU it says so.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import torch
import torch.nn.attention.flex_attention as flex
import torch.nn.functional as F
import triton

import genet5.kernels.attention as attention
import genet5.kernels.naive as naive
import genet5.kernels.tiles as tiles

HEADS, HEAD_SIZE, WINDOW = 12, 64, 256
# documents, rows of each, steps among them, global tokens, ALiBi
CASES = [(1, 4096, 0, 0, False), (1, 4096, 256, 16, True), (4, 4096, 256, 16, True),
         (1, 16384, 0, 0, False), (1, 16384, 256, 16, True)]
SWEEP = [tiles.Tile(*sizes) for sizes in
         ((32, 64, 4, 2), (64, 32, 4, 2), (64, 64, 4, 2), (64, 64, 4, 3), (64, 64, 8, 2), (64, 128, 4, 2),
          (128, 64, 4, 2), (128, 64, 8, 2), (128, 64, 8, 3))]


def make(count, length, steps, global_tokens, biased, device, dtype=torch.bfloat16):
    """Inputs of a case as a dict."""

    torch.manual_seed(0)
    rows   = count * length
    table  = torch.tensor([(n * length, length, n * length, length, length - steps) for n in range(count)],
                          dtype=torch.int32, device=device)
    place  = torch.arange(length, device=device)
    # steps stand somewhere in their prefix
    place[length - steps:] = torch.randint(0, length - steps, (steps,), device=device)
    slopes = torch.stack((2.0 ** -torch.arange(1.0, HEADS + 1), torch.zeros(HEADS))).to(device) if biased else None
    return {"table": table, "places": place.repeat(count), "global_tokens": global_tokens, "slopes": slopes,
            "length": length, "prefix": length - steps, "rows": rows,
            "leaves": [torch.randn(rows, HEADS, HEAD_SIZE, device=device, dtype=dtype, requires_grad=True)
                       for _ in range(3)]}


def ours(case):
    """A function that runs the kernels."""

    where = attention.layout(case["table"], case["rows"], case["rows"], case["places"])
    return lambda: attention.attend(*case["leaves"], where, WINDOW, case["global_tokens"], case["slopes"])


def heads_first(case):
    """Queries, keys and values as the peers want them, [1, H, T, D], and contiguous."""

    return [leaf.detach().transpose(0, 1)[None].contiguous().requires_grad_(leaf.requires_grad)
            for leaf in case["leaves"]]


def dense(case):
    """The same for torch's attention; the mask is made beforehand."""

    mask          = naive.mask(case["table"], case["places"], case["rows"], WINDOW, case["global_tokens"],
                               case["slopes"])
    mask          = mask if case["slopes"] is None else mask.to(case["leaves"][0].dtype)
    case["peers"] = heads_first(case)
    return lambda: F.scaled_dot_product_attention(*case["peers"], attn_mask=mask)


def flexible(case):
    """The same for FlexAttention, compiled on a GPU; its block mask is made beforehand."""

    length, prefix, few = case["length"], case["prefix"], case["global_tokens"]
    slopes, places      = case["slopes"], case["places"]

    def seen(batch, head, row, column):
        i, j = row % length, column % length
        near = ((i - j).abs() < WINDOW) | (i < few) | (j < few)
        return (row // length == column // length) & torch.where(i < prefix, near & (j < prefix), j <= i)

    def bias(score, batch, head, row, column):
        i, j     = row % length, column % length
        distance = torch.where(j < prefix, (places[row] - j).abs(), 0)
        return score - torch.where(i < prefix, slopes[0, head], slopes[1, head]) * distance

    device        = places.device
    blocks        = flex.create_block_mask(seen, None, None, case["rows"], case["rows"], device=device)
    attend        = torch.compile(flex.flex_attention, dynamic=False) if device.type == "cuda" else flex.flex_attention
    case["peers"] = heads_first(case)
    return lambda: attend(*case["peers"], block_mask=blocks, score_mod=None if slopes is None else bias)


def clock(run, leaves):
    """Median milliseconds of forward and backward."""

    out      = run()
    upstream = torch.randn_like(out)
    forward  = triton.testing.do_bench(run, return_mode="median")
    backward = triton.testing.do_bench(lambda: torch.autograd.grad(out, leaves, upstream, retain_graph=True),
                                       return_mode="median")
    return out.detach(), forward, backward


def measure(shape):
    """All contenders on one case, as rows of the table; the error is relative to torch's attention in bf16."""

    rows, wanted = [], None
    for name, prepare in (("SDPA with mask", dense), ("FlexAttention", flexible), ("ours", ours)):
        torch.cuda.empty_cache()
        torch._dynamo.reset()
        case = make(*shape, "cuda")
        row  = dict(zip(("documents", "rows", "steps", "globals", "ALiBi"), shape), contender=name)
        try:
            run      = prepare(case)
            out, row["forward_ms"], row["backward_ms"] = clock(run, case.get("peers", case["leaves"]))
            out      = out[0].transpose(0, 1) if name != "ours" else out
            wanted   = out.float() if wanted is None else wanted
            row["error"] = float((out.float() - wanted).norm() / wanted.norm())
        except Exception as failure:
            # a peer that cannot run the case is a finding, and the table says so
            row["failure"] = f"{type(failure).__name__}: {failure}".splitlines()[0][:200]
        rows.append(row)
    show(rows)
    return rows


def show(rows):
    """Print one case's rows; the first is what the others are compared with."""

    base = rows[0]
    for row in rows:
        head = f"{row['documents']:>2} x {row['rows']:<6} {row['steps']:>5} {row['globals']:>7} {row['ALiBi']!s:>6}  "
        if "failure" in row:
            print(f"{head}{row['contender']:<15} {row['failure']}", flush=True)
            continue
        speed = "".join(f"{base[key] / row[key]:>8.1f}x" if key in base else " " * 9
                        for key in ("forward_ms", "backward_ms"))
        print(f"{head}{row['contender']:<15}{row['forward_ms']:>9.3f}{row['backward_ms']:>10.3f}{speed}"
              f"{row['error']:>10.1e}", flush=True)


def with_tile(name, tile):
    """What `tiles.choose` would say if one program had other tiles."""

    original = tiles.choose

    def choose(capability, itemsize, head_size):
        chosen = {**original(capability, itemsize, head_size), name: tile}
        # the two programs over queries share a table of tiles
        if name != "backward_keys":
            other = "backward_queries" if name == "forward" else "forward"
            chosen[other] = tiles.Tile(tile.queries, 32, 4, 2)
        return chosen

    return choose


def sweep(name, shape):
    """Time other tiles of one program on one case; forward alone, or the whole backward pass; the fastest first."""

    original, found = tiles.choose, []
    for tile in SWEEP:
        row          = {"program": name, **tile._asdict()}
        tiles.choose = with_tile(name, tile)
        try:
            case = make(*shape, "cuda")
            _, forward, backward = clock(ours(case), case["leaves"])
            row["ms"] = forward if name == "forward" else backward
        except Exception as failure:
            # tiles that do not fit the chip are part of the answer
            row["failure"] = f"{type(failure).__name__}: {failure}".splitlines()[0][:120]
        finally:
            tiles.choose = original
        found.append(row)
    found.sort(key=lambda row: row.get("ms", float("inf")))
    print(*found, sep="\n", flush=True)
    return found


def main():
    """Test, measure, write."""

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write the measurements to this file")
    parser.add_argument("--tests", action="store_true", help="run the kernels' tests first")
    parser.add_argument("--sweep", action="store_true", help="also time other tile sizes")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        print("no GPU here: nothing is measured")
        return 0
    status = 0
    if arguments.tests:
        tests   = pathlib.Path(__file__).resolve().parent.parent / "tests" / "kernels"
        command = [sys.executable, "-m", "pytest", "-q", "-W", "default", str(tests)]
        status  = subprocess.run(command, check=False).returncode
    report = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "triton": triton.__version__,
              "tests": status if arguments.tests else None}
    print(f"{report['device']}, torch {report['torch']}, triton {report['triton']}: median ms, times faster than SDPA")
    print(f"{'documents':<12}{'steps':>4}{'globals':>8}{'ALiBi':>7}  {'':<15}{'forward':>9}{'backward':>10}"
          f"{'fwd':>9}{'bwd':>9}{'error':>10}")
    jobs = [(measure, (shape,)) for shape in CASES]
    if arguments.sweep:
        jobs.extend((sweep, (name, CASES[2])) for name in tiles.PROGRAMS)
    for job, inputs in jobs:
        report[job.__name__] = report.get(job.__name__, []) + job(*inputs)
        if arguments.json:
            arguments.json.write_text(json.dumps(report, indent=1))
    return status


if __name__ == "__main__":
    sys.exit(main())
