"""Shared fixtures: where the real data lives."""

import pathlib
import signal

import pytest

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
