"""`genet5 extract` on the command line."""

import json
import signal
import subprocess
import sys
import time

import pytest

GENOME = ">one x\nccATGaaGTcccAGaTAAcc\nTTTT\n>two\nGGTTAcatGG\n"
GFF = (
    "one\t.\tgene\t1\t20\t.\t+\t.\tID=g\n"
    "one\t.\tmRNA\t1\t20\t.\t+\t.\tID=t;Parent=g\n"
    "one\t.\texon\t1\t7\t.\t+\t.\tParent=t\n"
    "one\t.\texon\t15\t20\t.\t+\t.\tParent=t\n"
    "one\t.\tCDS\t3\t7\t.\t+\t0\tParent=t\n"
    "one\t.\tCDS\t15\t18\t.\t+\t1\tParent=t\n"
)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "x.gff").write_text(GFF)
    (tmp_path / "x.fna").write_text(GENOME)
    return tmp_path / "x.gff", tmp_path / "x.fna"


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "genet5", "extract", *map(str, arguments)], capture_output=True,
                          text=True)


def test_several_files_come_out_of_one_pass(run, files, tmp_path):
    code, out, err = run("extract", *files, "--proteins", tmp_path / "p", "--upstream", 2, tmp_path / "u",
                         "--exons", tmp_path / "e")
    assert (code, out, err) == (0, "", "")
    assert (tmp_path / "p").read_text() == ">t\nMK\n"
    assert (tmp_path / "e").read_text() == ">t.exon1 one:1-7(+)\nccATGaa\n>t.exon2 one:15-20(+)\naTAAcc\n"
    assert (tmp_path / "u").read_text() == ">g one:1-0(+)\n"


def test_a_dash_is_standard_output(files):
    done = command(*files, "--cds", "-")
    assert (done.returncode, done.stdout, done.stderr) == (0, ">t\nATGaaaTAA\n", "")


def test_a_file_that_is_there_is_kept_without_force(run, files, tmp_path):
    path = tmp_path / "cds"
    path.write_text("mine")
    code, _, err = run("extract", *files, "--cds", path)
    assert code == 1 and "--force" in err and path.read_text() == "mine"
    assert run("extract", *files, "--cds", path, "--force")[0] == 0
    assert path.read_text() == ">t\nATGaaaTAA\n"


@pytest.mark.parametrize("taken", [0, 1])
def test_what_is_read_is_never_replaced(run, files, taken):
    before = files[taken].read_text()
    code, _, err = run("extract", *files, "--cds", files[taken], "--force")
    assert code == 1 and "is read" in err and files[taken].read_text() == before


def test_statistics_as_tables_and_as_json(run, files):
    code, out, _ = run("extract", *files, "--stats")
    assert code == 0 and "GT-AG" in out and "codon usage" in out and "intron_lengths" in out
    stats = json.loads(run("extract", *files, "--json")[1])
    assert (stats["genes"], stats["transcripts"], stats["exons_per_gene"]["median"]) == (1, 1, 2)
    assert stats["start_codons"] == [{"name": "ATG", "count": 1}] and stats["annotation"] == str(files[0])


@pytest.mark.parametrize("options, word", [
    ((), "nothing is asked for"),
    (("--cds", "-", "--stats"), "standard output"),
    (("--upstream", "0", "u"), "0"),
])
def test_wrong_usage_exits_with_2(run, files, options, word):
    code, _, err = run("extract", *files, *options)
    assert code == 2 and word in err


@pytest.mark.parametrize("options, word", [
    (("--contigs", "on"), "no contig on (nearest: one)"),
    (("--genetic-code", "27"), "genetic code 27"),
    (("--genetic-code", "300"), "out of range while processing 'genetic_code'"),
    (("--upstream", 2**32, "u"), "out of range while processing 'upstream'"),
    (("--cds", "nowhere/x"), "nowhere does not exist"),
    (("--cds", "-", "--proteins", "-"), "two outputs go to standard output"),
])
def test_bad_input_is_one_line_and_exit_code_1(run, files, options, word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = options if "--cds" in options else ("--cds", "c", *options)
    code, _, err = run("extract", *files, *asked)
    assert code == 1 and word in err and err.count("\n") == 1
    assert not (tmp_path / "c").exists()


def test_other_contig_names_are_refused_with_the_nearest(run, files, tmp_path):
    files[1].write_text(GENOME.replace(">one", ">chrone"))
    code, _, err = run("extract", *files, "--cds", tmp_path / "c")
    assert code == 1 and "x.gff, line 1: gene g lies on one" in err and "nearest: chrone" in err
    assert run("extract", *files, "--cds", tmp_path / "c", "--contigs", "two")[0] == 0
    assert (tmp_path / "c").read_text() == ""


def test_an_empty_result_is_an_empty_file_with_a_warning(run, files, tmp_path):
    code, _, err = run("extract", *files, "--cds", tmp_path / "c", "--contigs", "two")
    assert code == 0 and (tmp_path / "c").read_text() == "" and "warning: no cds" in err


def test_ctrl_c_leaves_nothing(tmp_path):
    names = [f"c{i}" for i in range(20_000)]
    (tmp_path / "x.gff").write_text("".join(f"{name}\t.\tCDS\t1\t999\t.\t+\t0\tID=t{name}\n" for name in names))
    (tmp_path / "x.fna").write_text("".join(f">{name}\n{'ACGTTA' * 500}\n" for name in names))
    out = tmp_path / "out"
    out.mkdir()
    started = subprocess.Popen([sys.executable, "-m", "genet5", "extract", str(tmp_path / "x.gff"),
                                str(tmp_path / "x.fna"), "--cds", str(out / "cds"), "--intergenic", str(out / "i")],
                               stderr=subprocess.PIPE, text=True)
    while started.poll() is None and not list(out.iterdir()):
        time.sleep(0.001)
    started.send_signal(signal.SIGINT)
    _, err = started.communicate()
    left   = sorted(path.name for path in out.iterdir())
    # it may have been faster than the signal, which then finds it at its end
    assert left == ["cds", "i"] or (started.returncode, left) == (130, []), (started.returncode, left, err)


def test_neither_numpy_nor_torch_is_loaded():
    code = "import sys, genet5.extract, genet5.cli.extract; print({'numpy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n"
