"""How far a counted share can be trusted: Wilson's interval.

Teaches: a share of n draws is itself drawn, and its interval is not symmetric near 0 and 1. Leaves out:
intervals of means (`probability.bootstrap_interval`). Source: Wilson 1927, "Probable inference, the law of
succession, and statistical inference". Lesson 07 explains it.
"""

from __future__ import annotations

import math
from statistics import NormalDist

__all__ = ["wilson"]


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
