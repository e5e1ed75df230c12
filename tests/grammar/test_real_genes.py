"""Every valid gene of real genomes can be written: no true site is ever masked."""

import collections

import pytest

import genet5.genome as genome
import genet5.grammar as grammar

WINDOW = 20_000


@pytest.fixture(scope="module", params=["S.cerevisiae", "P.falciparum"])
def species(request, shared):
    """Contigs and valid genes by contig of one genome, and how many genes are not valid."""

    folder  = shared / "genomes" / request.param
    genes   = genome.read_genes(folder / "gff.gz", folder / "fna.gz")
    valid   = collections.defaultdict(list)
    for gene in genes:
        if gene["valid"]:
            valid[gene["contig"]].append((gene["strand"], genome.segments(gene)))
    contigs = dict(genome.read_fasta(folder / "fna.gz"))
    return request.param, contigs, valid, sum(not gene["valid"] for gene in genes)


def inside(genes, start, end):
    """The genes that lie whole in a stretch, in its coordinates."""

    whole = [gene for gene in genes if gene[1][0][0] >= start and gene[1][-1][1] <= end]
    return [(strand, [(a - start, b - start) for a, b in segments]) for strand, segments in whole]


def masked(windows, genes):
    """Steps and masked steps of genes replayed in windows."""

    steps             = [grammar.encode_genes(each) for each in genes]
    _, _, _, truth, _ = grammar.replay(windows, steps, threads=2)
    return len(truth), int((truth < 0).sum())


def test_every_valid_gene_alone(species):
    name, contigs, valid, invalid = species
    windows, genes                = [], []
    for contig, own in valid.items():
        for gene in own:
            start, end = max(gene[1][0][0] - 50, 0), gene[1][-1][1] + 50
            windows.append(contigs[contig][start:end])
            genes.append(inside([gene], start, end))
    assert len(genes) > 5000 and invalid < len(genes) / 20
    steps, count = masked(windows, genes)
    print(f"{name}: {len(genes)} valid genes ({invalid} others), {steps} steps, {count} masked")
    assert count == 0


def test_all_genes_of_a_window_together(species):
    name, contigs, valid, _ = species
    windows, genes          = [], []
    for contig, own in valid.items():
        for start in range(0, len(contigs[contig]), WINDOW):
            windows.append(contigs[contig][start:start + WINDOW])
            genes.append(inside(own, start, start + WINDOW))
    _, count     = masked(windows, genes)
    written      = sum(len(grammar.decode_sites(*grammar.encode_genes(each))) for each in genes)
    shared_stops = sum(map(len, genes)) - written
    print(f"{name}: {len(windows)} windows, {written} genes, {shared_stops} share their stop, {count} masked")
    assert count == 0 and shared_stops < written / 200
