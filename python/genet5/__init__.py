"""GeneT5 reads DNA and writes gene models."""

import importlib

__version__ = "0.1.0"

# public name -> module that holds it; loaded at first use so that the package starts fast
_WHERE = {
    "load": "genet5.inference",
}

__all__ = ["__version__", "load"]


def __getattr__(name):
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *_WHERE})
