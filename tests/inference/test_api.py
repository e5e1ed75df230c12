"""`genet5.load(model).predict(sequence_or_path)`."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("torch")

import genet5
import genet5.errors as errors
import genet5.inference as inference
import genet5.inference.evaluation as evaluation


def plain(found):
    return [(gene.contig, gene.strand, gene.segments, gene.probability) for gene in found]


def test_letters_bytes_dicts_and_files_give_the_same_genes(predictor, dna, tmp_path, fasta):
    letters = dna(40, 300, "AACGTT")
    options = {"decoder": "writer", "writer_threshold": 0.05}
    expected = plain(predictor.predict({"sequence": letters}, **options))
    assert expected
    path = fasta(tmp_path / "genome.fa", {"sequence": letters})
    for genome in (letters, letters.encode(), path, str(path)):
        assert plain(predictor.predict(genome, **options)) == expected


def test_what_cannot_be_is_refused_in_one_line(predictor, tmp_path):
    with pytest.raises(ValueError, match="no contig x in the genome; it has a"):
        predictor.predict({"a": "ACGT"}, contigs=["x"])
    with pytest.raises(ValueError, match="decoder"):
        predictor.predict("ACGT", decoder="beam")
    with pytest.raises(ValueError, match="no decoding setting colour"):
        predictor.predict("ACGT", colour="red")
    with pytest.raises(ValueError, match="genetic code 99"):
        predictor.predict("ACGT", genetic_code=99)
    with pytest.raises(OSError):
        predictor.predict(tmp_path / "missing.fa")
    (tmp_path / "text.fa").write_text("no fasta\n")
    with pytest.raises(errors.InputError):
        predictor.predict(tmp_path / "text.fa")
    with pytest.raises(errors.DataError, match="no model folder"):
        genet5.load(tmp_path)


def test_short_genes_are_dropped_on_request(predictor, dna):
    letters = dna(41, 300, "AACGTT")
    options = {"decoder": "writer", "writer_threshold": 0.0}
    every   = predictor.predict(letters, **options)
    long    = predictor.predict(letters, min_cds=60, **options)
    assert long == [gene for gene in every if len(gene.cds) >= 60] != every


@pytest.mark.parametrize("decoder", ["writer", "viterbi", "both"])
def test_improbable_genes_are_dropped_on_request(eager, dna, decoder):
    letters = dna(45, 2000, "AACGTT")
    options = {"decoder": decoder, "writer_threshold": 0.0, "both_add": 0.0}
    every   = eager.predict(letters, min_probability=0.0, **options)
    limit   = sorted(gene.probability for gene in every)[len(every) // 2]
    kept    = eager.predict(letters, min_probability=limit, **options)
    assert 0 < len(kept) < len(every)
    assert all(gene.probability >= limit for gene in kept)


def test_progress_counts_every_base_once(predictor, awkward):
    done = []
    predictor.predict(awkward, decoder="viterbi", progress=done.append)
    assert sum(done) == sum(map(len, awkward.values()))


def test_decoding_settings_of_the_model_are_the_defaults(model_folder, dna):
    predictor = genet5.load(model_folder, device="cpu", threads=1)
    letters   = dna(42, 400, "AACGTT")
    predictor.model.config.decoding.update(decoder="writer", writer_threshold=0.0)
    assert plain(predictor.predict(letters)) == plain(predictor.predict(letters, decoder="writer",
                                                                        writer_threshold=0.0))


def test_evaluation_counts_exact_genes(eager, dna):
    letters = dna(43, 3000, "AACGTT")
    found   = eager.predict(letters, decoder="viterbi")
    truth   = [{"strand": gene.strand, "segments": [list(part) for part in gene.segments]} for gene in found]
    sample  = {"sequence": letters, "genetic_code": 1, "genes": truth[1:], "others": []}
    scores  = inference.evaluate(eager.model, [sample], decoders=("viterbi",))["viterbi"]
    assert (scores["tp"], scores["fp"], scores["fn"]) == (len(found) - 1, 1, 0)
    first   = {"strand": found[0].strand, "start": found[0].start, "end": found[0].start + 1}
    scores  = inference.evaluate(eager.model, {"samples": [{**sample, "others": [first]}]}, decoders=("viterbi",))
    assert scores["viterbi"]["gene_f1"] == 1.0


def test_calibration_chooses_the_threshold_and_decoder_that_score_best(model_folder, dna):
    predictor = genet5.load(model_folder, device="cpu", threads=2)
    letters   = dna(44, 500, "AACGTT")
    written   = predictor.predict(letters, decoder="writer", writer_threshold=0.02)
    truth     = [{"strand": gene.strand, "segments": gene.segments} for gene in written]
    scores    = evaluation.calibrate(predictor.model, [{"sequence": letters, "genes": truth}], thresholds=(0.02, 0.9))
    decoding  = predictor.model.config.decoding
    assert decoding["writer_threshold"] == 0.02
    assert decoding["min_probability"] in evaluation.PROBABILITIES
    assert decoding["decoder"] == max(scores, key=lambda name: scores[name]["gene_f1"])
    samples   = [{"sequence": letters, "genes": truth}]
    assert scores == evaluation.evaluate(predictor.model, samples, decoders=scores)
    # no other threshold is better for what the writer gives with the chosen least probability
    other     = evaluation.evaluate(predictor.model, samples, decoders=["writer"], writer_threshold=0.9)
    assert scores["writer"]["gene_f1"] >= other["writer"]["gene_f1"]
    # plain numbers, so that config.json can hold them
    json.dumps(predictor.model.config.to_dict())


def test_the_package_loads_neither_torch_nor_numpy():
    code = "import sys, genet5; genet5.__version__; sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
