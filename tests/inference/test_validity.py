"""Whatever the model thinks, every gene that is written passes the acceptance checklist."""

import shutil
import subprocess

import pytest

pytest.importorskip("torch")

import genet5.inference.genes as genes
import genet5.inference.output as output
import genet5.inference.sources as sources

# an untrained writer that never ends: every anchor that the grammar leaves becomes a gene
ENDLESS = {"suppress_eos": True, "writer_threshold": 0.0}


def predict_files(predictor, genome, folder, **options):
    """Predict a FASTA file and write all outputs; returns their paths."""

    files  = {name: folder / name for name in ("genes.gff3", "proteins.faa", "cds.fna")}
    found  = predictor.predict(genome, **options)
    output.write(sources.open_source(genome), found, *files.values(), options.get("genetic_code", 1))
    return files.values()


@pytest.fixture(scope="module")
def endless(predictor, awkward_file, tmp_path_factory):
    """Files of the endless writer over awkward sequence."""

    return tuple(predict_files(predictor, awkward_file, tmp_path_factory.mktemp("endless"), decoder="writer",
                               overlap=0.0, **ENDLESS))


def test_a_thousand_genes_of_an_untrained_writer_are_valid(endless, awkward, checklist):
    models = checklist.check_files(awkward, *endless).values()
    assert len(models) >= 1000
    assert sum(len(segments) > 1 for _, _, segments, _ in models) >= len(models) / 2
    for sign in "+-":
        assert sum(strand == sign for _, strand, _, _ in models) >= len(models) / 4
    assert {contig for contig, *_ in models} >= {"random", "rich", "splices", "gaps", "ends", "orf"}
    assert not {contig for contig, *_ in models} & {"stopless", "short", "one", "nothing", "empty_gc"}


@pytest.mark.parametrize("decoder", ["viterbi", "both"])
def test_genes_of_the_other_decoders_are_valid(decoder, eager, awkward, awkward_file, tmp_path, checklist):
    files  = predict_files(eager, awkward_file, tmp_path, decoder=decoder, both_add=0.0, writer_threshold=0.05)
    models = checklist.check_files(awkward, *files).values()
    assert len(models) >= 50
    assert {strand for _, strand, _, _ in models} == {"+", "-"}
    assert any(len(segments) > 1 for _, _, segments, _ in models)


def test_another_genetic_code_is_used_throughout(predictor, awkward, awkward_file, tmp_path, checklist):
    files = predict_files(predictor, awkward_file, tmp_path, decoder="writer", genetic_code=12, contigs=["ends"],
                          writer_threshold=0.0)
    gff3, proteins, cds = files
    models = checklist.check_files(awkward, gff3, proteins, cds, code=checklist.CANDIDA)
    assert models
    assert any("CTG" in letters[at:at + 3] for letters in checklist.read_fasta(cds).values()
               for at in range(0, len(letters), 3))


def test_real_sequence(predictor, shared, tmp_path, checklist, fasta):
    import genet5.genome as genomes

    source  = sources.open_source(shared / "genomes" / "S.cerevisiae" / "fna.gz")
    letters = source.fetch(source.chosen[0])[20_000:20_600].decode()
    genome  = {"real": letters}
    files   = predict_files(predictor, fasta(tmp_path / "real.fa", genome), tmp_path, decoder="writer", **ENDLESS)
    models  = checklist.check_files(genome, *files)
    assert len(models) >= 20
    rows = [(list(segments), strand) for _, strand, segments, _ in models.values()]
    assert all(genomes.check(letters.encode(), strand, segments) is None for segments, strand in rows)


def test_gt_accepts_the_files(endless, tmp_path):
    gt = shutil.which("gt") or pytest.skip("genometools is not installed")
    gff3, *_ = endless
    done = subprocess.run([gt, "gff3validator", str(gff3)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # gt eval, which refuses wrong phases, wants the contigs in alphabetical order
    ordered = tmp_path / "sorted.gff3"
    subprocess.run([gt, "gff3", "-sort", "-retainids", "-o", str(ordered), str(gff3)], check=True, capture_output=True)
    done = subprocess.run([gt, "eval", str(ordered), str(ordered)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_gffread_translates_to_the_same_proteins(endless, awkward_file, tmp_path, checklist):
    gffread = shutil.which("gffread") or pytest.skip("gffread is not installed")
    gff3, proteins, cds = endless
    theirs, their_cds = tmp_path / "theirs.faa", tmp_path / "theirs.fna"
    subprocess.run([gffread, "-g", str(awkward_file), "-y", str(theirs), "-x", str(their_cds), str(gff3)],
                   check=True, capture_output=True)
    ours = checklist.read_fasta(proteins)
    assert {name: letters.rstrip(".*") for name, letters in checklist.read_fasta(theirs).items()} == ours
    assert checklist.read_fasta(their_cds) == checklist.read_fasta(cds)


def test_the_python_objects_agree_with_the_files(predictor, awkward, checklist):
    for gene in predictor.predict({"ends": awkward["ends"]}, decoder="writer", writer_threshold=0.0):
        checklist.check_model(awkward, gene.contig, gene.strand, gene.segments)
        assert gene.cds == checklist.spliced(awkward, gene.contig, gene.strand, gene.segments)
        assert gene.protein == checklist.translate(gene.cds)[:-1]
        assert gene.phases() == checklist.phases(gene.strand, gene.segments)
        assert (gene.start, gene.end) == (gene.segments[0][0], gene.segments[-1][1])
        assert 0.0 <= gene.probability <= 1.0
        assert isinstance(gene, genes.Gene)
