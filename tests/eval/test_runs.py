"""`genet5 eval f1`, `genome` and `compare`: from a model straight to its scores."""

import json
import subprocess
import sys

import pytest

import genet5.eval.runs as runs
import genet5.genome as genomes
import genet5.score as score
import genet5.simulate as simulate
import genet5.tokenizer as tk


@pytest.fixture(scope="module")
def species(tmp_path_factory):
    """Folder of a small simulated species."""

    folder = tmp_path_factory.mktemp("raw") / "S.mall"
    simulate.species(folder, length=30_000, contigs=2, seed=3)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory, species):
    """Folder of an untrained model."""

    pytest.importorskip("torch")
    import genet5.model.folder as folders

    out       = tmp_path_factory.mktemp("model")
    letters   = [letters for _, letters in genomes.read_fasta(runs.one_of(species, "fna.gz", "fna"))]
    tokenizer = tk.train(letters, vocab_size=64)
    tokenizer.save(out / "start.json")
    folders.create(out / "model", out / "start.json", "tiny", seed=5, width=32, num_layers=1, num_heads=2,
                   feed_forward=32, stem_width=16, stem_dilations=(1,), base_width=16, key_width=16, window_size=1024)
    return out / "model"


@pytest.fixture(scope="module")
def held_out(tmp_path_factory, species):
    """An eval.json with one sample that has a target, and a gene cut by its edge."""

    name, letters = genomes.read_fasta(runs.one_of(species, "fna.gz", "fna"))[0]
    genes = [gene for gene in genomes.read_genes(runs.one_of(species, "gff.gz", "gff")) if gene["contig"] == name]
    end   = genes[1]["end"] - 5
    sample = {"key": "s", "sequence": letters[:end].decode(), "genetic_code": 1,
              "genes": [{"strand": genes[0]["strand"], "segments": genomes.segments(genes[0])}],
              "others": [{"strand": genes[1]["strand"], "start": genes[1]["start"], "end": end}]}
    path = tmp_path_factory.mktemp("baked") / "eval.json"
    path.write_text(json.dumps({"format": 1, "samples": [sample]}))
    return path


def test_a_species_is_predicted_scored_and_measured(run, model, species, tmp_path):
    out = tmp_path / "run"
    code, text, err = run("eval", "genome", model, species, "-o", out, "--device", "cpu", "--by", "exons",
                          "--preset", "all", "--json")
    assert code == 0, err
    found = json.loads(text)
    assert found == json.loads((out / "run.json").read_text())
    annotation = runs.one_of(species, "gff.gz", "gff")
    again = score.files(annotation, [out / "genes.gff3"], by="exons")[0]
    assert found["scores"]["genet5"] == again["levels"] and set(found["scores"]) == {"genet5", *score.TOOLS}
    assert found["bases"] == 30_000
    assert found["seconds"] > 0 and found["peak_memory_mb"] > 10 and found["megabases_per_minute"] > 0
    orfs = score.baseline(annotation, runs.one_of(species, "fna.gz", "fna"))
    assert found["baseline"]["levels"] == orfs["levels"] and found["baseline"]["min_length"] == orfs["min_length"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_held_out_samples_leave_out_what_touches_a_cut_gene(run, model, held_out, tmp_path):
    out = tmp_path / "run"
    assert run("eval", "f1", model, held_out.parent, "-o", out, "--device", "cpu")[0] == 0
    cut = json.loads(held_out.read_text())["samples"][0]["others"][0]
    for name in ("genes.gff3", "longest_orf.gff3"):
        for gene in genomes.read_genes(out / name):
            assert not (gene["strand"] == cut["strand"] and gene["start"] < cut["end"] and cut["start"] < gene["end"])
    found = json.loads((out / "run.json").read_text())
    assert found["kind"] == "samples" and found["scores"]["genet5"]["gene"]["n_reference"] == 1


def test_samples_of_prep_grpo_are_named_by_species_and_number(held_out, tmp_path):
    samples  = json.loads(held_out.read_text())["samples"]
    path     = tmp_path / "eval.json"
    nameless = {name: value for name, value in samples[0].items() if name != "key"}
    path.write_text(json.dumps({"format": 1, "samples": [{**nameless, "species": "S.mall"}] * 2}))
    assert [sample["key"] for sample in runs.read_samples(path)] == ["S.mall-0", "S.mall-1"]


def test_two_runs_are_compared(run, model, held_out, species, tmp_path):
    for name, limit in (("a", 0), ("b", 1)):
        assert run("eval", "f1", model, held_out, "-o", tmp_path / name, "--min-probability", limit,
                   "--device", "cpu")[0] == 0
    code, text, _ = run("eval", "compare", tmp_path / "a", tmp_path / "b", "--json", "--resamples", 50)
    found = json.loads(text)
    a, b  = (json.loads((tmp_path / name / "run.json").read_text()) for name in "ab")
    assert code == 0
    for entry in found["differences"]:
        assert entry["f1_a"] == a["scores"][entry["preset"]][entry["level"]]["f1"]
        assert entry["f1_b"] == b["scores"][entry["preset"]][entry["level"]]["f1"]
    assert {entry["level"] for entry in found["differences"]} == set(score.LEVELS)
    assert "B less A" in run("eval", "compare", tmp_path / "a", tmp_path / "b")[1]


def test_runs_on_different_data_are_not_compared(run, model, held_out, species, tmp_path):
    assert run("eval", "f1", model, held_out, "-o", tmp_path / "a", "--device", "cpu")[0] == 0
    assert run("eval", "genome", model, species, "-o", tmp_path / "b", "--device", "cpu")[0] == 0
    code, _, err = run("eval", "compare", tmp_path / "a", tmp_path / "b")
    assert code == 1 and "different data" in err


def test_the_order_in_which_contigs_are_named_does_not_matter(run, model, species, tmp_path):
    for name, contigs in (("a", "chr1,chr2"), ("b", "chr2,chr1")):
        assert run("eval", "genome", model, species, "-o", tmp_path / name, "--contigs", contigs, "--device",
                   "cpu")[0] == 0
    assert run("eval", "compare", tmp_path / "a", tmp_path / "b", "--resamples", 10)[0] == 0


def test_what_is_wrong_is_one_line(run, model, species, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    (tmp_path / "eval.json").write_text("{}")
    (tmp_path / "lame.json").write_text('{"samples": [{"key": "a"}]}')
    for name, content in (("other", {}), ("later", {"format": runs.FORMAT + 1})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps(content))
    for arguments, word in (
        (("genome", model, tmp_path, "-o", tmp_path / "r"), "has no fna.gz"),
        (("genome", model, species, "-o", tmp_path / "full"), "holds no run"),
        (("f1", model, tmp_path / "eval.json", "-o", tmp_path / "r"), "no eval.json that bake or prep-grpo wrote"),
        (("f1", model, tmp_path / "lame.json", "-o", tmp_path / "r"), "a sample lacks its sequence"),
        (("compare", tmp_path, tmp_path), "holds no run"),
        (("compare", tmp_path / "other", tmp_path / "other"), "holds no run"),
        (("compare", tmp_path / "later", tmp_path / "later"), "a run of another version"),
    ):
        code, _, err = run("eval", *arguments)
        assert code == 1 and word in err and err.count("\n") == 1, err
    assert (tmp_path / "full" / "mine").read_text() == "x"


def test_the_group_loads_no_torch():
    code = ("import sys, genet5.cli.eval as group; group.eval.main(['--help'], standalone_mode=False); "
            "assert 'torch' not in sys.modules")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "compare" in done.stdout
