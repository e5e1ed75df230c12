"""The plain reference implementation, as a fixture."""

import pathlib

import pytest

import beside


@pytest.fixture(scope="session")
def reference():
    """The module reference.py beside this file."""

    return beside.load(pathlib.Path(__file__).with_name("reference.py"))
