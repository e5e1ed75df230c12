"""`genet5 inspect` on the command line."""

import json
import subprocess
import sys

import click.testing
import pytest

import genet5.cli.inspect as inspect
import genet5.errors as errors
import genet5.genome as gm

GFF = (
    "chr\t.\tgene\t3\t20\t.\t+\t.\tID=g\n"
    "chr\t.\tCDS\t3\t5\t.\t+\t0\tID=p;Parent=g\n"
    "chr\t.\tCDS\t18\t20\t.\t+\t0\tID=p;Parent=g\n"
    "chr\t.\tCDS\t1\t3\t.\t-\t0\tID=lone\n"
)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "x.gff3").write_text(GFF)
    (tmp_path / "x.fna").write_text(">chr\nCCATGGTAAGTTTTCAGTGACC\n")
    return str(tmp_path / "x.gff3"), str(tmp_path / "x.fna")


def run(*arguments):
    return click.testing.CliRunner().invoke(inspect.inspect, arguments)


def test_help_shows_an_example():
    shown = run("--help")
    assert shown.exit_code == 0 and "Example: genet5 inspect" in shown.output


def test_plain_text_lists_everything(files):
    lines = run(files[0], "--genome", files[1]).output.splitlines()
    rows  = dict(line.split("\t") for line in lines)
    assert rows["genes"] == "2" and rows["single_exon_share"] == "0.500" and rows["format"] == "gff3"
    assert rows["repair implicit_gene"] == "1" and rows["valid_genes"] == "1"
    assert rows["invalid length_not_multiple_of_three"] == "1"


def test_json_is_the_summary(files):
    found = json.loads(run(files[0], "--json").output)
    assert found == {"file": files[0], **gm.inspect(files[0])}
    assert found["valid_genes"] is None and found["contigs"] == 1 and found["cds_segments"] == 3


def test_genes_are_lines_of_json(files):
    lines = [json.loads(line) for line in run(files[0], "--genes", "--genome", files[1]).stdout.splitlines()]
    assert [gene["id"] for gene in lines] == ["g", "lone"]
    assert lines[0]["transcripts"][0]["cds"] == [[2, 5, 0], [17, 20, 0]]
    assert lines[0]["valid"] and lines[1]["reason"] == "length_not_multiple_of_three"
    assert [gm.segments(gene) for gene in lines] == [[(2, 5), (17, 20)], [(0, 3)]]


def test_grammar_options_reach_the_check(files):
    found = json.loads(run(files[0], "--genome", files[1], "--min-intron", "13", "--json").output)
    assert found["invalid_genes"]["intron_too_short"] == 1
    assert run(files[0], "--json", "--genes").exit_code == 2


def command(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True)


def test_a_wrong_file_is_one_line_and_exit_code_1(tmp_path):
    path = tmp_path / "x.gff3"
    path.write_text("chr\t.\tgene\t9\t3\t.\t+\t.\tID=g\n")
    done = command("-m", "genet5", "inspect", str(path))
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"error: {path}, line 1: start 9") and done.stderr.count("\n") == 1
    assert command("-m", "genet5", "inspect", str(path), "--what").returncode == 2


def test_an_unknown_genetic_code_is_one_line(files):
    done = command("-m", "genet5", "inspect", files[0], "--genome", files[1], "--genetic-code", "27")
    assert done.returncode == 1 and "genetic code 27" in done.stderr and done.stderr.count("\n") == 1


def test_neither_numpy_nor_torch_is_loaded():
    code = "import sys, genet5.genome, genet5.cli.inspect; print({'numpy', 'torch'} & set(sys.modules))"
    assert command("-c", code).stdout == "set()\n"


def test_rows_are_counted_and_checked(files, tmp_path):
    assert gm.count_rows(files[0]) == 4
    broken = tmp_path / "broken.gff3"
    broken.write_text(GFF + "chr\t.\tgene\t9\t1\t.\t+\t.\tID=h\n")
    with pytest.raises(errors.InputError, match=r"line 5.*greater than end"):
        gm.count_rows(broken)
