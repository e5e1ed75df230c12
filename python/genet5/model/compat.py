"""Mends what torch's compiler and Triton no longer share, where a test of the feature says that it is missing.

Each patch names the issue that describes its defect. `genet5.model.compiling.prepare` is the one place that calls this.
"""

import importlib
import importlib.util
import inspect


def repair():
    """Apply the patches that this pair of torch and Triton needs.

    returns list of str, the defects that were mended
    """

    mended = []
    if _triton_is_here() and _reads_missing_cluster_dims(_launcher(), *_triton()):
        _give_cluster_dims(_triton()[0])
        mended.append("cluster_dims")
    return mended


def _triton_is_here():
    return importlib.util.find_spec("triton") is not None


def _launcher():
    """The source that makes inductor's launchers of Triton kernels."""

    return inspect.getsource(importlib.import_module("torch._inductor.runtime.triton_heuristics"))


def _triton():
    """Triton's class of compiled kernels, and the names of the options that become a kernel's metadata."""

    kernels = importlib.import_module("triton.compiler.compiler").CompiledKernel
    options = importlib.import_module("triton.backends.nvidia.compiler").CUDAOptions
    return kernels, set(options.__dataclass_fields__)


def _reads_missing_cluster_dims(launcher, kernels, options):
    """Whether inductor would read a field of kernels that Triton has dropped.

    torch 2.9 with Triton 3.6 and later: "'KernelMetadata' object has no attribute 'cluster_dims'", pytorch issue
    117185, mended in torch by pull request 167187
    """

    reads   = ".metadata.cluster_dims" in launcher
    asks    = 'hasattr(binary.metadata, "cluster_dims")' in launcher
    present = "cluster_dims" in options or hasattr(kernels, "num_ctas")
    return reads and not asks and not present


def _give_cluster_dims(kernels):
    """Kernels say that they run in no cluster, in the words of Triton 3.5; see pytorch issue 117185."""

    kernels.num_ctas     = property(lambda kernel: getattr(kernel.metadata, "num_ctas", 1))
    kernels.cluster_dims = (1, 1, 1)
