"""Whether a model knows how sure it may be: reliability bins and the expected calibration error.

Teaches: of the answers given with 80 % confidence, 80 % should be right; the gap, averaged over bins, is one
number. Leaves out: mending it (temperature). Source: Guo et al. 2017, "On calibration of modern neural
networks". Lesson 13 explains it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Bin", "Calibration", "calibration"]


@dataclass(frozen=True)
class Bin:
    """Answers of about the same confidence.

    Attributes:
        low, high: Confidences in (low, high], the first bin with 0.
        n: How many answers.
        confidence: Their mean confidence; nan where there are none.
        accuracy: The share of them that is right; nan where there are none.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """How far confidence and accuracy lie apart.

    Attributes:
        error: The expected calibration error: |accuracy − confidence|, averaged over all answers by bin.
        bins: The reliability bins, from the least sure on.
    """

    error: float
    bins: tuple[Bin, ...]


def calibration(confidence: ArrayLike, right: ArrayLike, bins: int = 10) -> Calibration:
    """Compare how sure a model was with how often it was right.

    Args:
        confidence: The probability that it gave to each answer, between 0 and 1.
        right: Whether each answer is right.
        bins: How many bins of equal width.

    Returns:
        The expected calibration error and the bins, empty ones included.

    Raises:
        ValueError: If there are none, their numbers differ, a confidence is not between 0 and 1, an answer is
            neither right nor wrong, or `bins` is below 1.

    Source: Guo et al. 2017, section 2: the bins of its reliability diagrams, equation 3.

    Example:
        >>> calibration([0.9, 0.9, 0.9, 0.9], [True, True, True, False]).error.__round__(2)
        0.15
    """
    sure, hits = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if sure.ndim != 1 or sure.shape != hits.shape or not len(sure):
        raise ValueError(
            "calibration needs one confidence and one right or wrong for each of at least one answer; "
            f"got shapes {sure.shape} and {hits.shape}"
        )
    out = ~((sure >= 0) & (sure <= 1))
    if out.any():
        raise ValueError(f"a confidence must be between 0 and 1; got {sure[out][:5]}")
    neither = ~np.isin(hits, (0, 1))
    if neither.any():
        raise ValueError(f"right must be true or false for each answer; got {hits[neither][:5]}")
    if bins < 1:
        raise ValueError(f"bins must be at least 1; got {bins}")
    edges = np.linspace(0, 1, bins + 1)
    which = np.maximum(np.searchsorted(edges, sure, side="left"), 1) - 1
    found = [_bin(edges[b], edges[b + 1], sure[which == b], hits[which == b]) for b in range(bins)]
    gaps = [b.n * abs(b.accuracy - b.confidence) for b in found if b.n]
    return Calibration(float(sum(gaps) / len(sure)), tuple(found))


def _bin(low: float, high: float, sure: np.ndarray, hits: np.ndarray) -> Bin:
    n = len(sure)
    means = (float(sure.mean()), float(hits.mean())) if n else (float("nan"), float("nan"))
    return Bin(float(low), float(high), n, *means)
