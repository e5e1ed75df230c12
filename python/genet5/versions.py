"""What decides the bits of a result besides its settings: versions, and hashes of this package's own code."""

import hashlib
import importlib.metadata
import pathlib
import platform
import subprocess

import genet5

PIECE = 1 << 22
ROOT  = pathlib.Path(genet5.__file__).parent
# packages whose versions a run is recorded with
RECORDED = ("torch", "numpy", "triton")


def recorded():
    """What a checkpoint says of the software that wrote it, a dict of str or None: genet5, code (hash of the Python
    files), core (hash of the compiled part), commit, python, and the packages of RECORDED."""

    return {"genet5": genet5.__version__, "code": code_hash(), "core": core_hash(), "commit": commit(),
            "python": platform.python_version(), **{name: package(name) for name in RECORDED}}


def changed(old, new):
    """The names under which two results of `recorded` differ, a list of str; a commit differs by its code."""

    return [name for name in new if name != "commit" and name in old and old[name] != new[name]]


def package(name):
    """The version of an installed package, None where it is missing."""

    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def code_hash():
    """Hash of this package's Python files, 16 hexadecimal digits."""

    state = hashlib.sha256()
    for path in sorted(ROOT.rglob("*.py")):
        feed(state, path.relative_to(ROOT).as_posix(), path)
    return state.hexdigest()[:16]


def core_hash():
    """Hash of the compiled part, 16 hexadecimal digits."""

    import genet5._core as core

    state = hashlib.sha256()
    feed(state, "core", pathlib.Path(core.__file__))
    return state.hexdigest()[:16]


def commit():
    """The git commit of a working copy, with -dirty where files differ from it; None for an installed package."""

    home = ROOT.parents[1]
    if not (home / ".git").exists():
        return None
    command = ["git", "-C", str(home), "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def feed(state, name, path):
    """Add a name and a file's bytes to a hash of hashlib."""

    state.update(f"{name}\0{path.stat().st_size}\0".encode())
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            state.update(piece)
