"""Fixtures of the scorer's tests."""

import importlib.util
import pathlib

import pytest


@pytest.fixture(scope="session")
def plain():
    """The plain Python counterparts in plain.py beside this file."""

    path   = pathlib.Path(__file__).with_name("plain.py")
    spec   = importlib.util.spec_from_file_location("plain", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
