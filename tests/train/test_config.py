"""The configuration of a run: checked, written down whole, kept on resume."""

import dataclasses
import json

import pytest

import genet5.errors as errors
import genet5.train.config as configs


def test_every_field_is_described():
    for field in dataclasses.fields(configs.TrainConfig):
        assert f"{field.name}:" in configs.TrainConfig.__doc__ or f"{field.name}, " in configs.TrainConfig.__doc__


def test_a_configuration_survives_json():
    config = configs.TrainConfig(max_steps=7, lr=3e-4, species=["G.one"], loss_weights={"site": 2.0})
    assert configs.TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize("wrong", [{"lr": 0.0}, {"ema": 1.0}, {"row_tokens": 100}, {"decay": "steep"},
                                   {"batch_rows": 0}, {"loss_weights": {"sites": 1.0}}, {"decay_share": 0.0},
                                   {"label_smoothing": 1.0}, {"memory_floor": -2.0},
                                   {"parallel": "fsdp", "optimizer": "muon"}, {"max_minutes": 0.0},
                                   {"loss_weights": {"site": -1.0}}, {"max_minutes": float("inf")},
                                   {"lr": float("nan")}])
def test_values_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(errors.DataError, match=f"^{next(iter(wrong))} is"):
        configs.TrainConfig(**wrong)


def test_unknown_fields_are_refused():
    with pytest.raises(errors.DataError, match="learning"):
        configs.TrainConfig.from_dict({"learning": 1})


def test_intervals_follow_from_the_number_of_steps():
    settled = configs.TrainConfig(max_steps=200).with_intervals()
    assert (settled.warmup, settled.eval_every, settled.generate_every, settled.save_every) == (40, 20, 20, 20)
    # genes are written with a checkpoint, but not with each of very many
    settled = configs.TrainConfig(max_steps=200, save_every=7).with_intervals()
    assert (settled.generate_every, settled.save_every) == (21, 7)
    assert configs.TrainConfig(max_steps=200, save_every=100).with_intervals().generate_every == 100


def test_resume_takes_what_is_free_and_refuses_the_rest():
    asked   = configs.TrainConfig()
    settled = dataclasses.replace(asked, max_steps=90, crop=512)
    merged  = configs.merge(asked, settled, {"threads": 3, "crop": 0, "max_steps": 90, "lr": asked.lr})
    assert merged == dataclasses.replace(settled, threads=3)
    with pytest.raises(errors.DataError, match=r"lr = 0\.0015, not 0\.1"):
        configs.merge(asked, settled, {"lr": 0.1})


def test_loss_weights_are_read_by_head():
    assert configs.parse_weights("site=2, lattice=0.5") == {"site": 2.0, "lattice": 0.5}
    for wrong in ("site", "sites=1", "site=x"):
        with pytest.raises(ValueError):
            configs.parse_weights(wrong)


def test_a_stranger_s_json_is_no_configuration(tmp_path):
    (tmp_path / "finetune_config.json").write_text("{}")
    with pytest.raises(errors.DataError, match="no finetune_config"):
        configs.read(tmp_path / "finetune_config.json")


def test_a_toml_file_says_the_same_as_options(tmp_path):
    (tmp_path / "run.toml").write_text('lr = 1e-4\nspecies = ["G.one"]\n\n[loss_weights]\nsite = 2.0\n')
    expected = configs.TrainConfig(lr=1e-4, species=["G.one"], loss_weights={"site": 2.0})
    assert configs.read(tmp_path / "run.toml") == expected


@pytest.mark.parametrize(("text", "said"), [("learning = 1", "not known: learning"), ("lr = = 1", "is no TOML"),
                                            ("lr = 'fast'", "lr is 'fast'; valid is a number"),
                                            ("lr = 0.0", "lr is 0.0"), ("lr = true", "lr is True"),
                                            ("max_steps = 2.5", "max_steps is 2.5; valid is a whole number"),
                                            ("auto_batch = 'no'", "auto_batch is 'no'; valid is true or false"),
                                            ("species = 'G.one'", "species is 'G.one'; valid is a list of texts"),
                                            ("loss_weights = 'site=2'", "loss_weights is 'site=2'; valid is a table"),
                                            ("loss_weights = {site = '2'}", "loss_weights is {'site': '2'}"),
                                            ("decay = 5", "decay is 5; valid is a text"), ("lr = \xff", "is no TOML")])
def test_a_wrong_toml_file_is_one_clear_line(tmp_path, text, said):
    (tmp_path / "run.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(errors.DataError, match=said) as caught:
        configs.read(tmp_path / "run.toml")
    assert str(tmp_path / "run.toml") in str(caught.value)


def test_a_written_configuration_that_was_changed_by_hand_names_the_field(tmp_path):
    text = json.dumps({"config": {**configs.TrainConfig().to_dict(), "max_steps": "ten"}})
    (tmp_path / "finetune_config.json").write_text(text)
    with pytest.raises(errors.DataError, match=r"finetune_config.json: max_steps is 'ten'; valid is a whole number"):
        configs.read(tmp_path / "finetune_config.json")
