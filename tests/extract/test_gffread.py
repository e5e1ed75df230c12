"""Coding sequences, proteins and transcripts are gffread's byte for byte; docs/formats.md lists the differences."""

import shutil
import subprocess

import pytest

import genet5.extract as extracting

pytestmark = [pytest.mark.parity,
              pytest.mark.skipif(shutil.which("gffread") is None, reason="gffread is not installed")]

GENOMES = ("A.thaliana", "A.tubingensis", "C.albicans", "C.elegans", "H.sapiens", "L.fermentati", "P.falciparum",
           "P.knowlesi", "P.yoelii", "S.cerevisiae", "S.pombe", "T.brucei")


def both(annotation, genome, folder):
    """Texts of gffread's and our cds, proteins and mrna."""

    theirs = [folder / name for name in ("x", "y", "w")]
    options = [part for flag, path in zip(("-x", "-y", "-w"), theirs) for part in (flag, str(path))]
    subprocess.run(["gffread", "-C", "-g", str(genome), *options, str(annotation)], check=True, capture_output=True)
    ours = {product: folder / product for product in ("cds", "proteins", "mrna")}
    extracting.extract(annotation, genome, ours)
    return [path.read_text() for path in theirs], [path.read_text() for path in ours.values()]


@pytest.mark.parametrize("species", GENOMES)
def test_files_are_the_same(species, unpacked, tmp_path):
    theirs, ours = both(*unpacked(species), tmp_path)
    assert ours[0] == theirs[0]
    # a stop inside is * here
    assert proteins(ours[1]) == theirs[1]
    assert ours[2] == theirs[2]


def proteins(text):
    """Our proteins with gffread's sign for a stop inside."""

    return "".join(line if line[0] == ">" else line.replace("*", ".") for line in text.splitlines(keepends=True))
