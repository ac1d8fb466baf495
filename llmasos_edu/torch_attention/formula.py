"""Attention by torch: the explicit form that shows its weights, and the fused kernel that is fast.

Both take what `attention` takes, and grouped heads by shape: where keys and values have fewer heads (axis
-3) than the queries, each serves a group of neighbours. The models use only these functions.

Leaves out: dropout. NaN is not looked for (a GPU would have to wait): NaN in, NaN out.
Source: Vaswani et al. 2017, "Attention Is All You Need", equation 1; the fused kernel never stores the
(Tq, Tk) weights: Dao et al. 2022, "FlashAttention". Explained in lesson 04.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    Mask = Bool[torch.Tensor, "..."] | Float[torch.Tensor, "..."]

__all__ = ["attention_weights", "causal_mask", "explicit_attention", "fused_attention"]


def causal_mask(
    n_queries: int, n_keys: int | None = None, device: torch.device | str | None = None
) -> Bool[torch.Tensor, "{n_queries} Tk"]:
    """Who may look where when nobody may look ahead; the queries are the last Tq of the Tk positions.

    Args:
        n_queries: Tq.
        n_keys: Tk, at least Tq; None means Tq.
        device: Where to build it.

    Returns:
        (Tq, Tk), True where the query may look.

    Raises:
        ValueError: If there are fewer keys than queries, or no query.

    Example:
        >>> causal_mask(2, 3).int().tolist()
        [[1, 1, 0], [1, 1, 1]]
    """
    n_keys = n_queries if n_keys is None else n_keys
    if not 1 <= n_queries <= n_keys:
        raise ValueError(
            f"a causal mask needs 1 ≤ n_queries ≤ n_keys; got n_queries={n_queries}, n_keys={n_keys}"
        )
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril(n_keys - n_queries)


def attention_weights(
    q: Float[torch.Tensor, "*batch Tq d_head"],
    k: Float[torch.Tensor, "*batch_k Tk d_head"],
    mask: Mask | None = None,
    scale: float | None = None,
) -> Float[torch.Tensor, "*batch Tq Tk"]:
    """How much each query looks at each key.

    Args:
        q: Queries.
        k: Keys; may have fewer heads (axis -3), a divisor of the queries'.
        mask: Boolean (True = may look) or float (added to the scores); broadcasts to the result.
        scale: Factor on the scores, by default 1/√d_head.

    Returns:
        Rows that sum to 1, or to 0 where a query may look nowhere.

    Raises:
        ValueError: If shapes do not fit.
        TypeError: If the mask is neither boolean nor float.
    """
    _check(q, k, None, mask)
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    scores = (q * scale) @ share_heads(k, q).mT  # (..., Tq, Tk)
    if mask is None:
        return torch.softmax(scores, dim=-1)
    if mask.dtype == torch.bool:
        scores.masked_fill_(~mask, -torch.inf)
    else:
        scores += mask.to(scores.dtype)
    nowhere = scores.amax(dim=-1, keepdim=True) == -torch.inf  # softmax would give NaN there
    return torch.softmax(scores.masked_fill_(nowhere, 0), dim=-1).masked_fill(nowhere, 0)


def explicit_attention(
    q: Float[torch.Tensor, "*batch Tq d_head"],
    k: Float[torch.Tensor, "*batch_k Tk d_head"],
    v: Float[torch.Tensor, "*batch_k Tk d_value"],
    mask: Mask | None = None,
    scale: float | None = None,
) -> tuple[Float[torch.Tensor, "*batch Tq d_value"], Float[torch.Tensor, "*batch Tq Tk"]]:
    """Attention with its weights, to look at; for speed take `fused_attention`.

    Args:
        q: Queries.
        k: Keys; may have fewer heads (axis -3), a divisor of the queries'.
        v: Values, one a key.
        mask: As in `attention_weights`.
        scale: Factor on the scores, by default 1/√d_head.

    Returns:
        (output, weights).

    Raises:
        ValueError: If shapes do not fit.
        TypeError: If the mask is neither boolean nor float.

    Source: Vaswani et al. 2017, equation 1.
    """
    _check(q, k, v, mask)
    weights = attention_weights(q, k, mask, scale)
    return weights @ share_heads(v, q), weights


def fused_attention(
    q: Float[torch.Tensor, "*batch Tq d_head"],
    k: Float[torch.Tensor, "*batch_k Tk d_head"],
    v: Float[torch.Tensor, "*batch_k Tk d_value"],
    mask: Mask | None = None,
    scale: float | None = None,
    causal: bool = False,
) -> Float[torch.Tensor, "*batch Tq d_value"]:
    """The same output as `explicit_attention` from torch's fused kernel, which never stores the weights.

    Args:
        q: Queries.
        k: Keys; may have fewer heads (axis -3), a divisor of the queries'.
        v: Values, one a key.
        mask: As in `attention_weights`.
        scale: Factor on the scores, by default 1/√d_head.
        causal: Nobody looks ahead; the queries are the last Tq of the Tk positions. May join a mask.

    Returns:
        The output.

    Raises:
        ValueError: If shapes do not fit.
        TypeError: If the mask is neither boolean nor float.

    Differs from source: torch's `is_causal` aligns the first query with the first key and refuses a mask.
    """
    _check(q, k, v, mask)
    n_queries, n_keys = q.shape[-2], k.shape[-2]
    skip_ahead = causal and mask is None and n_queries == n_keys  # the kernel then leaves half the work out
    if causal and not skip_ahead and n_queries > 1:
        ahead = causal_mask(n_queries, n_keys, q.device)
        mask = ahead if mask is None else _both(mask, ahead)
    if mask is not None:
        mask = torch.atleast_2d(mask if mask.dtype == torch.bool else mask.to(q.dtype))
    grouped = q.ndim > 2 and q.shape[-3] != k.shape[-3]
    if grouped and n_queries == 1 and (mask is None or mask.ndim < 3 or mask.shape[-3] == 1):
        # a group's heads, with one query each, are as many queries of one head: no key is copied
        q = q.squeeze(-2).unflatten(-2, (k.shape[-3], -1))  # (..., Hkv, group, d_head)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
        return out.flatten(-3, -2).unsqueeze(-2)
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=skip_ahead, scale=scale, enable_gqa=grouped
    )


def _both(mask: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    return mask & allowed if mask.dtype == torch.bool else mask.masked_fill(~allowed, -torch.inf)


def share_heads(x: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Repeat key/value heads (axis -3) for the query heads that share them."""
    if x.ndim < 3 or x.shape[-3] == q.shape[-3]:
        return x
    return x.repeat_interleave(q.shape[-3] // x.shape[-3], dim=-3)


def _check(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor | None, mask: torch.Tensor | None) -> None:
    """Say which shapes and which axis do not fit."""
    shapes = {name: tuple(x.shape) for name, x in (("q", q), ("k", k), ("v", v)) if x is not None}
    for name, shape in shapes.items():
        if len(shape) < 2 or 0 in shape:
            raise ValueError(
                f"{name} must have at least two axes, (..., T, d_head), none empty; got shape {shape}"
            )
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"q {shapes['q']} and k {shapes['k']} must have the same d_head (axis -1)")
    if v is not None and shapes["v"][:-1] != shapes["k"][:-1]:
        axis = next((i for i, (a, b) in enumerate(zip(k.shape, v.shape, strict=False)) if a != b), 0) - k.ndim
        raise ValueError(
            f"k {shapes['k']} and v {shapes['v']} must be equal but for the last axis; axis {axis} differs"
        )
    if q.shape[:-3] != k.shape[:-3] or q.ndim != k.ndim:
        raise ValueError(
            f"q {shapes['q']} and k {shapes['k']} must be equal on the axes before -3 (the batch)"
        )
    if q.ndim > 2 and q.shape[-3] % k.shape[-3]:
        raise ValueError(f"q {shapes['q']} must have a multiple of the heads of k {shapes['k']} (axis -3)")
    if mask is not None:
        _check_mask(mask, (*shapes["q"][:-1], k.shape[-2]))


def _check_mask(mask: torch.Tensor, scores: tuple[int, ...]) -> None:
    if mask.dtype != torch.bool and not mask.is_floating_point():
        raise TypeError(
            f"mask must be boolean (True = may look) or float (added to the scores); got dtype {mask.dtype}. "
            "For zeros and ones write mask.bool()"
        )
    axes = zip(reversed(mask.shape), reversed(scores), strict=False)
    wrong = [-1 - i for i, (m, s) in enumerate(axes) if m not in (1, s)]
    if wrong or mask.ndim > len(scores):
        axis = f"axis {wrong[0]} differs" if wrong else f"it has {mask.ndim} axes"
        raise ValueError(f"mask {tuple(mask.shape)} must broadcast to the scores {scores}; {axis}")
