"""`genet5 simulate`: a random genome whose genes are all valid and not to be had by open frames alone."""

import gzip
import itertools
import subprocess
import sys

import numpy as np
import pytest

import genet5.errors as errors
import genet5.eval.score as score
import genet5.simulate as sim


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("raw") / "S.simulata"
    sim.species(path, length=600_000, contigs=3, seed=3)
    return path


@pytest.fixture(scope="module")
def genome():
    seeds = np.random.SeedSequence(3).spawn(3)
    return [(f"chr{i + 1}", *sim.contig(200_000, np.random.default_rng(seed))) for i, seed in enumerate(seeds)]


@pytest.fixture(scope="module")
def coding(genome):
    """Every gene with its coding sequence, read in its own direction."""

    result = []
    for _, sequence, genes in genome:
        for gene in genes:
            cds = "".join(sequence[start:end] for start, end in gene.segments)
            result.append((gene, cds if gene.strand == "+" else sim.reverse_complement(cds)))
    return result


@pytest.fixture(scope="module")
def introns(genome):
    """Every intron's sequence, read in its gene's direction."""

    result = []
    for _, sequence, genes in genome:
        for gene in genes:
            for (_, left), (right, _) in itertools.pairwise(gene.segments):
                gap = sequence[left:right]
                result.append(gap if gene.strand == "+" else sim.reverse_complement(gap))
    return result


def test_files_hold_the_genome_that_was_drawn(folder, genome):
    lines   = gzip.open(folder / "fna.gz", "rt").read().splitlines()
    contigs = "".join(f"\n{line}\n" if line[0] == ">" else line for line in lines).split()
    assert contigs == [word for name, sequence, _ in genome for word in (f">{name}", sequence)]
    assert [len(sequence) for _, sequence, _ in genome] == [200_000] * 3
    assert {len(line) for line in lines if line[0] != ">"} == {sim.LINE}


def test_files_are_read_as_the_genes_that_were_drawn(folder, genome):
    genes    = [(name, gene.strand, gene.segments) for name, _, genes in genome for gene in genes]
    [result] = score.files(folder / "gff.gz", [folder / "gff.gz"])
    assert result["levels"]["gene"] == score.models(genes, genes)["levels"]["gene"]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(folder, tmp_path):
    for name, seed in (("same", 3), ("other", 4)):
        sim.species(tmp_path / name, length=600_000, contigs=3, seed=seed)
    for file in ("fna.gz", "gff.gz"):
        assert (tmp_path / "same" / file).read_bytes() == (folder / file).read_bytes()
        assert (tmp_path / "other" / file).read_bytes() != (folder / file).read_bytes()


def test_every_gene_is_a_valid_reading_frame(coding):
    for _, cds in coding:
        codons = [cds[i:i + 3] for i in range(0, len(cds), 3)]
        assert len(cds) % 3 == 0 and codons[0] == "ATG" and codons[-1] in sim.STOPS
        assert not set(codons[:-1]) & set(sim.STOPS)


def test_genes_do_not_overlap_and_stay_inside(genome):
    for _, sequence, genes in genome:
        ends = [0, *(end for gene in genes for segment in gene.segments for end in segment), len(sequence)]
        assert ends == sorted(set(ends))


def test_both_strands_and_introns_are_common(coding):
    plus    = np.mean([gene.strand == "+" for gene, _ in coding])
    spliced = np.mean([len(gene.segments) > 1 for gene, _ in coding])
    assert 0.4 < plus < 0.6
    assert spliced >= 0.4


def test_introns_carry_their_signals(introns):
    assert all(gap.startswith("GT") and gap.endswith("AG") for gap in introns)
    assert all(sim.MIN_INTRON <= len(gap) <= sim.MAX_INTRON for gap in introns)
    branch = np.mean(["TACTAAC" in gap[-40:] for gap in introns])
    tract  = np.mean([gap[-15:-3].count("T") + gap[-15:-3].count("C") for gap in introns]) / 12
    assert branch > 0.4
    assert tract > 0.8


def test_coding_sequence_differs_from_what_surrounds_it(genome, coding):
    inside  = "".join(cds for _, cds in coding)
    outside = "".join(sequence[:genes[0].segments[0][0]] for _, sequence, genes in genome)
    third   = inside[2::3]

    def gc(text):
        return (text.count("G") + text.count("C")) / len(text)

    assert gc(third) > gc(inside) > gc(outside) + 0.05


def test_phases_continue_the_frame(coding):
    for gene, _ in coding:
        order = list(zip(gene.segments, sim.phases(gene)))
        left  = 0
        for (start, end), phase in order if gene.strand == "+" else reversed(order):
            assert phase == -left % 3
            left += end - start


def test_the_longest_open_frames_are_not_the_genes(folder):
    assert score.baseline(folder / "gff.gz", folder / "fna.gz")["levels"]["gene"]["f1"] <= 0.4


def test_files_that_are_there_are_kept_without_force(folder):
    before = (folder / "fna.gz").read_bytes()
    with pytest.raises(errors.DataError, match="--force"):
        sim.species(folder, seed=9)
    assert (folder / "fna.gz").read_bytes() == before


def test_the_command_says_what_it_wrote(tmp_path):
    command = [sys.executable, "-m", "genet5", "simulate", str(tmp_path / "S.small"), "--length", "50000",
               "--contigs", "2"]
    first   = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "50000 bases on 2 contigs" in first.stdout
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (second.returncode, second.stderr.count("\n")) == (1, 1)
    tiny = subprocess.run([*command[:-1], "50", "--force"], capture_output=True, text=True, check=False)
    assert tiny.returncode == 1
