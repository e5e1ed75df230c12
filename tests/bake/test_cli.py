"""The command `genet5 bake`."""

import json

import click.testing
import pytest

import genet5.cli.bake as command


def invoke(*arguments):
    return click.testing.CliRunner().invoke(command.bake, [str(a) for a in arguments])


def test_the_summary_as_json_and_as_text(raw, tmp_path):
    plain = [raw[0], tmp_path / "out", "--tokenizer", raw[0], "--window-size", 4000]
    result = invoke(*plain, "--val-contigs", "A.one:chr2.1,chr3.1", "--val-contigs", "B.two:chr1.1", "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout.splitlines()[-1])
    assert set(summary["species"]) == {"A.one", "B.two"}
    held = summary["species"]["A.one"]["held_out_stretches"]
    assert {row[0] for row in held} == {"chr2.1", "chr3.1"}
    assert "A.one: " in result.stderr and "genes valid" in result.stderr
    again = invoke(*plain, "--val-contigs", "A.one:chr2.1,chr3.1", "--val-contigs", "B.two:chr1.1")
    assert again.exit_code == 0 and "nothing to do" in again.stderr
    assert "in no window" in again.stdout and "B.two" in again.stdout


def test_the_options_reach_the_configuration(raw, tmp_path):
    result = invoke(raw[0], tmp_path / "out", "--tokenizer", raw[0] / "tokenizer.json", "--species", "B.two",
                    "--genetic-code", "B.two=12", "--start-codons", "table", "--min-intron", 20, "--max-intron", 500,
                    "--stride", 1000, "--empty-share", 0.3, "--val-share", 0, "--seed", 4, "--train", "--keep-invalid")
    assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "out" / "bake_config.json").read_text())
    assert [(s["name"], s["genetic_code"]) for s in config["species"]] == [("B.two", 12)]
    assert config["grammar"] == {"genetic_code": 1, "table_starts": True, "min_intron": 20, "max_intron": 500}
    assert (config["stride"], config["empty_share"], config["seed"], config["keep_invalid"]) == (1000, 0.3, 4, True)
    assert not (tmp_path / "out" / "eval.json").exists()
    assert (tmp_path / "out" / "logs" / "baker" / "B.two.log").read_text().startswith("B.two: 2 contigs")


@pytest.mark.parametrize("arguments", [
    ["--val-contigs", "A.one"], ["--val-contigs", "A.one:"], ["--genetic-code", "A.one=x"],
    ["--genetic-code", "A.one=300"], ["--stride", "0"],
    ["--empty-share", "2"],
])
def test_options_of_the_wrong_form_are_usage_errors(raw, tmp_path, arguments):
    assert invoke(raw[0], tmp_path / "out", "--tokenizer", raw[0], *arguments).exit_code == 2


def test_help_has_an_example():
    assert "genet5 bake raw" in invoke("--help").output
