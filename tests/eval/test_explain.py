"""Definitions: one table in the code, printed by the command and shown in docs/scoring.md."""

import pathlib

import pytest

import genet5.score as score
import genet5.score.definitions as definitions

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "scoring.md"


def test_every_level_that_is_scored_is_defined():
    assert list(definitions.DEFINITIONS["genet5"]) == list(score.LEVELS)
    assert list(definitions.DEFINITIONS) == list(definitions.PRESETS)
    assert all(set(levels) <= set(score.LEVELS) for levels in definitions.DEFINITIONS.values())


@pytest.mark.parametrize("preset", definitions.PRESETS)
def test_the_page_shows_the_definitions_of_the_code(preset):
    text = " ".join(DOCS.read_text().split())
    for level, definition in definitions.DEFINITIONS[preset].items():
        assert f"| {preset} | {level} | {definition} |" in text


def test_the_command_prints_them(tmp_path, score_cli):
    answer = score_cli(tmp_path, "explain", "intron_chain", "--preset", "gffcompare")
    assert answer.returncode == 0
    assert definitions.GFFCOMPARE["intron_chain"] in " ".join(answer.stdout.split())
    assert score_cli(tmp_path, "explain", "all").stdout.count("\n") >= len(score.LEVELS)
    answer = score_cli(tmp_path, "explain", "start", "--preset", "gffcompare")
    assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (1, "", 1)
    assert score_cli(tmp_path, "explain", "soul").returncode == 2


def test_without_phase_nothing_speaks_of_phase():
    assert not any("phase" in text for text in definitions.DEFINITIONS["cie-no-phase"].values())
