"""One formula, three times: by loops to read, by matrices, and the checked entry that also gives weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .masks import additive

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    Mask = Bool[np.ndarray, "..."] | Float[np.ndarray, "..."]


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
    bias = np.broadcast_to(additive(mask, q.dtype), (n_queries, n_keys))
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


def softmax(scores: np.ndarray) -> np.ndarray:
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
    return softmax(scores + additive(mask, scores.dtype)) @ v


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
        >>> from llmasos_edu.attention import causal_mask
        >>> q = k = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> attention_weights(q, k, causal_mask(2), scale=1.0).round(3)
        array([[1.   , 0.   ],
               [0.269, 0.731]])
    """
    _check(q, k, None, mask)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    q, k = (x.astype(np.promote_types(x.dtype, np.float32), copy=False) for x in (q, k))
    scores = (q * scale) @ np.swapaxes(k, -1, -2)  # (..., Tq, Tk); scaled first, so that it overflows later
    return softmax(scores + additive(mask, scores.dtype))


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
