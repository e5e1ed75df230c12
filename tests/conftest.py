"""Shared fixtures: where the real data lives."""

import pathlib

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared():
    """Folder of real genomes and odd files beside the repository; the test skips where it is missing."""

    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the real data folder ../shared is not beside the repository")
    return folder
