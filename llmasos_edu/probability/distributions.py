"""From scores to probabilities.

Teaches why the largest score is subtracted before `exp`, and what a temperature does. Leaves out masks (see
attention). Source: Goodfellow, Bengio, Courville (2016), sections 4.1 and 6.2.2.3. Explained
in lesson 02.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["checked_distribution", "log_softmax", "logsumexp", "softmax"]

SUM_TOLERANCE = 1e-6  # float32 softmaxes over 100,000 words stay well inside


def softmax(logits: ArrayLike, axis: int = -1, temperature: float | int = 1.0) -> Float[np.ndarray, "*shape"]:
    """Scores to probabilities: exp(z/T) over its sum, safe for scores of any size.

    Args:
        logits: Scores z, any shape; −inf means impossible.
        axis: The axis that sums to one.
        temperature: T > 0; below 1 sharpens, above 1 flattens, 1 leaves the model's own distribution.

    Returns:
        Probabilities of the same shape, float64.

    Raises:
        ValueError: If `temperature` is not above 0, or a row holds NaN, +inf or nothing but −inf.

    Example:
        >>> softmax([1000.0, 1000.0]).tolist()
        [0.5, 0.5]
    """
    return np.exp(log_softmax(logits, axis, temperature))


def log_softmax(
    logits: ArrayLike, axis: int = -1, temperature: float | int = 1.0
) -> Float[np.ndarray, "*shape"]:
    """Scores to log-probabilities, z/T − logsumexp(z/T), without ever taking the log of a zero.

    Args:
        logits: Scores z, any shape; −inf means impossible.
        axis: The axis whose probabilities sum to one.
        temperature: T > 0.

    Returns:
        Log-probabilities in nats (≤ 0), the same shape, float64.

    Raises:
        ValueError: As `softmax`.
    """
    if not 0 < temperature < np.inf:
        raise ValueError(
            f"temperature must be a number above 0; got {temperature}. For the likeliest word use argmax."
        )
    scaled = np.asarray(logits, dtype=np.float64)
    top = _largest(scaled, axis)
    scaled = (scaled - top) / temperature  # the largest becomes 0 before it can overflow
    return scaled - np.log(np.exp(scaled).sum(axis=axis, keepdims=True))


def logsumexp(logits: ArrayLike, axis: int = -1) -> Float[np.ndarray, "*shape"] | float:
    """log Σ exp(z), computed as max + log Σ exp(z − max) so that no exp overflows.

    Args:
        logits: Scores z, any shape.
        axis: The axis summed over; it is gone from the result.

    Returns:
        The shape of `logits` without `axis`; a number for one row.

    Raises:
        ValueError: If a row is empty, or holds NaN, +inf or nothing but −inf.

    Example:
        >>> round(float(logsumexp([1000.0, 1000.0])) - 1000, 6)  # log 2
        0.693147
    """
    z = np.asarray(logits, dtype=np.float64)
    top = _largest(z, axis)
    total: np.ndarray = top + np.log(np.exp(z - top).sum(axis=axis, keepdims=True))
    return np.squeeze(total, axis)[()]


def checked_distribution(p: ArrayLike, axis: int = -1) -> Float[np.ndarray, "*shape"]:
    """The array, if every row along `axis` is a distribution.

    Args:
        p: Probabilities, any shape.
        axis: The axis that must sum to one.

    Returns:
        `p` as float64.

    Raises:
        ValueError: If it is empty, a number is outside [0, 1], or a row sums to something else than one.
    """
    p = np.asarray(p, dtype=np.float64)
    if p.ndim == 0 or p.size == 0:
        raise ValueError(f"expected at least one probability along an axis; got shape {p.shape}")
    if not (p >= 0).all():  # also catches NaN
        raise ValueError(f"probabilities must be at least 0; got {p[~(p >= 0)][0]}")
    sums = p.sum(axis=axis)
    worst = float(sums.flat[np.abs(sums - 1).argmax()]) if sums.ndim else float(sums)
    if not abs(worst - 1) <= SUM_TOLERANCE:
        raise ValueError(f"probabilities must sum to 1; got a sum of {worst:.6g}. Divide by the sum first.")
    return p


def _largest(z: np.ndarray, axis: int) -> np.ndarray:
    """The largest score of each row, kept as an axis of size one; refuses rows without a softmax."""
    if z.ndim == 0 or z.size == 0:
        raise ValueError(f"expected at least one score along an axis; got shape {z.shape}")
    top: np.ndarray = z.max(axis=axis, keepdims=True)
    if not np.isfinite(top).all():
        bad = top[~np.isfinite(top)][0]
        why = "every score is -inf, so nothing is possible" if bad == -np.inf else f"a score is {bad}"
        raise ValueError(f"each row needs finite scores (some may be -inf); in one row {why}")
    return top
