"""The patches for pairs of torch and Triton that do not fit, on pairs that are made up to be broken."""

import collections
import inspect

import pytest

pytest.importorskip("torch")
compat = pytest.importorskip("genet5.model.compat")


def launch_29(binary):
    """What torch 2.9 reads of a compiled kernel, in short."""

    if hasattr(binary, "num_ctas"):
        return (binary.num_ctas, *binary.cluster_dims)
    return (binary.metadata.num_ctas, *binary.metadata.cluster_dims)


def launch_210(binary):
    """What torch 2.10 reads."""

    if hasattr(binary, "num_ctas"):
        return (binary.num_ctas, *binary.cluster_dims)
    if hasattr(binary.metadata, "cluster_dims"):
        return (binary.metadata.num_ctas, *binary.metadata.cluster_dims)
    return ()


def kernel(*fields):
    """A class of compiled kernels whose metadata has these fields, all 1 or (1, 1, 1), and the options."""

    metadata = collections.namedtuple("KernelMetadata", fields)

    class CompiledKernel:
        def __init__(self):
            self.metadata = metadata(*[(1, 1, 1) if name == "cluster_dims" else 1 for name in fields])

    return CompiledKernel, set(fields)


@pytest.fixture
def pair(monkeypatch):
    """Make `compat` see this launcher and this Triton."""

    def see(launcher, triton):
        monkeypatch.setattr(compat, "_triton_is_here", lambda: True)
        monkeypatch.setattr(compat, "_launcher", lambda: inspect.getsource(launcher))
        monkeypatch.setattr(compat, "_triton", lambda: triton)

    return see


def test_torch_29_with_triton_36_is_mended_once(pair):
    made = kernel("num_ctas", "num_warps")
    pair(launch_29, made)
    with pytest.raises(AttributeError, match="'KernelMetadata' object has no attribute 'cluster_dims'"):
        launch_29(made[0]())
    assert compat.repair() == ["cluster_dims"]
    assert launch_29(made[0]()) == (1, 1, 1, 1)
    assert compat.repair() == []


@pytest.mark.parametrize("launcher,fields", [(launch_29, ("num_ctas", "cluster_dims")),
                                             (launch_210, ("num_ctas", "num_warps"))],
                         ids=["torch 2.9 with triton 3.5", "torch 2.10 with triton 3.6"])
def test_a_pair_that_fits_is_left_alone(pair, launcher, fields):
    made = kernel(*fields)
    before = dict(vars(made[0]))
    pair(launcher, made)
    assert compat.repair() == []
    assert dict(vars(made[0])) == before


def test_without_triton_there_is_nothing_to_mend(monkeypatch):
    monkeypatch.setattr(compat, "_triton_is_here", lambda: False)
    monkeypatch.setattr(compat, "_launcher", lambda: pytest.fail("looked for a launcher"))
    assert compat.repair() == []


def test_the_patches_find_what_they_look_at_in_the_installed_pair():
    pytest.importorskip("triton")
    assert "metadata" in compat._launcher()
    kernels, options = compat._triton()
    assert kernels.__name__ == "CompiledKernel" and "num_warps" in options
