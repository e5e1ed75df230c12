"""bfloat16 on the CPU, with autocast and with everything in it: training goes as in float32."""

import dataclasses

import pytest

import genet5.train.config as configs

torch       = pytest.importorskip("torch")
batches     = pytest.importorskip("genet5.train.batches")
distributed = pytest.importorskip("genet5.train.distributed")
folders     = pytest.importorskip("genet5.model.folder")
trainers    = pytest.importorskip("genet5.train.trainer")

STEPS    = 16
# of the first loss, where the weights are the same; and of the mean of the last four
FIRST    = 0.01
LAST     = 0.05
CONFIG   = configs.TrainConfig(max_steps=STEPS, warmup=4, lr=5e-3, batch_rows=1, row_tokens=512, crop=512, threads=1,
                               device="cpu", dtype="float32", ema=0.0,
                               loss_weights=dict.fromkeys(configs.HEADS, 1.0) | {"lattice": 200.0})
FAMILIES = {"pre-norm with RoPE":               {},
            "post-norm with ALiBi and experts": {"norm": "post", "positions": "alibi", "activation": "gelu",
                                                 "num_experts": 4, "top_k": 2}}


@pytest.fixture(scope="module", params=FAMILIES.values(), ids=FAMILIES.keys())
def start(request, baked, tmp_path_factory):
    """A very small untrained model."""

    out = tmp_path_factory.mktemp("precision") / "start"
    folders.create(out, baked / "tokenizer.json", preset="tiny", width=32, num_layers=2, num_heads=2, feed_forward=64,
                   stem_width=16, base_width=16, key_width=16, stem_dilations=(1, 2), window_size=512, block_size=16,
                   attention_window=32, **request.param)
    return out


def losses(baked, start, dtype, weights=torch.float32):
    """Loss of every step of a run, and the trainer."""

    config  = dataclasses.replace(CONFIG, dtype=dtype)
    model   = folders.load(start).to(weights).train()
    trainer = trainers.Trainer(model, batches.Source(baked, start / "tokenizer.json", config), config,
                               distributed.Group())
    return [trainer.step()["loss"] for _ in range(STEPS)], trainer


@pytest.fixture(scope="module")
def full(baked, start):
    """Losses in float32."""

    return losses(baked, start, "float32")[0]


@pytest.mark.parametrize("dtype, weights", [("bfloat16", torch.float32), ("float32", torch.bfloat16)],
                         ids=["autocast", "pure"])
def test_the_loss_falls_as_in_float32(baked, start, full, dtype, weights):
    found, trainer = losses(baked, start, dtype, weights)
    assert trainer.gradients.buffer.dtype == weights and trainer.optimizer.mean.dtype == weights
    assert {parameter.dtype for parameter in trainer.model.parameters()} == {weights}
    assert trainer.progress.skipped == 0
    assert found[0] == pytest.approx(full[0], rel=FIRST) and found[0] != full[0]
    late, wanted = sum(found[-4:]) / 4, sum(full[-4:]) / 4
    assert late == pytest.approx(wanted, rel=LAST)
    assert late < 0.9 * found[0]


def test_counts_of_experts_stay_whole_numbers_in_bfloat16(baked, start):
    import genet5.model.experts as experts

    model = folders.load(start).to(torch.bfloat16)
    loads = experts.loads(model)
    if loads is None:
        pytest.skip("a dense model has no experts")
    mixture = experts.of(model)[0]
    mixture.train()
    for _ in range(3):
        mixture(torch.randn(333, 32, dtype=torch.bfloat16))
    # bfloat16 would lose count beyond 256
    assert float(experts.loads(model)[0, 0].sum()) == 3 * 333 * 2
