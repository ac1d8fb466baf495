"""Torch attention: explicit = fused = NumPy, masks, grouped heads, gradients, bad input."""

import inspect

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention as sdpa

from llmasos_edu import attention as in_numpy
from llmasos_edu.torch_attention import attention_weights, causal_mask, explicit_attention, fused_attention

EXACT = {"rtol": 0, "atol": 1e-12}  # float64 sums of at most 16 terms near 1, in another order
bare = {f.__name__: inspect.unwrap(f) for f in (attention_weights, explicit_attention, fused_attention)}


def tensors(seed: int, *shapes: tuple[int, ...]) -> list[torch.Tensor]:
    """Entries with standard deviation 2: sharp enough that a wrong scale or axis shows."""
    generator = torch.Generator().manual_seed(seed)
    return [2 * torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def masks(n_queries: int, n_keys: int) -> dict[str, torch.Tensor | None]:
    causal = causal_mask(n_queries, n_keys)
    nowhere = causal.clone()
    nowhere[1] = False
    return {
        "none": None,
        "causal": causal,
        "nowhere": nowhere,
        "additive": torch.zeros(n_queries, n_keys).masked_fill(~nowhere, -torch.inf).double(),
        "bias": torch.linspace(-3, 3, n_queries * n_keys).double().reshape(n_queries, n_keys),
        "a row": torch.arange(n_keys) < 3,
        "padding": torch.arange(n_keys) < torch.tensor([2, n_keys]).reshape(2, 1, 1, 1),
    }


@pytest.mark.parametrize("kind", masks(3, 5))
@pytest.mark.parametrize("scale", [None, 0.3])
def test_explicit_fused_and_numpy_agree(kind, scale):
    q, k, v = tensors(0, (2, 4, 3, 8), (2, 4, 5, 8), (2, 4, 5, 6))
    mask = masks(3, 5)[kind]
    out, weights = explicit_attention(q, k, v, mask, scale)
    plain = [x.numpy() for x in (q, k, v)]
    plain_mask = None if mask is None else mask.numpy()
    np.testing.assert_allclose(out, in_numpy.attention(*plain, plain_mask, scale), **EXACT)
    np.testing.assert_allclose(weights, in_numpy.attention_weights(*plain[:2], plain_mask, scale), **EXACT)
    np.testing.assert_allclose(fused_attention(q, k, v, mask, scale), out, **EXACT)
    np.testing.assert_allclose(attention_weights(q, k, mask, scale), weights, **EXACT)


@pytest.mark.parametrize("kind", ["none", "nowhere", "additive", "padding"])
def test_grouped_heads(kind):
    q, k, v = tensors(1, (2, 6, 3, 8), (2, 2, 5, 8), (2, 2, 5, 8))
    mask = masks(3, 5)[kind]
    expected = sdpa(q, k, v, attn_mask=mask, enable_gqa=True)
    torch.testing.assert_close(explicit_attention(q, k, v, mask)[0], expected, **EXACT)
    torch.testing.assert_close(fused_attention(q, k, v, mask), expected, **EXACT)


@pytest.mark.parametrize("kind", ["none", "padding", "a row", "each head its own"])
def test_grouped_heads_with_one_query(kind):
    """A group's heads are asked as one head's queries; a mask with heads cannot be, and still counts."""
    q, k, v = tensors(6, (2, 6, 1, 8), (2, 2, 5, 8), (2, 2, 5, 8))
    mask = {
        "none": None,
        "padding": torch.arange(5) >= torch.tensor([0, 3]).reshape(2, 1, 1, 1),
        "a row": torch.arange(5) < 4,
        "each head its own": torch.arange(5) < torch.tensor([1, 2, 3, 4, 5, 5]).reshape(6, 1, 1),
    }[kind]
    k_all, v_all = (x.repeat_interleave(3, dim=1) for x in (k, v))
    expected = in_numpy.attention(
        *(x.numpy() for x in (q, k_all, v_all)), None if mask is None else mask.numpy()
    )
    np.testing.assert_allclose(fused_attention(q, k, v, mask, causal=True), expected, **EXACT)
    np.testing.assert_allclose(
        fused_attention(q[0], k[0], v[0]), explicit_attention(q[0], k[0], v[0])[0], **EXACT
    )


@pytest.mark.parametrize("length", [1, 2, 6])
@pytest.mark.parametrize("kind", ["none", "additive", "padding"])
def test_causal_aligns_to_the_end(length, kind):
    """The last `length` queries of six get the last rows of the whole, as in generation with a cache."""
    q, k, v = tensors(2, (2, 4, 6, 8), (2, 4, 6, 8), (2, 4, 6, 8))
    mask = masks(6, 6)[kind]
    whole = explicit_attention(q, k, v, causal_mask(6) if mask is None else combined(mask))[0]
    part = mask if mask is None or mask.ndim < 2 or mask.shape[-2] == 1 else mask[..., -length:, :]
    out = fused_attention(q[:, :, -length:], k, v, part, causal=True)
    torch.testing.assert_close(out, whole[:, :, -length:], **EXACT)


def combined(mask: torch.Tensor) -> torch.Tensor:
    ahead = causal_mask(6)
    return mask & ahead if mask.dtype == torch.bool else mask.masked_fill(~ahead, -torch.inf)


def test_gradients_agree_and_survive_a_row_that_looks_nowhere():
    mask = masks(5, 5)["nowhere"]
    gradients = []
    for step in (
        lambda *a: explicit_attention(*a)[0],
        fused_attention,
        lambda *a: sdpa(*a[:3], attn_mask=a[3]),
    ):
        q, k, v = (x.requires_grad_() for x in tensors(3, (2, 4, 5, 8), (2, 4, 5, 8), (2, 4, 5, 8)))
        gradients.append(torch.autograd.grad(step(q, k, v, mask).square().sum(), (q, k, v)))
    for a, b in zip(gradients[0], gradients[2], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)  # gradients reach the hundreds
    for a, b in zip(gradients[1], gradients[2], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_large_scores_stay_finite():
    q = torch.tensor([[1000.0, 0.0], [0.0, -1000.0]])
    k = torch.tensor([[1000.0, 0.0], [0.0, 1000.0]])
    assert attention_weights(q, k).tolist() == [[1, 0], [1, 0]]
    assert fused_attention(q, k, torch.eye(2)).tolist() == [[1, 0], [1, 0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_numbers(dtype):
    q, k, v = (x.to(dtype) / 2 for x in tensors(4, (1, 4, 6, 8), (1, 2, 6, 8), (1, 2, 6, 8)))
    exact = explicit_attention(q.double(), k.double(), v.double(), causal_mask(6))[0]
    # float32 keeps 7 digits, bfloat16 keeps 2–3 of outputs near 1
    tolerance = 1e-5 if dtype == torch.float32 else 5e-2
    for out in (explicit_attention(q, k, v, causal_mask(6))[0], fused_attention(q, k, v, causal=True)):
        assert out.dtype == dtype
        torch.testing.assert_close(out.double(), exact, rtol=0, atol=tolerance)


def test_a_float32_mask_serves_other_dtypes():
    q, k, v = (x.bfloat16() for x in tensors(5, (1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4)))
    assert fused_attention(q, k, v, torch.zeros(3, 3)).dtype == torch.bfloat16
    assert explicit_attention(q, k, v, torch.zeros(3, 3))[0].dtype == torch.bfloat16


def test_torch_does_not_look_for_nan():
    q = torch.tensor([[float("nan"), 0.0]])
    assert attention_weights(q, torch.ones(2, 2)).isnan().all()


def z(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((z(2, 3), z(4, 5), z(4, 5)), ValueError, ["(2, 3)", "(4, 5)", "axis -1"]),
        ((z(2, 3), z(4, 3), z(5, 3)), ValueError, ["(4, 3)", "(5, 3)", "axis -2"]),
        ((z(3), z(3), z(3)), ValueError, ["q", "two axes", "(3,)"]),
        ((z(0, 3), z(4, 3), z(4, 3)), ValueError, ["q", "empty", "(0, 3)"]),
        (
            (z(2, 4, 2, 3), z(1, 4, 2, 3), z(1, 4, 2, 3)),
            ValueError,
            ["(2, 4, 2, 3)", "(1, 4, 2, 3)", "batch"],
        ),
        (
            (z(1, 4, 2, 3), z(1, 3, 2, 3), z(1, 3, 2, 3)),
            ValueError,
            ["(1, 4, 2, 3)", "(1, 3, 2, 3)", "axis -3"],
        ),
        (
            (z(1, 4, 2, 3), z(1, 2, 2, 3), z(1, 4, 2, 3)),
            ValueError,
            ["(1, 2, 2, 3)", "(1, 4, 2, 3)", "axis -3"],
        ),
        ((z(2, 3), z(4, 3), z(4, 3), z(4, 2) > 0), ValueError, ["(4, 2)", "(2, 4)", "axis -1"]),
        ((z(2, 3), z(4, 3), z(4, 3), z(1, 2, 4) > 0), ValueError, ["(1, 2, 4)", "3 axes"]),
        ((z(2, 3), z(4, 3), z(4, 3), z(2, 4).long()), TypeError, ["int64", "mask.bool()"]),
    ],
)
@pytest.mark.parametrize("step", ["explicit_attention", "fused_attention"])
def test_bad_input_is_named(step, arguments, error, words):
    with pytest.raises(error) as caught:
        bare[step](*arguments)
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_a_causal_mask_needs_keys():
    with pytest.raises(ValueError, match="n_queries=3, n_keys=2"):
        causal_mask(3, 2)
