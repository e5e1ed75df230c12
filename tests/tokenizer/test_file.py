"""tokenizer.json: what is read, kept, appended and refused."""

import json

import pytest
import tokenizers

import genet5.errors as errors
import genet5.tokenizer as tk


def layout():
    """A small file by hand: ids out of merge order, merges as lists."""

    return {
        "version":       "1.0",
        "added_tokens":  [{"id": 0, "content": "[UNK]", "special": True, "single_word": False, "lstrip": False,
                           "rstrip": False, "normalized": False}],
        "normalizer":    None,
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {
            "type": "BPE", "unk_token": "[UNK]", "fuse_unk": False, "dropout": None,
            "vocab":  {"[UNK]": 0, "T": 1, "G": 2, "C": 3, "A": 4, "ACG": 5, "AC": 6},
            "merges": [["A", "C"], ["AC", "G"]],
        },
    }


def write(folder, content):
    path = folder / "tokenizer.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_ids_need_not_follow_the_merges(tmp_path):
    path = write(tmp_path, layout())
    ids  = tk.read(path).encode(b"ACGACTN")[0].tolist()
    assert ids == [5, 6, 1, 0] == tokenizers.Tokenizer.from_file(str(path)).encode("ACGACTN").ids


def test_a_rewritten_file_keeps_what_we_do_not_know(tmp_path):
    original = {**layout(), "notes": {"made by": "hand"}}
    original["model"]["remark"] = [1, 2.5, None]
    tk.read(write(tmp_path, original)).save(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == original
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.json", "tokenizer.json"]


def test_loading_appends_the_gene_language_and_moves_no_id(dnabert):
    raw = tk.read(dnabert.path)
    assert raw.vocab_size == 4096 and not raw.has_gene_language
    assert dnabert.ours.tokens()[:4096] == raw.tokens()
    assert tuple(dnabert.ours.tokens()[4096:]) == tk.GENE_LANGUAGE
    assert dnabert.ours.special_tokens()[-7:] == list(tk.GENE_LANGUAGE)
    assert (dnabert.ours.pad_id, dnabert.ours.unk_id) == (3, 0)
    assert dnabert.ours.token_id("<start>") == 4102 and dnabert.ours.token_id("ACGTACGTACGT") is None


def test_hugging_face_reads_the_appended_file(dnabert, tmp_path):
    dnabert.ours.save(tmp_path / "tokenizer.json")
    hf = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert [hf.token_to_id(name) for name in tk.GENE_LANGUAGE] == list(range(4096, 4103))
    text = "ACGTNGGATTACAGATTACA" * 50
    assert hf.encode(text, add_special_tokens=False).ids == dnabert.reference(text)[0]
    assert tk.read(tmp_path).hash == dnabert.ours.hash
    old, new = json.loads(dnabert.path.read_text()), json.loads((tmp_path / "tokenizer.json").read_text())
    assert new["model"]["merges"] == old["model"]["merges"]
    assert new["post_processor"] == old["post_processor"]


def test_padding_is_appended_where_there_is_none(tmp_path):
    path = write(tmp_path, layout())
    raw, loaded = tk.read(path), tk.load(path)
    assert (raw.pad_id, raw.vocab_size) == (raw.unk_id, 7)
    assert (loaded.token_id("[PAD]"), loaded.pad_id, loaded.vocab_size) == (7, 7, 15)


def test_appending_twice_changes_nothing(own):
    again = own.ours.with_gene_language()
    assert (again.hash, again.json()) == (own.ours.hash, own.ours.json())


def test_the_hash_is_of_the_content(tmp_path):
    other = layout()
    other["model"]["merges"] = ["A C", "AC G"]
    other["model"]["vocab"]  = dict(reversed(other["model"]["vocab"].items()))
    other["notes"] = "something"
    changed = layout()
    changed["model"]["vocab"].update({"A": 1, "T": 4})
    hashes = [tk.Tokenizer.from_json(json.dumps(value)).hash for value in (layout(), other, changed)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_letters_of_the_vocabulary_that_are_no_bases(tmp_path):
    value = layout()
    value["model"]["vocab"]["N"] = 7
    path = write(tmp_path, value)
    assert tk.read(path).encode(b"ANR")[0].tolist() == [4, 7, 0]
    assert tokenizers.Tokenizer.from_file(str(path)).encode("ANR").ids == [4, 7, 0]


BROKEN = {
    "no model":               (lambda v: v.pop("model"), "no \"model\""),
    "another model":          (lambda v: v["model"].update(type="WordPiece"), "not BPE"),
    "no merges":              (lambda v: v["model"].pop("merges"), "merges is not a list"),
    "no vocabulary":          (lambda v: v["model"].update(vocab=[1, 2]), "vocab is not a table"),
    "a base missing":         (lambda v: v["model"]["vocab"].update({"X": v["model"]["vocab"].pop("T")}), "\"T\""),
    "no unknown token":       (lambda v: v["model"].update(unk_token=None), "unk_token"),
    "foreign unknown token":  (lambda v: v["model"].update(unk_token="<unk>"), "<unk>"),
    "part not in vocabulary": (lambda v: v["model"]["merges"].insert(0, ["A", "X"]), "merge 1 (A X): \"X\""),
    "part made later":        (lambda v: v["model"]["merges"].reverse(), "merge 1 (AC G)"),
    "product missing":        (lambda v: v["model"]["merges"].append(["G", "G"]), "merge 3 (G G): \"GG\""),
    "merge twice":            (lambda v: v["model"]["merges"].append(["A", "C"]), "merge 3"),
    "no pair":                (lambda v: v["model"]["merges"].append("ACG"), "merge 3 is not a pair"),
    "three parts":            (lambda v: v["model"]["merges"].append(["A", "C", "G"]), "merge 3 is not a pair"),
    "unreachable token":      (lambda v: v["model"]["vocab"].update(GGG=7), "\"GGG\" is neither"),
    "shared id":              (lambda v: v["model"]["vocab"].update(AC=5), "share id 5"),
    "hole in the ids":        (lambda v: v["model"]["vocab"].update(AC=99), "holes"),
    "negative id":            (lambda v: v["model"]["vocab"].update(AC=-1), "id of token \"AC\""),
    "two ids for a token":    (lambda v: v["added_tokens"][0].update(id=3), "another id"),
    "added token of DNA":     (lambda v: v["added_tokens"].append({"id": 7, "content": "GATTACA"}),
                               "must come from merges"),
    "added token of nothing": (lambda v: v["added_tokens"].append({"id": 7}), "needs an id and a content"),
    "dropout":                (lambda v: v["model"].update(dropout=0.1), "dropout"),
    "fused unknown":          (lambda v: v["model"].update(fuse_unk=True), "fuse_unk"),
    "word suffix":            (lambda v: v["model"].update(end_of_word_suffix="</w>"), "end_of_word_suffix"),
    "lower-casing":           (lambda v: v.update(normalizer={"type": "Lowercase"}), "normalizer"),
    "byte level":             (lambda v: v.update(pre_tokenizer={"type": "ByteLevel"}), "pre_tokenizer"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_in_one_line(tmp_path, name):
    spoil, message = BROKEN[name]
    value = layout()
    spoil(value)
    path = write(tmp_path, value)
    with pytest.raises(errors.InputError) as caught:
        tk.load(path)
    text = str(caught.value)
    assert message in text and text.startswith(str(path)) and "\n" not in text


def test_a_token_that_its_merges_cannot_make_is_refused(tmp_path):
    """CAG = CA + G, but A G merges before C A."""

    value = layout()
    value["model"]["vocab"]  = {"[UNK]": 0, "A": 1, "C": 2, "G": 3, "T": 4, "AG": 5, "CA": 6, "CAG": 7}
    value["model"]["merges"] = ["A G", "C A", "CA G"]
    with pytest.raises(errors.InputError, match='"CAG" can never be made'):
        tk.load(write(tmp_path, value))


@pytest.mark.parametrize("text", ["", "no json", "[]", "null", '{"model": 3}', '{"model": {}}', "\x00", '{"model": '])
def test_what_is_no_tokenizer_is_refused(tmp_path, text):
    with pytest.raises(errors.InputError):
        tk.load(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        tk.load(tmp_path)
    assert caught.value.filename == str(tmp_path / "tokenizer.json")
