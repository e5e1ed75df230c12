"""What counts as found: exact coding coordinates, strand in every key, one transcript per gene."""

import hypothesis as hy
import hypothesis.strategies as st
import pytest

import genet5.eval.score as score

FOUR_EXONS = ("c", "+", ((100, 200), (300, 400), (500, 600), (700, 800)))


def gene(strand, *segments):
    return ("c", strand, segments)


def f1(reference, prediction, level):
    return score.models(reference, prediction)["levels"][level]["f1"]


@st.composite
def genes(draw):
    ends = sorted(draw(st.sets(st.integers(0, 80), min_size=2, max_size=8)))
    return (draw(st.sampled_from("ab")), draw(st.sampled_from("+-")), tuple(zip(ends[::2], ends[1::2])))


@hy.given(st.lists(genes(), max_size=8), st.lists(genes(), max_size=8), st.data())
def test_counts_equal_those_of_plain_sets(plain, reference, prediction, data):
    prediction += data.draw(st.lists(st.sampled_from(reference), max_size=4)) if reference else []
    assert score.models(reference, prediction)["levels"] == plain.levels(reference, prediction)


@hy.given(st.lists(genes(), max_size=8), st.lists(genes(), max_size=8))
def test_every_gene_of_the_reference_falls_in_one_class(reference, prediction):
    result  = score.models(reference, prediction)
    classes = dict(result["classes"])
    extra   = classes.pop("extra")
    assert sum(classes.values()) == result["levels"]["gene"]["n_reference"]
    assert classes["exact"] == result["levels"]["gene"]["tp"]
    assert extra <= result["levels"]["gene"]["fp"]


def test_nothing_against_nothing_has_no_shares():
    for row in score.models([], [])["levels"].values():
        assert row == {"tp": 0, "fp": 0, "fn": 0, "n_reference": 0, "n_prediction": 0,
                       "sensitivity": None, "precision": None, "f1": None}


def test_an_empty_prediction_has_no_precision():
    row = score.models([FOUR_EXONS], [])["levels"]["gene"]
    assert (row["sensitivity"], row["precision"], row["f1"]) == (0.0, None, 0.0)


@pytest.mark.parametrize("moved", [30, 99])
def test_a_start_codon_in_the_wrong_place_costs_one_exon_and_the_gene(moved):
    wrong = ("c", "+", ((100 + moved, 200), *FOUR_EXONS[2][1:]))
    assert f1([FOUR_EXONS], [wrong], "exon") == 0.75
    assert f1([FOUR_EXONS], [wrong], "gene") == 0
    assert score.models([FOUR_EXONS], [wrong])["classes"]["wrong_start"] == 1


@pytest.mark.parametrize("strand", "+-")
def test_a_cds_without_its_stop_codon_is_wrong_and_noticed(strand):
    whole   = [gene(strand, (100, 200), (300, 400))]
    without = [gene(strand, (100, 200), (300, 397)) if strand == "+" else gene(strand, (103, 200), (300, 400))]
    for reference, prediction in ((whole, without), (without, whole)):
        result = score.models(reference, prediction)
        assert result["levels"]["gene"]["tp"] == 0
        assert result["stop_shifted"] == 1
        assert result["classes"]["wrong_stop"] == 1


@pytest.mark.parametrize("overlap", [75, 85])
def test_a_single_exon_gene_has_to_be_exact(overlap):
    assert f1([gene("+", (0, 100))], [gene("+", (0, overlap))], "gene") == 0


def test_every_prediction_twice_changes_nothing():
    for level in score.LEVELS:
        assert f1([FOUR_EXONS], [FOUR_EXONS, FOUR_EXONS], level) == 1


def test_one_gene_predicted_as_two_keeps_its_exons_and_loses_the_gene():
    halves = [gene("+", *FOUR_EXONS[2][:2]), gene("+", *FOUR_EXONS[2][2:])]
    result = score.models([FOUR_EXONS], halves)
    assert (result["levels"]["exon"]["f1"], result["levels"]["gene"]["f1"]) == (1, 0)
    assert result["classes"]["split"] == 1
    assert score.models(halves, [FOUR_EXONS])["classes"]["fused"] == 2


def test_a_prediction_that_bridges_a_three_base_intron_is_wrong():
    reference = [gene("+", (0, 100), (103, 200), (300, 400))]
    row       = score.models(reference, [gene("+", (0, 200), (300, 400))])["levels"]["exon"]
    assert (row["sensitivity"], row["precision"]) == (1 / 3, 1 / 2)


def test_the_wrong_strand_is_wrong_at_every_level():
    other = ("c", "-", FOUR_EXONS[2])
    assert {f1([FOUR_EXONS], [other], level) for level in score.LEVELS} == {0}


def test_bases_of_overlapping_genes_count_once():
    row = score.models([gene("+", (0, 60)), gene("+", (30, 90))], [gene("+", (30, 90))])["levels"]["nucleotide"]
    assert (row["tp"], row["n_reference"], row["n_prediction"]) == (60, 90, 60)


def test_impossible_genes_in_memory_are_refused():
    for bad in [("c", ".", [(0, 3)]), ("c", "+", []), ("c", "+", [(5, 9), (0, 3)])]:
        with pytest.raises(ValueError):
            score.models([bad], [])


def test_files_are_read_with_the_longest_cds_of_each_gene(plain, tmp_path):
    short, long, tie = gene("+", (0, 30)), gene("+", (0, 60), (90, 120)), gene("+", (0, 90))
    (tmp_path / "ref.gff3").write_text(plain.gff([[short, long, tie]]))
    (tmp_path / "pred.gff3").write_text(plain.gff([long]))
    [result] = score.files(tmp_path / "ref.gff3", [tmp_path / "pred.gff3"])
    assert result["levels"] == plain.levels([long], [long])


def test_exon_rows_with_untranslated_ends_do_not_matter(plain, tmp_path):
    text  = plain.gff([FOUR_EXONS])
    exons = [plain.row("c", "exon", 50, 200, "+", "Parent=t0.0"), plain.row("c", "exon", 700, 900, "+", "Parent=t0.0")]
    (tmp_path / "ref.gff3").write_text(text + "\n".join(exons) + "\n")
    (tmp_path / "pred.gff3").write_text(text)
    [result] = score.files(tmp_path / "ref.gff3", [tmp_path / "pred.gff3"])
    assert {row["f1"] for row in result["levels"].values()} == {1}


def test_contigs_limit_both_sides_and_lonely_ones_are_reported(plain, tmp_path):
    here, there, lost = ("a", "+", ((0, 30),)), ("b", "+", ((0, 30),)), ("z", "+", ((0, 30),))
    (tmp_path / "ref.gff3").write_text(plain.gff([here, there]))
    (tmp_path / "pred.gff3").write_text(plain.gff([here, lost]))
    paths    = (tmp_path / "ref.gff3", [tmp_path / "pred.gff3"])
    [result] = score.files(*paths)
    assert (result["only_reference"], result["only_prediction"]) == (["b"], ["z"])
    [result] = score.files(*paths, contigs=["a"])
    assert result["levels"] == plain.levels([here], [here])
    assert (result["only_reference"], result["only_prediction"]) == ([], [])
    with pytest.raises(ValueError, match="chr9"):
        score.files(*paths, contigs=["a", "chr9"])


@pytest.mark.parametrize("pair", ["S.cerevisiae", "P.falciparum"])
def test_real_annotations_score_as_plain_sets_do(plain, shared, pair):
    folder              = shared / "golden" / f"{pair}.augustus"
    reference, predicted = folder / "ref.gff3.gz", folder / "pred.gff3.gz"
    [result]            = score.files(reference, [predicted])
    assert result["levels"] == plain.levels(plain.read(reference), plain.read(predicted))


def test_the_counts_of_brakers_script_come_back_where_genes_have_one_isoform(shared):
    folder   = shared / "golden" / "S.cerevisiae.augustus"
    [result] = score.files(folder / "ref.gff3.gz", [folder / "pred.gff3.gz"])
    for level, name in (("exon", "cds"), ("gene", "trans")):
        text               = (folder / "expected" / f"cie.{name}.no_phase.txt").read_text()
        sensitivity, right = (line.split("\t") for line in text.splitlines() if line.strip())
        row                = result["levels"][level]
        assert [row["n_reference"], row["tp"], row["fn"]] == [int(x) for x in sensitivity[:3]]
        assert [row["n_prediction"], row["tp"], row["fp"]] == [int(x) for x in right[:3]]
