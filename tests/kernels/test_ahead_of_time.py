"""Every configuration of the kernels compiles for each chip without having one."""

import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("triton")

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "benches" / "kernels_aot.py"


@pytest.mark.slow
def test_no_configuration_spills_or_outgrows_shared_memory(tmp_path):
    page        = tmp_path / "kernels.md"
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    run = subprocess.run([sys.executable, str(SCRIPT), "--write", str(page)], env=environment, capture_output=True,
                         text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    text = page.read_text()
    for chip in ("sm_90", "sm_100", "sm_121"):
        for element in ("fp32", "fp16", "bf16"):
            assert text.count(f"| {chip} | {element} |") == 9
        assert text.count(f"| {chip} | 4096 |") == text.count(f"| {chip} | 16384 |") == 6
