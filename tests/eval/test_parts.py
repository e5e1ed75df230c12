"""Breakdowns, lists of genes, and the comparison of two predictions."""

import json
import random

import pytest

import genet5.score as score
import genet5.genome as genomes


def make(seed, count=60):
    """Genes on two contigs, one to five exons each, and a damaged copy."""

    draw, genes, damaged = random.Random(seed), [], []
    for i in range(count):
        at, segments = 2000 * i + 10, []
        for _ in range(draw.randint(1, 5)):
            segments.append((at, at + draw.randint(10, 200)))
            at = segments[-1][1] + draw.randint(10, 40)
        gene = (draw.choice("ab"), draw.choice("+-"), tuple(segments))
        genes.append(gene)
        kind = draw.random()
        if kind < 0.5:
            damaged.append(gene)
        elif kind < 0.7:
            damaged.append((*gene[:2], ((segments[0][0] + 3, segments[0][1]), *segments[1:])))
        elif kind < 0.8:
            damaged += [(*gene[:2], (segment,)) for segment in segments]
    return genes, damaged


@pytest.fixture
def pair(plain, tmp_path):
    genes, damaged = make(4)
    (tmp_path / "ref.gff3").write_text(plain.gff(genes))
    (tmp_path / "pred.gff3").write_text(plain.gff(damaged))
    return tmp_path, genes, damaged


def parts(folder, by, **options):
    [result] = score.files(folder / "ref.gff3", [folder / "pred.gff3"], by=by, **options)
    return result["levels"], dict(result["parts"])


def side(row, name, key):
    return row.get(f"tp_{name}", row["tp"]) if key == "tp" else row[f"n_{name}"]


@pytest.mark.parametrize("by", ["contig", "length", "exons"])
def test_gene_counts_of_the_parts_add_up_to_the_whole(pair, by):
    whole, named = parts(pair[0], by)
    assert len(named) > 1
    for level in ("gene", "transcript"):
        for name in ("reference", "prediction"):
            for key in ("tp", "n"):
                assert sum(side(row[level], name, key) for row in named.values()) == side(whole[level], name, key)


def test_contigs_by_themselves_score_as_if_the_other_were_not_there(pair, plain):
    folder, genes, damaged = pair
    for contig, found in parts(folder, "contig")[1].items():
        only = [[gene for gene in side if gene[0] == contig] for side in (genes, damaged)]
        assert found.items() >= plain.levels(*only).items()


def test_genes_are_sorted_by_their_exons(pair):
    folder, genes, damaged = pair
    row = parts(folder, "exons")[1]["2"]["gene"]
    two = [{gene for gene in side if len(gene[2]) == 2} for side in (genes, damaged)]
    assert (row["n_reference"], row["n_prediction"], row["tp"]) == (len(two[0]), len(two[1]), len(two[0] & two[1]))


def test_genes_are_sorted_by_their_gc_content(pair):
    folder, genes, _ = pair
    draw    = random.Random(1)
    letters = {name: "".join(draw.choices("ACGT", [3, 1, 1, 3], k=130_000)) for name in "ab"}
    (folder / "genome.fna").write_text("".join(f">{name}\n{text}\n" for name, text in letters.items()))
    named = parts(folder, "gc", genome=folder / "genome.fna")[1]
    low   = 0
    for contig, _, segments in genes:
        coding = "".join(letters[contig][a:b] for a, b in segments)
        low   += round(100 * (coding.count("G") + coding.count("C")) / len(coding)) <= 30
    assert named["0-30%"]["gene"]["n_reference"] == low > 0
    (folder / "genome.fna").write_text(">a\nACGT\n")
    with pytest.raises(ValueError, match=r"genome\.fna"):
        parts(folder, "gc", genome=folder / "genome.fna")


def test_lists_read_back_as_the_genes_of_the_class(pair, plain):
    folder, genes, damaged = pair
    wanted   = [(name, folder / f"{name}.gff3") for name in score.LISTS]
    [result] = score.files(folder / "ref.gff3", [folder / "pred.gff3"], lists=wanted)
    counts   = result["classes"]
    wrong    = sum(counts[name] for name in ("wrong_start", "wrong_stop", "wrong_splice_site", "several"))
    sizes    = {**counts, "wrong": wrong}
    seen     = set()
    for name, path in wanted:
        read = plain.read(path)
        assert len(genomes.read_genes(path)) == len(read) == sizes[name]
        assert name == "extra" or set(read) <= set(genes)
        seen |= set(read)
    assert set(plain.read(folder / "exact.gff3")) == set(genes) & set(damaged)
    assert seen >= set(genes)
    assert not list(folder.glob(".*tmp*"))
    assert "class=wrong_start;prediction=g" in (folder / "wrong.gff3").read_text()


def test_two_predictions_need_two_calls_for_lists(pair):
    with pytest.raises(ValueError, match="one prediction"):
        score.files("r", ["a", "b"], lists=[("missed", "x")])


def resample(genes, a, b, draws, seed):
    """Differences of gene F1 under a bootstrap over genes, which are far apart here."""

    draw, ours, theirs = random.Random(seed), set(a), set(b)
    rest               = [sorted(side - set(genes)) for side in (ours, theirs)]
    loci               = [(gene in ours, gene in theirs) for gene in genes]
    assert not any(rest)
    found = []
    for _ in range(draws):
        sample = draw.choices(loci, k=len(loci))
        n      = len(sample)
        tp     = [sum(hit[side] for hit in sample) for side in (0, 1)]
        found.append(2 * tp[1] / (n + tp[1]) - 2 * tp[0] / (n + tp[0]))
    return sorted(found)


def test_the_interval_is_that_of_a_plain_bootstrap(plain, tmp_path):
    draw  = random.Random(8)
    genes = [("c", "+", ((500 * i, 500 * i + 90),)) for i in range(200)]
    a, b  = draw.sample(genes, 120), draw.sample(genes, 140)
    for name, side in (("ref", genes), ("a", a), ("b", b)):
        (tmp_path / f"{name}.gff3").write_text(plain.gff(side))
    paths  = [tmp_path / f"{name}.gff3" for name in ("ref", "a", "b")]
    result = score.compare(*paths, resamples=4000, seed=3)
    gene   = result["levels"]["gene"]
    sample = resample(genes, a, b, 4000, 5)
    assert gene["difference"] == pytest.approx(280 / 340 - 240 / 320)
    assert gene["interval"] == pytest.approx((sample[100], sample[3900]), abs=0.015)
    assert (result["only_a"], result["only_b"]) == (len(set(a) - set(b)), len(set(b) - set(a)))
    assert result["loci"] == 200
    assert score.compare(*paths, resamples=4000, seed=3) == result
    assert score.compare(*paths, resamples=4000, seed=4)["levels"]["gene"]["interval"] != gene["interval"]


def test_counts_of_a_comparison_are_those_of_f1(pair):
    folder = pair[0]
    paths  = [folder / "ref.gff3", folder / "pred.gff3", folder / "ref.gff3"]
    levels = score.compare(*paths, resamples=10, isoforms="all")["levels"]
    [a, b] = score.files(paths[0], paths[1:], isoforms="all")
    for level in score.LEVELS:
        assert (levels[level]["a"], levels[level]["b"]) == (a["levels"][level], b["levels"][level])


def test_the_commands_print_what_the_functions_return(pair, score_cli):
    folder = pair[0]
    answer = json.loads(score_cli(folder, "compare", "ref.gff3", "pred.gff3", "ref.gff3", "--resamples", "50",
                                  "--level", "all", "--json").stdout)
    expect = score.compare(folder / "ref.gff3", folder / "pred.gff3", folder / "ref.gff3", resamples=50)
    assert answer["levels"] == json.loads(json.dumps(expect["levels"]))
    text   = score_cli(folder, "compare", "ref.gff3", "pred.gff3", "ref.gff3").stdout
    assert "by B only" in text and "McNemar" in text
    rows   = json.loads(score_cli(folder, "f1", "ref.gff3", "pred.gff3", "--by", "contig", "--level", "gene",
                                  "--json").stdout)
    assert rows[0].get("part") is None and sorted(row["part"] for row in rows[1:]) == ["a", "b"]
    answer = score_cli(folder, "f1", "ref.gff3", "pred.gff3", "--list", "missed", "missed.gff3")
    assert answer.returncode == 0
    assert (folder / "missed.gff3").read_text().startswith("##gff-version 3\n")
    assert score_cli(folder, "compare", "ref.gff3", "pred.gff3").returncode == 2
    assert score_cli(folder, "compare", "ref.gff3", "pred.gff3", "ref.gff3", "--level", "soul").returncode == 2


def test_very_many_contigs_have_a_part_each(plain, tmp_path):
    genes = [(f"c{i}", "+", ((0, 30), (60, 90))) for i in range(100_000)]
    (tmp_path / "ref.gff3").write_text(plain.gff(genes))
    (tmp_path / "pred.gff3").write_text(plain.gff(genes[::2]))
    [result] = score.files(tmp_path / "ref.gff3", [tmp_path / "pred.gff3"], by="contig")
    found = [row["gene"]["tp"] for _, row in result["parts"]]
    assert (len(found), sum(found)) == (100_000, 50_000)
