"""How surprising a text is, in nats, bits and perplexity, and how sure we are of an average.

Teaches the chain rule, the price of a word (−log P), cross-entropy and its parts (entropy plus divergence),
and the bootstrap. Leaves out scores that are not probabilities (BLEU, ROUGE: lessons 11 and 12). Sources:
Shannon (1948) for entropy; Efron (1979) for the bootstrap. Explained in lesson 02.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from llmasos_edu.probability.distributions import checked_distribution, log_softmax

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "bits_per_byte",
    "bootstrap_interval",
    "chain_rule",
    "cross_entropy",
    "entropy",
    "kl_divergence",
    "perplexity",
    "to_bits",
]


def chain_rule(conditionals: ArrayLike) -> float:
    """The nats of a text: −log P(x₁…xₙ) = −Σ log P(xᵢ | x₁…xᵢ₋₁).

    Args:
        conditionals: P(xᵢ | x₁…xᵢ₋₁) of each word that came, shape (n,), each in [0, 1].

    Returns:
        Total nats; inf if one word was given probability 0.

    Raises:
        ValueError: If the text is empty or a number is outside [0, 1].

    Example:
        >>> round(chain_rule([0.5, 0.25]), 6)  # −log 0.125
        2.079442
    """
    p = np.asarray(conditionals, dtype=np.float64)
    if p.size == 0:
        raise ValueError("empty text: the chain rule needs the probability of at least one word")
    inside = (p >= 0) & (p <= 1)
    if not inside.all():
        raise ValueError(f"probabilities must lie between 0 and 1; got {p[~inside][0]}")
    with np.errstate(divide="ignore"):
        return float(-np.log(p).sum() + 0.0)  # + 0.0: a certain text costs 0, not −0


def cross_entropy(logits: ArrayLike, targets: ArrayLike | int) -> float:
    """The mean nats that a model pays for what really came: −mean log softmax(logits)[target].

    Args:
        logits: Scores, shape (…, V).
        targets: Index of the word that came, integers of shape (…) in 0 … V − 1.

    Returns:
        Mean nats a word.

    Raises:
        ValueError: If there is no word, the shapes do not fit, or a target is outside the vocabulary.

    Example:
        >>> round(cross_entropy([[0.0, 0.0, 0.0, 0.0]], [2]), 6)  # log 4
        1.386294
    """
    z, wanted = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    if wanted.size == 0:
        raise ValueError("empty text: cross-entropy needs at least one target")
    if not np.issubdtype(wanted.dtype, np.integer):
        raise ValueError(f"targets must be integers, one index a word; got dtype {wanted.dtype}")
    if z.ndim == 0 or z.shape[:-1] != wanted.shape:
        raise ValueError(f"logits (…, V) need targets of shape (…); got {z.shape} and {wanted.shape}")
    if wanted.min() < 0 or wanted.max() >= z.shape[-1]:
        outside = wanted[(wanted < 0) | (wanted >= z.shape[-1])][0]
        raise ValueError(f"targets must lie in 0 … {z.shape[-1] - 1}; got {outside}")
    picked = np.take_along_axis(log_softmax(z), wanted[..., None], axis=-1)  # (…, 1)
    return float(-picked.mean() + 0.0)


def entropy(p: ArrayLike, axis: int = -1) -> Float[np.ndarray, "*shape"] | float:
    """The nats that even the best guesser pays on average: H(p) = −Σ p log p.

    Args:
        p: Distributions along `axis`.
        axis: The axis that sums to one; it is gone from the result.

    Returns:
        Nats, the shape of `p` without `axis`; a number for one distribution.

    Raises:
        ValueError: If `p` does not sum to one along `axis`.

    Example:
        >>> round(float(entropy([0.5, 0.5])), 6), float(entropy([1.0, 0.0]))
        (0.693147, 0.0)
    """
    p = checked_distribution(p, axis)
    surprise = -np.log(p, where=p > 0, out=np.zeros_like(p))
    return (p * surprise).sum(axis=axis) + 0.0


def kl_divergence(p: ArrayLike, q: ArrayLike, axis: int = -1) -> Float[np.ndarray, "*shape"] | float:
    """The nats paid for believing `q` where `p` is true: D(p‖q) = Σ p log(p/q), above H(p).

    Args:
        p: The truth, distributions along `axis`.
        q: The belief, the same shape.
        axis: The axis that sums to one; it is gone from the result.

    Returns:
        Nats, ≥ 0; inf where `q` calls impossible what `p` does.

    Raises:
        ValueError: If the shapes differ or a row does not sum to one.

    Example:
        >>> round(float(kl_divergence([1.0, 0.0], [0.5, 0.5])), 6)
        0.693147
    """
    p, q = checked_distribution(p, axis), checked_distribution(q, axis)
    if p.shape != q.shape:
        raise ValueError(f"p and q must have one shape; got {p.shape} and {q.shape}")
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * (np.log(p) - np.log(q)), 0.0)
    return np.maximum(terms.sum(axis=axis), 0.0)  # rounding may leave −1e-17 where p = q


def perplexity(mean_nats: float | int) -> float:
    """As many equally likely words to choose from, on average: exp of the mean nats a word.

    Example:
        >>> perplexity(0.0), round(perplexity(np.log(6)), 9)
        (1.0, 6.0)
    """
    return math.exp(mean_nats)


def to_bits(nats: ArrayLike | float | int) -> Float[np.ndarray, "*shape"] | float:
    """Nats to bits: one bit is log 2 nats, the surprise of a fair coin.

    Example:
        >>> float(to_bits(np.log(8)))
        3.0
    """
    return np.asarray(nats, dtype=np.float64)[()] / math.log(2)


def bits_per_byte(total_nats: float | int, n_bytes: int) -> float:
    """Bits a byte of UTF-8: the one scale on which models with different vocabularies compare.

    Args:
        total_nats: Nats of the whole text.
        n_bytes: Its length in bytes, ``len(text.encode())``.

    Returns:
        Bits per byte.

    Raises:
        ValueError: If the text is empty.

    Example:
        >>> bits_per_byte(8 * np.log(2), 4)
        2.0
    """
    if n_bytes < 1:
        raise ValueError(f"empty text: bits per byte need at least one byte; got {n_bytes}")
    return float(total_nats) / math.log(2) / n_bytes


def bootstrap_interval(
    values: ArrayLike,
    statistic: Callable[[Any], Any] = np.mean,
    level: float = 0.95,
    n: int = 2000,
    *,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """How far a statistic could have come out otherwise: recompute it on samples drawn with replacement.

    Args:
        values: What was measured, one entry (or row) an item; items must be independent, such as stories.
        statistic: From values to a number.
        level: Share of the recomputed statistics inside the interval.
        n: How many samples.
        rng: Where the randomness comes from.

    Returns:
        Its lower and upper end (percentile method).

    Raises:
        ValueError: If there are fewer than 2 values, `level` is not between 0 and 1, or `n` is below 1.

    Source:
        Efron (1979), Bootstrap methods: another look at the jackknife.
    """
    v = np.asarray(values)
    if v.ndim == 0 or len(v) < 2:
        raise ValueError(f"a bootstrap needs at least 2 values; got shape {v.shape}")
    if not 0 < level < 1 or n < 1:
        raise ValueError(f"level must lie between 0 and 1 and n be at least 1; got {level} and {n}")
    again = [statistic(v[rng.integers(len(v), size=len(v))]) for _ in range(n)]
    low, high = np.quantile(again, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
