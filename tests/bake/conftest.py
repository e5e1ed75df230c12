"""Fixtures of made-up genomes."""

import pathlib

import pytest

import beside

PATH = pathlib.Path(__file__).parent / "synthetic.py"


@pytest.fixture(scope="session")
def synthetic():
    """The module that makes genomes up and reads them plainly."""

    return beside.load(PATH)


@pytest.fixture(scope="session")
def raw(synthetic, tmp_path_factory):
    """A folder with two species, A.one and B.two; `truth` has their genomes and genes."""

    folder = tmp_path_factory.mktemp("raw")
    truth  = {"A.one": synthetic.species(folder / "A.one", 1, [60_000, 9_000, 700]),
              "B.two": synthetic.species(folder / "B.two", 2, [30_000, 20_000])}
    synthetic.tokenizer(folder / "tokenizer.json")
    return folder, truth
