"""Fixtures of the scorer's tests."""

import os
import pathlib
import subprocess
import sys

import pytest

import beside
import genet5


@pytest.fixture(scope="session")
def plain():
    """The plain Python counterparts in plain.py beside this file."""

    return beside.load(pathlib.Path(__file__).with_name("plain.py"))


@pytest.fixture(scope="session")
def score_cli():
    """A function that runs `genet5-score` in a folder, with variables set, and returns the finished process."""

    package     = pathlib.Path(genet5.__file__).resolve().parent.parent
    environment = {**os.environ, "PYTHONPATH": str(package)}

    def run(folder, *arguments, **variables):
        command = [sys.executable, "-m", "genet5.cli.score", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False,
                              env={**environment, **variables})

    return run
