"""Compile every configuration of the attention kernels for each chip without having one, and describe them.

Usage: python benches/kernels_aot.py [--write docs/kernels.md]   (about a minute)

Fails where a program spills registers to the stack, needs more shared memory than the chip has, or is not made of the
chip's matrix instructions. No times: what is written depends on the compiler alone.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import triton
import triton.backends.compiler as backends
import triton.compiler as compiler

import genet5.kernels.programs as programs
import genet5.kernels.tiles as tiles

TYPES      = {"fp32": 4, "fp16": 2, "bf16": 2}
CUOBJDUMP  = pathlib.Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
# matrix instructions of each chip; fp32 is multiplied exactly, without them
MATRIX     = {90: "wgmma", 100: "tcgen05", 121: "mma.sync"}
ELEMENTS   = ("q", "k", "v", "out", "grad_out", "grad_q", "grad_k", "grad_v")
TABLES     = ("documents", "tiles", "places")
NUMBERS    = ("total", "group", "window", "global_tokens")
# rows of one document and of its prefix, that the second table describes at the shape of the preset base
SHAPES     = ((4096, 4096), (4096, 3840), (16384, 16384), (16384, 16128))
HEADS, HEAD_SIZE, WINDOW, GLOBALS = 12, 64, 256, 16
# products of a pair of tiles, in each program
PRODUCTS   = {"forward": 2, "backward_queries": 3, "backward_keys": 4}


def compile_program(name, chip, element, head_size, tile):
    """One program for one chip: dict of registers, stack, shared memory and whether it has the matrix instruction."""

    kernel   = getattr(programs, name)
    constant = {"D": head_size, "BM": tile.queries, "BN": tile.keys, "BIASED": True}
    kinds    = {**dict.fromkeys(ELEMENTS, f"*{element}"), **dict.fromkeys(TABLES, "*i32"), "lse": "*fp32",
                "delta": "*fp32", "slopes": "*fp32", "scale": "fp32", **dict.fromkeys(constant, "constexpr")}
    types    = {argument: kinds.get(argument, "i32") for argument in kernel.arg_names}
    aligned  = {(place,): [["tt.divisibility", 16]] for place, (argument, kind) in enumerate(types.items())
                if kind[0] == "*" or (kind == "i32" and argument not in NUMBERS)}
    source   = compiler.ASTSource(fn=kernel, signature=types, constexprs=constant, attrs=aligned)
    made     = triton.compile(source, target=backends.GPUTarget("cuda", chip, 32),
                              options={"num_warps": tile.warps, "num_stages": tile.stages, "enable_fp_fusion": True})
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(made.asm["cubin"])
        file.flush()
        usage = subprocess.run([CUOBJDUMP, "-res-usage", file.name], capture_output=True, text=True, check=True).stdout
    found = {field: int(value) for field, value in re.findall(r"(REG|STACK):(\d+)", usage)}
    return {"registers": found["REG"], "stack": found["STACK"], "shared": made.metadata.shared,
            "matrix": MATRIX[chip] in made.asm["ptx"]}


def violations(usage, chip, element):
    """What is wrong with a compiled program, as a list of phrases."""

    wrong = []
    if usage["stack"]:
        wrong.append(f"spills {usage['stack']} bytes to the stack")
    if usage["shared"] > tiles.CHIPS[chip]:
        wrong.append(f"needs {usage['shared']} bytes of shared memory of {tiles.CHIPS[chip]}")
    if element != "fp32" and not usage["matrix"]:
        wrong.append(f"has no {MATRIX[chip]}")
    return wrong


def pairs(length, prefix, tile):
    """How many pairs of tiles a program works on, for one head."""

    first = np.arange(0, length, tile.queries)[:, None]
    left  = np.arange(0, length, tile.keys)[None, :]
    last  = np.minimum(first + tile.queries, length) - 1
    right = left + tile.keys - 1
    near  = (left - last < WINDOW) & (first - right < WINDOW) | (left < GLOBALS) | (first < GLOBALS)
    return int(((first < prefix) & (left < prefix) & near | (last >= prefix) & (left <= last)).sum())


def work(name, length, prefix, tile, itemsize):
    """Floating-point operations, bytes that the programs load and store, bytes of their tensors once."""

    vector  = length * HEAD_SIZE * itemsize
    scalars = length * 4
    count   = pairs(length, prefix, tile)
    once, inner = {"forward":          (4 * vector + scalars, 2 * tile.keys * HEAD_SIZE * itemsize),
                   "backward_queries": (6 * vector + 2 * scalars, 2 * tile.keys * HEAD_SIZE * itemsize),
                   "backward_keys":    (6 * vector + 2 * scalars, tile.queries * (2 * HEAD_SIZE * itemsize + 12))}[name]
    # what a program holds is moved once, what it passes over is moved for each pair
    held    = {"forward": 2 * vector + scalars, "backward_queries": 4 * vector + 2 * scalars,
               "backward_keys": 4 * vector}[name]
    flops   = 2 * PRODUCTS[name] * count * tile.queries * tile.keys * HEAD_SIZE
    return flops * HEADS, (held + count * inner) * HEADS, once * HEADS


def compile_all():
    """Rows of the first table, and complaints."""

    rows, wrong = [], []
    for element, itemsize in TYPES.items():
        for head_size in tiles.HEAD_SIZES:
            for chip in tiles.CHIPS:
                for name, tile in tiles.choose(chip, itemsize, head_size).items():
                    usage = compile_program(name, chip, element, head_size, tile)
                    rows.append((f"sm_{chip}", element, head_size, name, f"{tile.queries} x {tile.keys}", tile.warps,
                                 tile.stages, usage["registers"], usage["stack"], f"{usage['shared']:,}"))
                    wrong.extend(f"{name} of {element}, head size {head_size}, sm_{chip}: {phrase}"
                                 for phrase in violations(usage, chip, element))
    return rows, wrong


def describe_shapes():
    """Rows of the second table."""

    rows = []
    for chip in tiles.CHIPS:
        for length, prefix in SHAPES:
            for name, tile in tiles.choose(chip, 2, HEAD_SIZE).items():
                flops, moved, once = work(name, length, prefix, tile, 2)
                rows.append((f"sm_{chip}", length, prefix, name, f"{flops / 1e9:.2f}", f"{moved / 1e6:.1f}",
                             f"{once / 1e6:.1f}", f"{flops / moved:.0f}", f"{flops / once:.0f}"))
    return rows


def table(head, rows):
    """A table in Markdown."""

    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in (head, ["---"] * len(head), *rows))


def page(compiled, shapes):
    """The text of docs/kernels.md."""

    return f"""# The attention kernels

Written by `python benches/kernels_aot.py --write docs/kernels.md` with triton {triton.__version__}, which compiles
every configuration that the package chooses from, without a GPU. No times are in it: `python benches/kernels.py`
measures them where a GPU is at hand, against torch's attention with the same mask and against FlexAttention.
What the kernels compute is said in `python/genet5/kernels/__init__.py`.

## Resources

Tiles are queries x keys. No program may spill registers to the stack, or need more shared memory than its chip has
({", ".join(f"{limit:,} bytes on sm_{chip}" for chip, limit in tiles.CHIPS.items())}); fp16 and bf16 must use the chip's
matrix instructions ({", ".join(f"{word} on sm_{chip}" for chip, word in MATRIX.items())}). ALiBi is compiled in.

{table(("chip", "type", "head size", "program", "tile", "warps", "stages", "registers", "stack, bytes",
        "shared memory, bytes"), compiled)}

## Work

One document in bf16, {HEADS} heads of {HEAD_SIZE}, window {WINDOW}, {GLOBALS} global tokens. Moved: what the programs
load and store, caches apart. Once: their tensors, each read or written once. Intensity: operations per byte of either.

{table(("chip", "rows", "prefix", "program", "GFLOP", "moved, MB", "once, MB", "intensity, moved", "intensity, once"),
       shapes)}
"""


def main():
    """Compile, complain, write."""

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", metavar="FILE", type=pathlib.Path, help="write the tables to this Markdown file")
    arguments   = parser.parse_args()
    rows, wrong = compile_all()
    for complaint in wrong:
        print(complaint, file=sys.stderr)
    if arguments.write and not wrong:
        arguments.write.write_text(page(rows, describe_shapes()))
    print(f"{len(rows)} programs compiled, {len(wrong)} complaints")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
