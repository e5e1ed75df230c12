"""`genet5 predict` from the outside."""

import signal
import subprocess
import sys
import time

import pytest

pytest.importorskip("torch")

import click.testing

import genet5.cli as cli
import genet5.cli.predict as command


def run(*arguments):
    """Run the command in this process; returns click's result."""

    return click.testing.CliRunner().invoke(command.predict, [str(x) for x in arguments], catch_exceptions=False)


def run_outside(*arguments):
    """Run the command as users do."""

    return subprocess.run([sys.executable, "-m", "genet5", "predict", *map(str, arguments)], capture_output=True,
                          text=True)


OPTIONS = ("--decoder", "writer", "--device", "cpu")


def test_help_shows_examples():
    result = run("--help")
    assert result.exit_code == 0 and "Examples:" in result.output and "genet5 predict model/yeast" in result.output


def test_all_files_are_written_and_the_summary_says_what_happened(model_folder, awkward, awkward_file, tmp_path,
                                                                  checklist):
    out  = [tmp_path / name for name in ("genes.gff3", "p.faa", "c.fna")]
    done = run_outside(model_folder, awkward_file, "-o", out[0], "--proteins", out[1], "--cds", out[2],
                       "--id-prefix", "x_", *OPTIONS)
    assert done.returncode == 0, done.stderr
    models = checklist.check_files(awkward, *out)
    assert all(name.startswith("x_") for name in models)
    assert f"{len(models):,} genes in {sum(map(len, awkward.values())):,} bases" in done.stderr
    assert "Mb/min" in done.stderr and "bases\n" in done.stderr and done.stdout == ""
    assert {path.name for path in tmp_path.iterdir()} == {"genes.gff3", "p.faa", "c.fna"}


def test_the_same_bytes_for_any_number_of_threads(model_folder, awkward_file, tmp_path):
    out = [tmp_path / "one.gff3", tmp_path / "two.gff3"]
    for path, threads in zip(out, (1, 2)):
        assert run(model_folder, awkward_file, "-o", path, "--threads", threads, "--quiet", *OPTIONS).exit_code == 0
    assert out[0].read_bytes() == out[1].read_bytes()


def test_chosen_contigs_keep_their_genes_and_ids(model_folder, awkward_file, tmp_path):
    whole, part = tmp_path / "whole.gff3", tmp_path / "part.gff3"
    assert run(model_folder, awkward_file, "-o", whole, *OPTIONS).exit_code == 0
    assert run(model_folder, awkward_file, "-o", part, "--contigs", "rich,random", *OPTIONS).exit_code == 0
    def rows(path, names):
        return [line for line in path.read_text().splitlines() if line.split("\t")[0] in names]
    assert rows(part, {"rich", "random"}) == rows(whole, {"rich", "random"}) != []
    assert rows(part, {"gaps", "splices", "ends"}) == []


def test_standard_output(model_folder, awkward_file, tmp_path):
    path      = tmp_path / "genes.gff3"
    arguments = (model_folder, awkward_file, "--contigs", "ends", *OPTIONS)
    assert run(*arguments, "-o", path).exit_code == 0
    done = run_outside(*arguments, "-o", "-", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == path.read_text()


def test_no_gene_is_a_valid_file_and_a_warning(model_folder, tmp_path, fasta):
    genome = fasta(tmp_path / "genome.fa", {"a": "ACGT" * 10, "b": "N" * 50})
    out    = tmp_path / "genes.gff3"
    result = run(model_folder, genome, "-o", out, "--proteins", tmp_path / "p.faa", *OPTIONS)
    assert result.exit_code == 0 and "warning: no gene" in result.output
    assert out.read_text() == "##gff-version 3\n##sequence-region a 1 40\n##sequence-region b 1 50\n"
    assert (tmp_path / "p.faa").read_text() == ""


@pytest.fixture
def main(monkeypatch, capsys):
    """Runs `genet5 predict` with arguments in this process; returns the exit code and what stderr got."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["genet5", "predict", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return stop.value.code, capsys.readouterr().err

    return call


def test_outputs_that_are_there_are_refused_without_force(main, model_folder, awkward_file, tmp_path):
    out = tmp_path / "genes.gff3"
    out.write_text("mine")
    arguments     = (model_folder, awkward_file, "-o", out, "--contigs", "short", *OPTIONS)
    code, message = main(*arguments)
    assert code == 1 and message.startswith("error: ") and "--force" in message
    assert out.read_text() == "mine"
    assert main(*arguments, "--force")[0] == 0
    assert out.read_text() != "mine"


def test_the_genome_is_never_replaced(main, model_folder, tmp_path, fasta):
    genome = fasta(tmp_path / "genome.fa", {"a": "ACGT" * 10})
    before = genome.read_bytes()
    code, message = main(model_folder, genome, "-o", genome, "--force", *OPTIONS)
    assert code == 1 and "is read" in message and genome.read_bytes() == before


def test_a_genome_from_a_pipe_gives_the_same_files(model_folder, awkward_file, tmp_path):
    out = [[tmp_path / f"{name}{number}" for name in ("genes", "proteins", "cds")] for number in range(2)]
    for (genes, proteins, cds), place in zip(out, (awkward_file, "/dev/stdin")):
        text = None if place == awkward_file else awkward_file.read_bytes()
        done = subprocess.run([sys.executable, "-m", "genet5", "predict", model_folder, place, "-o", genes,
                               "--proteins", proteins, "--cds", cds, "--quiet", *OPTIONS], input=text,
                              capture_output=True)
        assert done.returncode == 0, done.stderr
    assert [path.read_bytes() for path in out[0]] == [path.read_bytes() for path in out[1]]


@pytest.mark.parametrize("arguments, code, message", [
    (("{model}", "missing.fa", "-o", "x.gff3"), 1, "missing.fa"),
    (("nowhere", "{genome}", "-o", "x.gff3"), 1, "no model folder"),
    (("{model}", "{genome}", "-o", "no/such/x.gff3"), 1, "make the folder first"),
    (("{model}", "{genome}", "-o", "x.gff3", "--cds", "x.gff3"), 1, "same name"),
    (("{model}", "{genome}", "-o", "x.gff3", "--contigs", "zzz"), 1, "no contig zzz"),
    (("{model}", "{genome}", "-o", "x.gff3", "--genetic-code", "99"), 1, "genetic code 99"),
    (("{model}", "{genome}", "-o", "x.gff3", "--id-prefix", "a b"), 1, "ID prefix"),
    (("{model}", "{genome}"), 2, "--output"),
    (("{model}", "{genome}", "-o", "x.gff3", "--decoder", "beam"), 2, "beam"),
])
def test_mistakes_end_with_one_line_and_a_code(arguments, code, message, main, model_folder, awkward_file, tmp_path,
                                               monkeypatch):
    monkeypatch.chdir(tmp_path)
    places = {"model": model_folder, "genome": awkward_file}
    found  = main(*(text.format(**places) for text in arguments))
    assert found[0] == code and message in found[1]
    assert code == 2 or len(found[1].splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_run_that_is_stopped_leaves_nothing(number, code, model_folder, tmp_path, fasta, dna):
    genome  = fasta(tmp_path / "genome.fa", {"long": dna(50, 300_000)})
    command = [sys.executable, "-m", "genet5", "predict", model_folder, genome, "-o", tmp_path / "genes.gff3",
               "--proteins", tmp_path / "p.faa", "--threads", "1", "--decoder", "viterbi"]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
    # the first line of progress says that it is in the middle of its work
    assert "bases" in process.stderr.readline()
    process.send_signal(number)
    rest = process.communicate(timeout=30)[1]
    assert process.returncode == code, rest
    assert "Traceback" not in rest
    time.sleep(0.1)
    assert {path.name for path in tmp_path.iterdir()} <= {"genome.fa", "genome.fa.fai"}
