"""How far a number can be trusted: Wilson's interval for a share, the paired bootstrap for a difference.

Teaches: a share of n draws is itself drawn, and its interval is not symmetric near 0 and 1; two systems
scored on the same items are compared item by item. Leaves out: intervals of one mean
(`probability.bootstrap_interval`). Source: Wilson 1927, "Probable inference, the law of succession, and
statistical inference". Lesson 07 explains it.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from llmasos_edu.probability import bootstrap_interval

__all__ = ["paired_interval", "wilson"]


def wilson(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """The interval that holds the true share behind `hits` of `n` independent draws.

    Args:
        hits: How many of the draws hit.
        n: How many were drawn, at least 1.
        level: How often an interval made so holds the true share, between 0 and 1.

    Returns:
        (low, high), both in [0, 1]: the shares p from which hits / n lies at most z standard deviations
        √(p(1 − p) / n) away, z being 1.96 at level 0.95.

    Raises:
        ValueError: If a number is out of range.

    Source: Wilson 1927.

    Example:
        >>> [round(end, 3) for end in wilson(9, 10)]  # "90 %" of ten says little
        [0.596, 0.982]
    """
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"hits must be 0 to n, and n at least 1; got hits={hits}, n={n}")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, such as 0.95; got {level}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    return max(0.0, middle - half), min(1.0, middle + half)


def paired_interval(
    first: ArrayLike,
    second: ArrayLike,
    level: float = 0.95,
    n: int = 2000,
    *,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """The interval of how much better the first system is than the second, scored on the same items.

    Both are scored on the same resampled items, so what makes an item hard for both cancels.

    Args:
        first: Its score on each item.
        second: The other's score on the same items, in the same order.
        level: Share of the resampled differences inside the interval.
        n: How many resamples.
        rng: Where the randomness comes from.

    Returns:
        (low, high) of mean(first) − mean(second). Where 0 lies outside, one is better.

    Raises:
        ValueError: If there are fewer than 2 items, their numbers differ, or a number is out of range.

    Source: Efron 1979; paired as in Koehn 2004, "Statistical significance tests for machine translation
        evaluation".

    Example:
        >>> paired_interval([1, 1, 1, 0], [0, 0, 0, 0], rng=np.random.default_rng(0))
        (0.25, 1.0)
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(
            f"both systems need one score for each of the same items; got shapes {a.shape} and {b.shape}"
        )
    return bootstrap_interval(a - b, level=level, n=n, rng=rng)
