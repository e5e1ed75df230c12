"""What the classes answer, and gradient checkpointing."""

import math

import pytest
import torch
import transformers

import genet5.hf as hf
import genet5.model.experts as experts
import genet5.model.folder as folders


def test_a_window_has_states_and_logits_per_base(model, tools):
    letters = tools.random_dna(2, 500)
    batch   = model.prepare([letters])
    with torch.no_grad():
        output = model(**batch)
        states = hf.GeneT5Model.from_pretrained(model.folder)(**batch).last_hidden_state
    rows, bases  = batch["bases"].shape
    rows, tokens = batch["tokens"].shape
    assert output.segmentation_logits.shape == (rows, bases, 9) and output.potentials.shape == (rows, bases, 17)
    assert output.last_hidden_state.shape == (rows, tokens, 64)
    assert output.loss is None and output.site_logits is None
    torch.testing.assert_close(states, output.last_hidden_state)
    ours = folders.load(model.folder).prefill(batch)
    torch.testing.assert_close(output.segmentation_logits, ours.segmentation)


def test_targets_bring_a_loss_and_the_logits_of_all_sites(model, tools):
    batch  = tools.targets(model)
    output = model(**batch)
    assert output.site_logits.shape == batch["allowed_type"].shape
    assert set(output.losses) == {"site", "segmentation", "lattice"}
    offsets, target = batch["allowed_offsets"], batch["allowed_target"]
    by_hand = torch.stack([torch.log_softmax(output.site_logits[start:end], dim=0)[place - start]
                           for start, end, place in zip(offsets, offsets[1:], target)])
    torch.testing.assert_close(output.losses["site"], -by_hand.mean())
    output.loss.backward()
    assert all(parameter.grad is not None for name, parameter in model.named_parameters())


def test_a_tuple_on_request(model, tools):
    batch = tools.targets(model)
    named = model(**batch)
    plain = model(**batch, return_dict=False)
    assert isinstance(plain, tuple) and float(plain[0].detach()) == pytest.approx(float(named.loss.detach()))


def test_missing_tensors_are_named(model, tools):
    batch = tools.targets(model)
    with pytest.raises(TypeError, match="lacks bases, channels"):
        model(**{name: value for name, value in batch.items() if name not in ("bases", "channels")})
    with pytest.raises(TypeError, match="lacks step_count"):
        model(**{name: value for name, value in batch.items() if name != "step_count"})
    for cut in (batch, {name: value for name, value in batch.items() if name[:4] not in ("labe", "step", "allo")}):
        with pytest.raises(ValueError, match="dispatch_batches"):
            model(**{name: value[:len(batch["tokens"])] for name, value in cut.items()})
    with pytest.raises(ValueError, match="per_device_train_batch_size"):
        hf.collate([{}, {}])


def step(model, batch):
    """Loss, gradients by name, and bytes that the forward pass kept for the backward pass."""

    # the storages themselves are kept, so that no address is given away twice
    kept, base = {}, {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in base:
            kept[storage.data_ptr()] = storage
        return tensor

    model.zero_grad()
    torch.manual_seed(5)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = model(**batch).loss
    held = sum(storage.nbytes() for storage in kept.values())
    value.backward()
    return float(value.detach()), {name: parameter.grad.clone() for name, parameter in model.named_parameters()}, held


@pytest.fixture
def calls(model, monkeypatch):
    """Counts the calls of the blocks' methods."""

    counts = {"prefix": 0, "steps": 0}

    def counted(name, call):
        def run(*inputs):
            counts[name] += 1
            return call(*inputs)
        return run

    for layer in model.layers:
        for name in counts:
            monkeypatch.setattr(layer, name, counted(name, getattr(layer, name)))
    return counts


def test_checkpointing_computes_blocks_again_for_the_same_gradients_in_less_memory(model, tools, calls):
    batch = tools.targets(model)
    # torch's products in groups are tried once, which is not a part of the pass
    experts.grouped_works("cpu", torch.float32)
    for layer in model.layers:
        layer.dropout.p = 0.1
    model.train()
    value, gradients, held = step(model, batch)
    assert calls == {"prefix": 3, "steps": 3}
    loads = experts.loads(model)
    enable, disable = ("activation_checkpointing_enable", "activation_checkpointing_disable") \
        if hasattr(model, "activation_checkpointing_enable") else \
        ("gradient_checkpointing_enable", "gradient_checkpointing_disable")
    getattr(model, enable)()
    again, repeated, less = step(model, batch)
    assert calls == {"prefix": 9, "steps": 9}
    assert again == value and less < 0.7 * held
    for name, gradient in gradients.items():
        torch.testing.assert_close(repeated[name], gradient, rtol=1e-5, atol=1e-7, msg=name)
    # a pass that is repeated for its gradients counts once
    assert loads is None or torch.equal(experts.loads(model), 2 * loads)
    getattr(model, disable)()
    assert step(model, batch)[2] == held and calls == {"prefix": 12, "steps": 12}


def test_checkpointing_is_idle_where_nothing_is_learnt(model, tools, calls):
    model.gradient_checkpointing = True
    with torch.no_grad():
        model.eval()(**tools.targets(model))
    assert calls == {"prefix": 3, "steps": 3}


def test_the_routers_losses_have_gradients_under_checkpointing(folder, tools):
    model  = hf.GeneT5ForGenePrediction.from_pretrained(folder).train()
    routers = [mixture.router.weight for mixture in experts.of(model)]
    if not routers:
        pytest.skip("a dense model has no router")
    batch = model.prepare([tools.random_dna(3, 300)])
    found = []
    for model.gradient_checkpointing in (False, True):
        model(**batch)
        found.append(torch.autograd.grad(experts.penalties(model, model.device)["router_z"], routers))
    for plain, checkpointed in zip(*found):
        torch.testing.assert_close(plain, checkpointed)
        assert float(plain.abs().max()) > 0


def test_more_tokens_by_resizing(folder, tools):
    model = hf.GeneT5ForGenePrediction.from_pretrained(folder)
    batch = model.prepare([tools.random_dna(3, 300)])
    before = model(**batch).last_hidden_state
    size  = model.config.vocab_size
    model.resize_token_embeddings(size + 5)
    assert model.config.vocab_size == size + 5 == len(model.embed.weight)
    torch.testing.assert_close(model(**batch).last_hidden_state, before)


def test_hugging_face_s_trainer_trains_resumes_and_saves_a_model_folder(model, tools, tmp_path):
    pytest.importorskip("accelerate", reason="Hugging Face's Trainer needs accelerate")
    if model.config.num_experts > 1:
        pytest.skip("one family is enough")
    batches = [{name: value.numpy() for name, value in tools.targets(model, 2 + number % 2).items()}
               for number in range(24)]

    def trainer(model, steps):
        settings = transformers.TrainingArguments(
            str(tmp_path / "run"), max_steps=steps, per_device_train_batch_size=1, per_device_eval_batch_size=1,
            gradient_accumulation_steps=2, learning_rate=3e-3, lr_scheduler_type="constant", logging_steps=1,
            save_steps=4, remove_unused_columns=False, report_to=[], use_cpu=True, seed=1)
        return transformers.Trainer(model=model, args=settings, train_dataset=batches, eval_dataset=batches[:2],
                                    data_collator=hf.collate)

    whole  = trainer(model, 8)
    before = whole.evaluate()["eval_loss"]
    whole.train()
    after  = whole.evaluate()["eval_loss"]
    assert math.isfinite(after) and after < 0.9 * before
    kept   = folders.load(tmp_path / "run" / "checkpoint-8")
    assert all(torch.equal(kept.state_dict()[name], value) for name, value in model.state_dict().items())
    again  = hf.GeneT5ForGenePrediction.from_pretrained(model.folder)
    trainer(again, 8).train(resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-4"))
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, msg=name)
