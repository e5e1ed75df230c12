"""Genes found on a GPU are those found on a CPU."""

import pytest

import genet5

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


@pytest.mark.parametrize("decoder", ["writer", "viterbi", "both"])
def test_a_gpu_finds_the_genes_of_a_cpu(decoder, eager, model_folder, dna, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    genome = {"a": dna(30, 3000, "AACGTT"), "b": dna(31, 200), "c": dna(32, 1100, "AACGTT")}
    on_gpu = genet5.load(model_folder, device="cuda", threads=1)
    on_gpu.model.load_state_dict(eager.model.state_dict())
    expected = eager.predict(genome, decoder=decoder, writer_threshold=0.1, both_add=0.0)
    found    = on_gpu.predict(genome, decoder=decoder, writer_threshold=0.1, both_add=0.0, batch_size=2)
    assert expected
    assert [(g.contig, g.strand, g.segments) for g in found] == [(g.contig, g.strand, g.segments) for g in expected]
    assert [g.probability for g in found] == pytest.approx([g.probability for g in expected], rel=1e-3, abs=1e-4)
