"""`genet5 tokenizer train` and `genet5 tokenizer info`."""

import gzip
import json
import random

import pytest

import genet5.tokenizer as tk


@pytest.fixture
def raw(tmp_path):
    """Two species; contig c2 of the first is all A."""

    draw = random.Random(5)
    for name in ("A.first", "B.second"):
        folder = tmp_path / "raw" / name
        folder.mkdir(parents=True)
        dna = "".join(draw.choices("ACGT", k=6000))
        with gzip.open(folder / "fna.gz", "wt") as out:
            out.write(f">c1 chromosome\n{dna}\n>c2\n{'A' * 3000}\n")
    (tmp_path / "raw" / "notes").mkdir()
    return tmp_path / "raw"


def test_train_writes_a_tokenizer(run, raw, tmp_path):
    code, out, err = run("tokenizer", "train", raw, tmp_path / "tok.json", "--vocab-size", 50)
    assert code == 0 and "50 tokens from 2 genomes" in out and "merges 37/37" in err
    assert tk.read(tmp_path / "tok.json").vocab_size == 50
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw", "tok.json"]


def test_train_into_a_folder(run, raw, tmp_path):
    assert run("tokenizer", "train", raw, tmp_path / "model" / "tok", "--vocab-size", 20)[0] == 0
    assert tk.read(tmp_path / "model" / "tok").vocab_size == 20


def test_train_does_not_see_what_is_left_out(run, raw, tmp_path):
    left_out = ["--species", "A.first", "--exclude-contigs", "A.first:c2"]
    assert run("tokenizer", "train", raw, tmp_path / "a.json", "--vocab-size", 40, *left_out)[0] == 0
    assert run("tokenizer", "train", raw, tmp_path / "b.json", "--vocab-size", 40)[0] == 0
    longest = [max(n for _, n in tk.read(tmp_path / name).token_lengths()) for name in ("a.json", "b.json")]
    assert longest[0] < 8 and longest[1] == 32


def test_train_replaces_nothing_unless_told(run, raw, tmp_path):
    path = tmp_path / "tok.json"
    path.write_text("mine")
    code, _, err = run("tokenizer", "train", raw, path, "--vocab-size", 20)
    assert code == 1 and "--force" in err and path.read_text() == "mine"
    assert run("tokenizer", "train", raw, path, "--vocab-size", 20, "--force")[0] == 0
    assert tk.read(path).vocab_size == 20


@pytest.mark.parametrize("options, message", [
    (["--species", "C.third"], "C.third"),
    (["--exclude-contigs", "A.first:c9"], 'no contig "c9"'),
    (["--exclude-contigs", "C.third:c1"], "'C.third' is not among A.first, B.second"),
    (["--exclude-contigs", "A.first"], "SPECIES:CONTIG"),
])
def test_wrong_names_are_one_clear_line(run, raw, tmp_path, options, message):
    code, _, err = run("tokenizer", "train", raw, tmp_path / "tok.json", *options)
    assert code == 1 and message in err and len(err.splitlines()) == 1
    assert not (tmp_path / "tok.json").exists()


def test_a_folder_without_genomes_is_refused(run, tmp_path):
    code, _, err = run("tokenizer", "train", tmp_path, tmp_path / "tok.json")
    assert code == 1 and "fna.gz" in err


def test_too_small_a_vocabulary_is_wrong_usage(run, raw, tmp_path):
    assert run("tokenizer", "train", raw, tmp_path / "tok.json", "--vocab-size", 5)[0] == 2


def test_info_in_json(run, own, raw):
    code, out, _ = run("tokenizer", "info", own.path, "--genome", raw / "A.first" / "fna.gz", "--json")
    found = json.loads(out)
    assert code == 0 and found["vocab_size"] == 300 and found["has_gene_language"]
    assert sum(found["token_lengths"].values()) == 300 - 9
    assert found["bases"] == 9000 and found["unknown"] == 0
    assert found["bases_per_token"] == pytest.approx(9000 / found["tokens"])


def test_info_shows_a_file_as_it_is(run, dnabert):
    code, out, _ = run("tokenizer", "info", dnabert.path)
    lines = [line.split() for line in out.splitlines()]
    assert code == 0 and ["vocab_size", "4096"] in lines and ["has_gene_language", "False"] in lines
    assert any(line[:2] == ["7", "1861"] for line in lines)


def test_expand_adds_tokens_to_a_file(run, own, raw, tmp_path):
    code, out, err = run("tokenizer", "expand", own.path, raw, tmp_path / "larger.json", "--add", 50)
    assert code == 0 and "350 tokens, 50 of them new" in out and "merges 50/50" in err
    assert tk.read(tmp_path / "larger.json").tokens()[:300] == tk.read(own.path).tokens()
    code, _, err = run("tokenizer", "expand", own.path, raw, tmp_path / "larger.json", "--add", 50)
    assert code == 1 and "--force" in err


def test_expand_gives_a_model_folder_for_a_model_folder(run, own, raw, tmp_path):
    folders = pytest.importorskip("genet5.model.folder", reason="a model needs torch")
    folders.create(tmp_path / "model", own.path, preset="tiny")
    assert run("tokenizer", "expand", tmp_path / "model", raw, tmp_path / "larger.json", "--add", 5)[0] == 2
    assert run("tokenizer", "expand", tmp_path / "model", raw, tmp_path / "larger", "--add", 5)[0] == 0
    assert folders.load(tmp_path / "larger").config.vocab_size == 305
    assert run("predict", tmp_path / "larger", raw / "A.first" / "fna.gz", "-o", tmp_path / "genes.gff3")[0] == 0


def test_help_has_an_example(run):
    for command in ([], ["train"], ["expand"], ["info"]):
        code, out, _ = run("tokenizer", *command, "--help")
        assert code == 0 and "genet5 tokenizer" in out.split("Example")[1]
