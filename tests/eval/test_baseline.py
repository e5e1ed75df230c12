"""The longest-ORF baseline: what can be had without a model."""

import itertools
import json
import random
import subprocess
import sys

import hypothesis as hy
import hypothesis.strategies as st
import pytest

import genet5.eval.score as score

HELD_OUT = {
    "S.cerevisiae": (["BK006937.2", "BK006939.2", "BK006944.2"], 773, 0.89),
    "P.falciparum": (["AL844501.2", "LN999943.1", "AL844502.2"], 592, 0.36),
}


def genome(folder, contigs):
    path = folder / "genome.fna"
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in contigs.items()))
    return path


def expected(plain, contigs, shortest):
    return [(name, strand, ((start, end),)) for name, sequence in contigs.items()
            for strand, start, end in plain.chosen_orfs(sequence) if end - start >= shortest]


@hy.given(st.lists(st.text("ACGTN", max_size=150), min_size=1, max_size=3), st.integers(0, 60), st.randoms())
@hy.settings(max_examples=40, suppress_health_check=[hy.HealthCheck.function_scoped_fixture])
def test_the_orfs_are_those_of_a_plain_search(plain, tmp_path, sequences, shortest, shuffle):
    contigs = {f"c{i}": pad(sequence, shuffle) for i, sequence in enumerate(sequences)}
    orfs    = expected(plain, contigs, shortest)
    (tmp_path / "ref.gff3").write_text(plain.gff(orfs))
    found = score.baseline(tmp_path / "ref.gff3", genome(tmp_path, contigs), min_length=shortest)
    assert found["levels"] == plain.levels(orfs, orfs)


def pad(sequence, shuffle):
    """Random sequence with codons that make open reading frames likely."""

    codons = ["ATG", "AAA", "GCT", "TAA", "CAT", "TTA", "N"]
    return sequence + "".join(shuffle.choice(codons) for _ in range(60))


def test_best_is_the_minimum_length_with_the_highest_gene_f1(plain, tmp_path):
    draw    = random.Random(5)
    contigs = {"c": "".join(draw.choice("ACGT") for _ in range(6000))}
    orfs    = expected(plain, contigs, 0)
    truth   = [orf for orf in orfs if orf[2][0][1] - orf[2][0][0] >= 90][::2]
    (tmp_path / "ref.gff3").write_text(plain.gff(truth))
    paths = (tmp_path / "ref.gff3", genome(tmp_path, contigs))
    best  = score.baseline(*paths)
    sweep = [plain.levels(truth, expected(plain, contigs, n))["gene"]["f1"] for n in range(9, 400, 3)]
    assert best["levels"]["gene"]["f1"] == max(sweep)
    assert score.baseline(*paths, min_length=best["min_length"])["levels"] == best["levels"]


def test_the_orfs_can_be_written_and_score_the_same(plain, tmp_path):
    draw    = random.Random(6)
    contigs = {name: "".join(draw.choice("ACGT") for _ in range(3000)) for name in ("c2", "c1")}
    orfs    = expected(plain, contigs, 60)
    (tmp_path / "ref.gff3").write_text(plain.gff(orfs))
    output = tmp_path / "orfs.gff3"
    score.baseline(tmp_path / "ref.gff3", genome(tmp_path, contigs), min_length=60, output=output)
    assert sorted(plain.read(output)) == sorted(orfs)


def test_the_genetic_code_decides_what_stops(plain, tmp_path):
    contigs = {"c": "ATG" + "AAA" * 5 + "TGA" + "CCC" * 5 + "TAA"}
    (tmp_path / "ref.gff3").write_text(plain.gff([("c", "+", ((0, len(contigs["c"])),))]))
    paths = (tmp_path / "ref.gff3", genome(tmp_path, contigs))
    assert score.baseline(*paths, min_length=30)["levels"]["gene"]["tp"] == 0
    assert score.baseline(*paths, min_length=30, genetic_code=4)["levels"]["gene"]["f1"] == 1
    with pytest.raises(ValueError, match="genetic code 99"):
        score.baseline(*paths, genetic_code=99)


@pytest.mark.parametrize("species", HELD_OUT)
def test_real_genomes_give_the_known_figures(shared, species):
    contigs, genes, known = HELD_OUT[species]
    folder                = shared / "genomes" / species
    arguments             = ["baseline", folder / "gff.gz", folder / "fna.gz", "--contigs", ",".join(contigs), "--json"]
    command               = [sys.executable, "-m", "genet5.cli.score", *map(str, arguments)]
    answer                = subprocess.run(command, capture_output=True, text=True, check=True)
    row                   = json.loads(answer.stdout)[2]
    assert row["n_reference"] == genes
    assert round(row["f1"], 2) == known
    assert list(itertools.islice(row, 3)) == ["reference", "prediction", "preset"]
