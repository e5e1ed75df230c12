"""Run a command and add its wall time and peak memory to a table.

Usage: python benches/measure.py COSTS.tsv NAME COMMAND [ARGUMENT...]
"""

import pathlib
import resource
import subprocess
import sys
import time


def main(table, name, *command):
    """Exit with the command's status; the peak is that of its largest process; a failure is no row."""

    begin   = time.monotonic()
    status  = subprocess.run(command, check=False).returncode
    seconds = time.monotonic() - begin
    peak    = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (1024 ** 2 if sys.platform == "darwin" else 1024)
    if status == 0:
        with pathlib.Path(table).open("a") as out:
            out.write(f"{name}\t{seconds:.1f}\t{peak:.0f}\n")
    print(f"[{name}: {seconds:.1f} s, peak {peak:.0f} MiB]", flush=True)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main(*sys.argv[1:])
