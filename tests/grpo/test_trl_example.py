"""docs/examples/trl_grpo.py: TRL's own trainer moves the model, and what it saves is a model folder."""

import os
import pathlib
import subprocess
import sys
import types

import numpy as np
import pytest

import beside
import genet5.errors as errors
import genet5.grammar as grammars
import genet5.grpo.windows as windows
import genet5.score as score

torch      = pytest.importorskip("torch")
trl        = pytest.importorskip("trl", reason="TRL is not installed: pip install '.[trl]'")
advantages = pytest.importorskip("genet5.grpo.advantages")
losses     = pytest.importorskip("genet5.grpo.losses")
hf         = pytest.importorskip("genet5.hf")
folders    = pytest.importorskip("genet5.model.folder")

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SCRIPT     = REPOSITORY / "docs" / "examples" / "trl_grpo.py"
# what TRL and transformers warn about among themselves
pytestmark = pytest.mark.filterwarnings("ignore")
GROUP      = 4
BETA       = 0.1
SETTINGS   = ["--max_steps", "2", "--num_generations", str(GROUP), "--max_completion_length", "24", "--use_cpu", "True",
              "--learning_rate", "0.003", "--lr_scheduler_type", "constant", "--beta", str(BETA),
              "--disable_tqdm", "True"]
# groups as a whole in every backward pass, and torn apart by TRL's shuffle
SHAPES     = {"whole": ["--per_device_train_batch_size", "16"],
              "torn":  ["--per_device_train_batch_size", "4", "--gradient_accumulation_steps", "4"]}


def options(raw, model, folder, *more):
    """The words of the example's command line."""

    return ["--windows", str(raw), "--model", str(model), "--output_dir", str(folder), *SETTINGS, *more]


@pytest.fixture(scope="module")
def example():
    """The script as a module."""

    return beside.load(SCRIPT)


@pytest.fixture(scope="module", params=SHAPES)
def done(request, example, prepared, start, tmp_path_factory):
    """A run of two steps: its trainer, its folder, and what every call of the loss was given and gave."""

    calls  = []
    folder = tmp_path_factory.mktemp(request.param) / "model"

    class Watched(example.GeneTrainer):
        def _compute_loss(self, model, inputs):
            loss = super()._compute_loss(model, inputs)
            ids  = torch.cat((inputs["prompt_ids"], inputs["completion_ids"]), dim=1)
            with torch.no_grad():
                log_p, entropy, _ = self._get_per_token_logps_and_entropies(model, ids, None,
                                                                            inputs["completion_ids"].shape[1])
            calls.append({**inputs, "loss": loss.detach(), "log_p": log_p, "entropy": entropy})
            return loss

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.setattr(example, "GeneTrainer", Watched)
        trainer = example.main(options(prepared, start, folder, *SHAPES[request.param]))
    return types.SimpleNamespace(trainer=trainer, folder=folder, calls=calls, shape=request.param)


def test_the_trainer_is_trls_but_for_the_probabilities_of_steps(example):
    assert {name for name in vars(example.GeneTrainer) if hasattr(trl.GRPOTrainer, name) and callable(
        getattr(trl.GRPOTrainer, name)) and name not in vars(object)} == {"_get_per_token_logps_and_entropies"}


def test_sampler_and_trainer_agree(done):
    assert len(done.calls) == {"whole": 2, "torn": 8}[done.shape]
    for number, call in enumerate(done.calls):
        # those that were cut as well, which the loss leaves out
        steps = call["completion_ids"] != done.trainer.processing_class.pad_token_id
        ratio = (call["log_p"] - call["sampling_per_token_logps"]).exp()[steps]
        assert (ratio - 1).abs().max() < 1e-4, number
        assert (call["entropy"] >= 0).all()
        assert steps.sum() >= call["completion_mask"].sum()


def test_the_loss_is_trls(done):
    """TRL's figure equals the published formula on what TRL handed to it."""

    for call in done.calls:
        mask    = call["completion_mask"]
        each, _ = losses.policy_loss("dapo", call["log_p"], call["log_p"], call["advantages"], mask, 0.2, 0.28)
        each    = each + BETA * losses.kl(call["log_p"], call["ref_per_token_logps"])
        wanted  = losses.total("dapo", each, mask) / call["num_items_in_batch"]
        torch.testing.assert_close(call["loss"], wanted, rtol=1e-4, atol=1e-6)
    assert any(float(call["loss"].abs()) > 1e-4 for call in done.calls)


def test_advantages_are_those_of_a_windows_completions(done):
    kept  = done.trainer._logs
    gains = advantages.advantages(torch.tensor(list(kept["rewards"]["exact_genes"])).view(-1, GROUP))
    np.testing.assert_allclose(gains.flatten(), list(kept["advantages"]), atol=1e-6)
    assert gains.abs().max() > 1e-3
    last  = done.calls[-{"whole": 1, "torn": 4}[done.shape]:]
    given = torch.cat([call["advantages"] for call in last])
    assert sorted(given.tolist()) == pytest.approx(sorted(kept["advantages"]), abs=1e-6)


def test_the_ids_say_which_genes_were_written(done, example):
    trainer   = done.trainer
    found     = trainer.rollout_func(["0"] * GROUP + ["3"] * GROUP, trainer)
    tokenizer = trainer.processing_class
    assert [ids[0] for ids in found["prompt_ids"]] == [0] * GROUP + [3] * GROUP
    for ids, genes, ended in zip(found["completion_ids"], found["genes"], found["terminated"]):
        assert ended == (ids[-1] == tokenizer.eos_token_id)
        assert min(ids[:-1], default=len(tokenizer)) >= len(tokenizer)
        kinds, places = example._sites(np.array(ids), tokenizer)
        np.testing.assert_array_equal(example._ids(kinds, places, tokenizer), ids)
        if ended:
            assert grammars.decode_sites(kinds, places) == genes
    assert any(found["genes"])


def test_rewards_are_the_exact_scores(done, example, prepared):
    """The reference is worth 1, silence in a window with genes only its validity."""

    known  = windows.load(prepared)
    index  = int(np.flatnonzero(np.diff(known.window_genes) > 0)[0])
    genes  = known.genes(index)
    steps  = 1 + 2 * sum(len(segments) for _, segments in genes)
    logged = {}
    values = example._reward(known)(
        prompts=[str(index)] * 2, completion_ids=[[9] * steps, [9]], genes=[genes, []], terminated=[True, True],
        log_metric=logged.__setitem__, log_extra=lambda name, texts: None, completions=["", ""], trainer_state=None)
    assert values == pytest.approx([1.0, 0.1])
    plain = score.rewards(score.windows([genes, []]), score.windows([genes, genes]))
    assert logged["rewards/gene/mean"] == pytest.approx(plain.gene_f1.mean()) == pytest.approx(0.5)


def test_weights_change_and_the_log_has_trls_names(done, start):
    before, after = folders.load(start).state_dict(), folders.load(done.folder).state_dict()
    assert any(not torch.equal(before[name], value) for name, value in after.items())
    assert all(torch.isfinite(value).all() for value in after.values())
    rows = [row for row in done.trainer.state.log_history if "loss" in row]
    assert len(rows) == 2
    for row in rows:
        assert {"reward", "reward_std", "rewards/gene/mean", "entropy", "kl", "completions/mean_length"} <= set(row)
        assert row["grad_norm"] > 0 and row["rewards/validity/mean"] == 1
    assert rows[0]["kl"] == pytest.approx(0, abs=1e-6) and rows[1]["kl"] > 0


def test_the_saved_folder_predicts(done, start, raw, tmp_path):
    assert (done.folder / "config.json").exists()
    genome = tmp_path / "genome.fa"
    genome.write_bytes((raw / "A.toy" / "fna").read_bytes()[:3000])
    paths  = {"PYTHONPATH": f"{REPOSITORY / 'python'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    for folder in (done.folder, done.folder / "checkpoint-2"):
        call = subprocess.run([sys.executable, "-m", "genet5", "predict", folder, genome, "-o", tmp_path / "genes.gff3",
                               "--decoder", "writer", "--threads", "1", "--force"], env={**os.environ, **paths},
                              capture_output=True, text=True, timeout=120)
        assert call.returncode == 0, call.stderr
        assert (tmp_path / "genes.gff3").read_text().startswith("##gff-version 3")
    ours = hf.GeneT5ForGenePrediction.from_pretrained(done.folder)
    assert ours.config.core() == hf.GeneT5Config.from_pretrained(start).core()


def test_what_it_cannot_do_is_said(example, prepared, start, tmp_path):
    with pytest.raises(errors.DataError, match=r"top_p 0.9: this example draws from all sites"):
        example.main(options(prepared, start, tmp_path / "run", "--top_p", "0.9"))
    with pytest.raises(errors.DataError, match=r"world_size 2: .* in one process"):
        example._check(types.SimpleNamespace(eos_token="<eos>", pad_token="[PAD]"), windows.load(prepared),
                       types.SimpleNamespace(**{**example.PLAIN, "world_size": 2}))
    two  = windows.load(prepared)
    two.genetic_code[0] = 4
    args = trl.GRPOConfig(str(tmp_path), bf16=False, use_cpu=True)
    with pytest.raises(errors.DataError, match="several genetic codes; genet5 grpo takes them"):
        example.GeneTrainer(hf.GeneT5ForGenePrediction.from_pretrained(start), two, args)
