"""The plain reference implementation, as a fixture."""

import importlib.util
import pathlib

import pytest


@pytest.fixture(scope="session")
def reference():
    """The module reference.py beside this file."""

    path   = pathlib.Path(__file__).with_name("reference.py")
    spec   = importlib.util.spec_from_file_location("grammar_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
