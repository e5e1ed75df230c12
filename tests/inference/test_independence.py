"""The result depends on the model and the contig, and on nothing else."""

import pytest

pytest.importorskip("torch")
import torch

import genet5
import genet5.inference.windows as windows

BUSY = {"writer_threshold": 0.1, "both_add": 0.0}


@pytest.mark.parametrize("decoder", ["writer", "viterbi", "both"])
def test_threads_batch_size_and_other_contigs_change_nothing(decoder, eager, model_folder, dna):
    genome = {"a": dna(30, 1200, "AACGTT"), "b": dna(31, 200), "c": dna(32, 1100, "AACGTT")}
    base   = eager.predict(genome, decoder=decoder, **BUSY)
    assert base
    single = genet5.load(model_folder, device="cpu", threads=1)
    single.model.load_state_dict(eager.model.state_dict())
    assert single.predict(genome, decoder=decoder, batch_size=3, **BUSY) == base
    alone = eager.predict(genome["c"], decoder=decoder, **BUSY)
    assert [(g.strand, g.segments, g.probability) for g in alone] == \
           [(g.strand, g.segments, g.probability) for g in base if g.contig == "c"]
    assert eager.predict(genome, decoder=decoder, contigs=["c"], **BUSY) == [g for g in base if g.contig == "c"]


def test_lower_case_changes_nothing(eager, dna):
    letters = dna(33, 1200, "AACGTT")
    assert eager.predict(letters.lower(), decoder="both", **BUSY) == eager.predict(letters, decoder="both", **BUSY)


def test_torch_keeps_its_threads(predictor, dna):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    predictor.predict(dna(34, 500), decoder="viterbi")
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_both_strands_average_to_mirrored_genes(eager, dna, checklist):
    # two windows that lie the same way from either end
    letters  = dna(35, 1792, "AACGTT")
    forward  = eager.predict(letters, decoder="viterbi", rc_average=True)
    mirrored = eager.predict(checklist.reverse(letters), decoder="viterbi", rc_average=True)
    assert forward
    flipped  = {("-+"[gene.strand == "-"], tuple((1792 - end, 1792 - start) for start, end in gene.segments[::-1]))
                for gene in mirrored}
    assert {(gene.strand, gene.segments) for gene in forward} == flipped


def test_a_gene_longer_than_a_window_is_found_by_the_path(eager, dna):
    # one open frame of 5,000 bases and not a stop codon or splice site to end it elsewhere
    body    = "GCC" * 1700
    letters = "C" * 50 + "ATG" + body + "TAA" + "C" * 50
    size    = eager.model.config.window_size
    assert len(body) > 2 * size
    for decoder in ("viterbi", "both"):
        found = eager.predict(letters, decoder=decoder, writer_threshold=1.0)
        assert ("+", ((50, 56 + len(body)),)) in [(gene.strand, gene.segments) for gene in found]
    assert all(gene.end - gene.start <= size for gene in eager.predict(letters, decoder="writer", **BUSY))
    assert len(windows.tile(len(letters), size, 0.25)) > 3
