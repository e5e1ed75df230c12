"""Files that a command is asked to write."""

import os
import pathlib

import genet5.errors as errors


def check(paths, force, inputs=()):
    """Complain about outputs that cannot or must not be written, before any work is done.

    paths:  list of paths, None is passed over, "-" is standard output
    force:  bool, replace files that are there
    inputs: list of paths that are read, which nothing replaces
    raises DataError
    """

    asked = [str(path) for path in paths if path is not None]
    if asked.count("-") > 1:
        raise errors.DataError("two outputs go to standard output (-); name a file for all but one")
    files = [pathlib.Path(path) for path in asked if path != "-"]
    if len({file.resolve() for file in files}) < len(files):
        raise errors.DataError("two outputs have the same name")
    spare(inputs, files)
    for file in files:
        if file.is_dir():
            raise errors.DataError(f"{file} is a folder; name a file")
        if not file.parent.is_dir():
            raise errors.DataError(f"{file.parent} does not exist; make the folder first")
        if file.exists() and not force:
            raise errors.DataError(f"{file} is there already; --force replaces it")


def spare(inputs, paths):
    """Complain about outputs that would replace what is read.

    inputs: list of paths, None is passed over
    paths:  list of paths to write, None is passed over
    raises DataError
    """

    read = {pathlib.Path(path).resolve() for path in inputs if path is not None}
    for path in paths:
        if path is not None and pathlib.Path(path).resolve() in read:
            raise errors.DataError(f"{path} is read; name another file to write")


def write_text(path, text):
    """Write a text file under a temporary name first.

    path: pathlib.Path
    text: str
    """

    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text)
    temporary.replace(path)
