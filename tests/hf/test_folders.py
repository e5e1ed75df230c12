"""One model folder for both: what `genet5` writes Hugging Face reads, and the other way round."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
import transformers

import genet5
import genet5.errors as errors
import genet5.hf as hf
import genet5.model.folder as folders
import genet5.model.loss as loss
import genet5.tokenizer as tk


def same_weights(one, other):
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_a_folder_of_genet5_loads_by_every_way(folder):
    ours = folders.load(folder)
    for load in (hf.GeneT5ForGenePrediction, hf.GeneT5Model, transformers.AutoModel):
        model = load.from_pretrained(folder)
        assert same_weights(model, ours) and not model.training
        assert model.config.core() == ours.config
    assert type(model) is hf.GeneT5Model
    assert isinstance(transformers.AutoConfig.from_pretrained(folder), hf.GeneT5Config)
    slopes = [held.slopes for held in (model, ours)]
    assert slopes == [None, None] or torch.equal(*slopes)


@pytest.mark.parametrize("shard", ["5GB", "50KB"], ids=["one file", "shards"])
def test_a_saved_folder_predicts_like_the_first(folder, tmp_path, tools, shard, run):
    shutil.copytree(folder, tmp_path / "first")
    first = folders.load(folder)
    # an untrained model is sure of nothing
    first.config.decoding.update(decoder="writer", writer_threshold=0.01)
    folders.save_config(first.config, tmp_path / "first")
    model = hf.GeneT5ForGenePrediction.from_pretrained(tmp_path / "first")
    model.save_pretrained(tmp_path / "saved", max_shard_size=shard)
    assert len(list((tmp_path / "saved").glob("*.safetensors"))) == 1 if shard == "5GB" else \
        len(folders.shards(tmp_path / "saved")) > 2
    back = folders.load(tmp_path / "saved")
    assert same_weights(back, first) and back.config == first.config
    assert same_weights(hf.GeneT5ForGenePrediction.from_pretrained(tmp_path / "saved"), back)
    (tmp_path / "genome.fa").write_text(f">c\n{tools.random_dna(4, 700)}\n")
    texts = []
    for name in ("first", "saved"):
        out = tmp_path / f"{name}.gff3"
        code, _, err = run("predict", tmp_path / name, tmp_path / "genome.fa", "-o", out, "--device", "cpu")
        assert code == 0, err
        texts.append(out.read_text())
    assert texts[0] == texts[1] and "\tCDS\t" in texts[0]


def test_shards_are_read_whole_or_not_at_all_and_leave_with_the_next_save(model, tmp_path):
    model.save_pretrained(tmp_path / "saved", max_shard_size="50KB")
    first, *_ = parts = folders.shards(tmp_path / "saved")
    assert tk.is_model(tmp_path / "saved")
    held = first.read_bytes()
    first.unlink()
    with pytest.raises(errors.DataError, match=f"names files that are missing: {first.name}"):
        folders.load(tmp_path / "saved")
    first.write_bytes(held)
    folders.save(folders.load(tmp_path / "saved"), tmp_path / "saved", tmp_path / "saved" / "tokenizer.json")
    assert not any(path.exists() for path in parts) and not (tmp_path / "saved" / folders.INDEX).exists()
    assert same_weights(folders.load(tmp_path / "saved"), model)
    (tmp_path / "saved" / folders.WEIGHTS).unlink()
    (tmp_path / "saved" / folders.INDEX).write_text("[]")
    with pytest.raises(errors.DataError, match="no index of weights"):
        folders.load(tmp_path / "saved")


def test_config_json_holds_our_fields_and_few_of_theirs(model, folder, tmp_path):
    model.save_pretrained(tmp_path / "saved")
    ours, theirs = (json.loads((path / "config.json").read_text()) for path in (folder, tmp_path / "saved"))
    assert theirs.pop("architectures") == ["GeneT5ForGenePrediction"]
    assert theirs.pop("transformers_version") == transformers.__version__
    assert {theirs.pop(name, "float32") for name in ("dtype", "torch_dtype")} == {"float32"}
    assert theirs == ours


def test_fields_have_hugging_face_s_names_too():
    config = hf.GeneT5Config(vocab_size=64, hidden_size=48, num_attention_heads=3, num_experts=4, top_k=2)
    assert (config.width, config.hidden_size, config.num_hidden_layers, config.top_k) == (48, 48, 4, 2)
    assert config.to_dict()["width"] == 48 and "hidden_size" not in config.to_dict()
    with pytest.raises(ValueError, match="does not split"):
        hf.GeneT5Config(vocab_size=64, hidden_size=50, num_attention_heads=3)
    with pytest.raises(TypeError, match="vocab_size"):
        hf.GeneT5Config()


def test_top_k_of_experts_survives_a_round_trip(tmp_path):
    hf.GeneT5Config(vocab_size=64, num_experts=50, top_k=50).save_pretrained(tmp_path)
    assert hf.GeneT5Config.from_pretrained(tmp_path).top_k == 50


def test_settings_of_the_configuration_can_be_changed_while_loading(folder):
    model = hf.GeneT5ForGenePrediction.from_pretrained(folder, attention="dense")
    assert model.config.attention == "dense"
    with pytest.raises(ValueError, match="auto, triton, blocked, flex or dense"):
        hf.GeneT5ForGenePrediction.from_pretrained(folder, attention="full")


def test_weights_that_do_not_fit_are_refused(folder, tmp_path):
    with pytest.raises(errors.DataError, match=r"missing layers\.3"):
        hf.GeneT5Model.from_pretrained(folder, num_layers=4)
    with pytest.raises(errors.DataError, match=r"unexpected layers\.2"):
        hf.GeneT5Model.from_pretrained(folder, num_layers=2)


def test_a_new_model_is_the_network_s(folder):
    config = transformers.AutoConfig.from_pretrained(folder)
    torch.manual_seed(3)
    model  = hf.GeneT5ForGenePrediction(config)
    assert same_weights(model, folders.load(folder))
    with pytest.raises(errors.DataError, match="no tokenizer"):
        model.predict("ACGT")
    assert type(transformers.AutoModel.from_config(config)) is hf.GeneT5Model


def precision():
    """The name of from_pretrained's argument for it in this version of transformers."""

    return "dtype" if int(transformers.__version__.split(".")[0]) >= 5 else "torch_dtype"


def test_a_model_loads_in_half_the_bytes(folder, tmp_path, tools):
    model = hf.GeneT5ForGenePrediction.from_pretrained(folder, **{precision(): torch.bfloat16})
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    full  = hf.GeneT5ForGenePrediction.from_pretrained(folder)
    if model.slopes is not None:
        assert torch.equal(model.slopes, full.slopes)
    batch = tools.targets(model)
    with torch.no_grad():
        half, whole = model(**batch), full(**batch)
    assert half.last_hidden_state.dtype == torch.bfloat16
    assert float(half.loss) == pytest.approx(float(whole.loss), rel=0.03)
    assert model.predict(tools.window(5)[0], decoder="viterbi", threads=1) is not None
    model.save_pretrained(tmp_path / "half")
    written = json.loads((tmp_path / "half" / "config.json").read_text())
    assert "bfloat16" in (written.get("dtype"), written.get("torch_dtype"))
    assert {parameter.dtype for parameter in folders.load(tmp_path / "half").parameters()} == {torch.float32}


def test_auto_tokenizer_gives_our_ids(folder, tools, tmp_path):
    ours   = tk.load(folder)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    text   = tools.random_dna(6, 3000) + "NN" + tools.random_dna(7, 50)
    assert theirs(text)["input_ids"] == ours.encode(text.encode())[0].tolist()
    assert len(theirs) == ours.vocab_size
    assert (theirs.pad_token_id, theirs.unk_token_id) == (ours.pad_id, ours.unk_id)
    assert (theirs.bos_token, theirs.eos_token) == ("<bos>", "<eos>")
    assert set(theirs.all_special_tokens) == set(ours.special_tokens())
    # written by Hugging Face, read by ours
    theirs.save_pretrained(tmp_path)
    assert tk.load(tmp_path).encode(text.encode())[0].tolist() == theirs(text)["input_ids"]


def test_auto_tokenizer_needs_no_import_of_genet5(tokenizer_file, tools, tmp_path):
    folders.create(tmp_path / "model", tokenizer_file, preset="tiny", **tools.SMALL)
    code = f"import transformers as t; print(len(t.AutoTokenizer.from_pretrained({str(tmp_path / 'model')!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == tk.load(tmp_path / "model").vocab_size


def test_auto_tokenizer_of_dnabert_2_s_vocabulary(shared, tools, tmp_path):
    folders.create(tmp_path / "model", shared / "dnabert2" / "tokenizer.json", preset="tiny", **tools.SMALL)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    text   = tools.random_dna(8, 2000)
    ids    = tk.load(tmp_path / "model").encode(text.encode())[0].tolist()
    # its file puts [CLS] and [SEP] around a text, which the model does not read
    assert theirs(text, add_special_tokens=False)["input_ids"] == ids == theirs(text)["input_ids"][1:-1]
    assert (theirs.pad_token, theirs.unk_token) == ("[PAD]", "[UNK]")


def test_a_loaded_model_has_the_same_losses_as_ours(model, folder, tools):
    batch = tools.targets(model)
    with torch.no_grad():
        ours, output = loss.losses(folders.load(folder), batch), model(**batch)
    assert float(output.losses["site"]) == pytest.approx(float(ours["site_sum"] / ours["site_count"]))
    assert float(output.loss) == pytest.approx(float(loss.total(ours, ours)), rel=1e-6)
    assert genet5.load(folder, device="cpu").predict("ACGT" * 50) == model.predict("ACGT" * 50)
