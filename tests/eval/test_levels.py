"""All levels of preset genet5, and the options that choose what counts."""

import itertools
import json

import hypothesis as hy
import hypothesis.strategies as st
import pytest

import genet5.score as score


@st.composite
def isoforms(draw):
    """A gene of one to three transcripts."""

    contig, strand = draw(st.sampled_from("ab")), draw(st.sampled_from("+-"))
    cuts           = draw(st.lists(st.sets(st.integers(0, 40), min_size=2, max_size=8), min_size=1, max_size=3))
    chains         = [tuple(zip(sorted(cut)[::2], sorted(cut)[1::2])) for cut in cuts]
    return [(contig, strand, chain) for chain in chains]


def choose(gene, policy, shortest):
    """The transcripts of a gene that count; a tie goes to the first."""

    sizes = [sum(b - a for a, b in chain) for _, _, chain in gene]
    if policy == "longest":
        best = sizes.index(max(sizes))
        gene, sizes = [gene[best]], [sizes[best]]
    return [chain for chain, size in zip(gene, sizes) if size >= shortest]


def plainly(plain, reference, prediction):
    """Counts of every level as sets of keys; gene by gene for the last."""

    def keys(genes):
        chains  = [chain for gene in genes for chain in gene]
        introns = [(c, s, tuple((a[1], b[0]) for a, b in itertools.pairwise(chain))) for c, s, chain in chains]
        ends    = [(c, s, (chain[0][0], chain[-1][1])) for c, s, chain in chains]
        return {
            "nucleotide":   {(c, s, x) for c, s, chain in chains for a, b in chain for x in range(a, b)},
            "exon":         {(c, s, segment) for c, s, chain in chains for segment in chain},
            "intron":       {(c, s, gap) for c, s, gaps in introns for gap in gaps},
            "intron_chain": {(c, s, gaps) for c, s, gaps in introns if gaps},
            "start":        {(c, s, end[s == "-"]) for c, s, end in ends},
            "stop":         {(c, s, end[s == "+"]) for c, s, end in ends},
            "transcript":   set(chains),
        }

    ours, theirs = keys(reference), keys(prediction)
    counted      = {level: plain.counts(ours[level], theirs[level]) for level in ours}
    sides        = [{frozenset(gene) for gene in genes if gene} for genes in (reference, prediction)]
    found        = [sum(any(chain in other for chain in gene) for gene in side)
                    for side, other in zip(sides, (theirs["transcript"], ours["transcript"]))]
    return counted, found, [len(side) for side in sides]


@hy.given(st.lists(isoforms(), min_size=1, max_size=5), st.lists(isoforms(), max_size=3), st.data(),
          st.sampled_from(["longest", "all"]), st.sampled_from([0, 12]))
@hy.settings(max_examples=25, deadline=None, suppress_health_check=[hy.HealthCheck.function_scoped_fixture])
def test_every_level_counts_as_plain_sets_do(plain, tmp_path, reference, extra, data, policy, shortest):
    prediction = extra + data.draw(st.lists(st.sampled_from(reference), min_size=1, max_size=4))
    (tmp_path / "ref.gff3").write_text(plain.gff(reference))
    (tmp_path / "pred.gff3").write_text(plain.gff(prediction))
    [result] = score.files(tmp_path / "ref.gff3", [tmp_path / "pred.gff3"], isoforms=policy, min_cds=shortest)
    sides    = [[choose(gene, policy, shortest) for gene in genes] for genes in (reference, prediction)]
    counted, found, sizes = plainly(plain, *sides)
    assert {level: result["levels"][level] for level in counted} == counted
    gene = result["levels"]["gene"]
    assert [gene["n_reference"], gene["n_prediction"]] == sizes
    assert [gene.get("tp_reference", gene["tp"]), gene.get("tp_prediction", gene["tp"])] == found
    assert [gene["fn"], gene["fp"]] == [sizes[0] - found[0], sizes[1] - found[1]]


LONG, SHORT = ("a", "+", ((0, 60), (90, 120))), ("a", "+", ((0, 60), (100, 120)))


@pytest.fixture
def pair(plain, tmp_path):
    """A gene of two isoforms with UTRs and one on another contig; the shorter isoform and the other are predicted."""

    exons = [plain.row("a", "exon", 0, 60, "+", "Parent=t0.0"), plain.row("a", "exon", 90, 150, "+", "Parent=t0.0")]
    other = ("b", "-", ((300, 330),))
    (tmp_path / "ref.gff3").write_text(plain.gff([[LONG, SHORT], other]) + "\n".join(exons) + "\n")
    (tmp_path / "pred.gff3").write_text(plain.gff([SHORT, other]))
    return tmp_path


def gene(score_cli, folder, *arguments):
    """tp, fp, fn of the gene level."""

    rows = json.loads(score_cli(folder, "f1", "ref.gff3", "pred.gff3", "--level", "gene", "--json", *arguments).stdout)
    return tuple(rows[0][name] for name in ("tp", "fp", "fn"))


def test_isoforms_contigs_regions_and_lengths_choose_on_both_sides(pair, score_cli):
    assert gene(score_cli, pair) == (1, 1, 1)
    assert gene(score_cli, pair, "--isoforms", "all") == (2, 0, 0)
    assert gene(score_cli, pair, "--contigs", "b") == (1, 0, 0)
    assert gene(score_cli, pair, "--region", "b:301-330") == (1, 0, 0)
    assert gene(score_cli, pair, "--region", "b:302-330") == (0, 0, 0)
    assert gene(score_cli, pair, "--region", "a:1-1,000", "--region", "b:1-400") == (1, 1, 1)
    assert gene(score_cli, pair, "--min-cds", "31") == (0, 1, 1)


def test_exon_rows_count_when_asked_for(pair, plain, score_cli):
    answer = score_cli(pair, "f1", "ref.gff3", "ref.gff3", "--feature", "exon", "--level", "exon", "--json")
    assert json.loads(answer.stdout)[0]["n_reference"] == 2
    rows = json.loads(score_cli(pair, "f1", "ref.gff3", "ref.gff3", "--level", "nucleotide", "--json").stdout)
    assert rows[0]["n_reference"] == 120


def test_levels_are_printed_as_asked(pair, score_cli):
    rows = json.loads(score_cli(pair, "f1", "ref.gff3", "pred.gff3", "--level", "all", "--json").stdout)
    assert [row["level"] for row in rows] == list(score.LEVELS)
    asked = ["--level", "stop", "--level", "exon"]
    rows  = json.loads(score_cli(pair, "f1", "ref.gff3", "pred.gff3", *asked, "--json").stdout)
    assert [row["level"] for row in rows] == ["exon", "stop"]
    table = score_cli(pair, "f1", "ref.gff3", "pred.gff3", "--level", "gene").stdout.splitlines()
    assert table[1].split()[-2:] == ["n_reference", "n_prediction"]
    assert table[2].split()[-2:] == ["2", "2"]


def test_tsv_has_the_rows_of_json(pair, score_cli):
    arguments = ["f1", "ref.gff3", "pred.gff3", "--isoforms", "all", "--level", "all"]
    rows      = json.loads(score_cli(pair, *arguments, "--json").stdout)
    head, *lines = [line.split("\t") for line in score_cli(pair, *arguments, "--tsv").stdout.splitlines()]
    for row, line in zip(rows, lines, strict=True):
        cells = dict(zip(head, line, strict=True))
        assert all(cells[name] == ("NA" if value is None else str(value)) for name, value in row.items())


@pytest.mark.parametrize(("limit", "code"), [("gene=0.5", 0), ("gene=0.51", 3), ("exon=0.9", 3), ("stop=1", 0)])
def test_a_score_under_the_limit_exits_with_3(pair, limit, code, score_cli):
    answer = score_cli(pair, "f1", "ref.gff3", "pred.gff3", "--fail-under", limit)
    assert (answer.returncode, bool(answer.stdout)) == (code, True)
    assert ("is under" in answer.stderr) == (code == 3)


@pytest.mark.parametrize("arguments", [
    ("--fail-under", "gene"), ("--fail-under", "gene=2"), ("--fail-under", "soul=0.5"), ("--region", "a"),
    ("--region", "a:9-1"), ("--region", "a:0-5"), ("--isoforms", "none"), ("--level", "codon"), ("--json", "--tsv"),
    ("--by", "gc"), ("--by", "colour"), ("pred.gff3", "--list", "missed", "x.gff3"), ("--list", "lost", "x.gff3"),
])
def test_wrong_usage_exits_with_2(pair, arguments, score_cli):
    assert score_cli(pair, "f1", "ref.gff3", "pred.gff3", *arguments).returncode == 2


@pytest.mark.parametrize(("theirs", "nearest"), [("1", "chr1"), ("NC_000001.11", "chr1"), ("CHR02", "chr2")])
def test_nothing_in_common_is_an_error_that_names_the_nearest(plain, tmp_path, theirs, nearest, score_cli):
    ours = [(name, "+", ((0, 30),)) for name in ("chr10", "chr2", "chr1")]
    (tmp_path / "ref.gff3").write_text(plain.gff(ours))
    (tmp_path / "pred.gff3").write_text(plain.gff([(theirs, "+", ((0, 30),))]))
    answer = score_cli(tmp_path, "f1", "ref.gff3", "pred.gff3")
    assert (answer.returncode, answer.stdout, answer.stderr.count("\n")) == (1, "", 1)
    assert f"{theirs} (nearest: {nearest})" in answer.stderr and "--alias" in answer.stderr
    (tmp_path / "names.tsv").write_text(f"# here\tthere\n{theirs}\t{nearest}\n")
    answer = score_cli(tmp_path, "f1", "ref.gff3", "pred.gff3", "--alias", "names.tsv", "--level", "gene", "--json")
    assert json.loads(answer.stdout)[0]["precision"] == 1


def test_some_names_that_differ_in_spelling_are_noted(plain, tmp_path, score_cli):
    (tmp_path / "ref.gff3").write_text(plain.gff([("chr1", "+", ((0, 30),)), ("chr2", "+", ((0, 30),))]))
    (tmp_path / "pred.gff3").write_text(plain.gff([("chr1", "+", ((0, 30),)), ("2", "+", ((0, 30),))]))
    assert "2 is chr2" in score_cli(tmp_path, "f1", "ref.gff3", "pred.gff3").stderr


@pytest.mark.parametrize("text", ["chr1\n", "a\tb\tc\n", "1\tchr1\n1\tchr2\n"])
def test_a_broken_alias_file_is_one_line(pair, text, score_cli):
    (pair / "names.tsv").write_text(text)
    answer = score_cli(pair, "f1", "ref.gff3", "pred.gff3", "--alias", "names.tsv")
    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1)
    assert "names.tsv, line" in answer.stderr


@pytest.mark.parametrize("strand", "+-")
def test_with_the_genome_it_is_said_whose_genes_lack_their_stop_codon(plain, tmp_path, score_cli, strand):
    coding  = "ATGAAATGA"
    letters = coding if strand == "+" else plain.reverse_complement(coding)
    short   = ((10, 16),) if strand == "+" else ((13, 19),)
    (tmp_path / "genome.fna").write_text(f">a\n{'C' * 10}{letters}{'C' * 10}\n")
    (tmp_path / "ref.gff3").write_text(plain.gff([("a", strand, ((10, 19),))]))
    (tmp_path / "pred.gff3").write_text(plain.gff([("a", strand, short)]))
    notes = score_cli(tmp_path, "f1", "ref.gff3", "pred.gff3", "--genome", "genome.fna").stderr.splitlines()
    assert "stop codon alone" in notes[0]
    assert notes[1].endswith("ref.gff3: of 1 genes 1 end with a stop codon, 0 before one")
    assert notes[2].endswith("pred.gff3: of 1 genes 0 end with a stop codon, 1 before one")
    notes = score_cli(tmp_path, "f1", "ref.gff3", "pred.gff3", "--genome", "genome.fna", "--genetic-code", "4").stderr
    assert "ref.gff3: of 1 genes 0 end with a stop codon" in notes
