"""Who may look where: causal and padding masks, True where a query may look; combined by `&`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool


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


def additive(mask: np.ndarray | None, dtype: np.dtype) -> np.ndarray:
    """A mask of either kind as numbers to add to the scores."""
    if mask is None:
        return np.zeros((1, 1), dtype)
    return np.where(mask, 0, -np.inf).astype(dtype) if mask.dtype == bool else mask.astype(dtype)
