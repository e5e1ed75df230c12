"""The failures that a user can cause and mend; the command line prints them as one line."""


class GeneT5Error(Exception):
    """Any failure whose message is meant for the user."""


class InputError(GeneT5Error, ValueError):
    """A file says something that it must not say.

    message: str, the whole line for the user, file and line number included
    path:    str, the file
    line:    int or None, 1-based
    """

    def __init__(self, message, path=None, line=None):
        super().__init__(message)
        self.path = path
        self.line = line


class DataError(GeneT5Error):
    """A folder that GeneT5 wrote (baked data, model, checkpoint) does not fit what is asked of it."""


class LowMemory(GeneT5Error):
    """The machine runs out of memory; the run was saved and can go on (EX_TEMPFAIL of sysexits.h)."""

    exit_code = 75


class MissingDependency(GeneT5Error, ImportError):
    """An optional package is needed and not installed."""


def require(module, extra):
    """Import an optional module or say how to install it.

    module: str, its import name
    extra:  str, the extra of this package that brings it
    raises MissingDependency
    """

    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingDependency(f"this needs {module}: pip install 'genet5[{extra}]'") from error
