"""Modules that lie among the tests or the documents, in no package."""

import importlib.util
import pathlib


def load(path):
    """The module in a file, made anew at each call; its name is that of the file.

    path: str or path of the file
    """

    spec   = importlib.util.spec_from_file_location(pathlib.Path(path).stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
