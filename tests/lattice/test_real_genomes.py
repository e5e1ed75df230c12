"""Annotations of real genomes are paths of the lattice, however windows cut them, and decode to themselves."""

import itertools

import numpy as np
import pytest

import genet5._core as core
import genet5.genome as genome

SPECIES = {"S.cerevisiae": {}, "S.pombe": {}, "P.falciparum": {}, "C.albicans": {"genetic_code": 12}}
BASES   = 300_000
CODES   = np.full(256, 4, dtype=np.uint8)
CODES[list(b"ACGT")] = range(4)


def annotated(folder, grammar):
    """Codes of the start of the longest contig, its valid genes that overlap no other, and which bases those leave."""

    name, letters = max(genome.read_fasta(folder / "fna.gz"), key=lambda contig: len(contig[1]))
    codes         = CODES[np.frombuffer(letters[:BASES], dtype=np.uint8)]
    genes         = [(g["strand"], [(a, b) for a, b, _ in g["transcripts"][g["canonical"]]["cds"]])
                     for g in genome.read_genes(folder / "gff.gz", folder / "fna.gz", **grammar)
                     if g["contig"] == name and g["valid"]]
    genes         = sorted((g for g in genes if g[1][-1][1] <= len(codes)), key=lambda gene: gene[1])
    apart, end    = [], 0
    for gene in genes:
        if gene[1][0][0] >= end:
            apart.append(gene)
            end = gene[1][-1][1]
    return codes, apart


def labels_of(genes, bases):
    """Label of each base [bases]."""

    labels = np.zeros(bases, dtype=np.uint8)
    for strand, segments in genes:
        plus   = strand == "+"
        coding = np.concatenate([np.arange(a, b) for a, b in segments])
        labels[segments[0][0]:segments[-1][1]] = 7 if plus else 8
        labels[coding if plus else coding[::-1]] = np.arange(len(coding)) % 3 + (1 if plus else 4)
    return labels


@pytest.mark.parametrize("species", SPECIES)
def test_real_genes_are_paths_and_decode_to_themselves(shared, species):
    grammar      = SPECIES[species]
    codes, genes = annotated(shared / "genomes" / species, grammar)
    labels       = labels_of(genes, len(codes))
    assert len(genes) > 40
    potentials   = np.random.default_rng(0).normal(size=(len(codes), 17), scale=0.1).astype(np.float32)
    starts       = np.sort(np.random.default_rng(1).choice(len(codes), 300, replace=False)).astype(np.int32)
    sizes        = np.diff(starts, append=len(codes)).astype(np.int32)
    nll, _       = core.lattice.loss(codes[None], np.zeros(len(starts), np.int32), starts, sizes, potentials[None],
                                     labels[None], **grammar)
    assert not np.isnan(nll).any(), "wherever a window cuts"
    assert (nll > 0).all()
    for label in range(9):
        potentials[:, label] += 3.0 * (labels == label)
    decoder = core.lattice.Decoder(**grammar)
    found   = decoder.push(codes, potentials) + decoder.finish()
    assert [(strand, segments) for strand, segments, _, _ in found] == genes
    assert all(p > 0.9 for _, _, p, _ in found)
    assert all(a[1][-1][1] <= b[1][0][0] for a, b in itertools.pairwise(found))
