"""Shared fixtures: where the real data lives, and the command in this process."""

import pathlib
import signal

import pytest

import genet5.cli as cli
import genet5.cli.errors as exits

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared():
    """Folder of real genomes and odd files beside the repository; the test skips where it is missing."""

    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the real data folder ../shared is not beside the repository")
    return folder


@pytest.fixture(scope="session", autouse=True)
def interruptible():
    """Ctrl-C reaches the processes that tests start, also where the tests run as a shell's background job."""

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `genet5` in this process; gives (exit code, stdout, stderr)."""

    def call(*args):
        monkeypatch.setattr("sys.argv", ["genet5", *map(str, args)])
        code = exits.run(cli.cli, "genet5")
        return (code or 0, *capsys.readouterr())

    return call
