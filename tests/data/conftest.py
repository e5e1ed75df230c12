"""Fixtures of made-up genomes, baked."""

import pathlib

import pytest

import beside
import genet5.bake as bake

PATH = pathlib.Path(__file__).parent.parent / "bake" / "synthetic.py"


@pytest.fixture(scope="session")
def synthetic():
    """The module that makes genomes up and reads them plainly."""

    return beside.load(PATH)


@pytest.fixture(scope="session")
def baked(synthetic, tmp_path_factory):
    """A baked folder of two species, one of them read with genetic code 12."""

    folder = tmp_path_factory.mktemp("data")
    synthetic.species(folder / "raw" / "A.one", 21, [60_000, 12_000, 900])
    synthetic.species(folder / "raw" / "B.two", 22, [25_000])
    synthetic.tokenizer(folder / "raw" / "tokenizer.json")
    bake.bake(folder / "raw", folder / "out", folder / "raw", window_size=6000, val_contigs={"A.one": ["chr2.1"]},
              genetic_codes={"B.two": 12})
    return folder / "out"
