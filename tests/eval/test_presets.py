"""Presets of other tools at the command line: their numbers, their layouts, the options that choose what they see."""

import gzip
import itertools
import json

import pytest

import genet5.score as score
import genet5.score.definitions as definitions

PAIRS      = ("A.thaliana", "C.elegans", "P.falciparum", "S.cerevisiae")
# expected file -> arguments
GFFCOMPARE = {
    "default":            [],
    "e0":                 ["-e", "0"],
    "strict_e0":          ["--strict-match", "-e", "0"],
    "cds_default":        ["--feature", "CDS"],
    "cds_e0":             ["--feature", "CDS", "-e", "0"],
    "cds_strict_e3_T":    ["--feature", "CDS", "--strict-match", "-e", "3", "-T"],
}
CIE   = ("cds", "trans", "gene", "intron", "start", "stop")
GENES = [("a", "+", ((0, 30), (90, 120))), ("a", "-", ((200, 260),)), ("b", "+", ((0, 30),))]


@pytest.fixture(scope="module")
def golden(shared, tmp_path_factory):
    """Folders of the golden pairs with their files unpacked."""

    folders = {}
    for name in PAIRS:
        source, target = shared / "golden" / f"{name}.augustus", tmp_path_factory.mktemp(name)
        for path in source.glob("*.gz"):
            (target / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
        folders[name] = (target, source / "expected")
    return folders


def original(score_cli, folder, kind, *arguments):
    answer = score_cli(folder, "f1", f"ref.{kind}", f"pred.{kind}", *arguments, "--as-original")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.mark.parametrize(("pair", "name"), list(itertools.product(PAIRS, GFFCOMPARE)))
def test_the_stats_block_of_gffcompare_comes_back(golden, score_cli, pair, name):
    folder, expected = golden[pair]
    kind             = "gtf" if name.startswith("cds") else "gff3"
    found            = original(score_cli, folder, kind, "--preset", "gffcompare", *GFFCOMPARE[name])
    assert found.strip("\n") == (expected / f"gffcompare.{name}.txt").read_text().strip("\n")


@pytest.mark.parametrize(("pair", "level", "phase"),
                         list(itertools.product(PAIRS, CIE, [True, False])))
def test_the_two_rows_of_brakers_script_come_back(golden, score_cli, pair, level, phase):
    folder, expected = golden[pair]
    arguments        = ["--preset", "cie", "--level", level, *([] if phase else ["--no-phase"])]
    found            = original(score_cli, folder, "gtf", *arguments)
    name             = f"cie.{level}{'' if phase else '.no_phase'}.txt"
    counts           = [line.split("\t")[:4] for line in found.splitlines() if line.strip()]
    assert counts == [line.split("\t")[:4] for line in (expected / name).read_text().splitlines() if line.strip()]


@pytest.mark.parametrize("pair", PAIRS)
def test_the_lines_of_gt_eval_come_back(golden, score_cli, pair):
    folder, expected = golden[pair]
    assert original(score_cli, folder, "gff3", "--preset", "gt-eval") == (expected / "gt_eval.txt").read_text()


@pytest.mark.parametrize("pair", PAIRS)
def test_rows_have_the_numbers_that_the_tools_print(golden, pair):
    folder, expected = golden[pair]
    [found]          = score.by_preset(folder / "ref.gtf", [folder / "pred.gtf"])
    for preset, suffix in (("cie", ""), ("cie-no-phase", ".no_phase")):
        for level, name in (("exon", "cds"), ("transcript", "trans"), ("gene", "gene"), ("stop", "stop")):
            text  = (expected / f"cie.{name}{suffix}.txt").read_text()
            lines = [line.split("\t") for line in text.splitlines() if line.strip()]
            row   = found[preset][level]
            assert [[row["n_reference"], row["fn"]], [row["n_prediction"], row["fp"]]] == \
                [[int(line[0]), int(line[2])] for line in lines]
    printed = {line.split(" level:")[0].strip(): line.split(":")[1].split("|")[:2]
               for line in (expected / "gffcompare.cds_strict_e3_T.txt").read_text().splitlines() if " level:" in line}
    for level, name in (("exon", "Exon"), ("transcript", "Transcript"), ("gene", "Locus"), ("intron", "Intron")):
        row = found["gffcompare-cds3"][level]
        assert [f"{100 * row[share]:.1f}" for share in ("sensitivity", "precision")] == \
            [number.strip() for number in printed[name]]
        assert {"tp_reference", "tp_prediction"} <= set(row)


@pytest.fixture
def pair(plain, tmp_path):
    (tmp_path / "ref.gff3").write_text(plain.gff(GENES))
    (tmp_path / "pred.gff3").write_text(plain.gff([GENES[0], ("b", "+", ((0, 33),))]))
    return tmp_path


def rows(score_cli, folder, *arguments):
    answer = score_cli(folder, "f1", "ref.gff3", "pred.gff3", "--json", *arguments)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_all_presets_come_in_one_call(pair, score_cli):
    found  = rows(score_cli, pair, "--preset", "all")
    levels = {preset: [row["level"] for row in found if row["preset"] == preset] for preset in definitions.PRESETS}
    assert list(dict.fromkeys(row["preset"] for row in found)) == list(definitions.PRESETS)
    assert levels["genet5"] == list(score.LEVELS)
    for preset, seen in levels.items():
        assert set(seen) <= set(definitions.DEFINITIONS[preset]) and "gene" in seen
    some = rows(score_cli, pair, "--preset", "cie", "--preset", "genet5", "--level", "gene", "--level", "cds")
    assert [(row["preset"], row["level"]) for row in some] == \
        [("cie", "exon"), ("cie", "gene"), ("genet5", "exon"), ("genet5", "gene")]


def models(count, moved):
    """So many genes of one to four exons on three contigs, every `moved`th with another end."""

    found = []
    for i in range(count):
        at       = 400 * (i // 3)
        segments = [(at + 80 * part, at + 80 * part + 30) for part in range(1 + i % 4)]
        if i % moved == 0:
            segments[-1] = (segments[-1][0], segments[-1][1] - 3)
        found.append(("abc"[i % 3], "+-"[i % 2], tuple(segments)))
    return sorted(found)


def test_any_number_of_threads_prints_the_same_bytes(plain, score_cli, tmp_path):
    # large enough to be read in several pieces
    (tmp_path / "ref.gff3").write_text(plain.gff(models(40000, 7)))
    (tmp_path / "pred.gff3").write_text(plain.gff(models(39000, 11)))
    assert (tmp_path / "ref.gff3").stat().st_size > 9e6
    arguments = ("f1", "ref.gff3", "pred.gff3", "--preset", "all", "--json")
    answers   = [score_cli(tmp_path, *arguments, RAYON_NUM_THREADS=str(n)) for n in (1, 2, 5)]
    assert answers[0].returncode == 0 and answers[0].stdout.count("n_reference") > 30
    assert len({answer.stdout for answer in answers}) == 1


def test_no_phase_is_named_in_the_rows(pair, score_cli):
    assert {row["preset"] for row in rows(score_cli, pair, "--preset", "cie", "--no-phase")} == {"cie-no-phase"}


def test_what_is_chosen_is_chosen_for_every_preset(pair, plain, score_cli):
    everything = ["--preset", "all", "--level", "transcript"]
    assert {row["n_reference"] for row in rows(score_cli, pair, *everything)} == {3}
    assert {row["n_reference"] for row in rows(score_cli, pair, *everything, "--contigs", "b")} == {1}
    assert {row["n_reference"] for row in rows(score_cli, pair, *everything, "--min-cds", "31")} == {2}
    assert {row["n_reference"] for row in rows(score_cli, pair, *everything, "--region", "a:150-300",
                                               "--region", "b:1-40")} == {2}
    (pair / "ref.gff3").write_text(plain.gff([[GENES[0], ("a", "+", ((0, 30), (96, 120)))], *GENES[1:]]))
    assert {row["n_reference"] for row in rows(score_cli, pair, *everything, "--isoforms", "all")} == {4}
    assert {row["n_reference"] for row in rows(score_cli, pair, *everything, "--isoforms", "longest")} == {3}


def test_aliases_hold_for_every_preset(pair, plain, score_cli):
    (pair / "pred.gff3").write_text(plain.gff([(f"chr{contig}", *rest) for contig, *rest in GENES]))
    answer = score_cli(pair, "f1", "ref.gff3", "pred.gff3", "--preset", "cie")
    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1)
    assert "--alias" in answer.stderr
    (pair / "names.tsv").write_text("chra\ta\nchrb\tb\n")
    found = rows(score_cli, pair, "--preset", "all", "--alias", "names.tsv")
    assert {row["f1"] for row in found} == {1}


def test_options_of_gffcompare_change_its_numbers(pair, score_cli):
    gffcompare = ["--preset", "gffcompare", "--level", "exon"]
    assert rows(score_cli, pair, *gffcompare)[0]["tp"] == 3
    assert rows(score_cli, pair, *gffcompare, "-e", "0")[0]["tp"] == 2


@pytest.mark.parametrize("arguments", [
    ("--preset", "nonsense"), ("-e", "3"), ("--strict-match",), ("-T", "--preset", "cie"), ("--no-phase",),
    ("--as-original",), ("--as-original", "--preset", "all"), ("--as-original", "--preset", "cie", "--level", "all"),
    ("--as-original", "--preset", "gt-eval", "--level", "gene"), ("--as-original", "--preset", "cie", "--json"),
    ("--as-original", "--preset", "cie", "pred.gff3"), ("--preset", "cie", "--by", "contig"),
    ("--preset", "gffcompare", "--fail-under", "start=0.5"), ("--preset", "gffcompare", "-e", "-1"),
])
def test_wrong_usage_exits_with_2(pair, score_cli, arguments):
    assert score_cli(pair, "f1", "ref.gff3", "pred.gff3", *arguments).returncode == 2


def test_phases_that_differ_where_coordinates_agree_are_noted(pair, score_cli):
    text = (pair / "ref.gff3").read_text().splitlines(keepends=True)
    odd  = [line.replace("\t0\tID=", "\t1\tID=") if "\tCDS\t" in line else line for line in text]
    (pair / "odd.gff3").write_text("".join(odd))
    answer = score_cli(pair, "f1", "ref.gff3", "odd.gff3", "--preset", "cie", "--level", "exon")
    assert answer.returncode == 0
    assert "4 CDS rows that odd.gff3 shares with ref.gff3 have another phase" in answer.stderr
    assert "phase" not in score_cli(pair, "f1", "ref.gff3", "ref.gff3", "--preset", "cie").stderr


def test_an_empty_prediction_has_no_part_in_the_score_of_another(pair, score_cli):
    (pair / "empty.gff3").write_text("##gff-version 3\n")
    answer = score_cli(pair, "f1", "ref.gff3", "empty.gff3", "ref.gff3", "--preset", "all", "--level", "gene", "--json")
    found  = {(row["prediction"], row["preset"]): row for row in json.loads(answer.stdout)}
    assert len(found) == 2 * 6
    for (path, preset), row in found.items():
        expected = (0, 0, 0) if path == "empty.gff3" else (1, row["n_reference"], row["n_reference"])
        assert (row["f1"], row["tp"], row["n_prediction"]) == expected, preset
