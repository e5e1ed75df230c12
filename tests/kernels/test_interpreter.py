"""The kernels' tests run in Triton's interpreter, in a process of their own since Triton reads the setting once."""

import os
import pathlib
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton")

HERE = pathlib.Path(__file__).resolve().parent


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("TRITON_INTERPRET") == "1", reason="these tests are in the interpreter already")
@pytest.mark.skipif(torch.cuda.is_available(), reason="the kernels are tested on the GPU that is at hand")
@pytest.mark.parametrize("module", ["test_attention.py", "test_model.py"])
def test_the_kernels_are_right_in_the_interpreter(module):
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", str(HERE / module)], cwd=HERE.parents[1],
                         env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr
    assert " passed" in run.stdout and "skipped" not in run.stdout, run.stdout[-4000:]
