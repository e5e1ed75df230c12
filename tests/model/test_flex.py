"""FlexAttention's rule is the dense reference's; forward only, since it has no backward on a CPU."""

import hypothesis
import hypothesis.strategies as st
import pytest

torch = pytest.importorskip("torch")

attention = pytest.importorskip("genet5.model.attention")
configs   = pytest.importorskip("genet5.model.config")
flexible  = pytest.importorskip("genet5.model.flexible")

# torch says that FlexAttention is slow uncompiled
pytestmark = [pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile"),
              # of torch itself, while it compiles on a GPU
              pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")]


def rows_of(lengths, length):
    """Windows of these lengths, one list a row: window and place of each token, int [R, T]."""

    window, place, number = torch.full((len(lengths), length), -1), torch.full((len(lengths), length), length), 0
    for row, counts in enumerate(lengths):
        start = 0
        for count in counts:
            window[row, start:start + count] = number
            place[row, start:start + count]  = torch.arange(count)
            start, number = start + count, number + 1
    return window, place


def compare(lengths, length, span, global_tokens, slopes_H, heads=2, seed=0):
    torch.manual_seed(seed)
    window, place = rows_of(lengths, length)
    q, k, v = (torch.randn(len(lengths), length, heads, 16) for _ in range(3))
    dense   = attention.prefix_dense(q, k, v, window, place, span, global_tokens, slopes_H)
    found   = flexible.attend(q, k, v, flexible.layout(window, place, span, global_tokens), slopes_H)
    torch.testing.assert_close(found, dense, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("slopes", [None, attention.alibi_slopes(2)], ids=["no bias", "ALiBi"])
@pytest.mark.parametrize("span", [16, 64])
@pytest.mark.parametrize("global_tokens", [0, 20])
def test_outputs_equal_the_dense_reference(span, global_tokens, slopes):
    compare([[100, 1], [190]], 192, span, global_tokens, slopes)


@hypothesis.given(lengths=st.lists(st.lists(st.integers(1, 40), max_size=3), min_size=1, max_size=2),
                  span=st.integers(1, 50), global_tokens=st.integers(0, 30), biased=st.booleans(),
                  seed=st.integers(0, 1000))
@hypothesis.settings(deadline=None, max_examples=15, derandomize=True)
def test_any_packing_equals_the_dense_reference(lengths, span, global_tokens, biased, seed):
    compare(lengths, 128, span, global_tokens, torch.rand(2) * 0.3 if biased else None, seed=seed)


def test_a_cpu_is_refused_with_what_is_valid_there():
    config = configs.ModelConfig.preset("tiny", vocab_size=64, attention="flex")
    assert attention.backend(config, torch.device("cuda")) == "flex"
    with pytest.raises(ValueError, match="no backward on a CPU; valid here are blocked and dense"):
        attention.backend(config, torch.device("cpu"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_gradients_equal_the_dense_reference_on_a_gpu():
    torch.manual_seed(0)
    window, place = (x.cuda() for x in rows_of([[100, 1], [190]], 192))
    leaves  = [torch.randn(2, 192, 3, 32, device="cuda", requires_grad=True) for _ in range(3)]
    slopes  = attention.alibi_slopes(3).cuda()
    weight  = torch.randn(2, 192, 3, 32, device="cuda")
    results = []
    for out in (attention.prefix_dense(*leaves, window, place, 16, 5, slopes),
                flexible.attend(*leaves, flexible.layout(window, place, 16, 5), slopes)):
        results.append((out, *torch.autograd.grad((out * weight).sum(), leaves)))
    for dense, found in zip(*results):
        torch.testing.assert_close(found, dense, rtol=1e-2, atol=1e-2)
