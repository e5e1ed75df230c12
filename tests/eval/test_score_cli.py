"""The command `genet5-score`: its rows, its messages and its exit codes."""

import gzip
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

import genet5

GENES = [("a", "+", ((0, 30), (90, 120))), ("a", "-", ((200, 260),)), ("b", "+", ((0, 30),))]
KEYS  = ["reference", "prediction", "preset", "level", "tp", "fp", "fn", "n_reference", "n_prediction",
         "sensitivity", "precision", "f1"]


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", "genet5.cli.score", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment(), check=False)


def environment():
    """This process's environment; the package is found from any folder."""

    package = pathlib.Path(genet5.__file__).resolve().parent.parent
    return {**os.environ, "PYTHONPATH": str(package)}


@pytest.fixture
def files(plain, tmp_path):
    (tmp_path / "ref.gff3").write_text(plain.gff(GENES))
    (tmp_path / "half.gff3").write_text(plain.gff(GENES[:1]))
    return tmp_path


def test_json_is_a_list_of_rows_with_paths_as_given(files, plain):
    answer = run("f1", "ref.gff3", "half.gff3", "ref.gff3", "--json", cwd=files)
    rows   = json.loads(answer.stdout)
    assert answer.returncode == 0
    assert [list(row) for row in rows] == [KEYS] * 6
    assert [row["level"] for row in rows] == ["nucleotide", "exon", "gene"] * 2
    assert [row["prediction"] for row in rows] == ["half.gff3"] * 3 + ["ref.gff3"] * 3
    assert {(row["reference"], row["preset"]) for row in rows} == {("ref.gff3", "genet5")}
    for row, (level, expected) in zip(rows, plain.levels(GENES, GENES[:1]).items()):
        assert {"level": level, **expected}.items() <= row.items()


@pytest.mark.parametrize("words, taken", [
    (("f1", "ref.gff3", "half.gff3", "--list", "exact", "ref.gff3"), "ref.gff3"),
    (("f1", "ref.gff3", "half.gff3", "--list", "wrong", "./half.gff3"), "half.gff3"),
    (("baseline", "ref.gff3", "x.fa", "-o", "x.fa"), "x.fa"),
    (("baseline", "ref.gff3", "x.fa", "-o", "ref.gff3"), "ref.gff3"),
])
def test_what_is_read_is_never_replaced(files, words, taken):
    (files / "x.fa").write_text(f">a\n{'ACGTTA' * 50}\n>b\n{'ACGTTA' * 50}\n")
    before = (files / taken).read_bytes()
    answer = run(*words, cwd=files)
    assert answer.returncode == 1 and f"{taken} is read" in answer.stderr and (files / taken).read_bytes() == before


def test_shares_without_a_denominator_are_null(files):
    (files / "none.gff3").write_text("##gff-version 3\n")
    rows = json.loads(run("f1", "ref.gff3", "none.gff3", "--json", cwd=files).stdout)
    assert [row["precision"] for row in rows] == [None] * 3
    assert [row["sensitivity"] for row in rows] == [0] * 3


def test_the_table_is_plain_aligned_text_in_a_pipe(files):
    answer = run("f1", "ref.gff3", "half.gff3", "--errors", cwd=files)
    lines  = answer.stdout.splitlines()
    assert lines[0].startswith("reference ref.gff3")
    assert lines[1].split() == ["prediction", "level", "sensitivity", "precision", "f1", "tp", "fp", "fn"]
    assert lines[4].split() == ["half.gff3", "gene", "0.3333", "1.0000", "0.5000", "1", "0", "2"]
    assert "missed" in answer.stdout
    assert answer.stdout.isascii()
    assert answer.stderr == "note: 1 contig has genes in ref.gff3 only: b\n"


def test_contigs_choose_what_counts(files):
    rows = json.loads(run("f1", "ref.gff3", "half.gff3", "--contigs", "a", "--json", cwd=files).stdout)
    assert rows[2]["n_reference"] == 2


@pytest.mark.parametrize("arguments", [
    ("f1",), ("f1", "ref.gff3"), ("f1", "ref.gff3", "half.gff3", "--contigs", "a,,b"), ("nonsense",),
    ("baseline", "ref.gff3", "x.fna", "--min-length", "long"),
])
def test_wrong_usage_exits_with_2(files, arguments):
    assert run(*arguments, cwd=files).returncode == 2


def test_a_missing_file_is_one_line_and_exit_1(files):
    answer = run("f1", "ref.gff3", "nowhere.gff3", cwd=files)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == "error: nowhere.gff3: No such file or directory\n"


def test_a_broken_file_is_one_line_and_exit_1(files):
    (files / "broken.gff3").write_text("##gff-version 3\na\ttest\tCDS\tten\t20\t.\t+\t0\tID=x\n")
    answer = run("f1", "ref.gff3", "broken.gff3", cwd=files)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "broken.gff3" in answer.stderr and "line 2" in answer.stderr


def test_an_unknown_contig_is_one_line_and_exit_1(files):
    answer = run("f1", "ref.gff3", "half.gff3", "--contigs", "chr9", cwd=files)
    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1)
    assert "chr9" in answer.stderr


def test_help_has_examples_and_version_works():
    for arguments in (["--help"], ["f1", "--help"], ["baseline", "--help"]):
        assert "genet5-score " in run(*arguments).stdout.split("Example")[1]
    assert run("--version").stdout.startswith("genet5-score, version ")


def test_neither_torch_nor_numpy_is_loaded(files):
    with gzip.open(files / "ref.gff3.gz", "wt") as out:
        out.write((files / "ref.gff3").read_text())
    code = ("import sys; import genet5.cli.score as s\n"
            "sys.argv = ['genet5-score', 'f1', 'ref.gff3.gz', 'half.gff3']\n"
            "try: s.main()\n"
            "except SystemExit as stop: assert not stop.code\n"
            "assert not {'torch', 'numpy'} & set(sys.modules)\n")
    subprocess.run([sys.executable, "-c", code], cwd=files, env=environment(), check=True, capture_output=True)


def through_pipes(folder, *names):
    """Shell words for files of a folder that come through pipes."""

    return " ".join(f"<(cat {folder / name})" for name in names)


@pytest.mark.parametrize("options", ["--preset all --tsv", "--strict --tsv", "--preset cie --as-original"])
def test_pipes_are_read_as_often_as_files(files, options):
    pipes    = through_pipes(files, "ref.gff3", "half.gff3")
    command  = f"{sys.executable} -m genet5.cli.score f1 {pipes} {options}"
    answer   = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=environment())
    expected = run("f1", "ref.gff3", "half.gff3", *options.split(), cwd=files)
    assert answer.returncode == expected.returncode == 0, answer.stderr
    found    = re.sub(r"/dev/fd/\d+", "FILE", answer.stdout)
    assert found == re.sub(r"\w+\.gff3", "FILE", expected.stdout) != ""


def test_a_dash_is_standard_input(files):
    def piped(*arguments):
        command = [sys.executable, "-m", "genet5.cli.score", *arguments]
        with subprocess.Popen(["cat", "half.gff3"], cwd=files, stdout=subprocess.PIPE) as source:
            return subprocess.run(command, capture_output=True, text=True, cwd=files, env=environment(), check=False,
                                  stdin=source.stdout)
    found    = json.loads(piped("f1", "ref.gff3", "-", "--preset", "all", "--json").stdout)
    expected = json.loads(run("f1", "ref.gff3", "half.gff3", "--preset", "all", "--json", cwd=files).stdout)
    assert [{**row, "prediction": ""} for row in found] == [{**row, "prediction": ""} for row in expected]
    assert piped("check", "-").stdout == run("check", "half.gff3", cwd=files).stdout


def test_a_file_without_anything_to_count_is_named(files):
    (files / "exons.gtf").write_text('a\tx\texon\t1\t30\t.\t+\t.\tgene_id "g"; transcript_id "t";\n')
    answer = run("f1", "ref.gff3", "exons.gtf", cwd=files)
    assert answer.returncode == 0
    assert "note: exons.gtf has nothing to count by genet5; genet5 inspect says what is in it\n" in answer.stderr


def test_a_level_that_no_preset_has_is_wrong_usage(files):
    answer = run("f1", "ref.gff3", "half.gff3", "--preset", "gt-eval", "--level", "intron", cwd=files)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "--level intron" in answer.stderr and "nucleotide, exon, transcript, gene" in answer.stderr


def test_each_class_of_genes_has_a_file_of_its_own(files):
    lists = ("--list", "missed", "x.gff3", "--list", "wrong", "./x.gff3")
    assert run("f1", "ref.gff3", "half.gff3", *lists, cwd=files).returncode == 2
    assert not (files / "x.gff3").exists()
