"""The CPU's convolution equals torch's, outputs and gradients."""

import hypothesis
import hypothesis.strategies as st
import pytest

torch = pytest.importorskip("torch")

convolution = pytest.importorskip("genet5.model.convolution")


@hypothesis.given(rows=st.integers(1, 3), length=st.integers(1, 70), width_in=st.integers(1, 9),
                  width_out=st.integers(1, 9), taps=st.sampled_from([1, 3, 5, 9]), dilation=st.integers(1, 9),
                  input_needs_gradient=st.booleans(), seed=st.integers(0, 1000))
@hypothesis.settings(deadline=None)
def test_shifted_products_equal_torch_s_convolution(rows, length, width_in, width_out, taps, dilation,
                                                    input_needs_gradient, seed):
    torch.manual_seed(seed)
    x_RBI  = torch.randn(rows, length, width_in, dtype=torch.float64, requires_grad=input_needs_gradient)
    weight = torch.randn(width_out, width_in, taps, dtype=torch.float64, requires_grad=True)
    bias   = torch.randn(width_out, dtype=torch.float64, requires_grad=True)
    inputs = [weight, bias] + [x_RBI] * input_needs_gradient
    ours   = convolution.Shifted.apply(x_RBI, weight, bias, dilation)
    theirs = torch.nn.functional.conv1d(x_RBI.transpose(1, 2), weight, bias, dilation=dilation,
                                        padding=dilation * (taps // 2)).transpose(1, 2)
    torch.testing.assert_close(ours, theirs)
    upstream = torch.randn_like(theirs)
    for one, other in zip(torch.autograd.grad(ours, inputs, upstream), torch.autograd.grad(theirs, inputs, upstream)):
        torch.testing.assert_close(one, other)
