"""Attention in NumPy: how a word looks at other words, `softmax(QKᵀ/√d_k)V`.

Teaches one formula as a ladder with one signature: `attention_by_loops` (to read), `attention_by_matrices`
(the same in a few lines), `attention` (the checked entry). Then masks, heads, grouped heads, cross-attention.

Leaves out: gradients, dropout and speed (`torch_attention` has the fused kernel), positions (lesson 05).
Source: Vaswani et al. 2017, "Attention Is All You Need", equation 1 and section 3.2.2; grouped heads:
Ainslie et al. 2023, "GQA". Explained in lesson 04.

Shapes: Tq queries look at Tk keys, d_head numbers each; values may have another width, d_value. A mask says
what a query may see: boolean, True = may look; or floats that are added to the scores (0 = may look, -inf =
may not). A query that may look nowhere gets zeros, weights and output alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    Mask = Bool[np.ndarray, "..."] | Float[np.ndarray, "..."]

__all__ = [
    "attention",
    "attention_by_loops",
    "attention_by_matrices",
    "attention_weights",
    "causal_mask",
    "merge_heads",
    "multi_head_attention",
    "padding_mask",
    "share_heads",
    "split_heads",
]


# --- masks --------------------------------------------------------------------------------------------------


def causal_mask(n_queries: int, n_keys: int | None = None) -> Bool[np.ndarray, "{n_queries} Tk"]:
    """Who may look where when nobody may look ahead.

    Args:
        n_queries: Tq, the number of queries.
        n_keys: Tk, at least Tq; None means Tq. The queries are the last Tq of the Tk positions, as in
            generation with a cache.

    Returns:
        (Tq, Tk), True where the query may look.

    Raises:
        ValueError: If there are fewer keys than queries, or no query.

    Differs from source: torch's `is_causal` aligns the first query with the first key; here the last ones.

    Example:
        >>> causal_mask(2, 3).astype(int)
        array([[1, 1, 0],
               [1, 1, 1]])
    """
    n_keys = n_queries if n_keys is None else n_keys
    if not 1 <= n_queries <= n_keys:
        raise ValueError(
            f"a causal mask needs 1 ≤ n_queries ≤ n_keys; got n_queries={n_queries}, n_keys={n_keys}"
        )
    return np.tril(np.ones((n_queries, n_keys), dtype=bool), k=n_keys - n_queries)


def padding_mask(lengths: Sequence[int], n_keys: int) -> Bool[np.ndarray, "B 1 1 {n_keys}"]:
    """Hide the padding at the end of each text of a batch.

    Args:
        lengths: The B lengths before padding, each from 0 to `n_keys`.
        n_keys: Tk, the padded length.

    Returns:
        (B, 1, 1, Tk), True on real tokens; broadcasts over heads and queries. Joins a causal mask by `&`.

    Raises:
        ValueError: If a length lies outside 0 … n_keys.

    Example:
        >>> padding_mask([1, 3], 3)[:, 0, 0].astype(int)
        array([[1, 0, 0],
               [1, 1, 1]])
    """
    if any(not 0 <= n <= n_keys for n in lengths):
        raise ValueError(f"each length must be from 0 to n_keys={n_keys}; got {list(lengths)}")
    return (np.arange(n_keys) < np.asarray(lengths)[:, None])[:, None, None, :]


def _additive(mask: np.ndarray | None, dtype: np.dtype) -> np.ndarray:
    """A mask of either kind as numbers to add to the scores."""
    if mask is None:
        return np.zeros((1, 1), dtype)
    return np.where(mask, 0, -np.inf).astype(dtype) if mask.dtype == bool else mask.astype(dtype)


# --- the ladder ---------------------------------------------------------------------------------------------


def attention_by_loops(
    q: Float[np.ndarray, "Tq d_head"],
    k: Float[np.ndarray, "Tk d_head"],
    v: Float[np.ndarray, "Tk d_value"],
    mask: Mask | None = None,
    scale: float | None = None,
) -> Float[np.ndarray, "Tq d_value"]:
    """The formula, one number at a time: each query scores every key, then mixes the values.

    Args:
        q: Queries.
        k: Keys.
        v: Values, one a key.
        mask: Who may look where (see the module's opening), or None: everybody everywhere.
        scale: Factor on the scores, by default 1/√d_head.

    Returns:
        One mixture of values a query.

    Source: Vaswani et al. 2017, equation 1.
    """
    (n_queries, d_head), n_keys = q.shape, len(k)
    scale = d_head**-0.5 if scale is None else scale
    bias = np.broadcast_to(_additive(mask, q.dtype), (n_queries, n_keys))
    out = np.zeros((n_queries, v.shape[1]), q.dtype)
    for i in range(n_queries):
        scores = [sum(q[i, d] * k[j, d] for d in range(d_head)) * scale + bias[i, j] for j in range(n_keys)]
        top = max(scores)
        if top == -np.inf:
            continue  # this query may look nowhere: zeros
        parts = [np.exp(s - top) for s in scores]
        total = sum(parts)
        for j in range(n_keys):
            out[i] += parts[j] / total * v[j]
    return out


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Softmax over keys that survives large scores; a row of -inf alone gives zeros."""
    top = scores.max(axis=-1, keepdims=True)
    parts = np.exp(scores - np.where(top == -np.inf, 0, top))
    total = parts.sum(axis=-1, keepdims=True)
    return parts / np.where(total == 0, 1, total)


def attention_by_matrices(
    q: Float[np.ndarray, "*#batch Tq d_head"],
    k: Float[np.ndarray, "*#batch Tk d_head"],
    v: Float[np.ndarray, "*#batch Tk d_value"],
    mask: Mask | None = None,
    scale: float | None = None,
) -> Float[np.ndarray, "*#batch Tq d_value"]:
    """The same as `attention_by_loops` in two matrix products; arguments as there, leading axes allowed."""
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    scores = q @ np.swapaxes(k, -1, -2) * scale  # (..., Tq, Tk)
    return _softmax(scores + _additive(mask, scores.dtype)) @ v


def attention_weights(
    q: Float[np.ndarray, "*#batch Tq d_head"],
    k: Float[np.ndarray, "*#batch Tk d_head"],
    mask: Mask | None = None,
    scale: float | None = None,
) -> Float[np.ndarray, "*#batch Tq Tk"]:
    """How much each query looks at each key: rows that sum to 1, or to 0 where a query may look nowhere.

    Args:
        q: Queries; leading axes (batch, heads) broadcast.
        k: Keys.
        mask: Boolean (True = may look) or added to the scores; broadcasts to the result.
        scale: Factor on the scores, by default 1/√d_head.

    Returns:
        Weights, float32 or the inputs' own precision where that is greater.

    Raises:
        ValueError: If shapes do not fit, or a number is NaN or infinite.
        TypeError: If the mask is neither boolean nor float.

    Example:
        >>> q = k = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> attention_weights(q, k, causal_mask(2), scale=1.0).round(3)
        array([[1.   , 0.   ],
               [0.269, 0.731]])
    """
    _check(q, k, None, mask)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    q, k = (x.astype(np.promote_types(x.dtype, np.float32), copy=False) for x in (q, k))
    scores = (q * scale) @ np.swapaxes(k, -1, -2)  # (..., Tq, Tk); scaled first, so that it overflows later
    return _softmax(scores + _additive(mask, scores.dtype))


def attention(
    q: Float[np.ndarray, "*#batch Tq d_head"],
    k: Float[np.ndarray, "*#batch Tk d_head"],
    v: Float[np.ndarray, "*#batch Tk d_value"],
    mask: Mask | None = None,
    scale: float | None = None,
) -> Float[np.ndarray, "*#batch Tq d_value"]:
    """Attention with its input checked: the entry to use.

    Args:
        q: Queries; leading axes (batch, heads) broadcast.
        k: Keys.
        v: Values, one a key.
        mask: Boolean (True = may look) or added to the scores; broadcasts to (..., Tq, Tk).
        scale: Factor on the scores, by default 1/√d_head.

    Returns:
        One mixture of values a query, in the dtype of `v`; zeros for a query that may look nowhere.

    Raises:
        ValueError: If shapes do not fit, or a number is NaN or infinite.
        TypeError: If the mask is neither boolean nor float.

    Source: Vaswani et al. 2017, equation 1.
    Differs from source: float16 is computed in float32; a query that may look nowhere is not in the paper.
    """
    _check(q, k, v, mask)
    return (attention_weights(q, k, mask, scale) @ v).astype(v.dtype)


# --- heads --------------------------------------------------------------------------------------------------


def split_heads(x: Float[np.ndarray, "B T D"], n_heads: int) -> Float[np.ndarray, "B {n_heads} T d_head"]:
    """Cut each vector into `n_heads` pieces and give each head its own matrix: (B, T, D) → (B, H, T, D/H).

    Raises:
        ValueError: If D is not a multiple of `n_heads`.
    """
    batch, length, width = x.shape
    if n_heads < 1 or width % n_heads:
        raise ValueError(
            f"width {width} (axis 2 of {x.shape}) cannot be cut into n_heads={n_heads} equal pieces"
        )
    return x.reshape(batch, length, n_heads, width // n_heads).transpose(0, 2, 1, 3)


def merge_heads(x: Float[np.ndarray, "B H T d_head"]) -> Float[np.ndarray, "B T H*d_head"]:
    """Undo `split_heads`: (B, H, T, d_head) → (B, T, H·d_head)."""
    batch, n_heads, length, d_head = x.shape
    return x.transpose(0, 2, 1, 3).reshape(batch, length, n_heads * d_head)


def share_heads(
    x: Float[np.ndarray, "B Hkv T d_head"], n_heads: int
) -> Float[np.ndarray, "B {n_heads} T d_head"]:
    """Let each key/value head serve `n_heads / Hkv` neighbouring query heads (grouped heads).

    Raises:
        ValueError: If `n_heads` is not a multiple of Hkv.

    Source: Ainslie et al. 2023, "GQA: Training Generalized Multi-Query Transformer Models", section 2.2.
    """
    if n_heads % x.shape[1]:
        raise ValueError(
            f"n_heads={n_heads} is not a multiple of the {x.shape[1]} key/value heads (axis 1 of {x.shape})"
        )
    return np.repeat(x, n_heads // x.shape[1], axis=1)


def multi_head_attention(
    x: Float[np.ndarray, "B Tq d_model"],
    w_q: Float[np.ndarray, "d_model d_q"],
    w_k: Float[np.ndarray, "d_context d_kv"],
    w_v: Float[np.ndarray, "d_context d_values"],
    w_o: Float[np.ndarray, "d_joined d_out"],
    *,
    n_heads: int,
    n_kv_heads: int | None = None,
    mask: Mask | None = None,
    context: Float[np.ndarray, "B Tk d_context"] | None = None,
) -> Float[np.ndarray, "B Tq d_out"]:
    """Several attentions side by side, each on its own projection of the same words.

    Args:
        x: The words that look.
        w_q: Projection to queries; heads lie side by side in its columns.
        w_k: Projection to keys, the same.
        w_v: Projection to values, the same.
        w_o: Mixes the joined heads back to one vector a word.
        n_heads: H, the number of query heads.
        n_kv_heads: Heads of keys and values, a divisor of H (grouped heads); None means H.
        mask: As in `attention`; broadcasts to (B, H, Tq, Tk).
        context: The words that are looked at (cross-attention); None means x itself (self-attention).

    Returns:
        One vector a word of `x`.

    Raises:
        ValueError: If shapes or numbers of heads do not fit, or a number is NaN or infinite.

    Source: Vaswani et al. 2017, section 3.2.2; grouped heads: Ainslie et al. 2023.
    Differs from source: no biases; a weight is applied from the right, `x @ w` (torch stores its transpose).
    """
    context = x if context is None else context
    n_kv_heads = n_heads if n_kv_heads is None else n_kv_heads
    for name, words, weight in (("w_q", x, w_q), ("w_k", context, w_k), ("w_v", context, w_v)):
        if words.shape[-1] != weight.shape[0]:
            raise ValueError(f"{name} {weight.shape}: axis 0 must equal axis 2 of the words {words.shape}")
    q = split_heads(x @ w_q, n_heads)  # (B, H, Tq, d_head)
    k = share_heads(split_heads(context @ w_k, n_kv_heads), n_heads)  # (B, H, Tk, d_head)
    v = share_heads(split_heads(context @ w_v, n_kv_heads), n_heads)  # (B, H, Tk, d_value)
    joined = merge_heads(attention(q, k, v, mask))  # (B, Tq, H * d_value)
    if joined.shape[-1] != w_o.shape[0]:
        raise ValueError(f"w_o {w_o.shape}: axis 0 must equal axis 2 of the joined heads {joined.shape}")
    return joined @ w_o


# --- refusing bad input -------------------------------------------------------------------------------------


def _check(q: np.ndarray, k: np.ndarray, v: np.ndarray | None, mask: np.ndarray | None) -> None:
    """Say which shapes, which axis, which array is wrong."""
    arrays = {"q": q, "k": k} | ({} if v is None else {"v": v})
    for name, x in arrays.items():
        if x.ndim < 2 or 0 in x.shape:
            raise ValueError(
                f"{name} must have at least two axes, (..., T, d_head), none empty; got shape {x.shape}"
            )
        if not np.isfinite(x).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
            raise ValueError(f"{name} must be finite; it holds {x[where]} at {where}")
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"q {q.shape} and k {k.shape} must have the same d_head (axis -1)")
    if v is not None and k.shape[-2] != v.shape[-2]:
        raise ValueError(f"k {k.shape} and v {v.shape} must have the same number of keys (axis -2)")
    scores = (q.shape[-2], k.shape[-2])
    try:
        leading = np.broadcast_shapes(*(x.shape[:-2] for x in arrays.values()))
    except ValueError:
        shapes = " and ".join(f"{name} {x.shape}" for name, x in arrays.items())
        raise ValueError(f"{shapes} must agree, or be 1, on every axis before the last two") from None
    _check_mask(mask, (*leading, *scores))


def _check_mask(mask: np.ndarray | None, scores: tuple[int, ...]) -> None:
    if mask is None:
        return
    if mask.dtype != bool and not np.issubdtype(mask.dtype, np.floating):
        raise TypeError(
            f"mask must be boolean (True = may look) or float (added to the scores); got dtype {mask.dtype}. "
            "For zeros and ones write mask.astype(bool)"
        )
    axes = zip(reversed(mask.shape), reversed(scores), strict=False)
    wrong = [-1 - i for i, (m, s) in enumerate(axes) if m not in (1, s)]
    if wrong or mask.ndim > len(scores):
        axis = f"axis {wrong[0]} differs" if wrong else f"it has {mask.ndim} axes"
        raise ValueError(f"mask {mask.shape} must broadcast to the scores {scores}; {axis}")
    if mask.dtype != bool and (np.isnan(mask).any() or np.isposinf(mask).any()):
        raise ValueError("an additive mask may hold numbers and -inf; it holds NaN or +inf")
