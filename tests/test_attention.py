"""NumPy attention against torch's kernels, by hand, and on bad input."""

import inspect
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from llmasos_edu.attention import (
    attention,
    attention_by_loops,
    attention_by_matrices,
    attention_weights,
    causal_mask,
    merge_heads,
    multi_head_attention,
    padding_mask,
    share_heads,
    split_heads,
)

EXACT = {"rtol": 0, "atol": 1e-12}  # float64 sums of at most 16 terms near 1, in another order
# what a caller without the shape checks of the tests meets
bare_attention = inspect.unwrap(attention)
bare_weights = inspect.unwrap(attention_weights)
bare_heads = inspect.unwrap(multi_head_attention)


def arrays(seed: int, *shapes: tuple[int, ...]) -> list[np.ndarray]:
    """Entries with standard deviation 2: sharp enough that a wrong scale or axis shows."""
    rng = np.random.default_rng(seed)
    return [2 * rng.standard_normal(shape) for shape in shapes]


def sdpa(q, k, v, mask=None, **options):
    tensors = [torch.from_numpy(x) for x in (q, k, v)]
    mask = None if mask is None else torch.from_numpy(mask)
    return torch.nn.functional.scaled_dot_product_attention(*tensors, attn_mask=mask, **options).numpy()


def masks(n_queries: int, n_keys: int) -> dict[str, np.ndarray | None]:
    causal = causal_mask(n_queries, n_keys)
    return {
        "none": None,
        "causal": causal,
        "additive": np.where(causal, 0, -np.inf),
        "bias": np.linspace(-3, 3, n_queries * n_keys).reshape(n_queries, n_keys),
        "row": np.arange(n_keys)[None] != 1,
    }


# --- by hand ------------------------------------------------------------------------------------------------


def test_three_words_by_hand():
    """Weights e^0 : e^1 : e^0 and so on, written out."""
    q = np.array([[0.0, 1.0]])
    k = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    e = math.exp(1 / math.sqrt(2))
    np.testing.assert_allclose(attention_weights(q, k), [[1 / (2 + e), e / (2 + e), 1 / (2 + e)]], **EXACT)


def test_values_may_be_wider_than_keys():
    q, k, v = arrays(0, (2, 3), (4, 3), (4, 7))
    for step in (attention_by_loops, attention_by_matrices, attention):
        np.testing.assert_allclose(step(q, k, v), sdpa(q, k, v), **EXACT)


# --- the ladder and its oracle ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", masks(3, 5))
@pytest.mark.parametrize("scale", [None, 0.3])
def test_the_ladder_equals_torch(kind, scale):
    q, k, v = arrays(1, (3, 4), (5, 4), (5, 2))
    mask = masks(3, 5)[kind]
    for step in (attention_by_loops, attention_by_matrices, attention):
        np.testing.assert_allclose(step(q, k, v, mask, scale), sdpa(q, k, v, mask, scale=scale), **EXACT)
    np.testing.assert_allclose(
        attention_weights(q, k, mask, scale) @ v, sdpa(q, k, v, mask, scale=scale), **EXACT
    )


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_any_shape_equals_torch(seed, n_queries, n_keys, d_head, masked):
    q, k, v = arrays(seed, (2, 3, n_queries, d_head), (2, 3, n_keys, d_head), (2, 3, n_keys, d_head))
    mask = np.random.default_rng(seed).random((2, 1, n_queries, n_keys)) < 0.7 if masked else None
    out = attention(q, k, v, mask)
    np.testing.assert_allclose(out, sdpa(q, k, v, mask), **EXACT)
    one = None if mask is None else mask[1, 0]
    np.testing.assert_allclose(attention_by_loops(q[1, 2], k[1, 2], v[1, 2], one), out[1, 2], **EXACT)


def test_causal_equals_torchs_own():
    q, k, v = arrays(2, (2, 2, 6, 4), (2, 2, 6, 4), (2, 2, 6, 4))
    np.testing.assert_allclose(attention(q, k, v, causal_mask(6)), sdpa(q, k, v, is_causal=True), **EXACT)


def test_the_last_queries_of_a_longer_text():
    """What generation with a cache needs: the last two rows of the whole."""
    q, k, v = arrays(3, (6, 4), (6, 4), (6, 4))
    whole = attention(q, k, v, causal_mask(6))
    np.testing.assert_allclose(attention(q[-2:], k, v, causal_mask(2, 6)), whole[-2:], **EXACT)


def test_nobody_sees_padding_or_future():
    q, k, v = arrays(4, (2, 3, 5, 4), (2, 3, 5, 4), (2, 3, 5, 4))
    mask = padding_mask([2, 5], 5) & causal_mask(5)
    weights = attention_weights(q, k, mask)
    assert weights[0, :, :, 2:].max() == 0
    assert np.triu(weights, 1).max() == 0
    changed = v.copy()
    changed[0, :, 2:] = 1e9
    np.testing.assert_array_equal(attention(q, k, changed, mask)[0], attention(q, k, v, mask)[0])


# --- edges --------------------------------------------------------------------------------------------------


def test_a_row_that_may_look_nowhere_gives_zeros():
    q, k, v = arrays(5, (3, 4), (3, 4), (3, 4))
    allowed = causal_mask(3)
    allowed[1] = False
    for mask in (allowed, np.where(allowed, 0, -np.inf)):
        for step in (attention_by_loops, attention_by_matrices, attention):
            out = step(q, k, v, mask)
            assert (out[1] == 0).all()
            np.testing.assert_allclose(out, sdpa(q, k, v, mask), **EXACT)
        assert attention_weights(q, k, mask).sum(axis=-1) == pytest.approx([1, 0, 1])


def test_large_scores_stay_finite():
    q = np.array([[1000.0, 0.0], [0.0, -1000.0]])
    k = np.array([[1000.0, 0.0], [0.0, 1000.0]])
    expected = [[1.0, 0.0], [1.0, 0.0]]
    np.testing.assert_array_equal(attention_weights(q, k), expected)
    np.testing.assert_array_equal(attention_by_loops(q, k, np.eye(2)), expected)


def test_half_precision_is_computed_in_float32():
    """Scores of 90,000 lie beyond float16's 65,504."""
    q = np.full((1, 4), 150, np.float16)
    k = np.stack([q[0], q[0] - np.float16(1)])
    assert attention_weights(q, k).dtype == np.float32
    out = attention(q, k, np.eye(2, dtype=np.float16))
    assert out.dtype == np.float16
    np.testing.assert_array_equal(out, [[1, 0]])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_output_has_the_values_dtype(dtype):
    q, k, v = (x.astype(dtype) for x in arrays(6, (2, 3), (2, 3), (2, 3)))
    assert attention(q, k, v).dtype == dtype


def test_inputs_are_left_as_they_are():
    q, k, v = arrays(7, (3, 4), (3, 4), (3, 4))
    mask = causal_mask(3)
    before = [x.copy() for x in (q, k, v, mask)]
    attention(q, k, v, mask)
    for x, y in zip((q, k, v, mask), before, strict=True):
        np.testing.assert_array_equal(x, y)


# --- heads --------------------------------------------------------------------------------------------------


def test_heads_are_neighbouring_columns():
    x = np.arange(12.0).reshape(1, 2, 6)
    heads = split_heads(x, 3)
    assert heads[0, 1].tolist() == [[2, 3], [8, 9]]
    np.testing.assert_array_equal(merge_heads(heads), x)


def weights_of(module: torch.nn.MultiheadAttention) -> list[np.ndarray]:
    with torch.no_grad():
        if module.in_proj_weight is None:
            joint = [module.q_proj_weight, module.k_proj_weight, module.v_proj_weight]
        else:
            joint = list(module.in_proj_weight.chunk(3))
        return [w.numpy().T for w in (*joint, module.out_proj.weight)]


@pytest.mark.parametrize("masked", [False, True])
def test_multi_head_equals_torchs_module(masked):
    torch.manual_seed(0)
    module = torch.nn.MultiheadAttention(12, 3, bias=False, batch_first=True, dtype=torch.float64)
    (x,) = arrays(8, (2, 5, 12))
    hidden = torch.from_numpy(~causal_mask(5)) if masked else None  # this module's True means "may not"
    t = torch.from_numpy(x)
    expected = module(t, t, t, attn_mask=hidden, need_weights=False)[0].detach().numpy()
    ours = multi_head_attention(x, *weights_of(module), n_heads=3, mask=causal_mask(5) if masked else None)
    np.testing.assert_allclose(ours, expected, **EXACT)


def test_cross_attention_equals_torchs_module():
    torch.manual_seed(1)
    module = torch.nn.MultiheadAttention(
        8, 2, bias=False, batch_first=True, kdim=6, vdim=6, dtype=torch.float64
    )
    x, context = arrays(9, (2, 3, 8), (2, 5, 6))
    lengths = [4, 5]
    hidden = torch.from_numpy(~padding_mask(lengths, 5)[:, 0, 0])
    tx, tc = torch.from_numpy(x), torch.from_numpy(context)
    expected = module(tx, tc, tc, key_padding_mask=hidden, need_weights=False)[0].detach().numpy()
    ours = multi_head_attention(
        x, *weights_of(module), n_heads=2, mask=padding_mask(lengths, 5), context=context
    )
    np.testing.assert_allclose(ours, expected, **EXACT)


def test_grouped_heads_equal_torchs():
    x, w_q, w_k, w_v = arrays(10, (2, 5, 8), (8, 12), (8, 6), (8, 6))
    q, k, v = split_heads(x @ w_q, 4), split_heads(x @ w_k, 2), split_heads(x @ w_v, 2)
    expected = merge_heads(sdpa(q, k, v, enable_gqa=True))
    ours = multi_head_attention(x, w_q, w_k, w_v, np.eye(12), n_heads=4, n_kv_heads=2)
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-10)  # scores up to several hundred


def test_shared_heads_serve_neighbours():
    k = np.arange(2.0).reshape(1, 2, 1, 1)
    assert share_heads(k, 4).ravel().tolist() == [0, 0, 1, 1]


# --- masks --------------------------------------------------------------------------------------------------


def test_masks():
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert causal_mask(1, 4).tolist() == [[True] * 4]
    assert padding_mask([0, 2], 2).shape == (2, 1, 1, 2)


# --- bad input ----------------------------------------------------------------------------------------------


def z(*shape: int) -> np.ndarray:
    return np.zeros(shape)


NAN = np.array([[0.0, np.nan]])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: bare_attention(z(2, 3), z(4, 5), z(4, 5)), ValueError, ["(2, 3)", "(4, 5)", "axis -1"]),
        (lambda: bare_attention(z(2, 3), z(4, 3), z(5, 3)), ValueError, ["(4, 3)", "(5, 3)", "axis -2"]),
        (lambda: bare_weights(z(2, 2, 3), z(3, 2, 3)), ValueError, ["(2, 2, 3)", "(3, 2, 3)", "before"]),
        (lambda: bare_attention(z(3), z(3), z(3)), ValueError, ["q", "two axes", "(3,)"]),
        (lambda: bare_attention(z(0, 3), z(4, 3), z(4, 3)), ValueError, ["q", "empty", "(0, 3)"]),
        (lambda: bare_weights(NAN, z(1, 2)), ValueError, ["q", "nan", "(0, 1)"]),
        (lambda: bare_weights(z(1, 2), z(1, 2) + np.inf), ValueError, ["k", "finite"]),
        (lambda: bare_attention(z(1, 2), z(1, 2), NAN), ValueError, ["v", "nan"]),
        (lambda: bare_weights(z(2, 3), z(4, 3), z(4, 2) > 0), ValueError, ["(4, 2)", "(2, 4)", "axis -1"]),
        (lambda: bare_weights(z(2, 3), z(4, 3), z(3, 4) > 0), ValueError, ["(3, 4)", "(2, 4)", "axis -2"]),
        (lambda: bare_weights(z(2, 3), z(4, 3), z(1, 2, 4) > 0), ValueError, ["(1, 2, 4)", "3 axes"]),
        (lambda: bare_weights(z(2, 3), z(4, 3), z(2, 4).astype(int)), TypeError, ["int64", "astype(bool)"]),
        (lambda: bare_weights(z(1, 2), z(2, 2), NAN), ValueError, ["additive", "NaN"]),
        (lambda: causal_mask(3, 2), ValueError, ["n_queries=3", "n_keys=2"]),
        (lambda: padding_mask([1, 4], 3), ValueError, ["n_keys=3", "[1, 4]"]),
        (lambda: split_heads(z(1, 2, 5), 2), ValueError, ["5", "(1, 2, 5)", "n_heads=2"]),
        (lambda: share_heads(z(1, 2, 1, 1), 3), ValueError, ["n_heads=3", "(1, 2, 1, 1)"]),
        (
            lambda: bare_heads(z(1, 2, 4), z(5, 4), z(4, 4), z(4, 4), z(4, 4), n_heads=2),
            ValueError,
            ["w_q", "(5, 4)", "(1, 2, 4)"],
        ),
        (
            lambda: bare_heads(z(1, 2, 4), z(4, 4), z(4, 4), z(4, 4), z(5, 4), n_heads=2),
            ValueError,
            ["w_o", "(5, 4)", "(1, 2, 4)"],
        ),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value), str(caught.value)
