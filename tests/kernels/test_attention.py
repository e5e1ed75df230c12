"""Sparse attention by Triton kernels equals the dense reference; on a GPU where one is at hand, else interpreted.

Shapes: Q rows of queries, K rows of keys, H heads, G heads of keys, D size of a head.
"""

import math
import os

import hypothesis
import hypothesis.strategies as st
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton")

GPU = torch.cuda.is_available()
if not GPU and os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("test_interpreter.py runs these in Triton's interpreter", allow_module_level=True)

torch_testing = pytest.importorskip("torch._dynamo.testing")

attention = pytest.importorskip("genet5.kernels.attention")
naive     = pytest.importorskip("genet5.kernels.naive")

DEVICE = "cuda" if GPU else "cpu"
SIZES  = (32, 64, 128) if GPU else (32,)
# relative error of each type; the reference computes in float64 from the same rounded inputs
TYPES  = {torch.float32: 1e-5, torch.float16: 3e-3, torch.bfloat16: 2e-2}
if not GPU:
    del TYPES[torch.bfloat16]

# rows before it that belong to none, queries (None: as many as keys), keys, prefix
PACKINGS = {"three documents":          [(0, None, 70, 50), (5, None, 33, 20), (0, None, 1, 0)],
            "nothing but prefix":       [(0, None, 130, 130), (3, None, 65, 65), (0, None, 1, 1)],
            "nothing but steps":        [(0, None, 64, 0), (0, None, 40, 0)],
            "empty documents":          [(0, None, 0, 0), (2, None, 37, 30), (0, None, 0, 0), (0, 0, 20, 10)],
            "steps behind cached keys": [(0, 6, 81, 75), (1, 1, 50, 49), (0, 9, 40, 35)],
            "no documents":             []}


def lay_out(packing, seed=0):
    """The table of documents, places, and rows of queries and of keys; padding at the end too."""

    rng, rows, q, k = torch.Generator().manual_seed(seed), [], 0, 0
    places = []
    for gap, queries, keys, prefix in packing:
        queries = keys if queries is None else queries
        rows.append((q + gap, queries, k + gap, keys, prefix))
        missing = keys - queries
        wander  = torch.randint(0, max(prefix, 1), (queries,), generator=rng)
        index   = torch.arange(missing, keys)
        places.extend((torch.zeros(gap, dtype=torch.long), index.where(index < prefix, wander)))
        q, k    = q + gap + queries, k + gap + keys
    places.append(torch.zeros(3, dtype=torch.long))
    table = torch.tensor(rows, dtype=torch.int32).reshape(-1, 5)
    return table.to(DEVICE), torch.cat(places).to(DEVICE), q + 3, k + 3


def inside(table, rows, start, count):
    """bool [rows], whether a row belongs to a document; start and count are columns of the table."""

    belongs = torch.zeros(rows, dtype=torch.bool, device=DEVICE)
    for document in table.tolist():
        belongs[document[start]:document[start] + document[count]] = True
    return belongs


def compare(packing, heads=2, key_heads=2, size=32, window=16, global_tokens=3, biased=True, dtype=torch.float32,
            seed=0):
    """Outputs and gradients of kernels and reference agree; padding is NaN, and so is memory before it is written."""

    table, places, queries, keys = lay_out(packing, seed)
    torch.manual_seed(seed)
    inputs  = [torch.randn(rows, count, size, device=DEVICE).to(dtype)
               for rows, count in ((queries, heads), (keys, key_heads), (keys, key_heads))]
    slopes  = torch.rand(2, heads, device=DEVICE) * 0.3 if biased else None
    if biased:
        slopes[1, ::2] = 0.0
    ours    = (inside(table, queries, 0, 1), *[inside(table, keys, 2, 3)] * 2)
    weight  = torch.randn(queries, heads, size, device=DEVICE).to(dtype) * ours[0][:, None, None]
    results = []
    for attend, prepare in ((naive.attend, torch.Tensor.double), (attention.attend, torch.Tensor.clone)):
        leaves = [prepare(x) for x in inputs]
        if attend is attention.attend:
            leaves = [x.masked_fill(~real[:, None, None], math.nan) for x, real in zip(leaves, ours)]
            where  = (attention.layout(table, queries, keys, places),)
        else:
            where  = (table, places)
        leaves = [x.requires_grad_() for x in leaves]
        out    = attend(*leaves, *where, window, global_tokens, slopes)
        results.append((out, *torch.autograd.grad(out, leaves, weight.to(out.dtype))))
    for name, wanted, found, real in zip(("out", "grad_q", "grad_k", "grad_v"), *results, (ours[0], *ours)):
        wanted, found = wanted[real], found[real].double()
        assert torch.isfinite(found).all(), name
        # a lone row has no gradient of its queries and keys but rounding
        error = (found - wanted).norm() / max(wanted.norm(), 1e-2 * weight.double().norm(), 1e-30)
        assert error <= TYPES[dtype], (name, float(error))


@pytest.fixture
def poisoned(monkeypatch):
    """Memory of outputs is full of NaN."""

    monkeypatch.setattr(attention, "_blank",
                        lambda like, shape, dtype=None: like.new_full(shape, math.nan, dtype=dtype))


@pytest.mark.parametrize("packing", PACKINGS.values(), ids=PACKINGS.keys())
@pytest.mark.parametrize("biased", [False, True], ids=["no bias", "ALiBi"])
def test_outputs_and_gradients_equal_the_dense_reference(packing, biased, poisoned):
    compare(packing, biased=biased)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", SIZES)
def test_types_and_head_sizes(size, dtype, poisoned):
    compare(PACKINGS["three documents"], size=size, dtype=dtype)
    if GPU:
        compare([(0, None, 700, 650), (5, None, 333, 333), (0, 20, 260, 240)], heads=4, key_heads=2, size=size,
                window=64, global_tokens=16, dtype=dtype)


@pytest.mark.parametrize("heads,key_heads", [(4, 2), (3, 1)])
def test_several_heads_read_one_key_head(heads, key_heads, poisoned):
    compare([(0, None, 45, 30), (2, None, 20, 20)], heads=heads, key_heads=key_heads)


@pytest.mark.parametrize("window,global_tokens", [(1, 0), (16, 0), (128, 0), (16, 40), (16, 200)])
def test_windows_and_global_tokens(window, global_tokens, poisoned):
    compare([(0, None, 110, 100)], heads=1, key_heads=1, window=window, global_tokens=global_tokens)


@st.composite
def packings(draw):
    """Up to four documents of up to 50 keys, which need not bring all their queries."""

    made = []
    for _ in range(draw(st.integers(1, 4))):
        keys = draw(st.integers(0, 50))
        made.append((draw(st.integers(0, 3)), draw(st.integers(0, keys)), keys, draw(st.integers(0, keys))))
    return made


@hypothesis.given(packing=packings(), window=st.integers(1, 50), global_tokens=st.integers(0, 40), biased=st.booleans(),
                  heads=st.sampled_from([(1, 1), (2, 1)]), seed=st.integers(0, 1000))
@hypothesis.settings(deadline=None, max_examples=100 if GPU else 5, derandomize=True,
                     suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_any_packing_equals_the_dense_reference(poisoned, packing, window, global_tokens, biased, heads, seed):
    compare(packing, *heads, window=window, global_tokens=global_tokens, biased=biased, seed=seed)


def test_the_reference_s_mask_is_the_documented_rule():
    table, places, queries, keys = lay_out([(0, None, 30, 22), (2, 5, 12, 9)])
    window, few, slopes = 4, 2, torch.rand(2, 3, device=DEVICE)
    seen   = naive.mask(table, places, keys, window, few)
    biased = naive.mask(table, places, keys, window, few, slopes)
    wanted = torch.full((3, queries, keys), -math.inf, device=DEVICE)
    for query_start, count, key_start, length, prefix in table.tolist():
        for i in range(length - count, length):
            row = query_start + i - (length - count)
            for j in range(length):
                if (j <= i or (i < prefix and j < prefix)) and \
                        (abs(i - j) < window or j < few or (i < few and j < prefix and i < prefix) or i >= prefix):
                    slope = slopes[int(i >= prefix)] * (j < prefix)
                    wanted[:, row, key_start + j] = -slope * abs(int(places[row]) - j)
    assert torch.equal(seen, wanted[0] > -math.inf)
    torch.testing.assert_close(biased, wanted)


def test_rows_of_no_document_get_zeros_and_no_gradient():
    table, places, queries, keys = lay_out([(4, None, 20, 10)])
    leaves = [torch.randn(queries, 1, 32, device=DEVICE, requires_grad=True) for _ in range(3)]
    out    = attention.attend(*leaves, attention.layout(table, queries, keys, places), 16)
    for result in (out, *torch.autograd.grad(out.sum(), leaves)):
        assert not result[:4].any() and not result[24:].any() and result[4:24].any()


def test_places_default_to_the_row_of_the_document():
    table, _, queries, keys = lay_out(PACKINGS["steps behind cached keys"] + [(2, None, 9, 9)])
    places = attention.layout(table, queries, keys).places.tolist()
    for query_start, count, _, length, _ in table.tolist():
        assert places[query_start:query_start + count] == list(range(length - count, length))


def test_two_runs_give_the_same_bits():
    table, places, queries, keys = lay_out(PACKINGS["three documents"])
    leaves  = [torch.randn(queries, 2, 32, device=DEVICE, requires_grad=True) for _ in range(3)]
    where   = attention.layout(table, queries, keys, places)
    results = []
    for _ in range(2):
        out = attention.attend(*leaves, where, 16, 3)
        results.append((out, *torch.autograd.grad(out.square().sum(), leaves)))
    assert all(torch.equal(one, other) for one, other in zip(*results))


def test_views_of_one_projection_need_no_copy():
    table, places, queries, keys = lay_out([(0, None, 40, 30)])
    joint   = torch.randn(queries, 3 * 64, device=DEVICE)
    parts   = [part.reshape(queries, 2, 32) for part in joint.chunk(3, dim=-1)]
    where   = attention.layout(table, queries, keys, places)
    strided = attention.attend(*parts, where, 16)
    assert torch.equal(strided, attention.attend(*(part.contiguous() for part in parts), where, 16))


# torch's own check reads .grad of what is no leaf
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_the_operator_keeps_torch_s_contract():
    table, places, queries, keys = lay_out([(0, None, 20, 12)])
    leaves = [torch.randn(queries, 2, 32, device=DEVICE, requires_grad=True) for _ in range(3)]
    where  = attention.layout(table, queries, keys, places)
    chosen = attention.tiles.choose(where.capability, 4, 32)
    torch.library.opcheck(attention.sparse_attention, (
        *leaves, where.documents, where.places, where.query_tiles[chosen["forward"].queries],
        where.key_tiles[chosen["backward_keys"].keys], torch.rand(2, 2, device=DEVICE), 16, 3, where.capability))


def test_four_lengths_compile_to_at_most_two_graphs():
    counter = torch_testing.CompileCounterWithBackend("aot_eager")
    weight  = torch.randn(64, 192, device=DEVICE, requires_grad=True)

    def layer(x, where):
        q, k, v = (part.reshape(-1, 2, 32) for part in (x @ weight).chunk(3, dim=-1))
        return x + attention.attend(q, k, v, where, 16, 3).flatten(1)

    torch._dynamo.reset()
    compiled = torch.compile(layer, backend=counter)
    for length in (40, 50, 64, 75):
        table, places, queries, keys = lay_out([(0, None, length, length - 9), (0, None, 9, 9)])
        where = attention.layout(table, queries, keys, places)
        x     = torch.randn(queries, 64, device=DEVICE)
        for tensor in (x, *where.tables()):
            torch._dynamo.maybe_mark_dynamic(tensor, 0)
        out   = compiled(x, where)
        torch.testing.assert_close(out, layer(x, where), rtol=1e-5, atol=1e-5)
        grad, = torch.autograd.grad(out.sum(), weight)
        assert grad.isfinite().all()
    assert counter.frame_count <= 2


def test_what_cannot_be_computed_is_refused_with_what_can():
    table, places, queries, keys = lay_out([(0, None, 20, 12)])
    where = attention.layout(table, queries, keys, places)

    def of(size=32, heads=2, key_heads=2, dtype=torch.float32):
        return (torch.zeros(queries, heads, size, device=DEVICE, dtype=dtype),
                *[torch.zeros(keys, key_heads, size, device=DEVICE, dtype=dtype)] * 2)

    with pytest.raises(ValueError, match="32, 64 and 128"):
        attention.attend(*of(size=48), where, 16)
    with pytest.raises(ValueError, match="divides 3"):
        attention.attend(*of(heads=3, key_heads=2), where, 16)
    with pytest.raises(ValueError, match="float32, float16 and bfloat16"):
        attention.attend(*of(dtype=torch.float64), where, 16)
    with pytest.raises(ValueError, match="1 or more"):
        attention.attend(*of(), where, 0)
    with pytest.raises(ValueError, match=r"\[2, 2\]"):
        attention.attend(*of(), where, 16, 0, torch.zeros(2, 3, device=DEVICE))
    with pytest.raises(ValueError, match=r"\[N, 5\]"):
        attention.layout(table[:, :4], queries, keys)
    if not GPU:
        with pytest.raises(ValueError, match="bfloat16"):
            attention.attend(*of(dtype=torch.bfloat16), where, 16)
