"""Helpers of the extraction's tests."""

import gzip
import pathlib

import pytest

import beside


@pytest.fixture(scope="session")
def plain():
    """The plain Python counterparts in plain.py beside this file."""

    return beside.load(pathlib.Path(__file__).with_name("plain.py"))


@pytest.fixture
def unpacked(shared, tmp_path):
    """Function species -> (annotation, genome): plain copies in a folder of their own."""

    def copies(species):
        folder = tmp_path / species
        folder.mkdir()
        for name in ("gff", "fna"):
            packed = shared / "genomes" / species / f"{name}.gz"
            (folder / name).write_bytes(gzip.decompress(packed.read_bytes()))
        return folder / "gff", folder / "fna"

    return copies


@pytest.fixture
def records():
    """Function FASTA file -> dict of header -> letters."""

    def read(path):
        found = {}
        for line in pathlib.Path(path).read_text().splitlines():
            if line.startswith(">"):
                found[line[1:]] = letters = []
            else:
                letters.append(line)
        return {header: "".join(parts) for header, parts in found.items()}

    return read
