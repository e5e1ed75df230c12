"""benches/hold_out.py: the species folder that benches/species.sh trains on."""

import gzip
import pathlib
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "benches" / "hold_out.py"


def run(*arguments):
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_nothing_of_the_contigs_is_left(plain, tmp_path):
    genes = [(name, "+", ((0, 9),)) for name in ("a", "b", "c")]
    (tmp_path / "fna").write_text(">a x\nACGT\nAC\n>b\nGGGG\n>c\nTTTT\n")
    (tmp_path / "gff").write_text("##sequence-region b 1 4\n" + plain.gff(genes) + "##FASTA\n>b\nGGGG\n")
    assert run(tmp_path, "b,c", tmp_path / "out").returncode == 0
    assert gzip.open(tmp_path / "out" / "fna.gz", "rt").read() == ">a x\nACGT\nAC\n"
    assert gzip.open(tmp_path / "out" / "gff.gz", "rt").read() == plain.gff(genes[:1])


def test_a_contig_that_is_not_there_is_refused(tmp_path):
    with gzip.open(tmp_path / "fna.gz", "wt") as out:
        out.write(">a\nACGT\n")
    answer = run(tmp_path, "a,d", tmp_path / "out")
    assert answer.returncode == 1
    assert "no contig d" in answer.stderr
