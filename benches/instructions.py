"""Count the instructions of the hottest loops and compare them with those on record.

Usage: python benches/instructions.py [--write] [--profile release]

Instructions do not depend on what else the machine does, so a loop that became slower is seen in one run; what they
do not see are caches and threads, which benches/speed.py measures. Each loop runs once and three times under
callgrind, so that the difference is two runs of the loop alone.

A count belongs to one compiler, one architecture and one profile: benches/instructions.json has an entry for each that
was recorded, and with any other compiler the gate compares nothing and says so. The processor matters little: valgrind
shows programs one of its own, which has AVX2 where the real one has it and never AVX-512; code that chooses by the
processor at run time (memchr, the C library) takes another way on a machine without AVX2, and the loops hardly use it.
"""

import argparse
import json
import pathlib
import platform
import re
import shutil
import subprocess
import sys

HERE   = pathlib.Path(__file__).resolve().parent
RECORD = HERE / "instructions.json"
LOOPS  = ("lattice", "encode", "grammar")
# two runs of one program differ by 0.01 % at most (hash tables are seeded at random), the C library's choice of memory
# functions and inlining after an unrelated change move a loop by 1 to 2 %; beyond that, one more look at each base of
# both strands, 10 instructions, adds 44 % to the grammar; encoding has 98 instructions a base, the lattice 6,665, so
# the gate sees 3 more in encoding and 200 more in the lattice
TOLERANCE = 0.03


def main():
    """Count, then compare or write; exit code 1 where a loop has become longer."""

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="record the counts instead of comparing them")
    parser.add_argument("--profile", default="release", help="cargo profile (default: release)")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("gate skipped, no instructions counted: valgrind is not installed (Debian: apt-get install valgrind)")
        return
    program = build(options.profile)
    counts  = {loop: (count(program, loop, 3) - count(program, loop, 1)) // 2 for loop in LOOPS}
    record  = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    key     = f"{rustc()}, {platform.machine()}, {options.profile}"
    if options.write:
        RECORD.write_text(json.dumps({**record, key: counts}, indent=2, sort_keys=True) + "\n")
    known = record.get(key, {})
    if not known and not options.write:
        print(f"nothing is on record for {key}, so nothing is compared (there is {'; '.join(record) or 'nothing'}); "
              "--write adds it")
    longer = [loop for loop in LOOPS if report(loop, counts[loop], known.get(loop))]
    if longer and not options.write:
        sys.exit(f"more instructions than on record: {', '.join(longer)}; make them fewer, or --write and say why")


def report(loop, found, known):
    """Prints one loop; true where it is longer than the tolerance allows."""

    change = found / known - 1 if known else 0
    print(f"{loop:<10}{found:>14,} instructions" + (f"  {100 * change:+.2f} %" if known else ""))
    return change > TOLERANCE


def build(profile):
    """The path of the program of the loops."""

    command = ["cargo", "bench", "--profile", profile, "--package", "genet5-core", "--bench", "loops", "--no-run",
               "--message-format", "json", "--quiet"]
    lines = subprocess.run(command, cwd=HERE.parent, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [message["executable"] for message in map(json.loads, lines)
             if message.get("executable") and message["target"]["name"] == "loops"]
    return built[-1]


def count(program, loop, times):
    """Instructions of the whole program with the loop run that often."""

    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, loop, str(times)]
    text    = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return int(re.search(r"Collected : (\d+)", text).group(1))


def rustc():
    """Name and version of the compiler."""

    version = subprocess.run(["rustc", "--version"], check=True, capture_output=True, text=True)
    return " ".join(version.stdout.split()[:2])


if __name__ == "__main__":
    main()
