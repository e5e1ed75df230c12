"""A bake that is given no folder goes where the convention says."""

import re


def test_the_folder_is_named_by_species_and_samples(run, tmp_path, monkeypatch):
    for name in ("G.one", "G.two", "G.three"):
        folder = tmp_path / "raw" / name
        folder.mkdir(parents=True)
        (folder / "fna").write_text(">c\n" + "ACGTTGCAAC" * 300 + "\n")
        (folder / "gff").write_text("##gff-version 3\nc\tx\tgene\t1\t90\t.\t+\t.\tID=g\n")
    code, _, err = run("tokenizer", "train", tmp_path / "raw", tmp_path / "tokenizer.json", "--vocab-size", 16)
    assert code == 0, err
    monkeypatch.setenv("GENET5_WORKSPACE", str(tmp_path / "ws"))
    code, _, err = run("bake", tmp_path / "raw", "--tokenizer", tmp_path / "tokenizer.json", "--val-species", "G.two",
                       "--eval-samples", 5)
    assert code == 0, err
    made = [path.name for path in (tmp_path / "ws" / "baked" / "GeneT5").iterdir()]
    assert len(made) == 1 and re.fullmatch(r"[a-z]{3}\d\d_s2_v1_e5", made[0])


def test_without_a_workspace_a_folder_is_asked_for(run, tmp_path, monkeypatch):
    monkeypatch.delenv("GENET5_WORKSPACE", raising=False)
    (tmp_path / "tokenizer.json").write_text("{}")
    code, _, err = run("bake", tmp_path, "--tokenizer", tmp_path / "tokenizer.json")
    assert code == 1
    assert "give OUT_DIR, or --workspace (GENET5_WORKSPACE)" in err
