"""Draw the next word, append it, and again: how every language model writes.

Teaches that drawing is a number between 0 and 1 laid against running sums, and that writing is nothing but
repeated drawing. Leaves out cutting the list (top-k, top-p: lesson 07). Explained in lesson 02.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from llmasos_edu.probability.distributions import checked_distribution, softmax

__all__ = ["continuation", "sample"]


def sample(
    p: ArrayLike, rng: np.random.Generator, size: int | tuple[int, ...] | None = None
) -> int | np.ndarray:
    """Draw indices with the given probabilities: a number in [0, 1) laid against the running sums.

    Args:
        p: One distribution, shape (V,), summing to one.
        rng: Where the randomness comes from.
        size: How many draws; None for one.

    Returns:
        An index, or an array of indices of shape `size`; an index of probability 0 never comes.

    Raises:
        ValueError: If `p` is not one distribution.

    Example:
        >>> sample([0.0, 1.0, 0.0], np.random.default_rng(0), 5).tolist()
        [1, 1, 1, 1, 1]
    """
    p = checked_distribution(p)
    if p.ndim != 1:
        raise ValueError(f"p must be one distribution of shape (V,); got shape {p.shape}")
    running = np.cumsum(p)
    drawn = np.searchsorted(running / running[-1], rng.random(size), side="right")
    return int(drawn) if size is None else drawn


def continuation(
    next_word: Callable[[Sequence[str]], Mapping[str, float]],
    context: Sequence[str],
    rng: np.random.Generator,
    *,
    temperature: float | int = 1.0,
    end: str | None = None,
    limit: int = 100,
) -> list[str]:
    """Words that a model writes after a context, each drawn from its distribution of the next word.

    Args:
        next_word: From all words so far to the probability of every next word, such as `NGram.next`.
        context: The words to start from.
        rng: Where the randomness comes from; one number is drawn a word.
        temperature: T > 0: probabilities to the power of 1/T, normalised again (softmax of log p / T).
        end: The word that ends the text; it is not part of the result.
        limit: At most so many words.

    Returns:
        The new words.

    Raises:
        ValueError: If `temperature` is not above 0, or the model's numbers are no distribution.

    Example:
        >>> continuation(lambda words: {"tick": 0.0, "tock": 1.0}, [], np.random.default_rng(0), limit=2)
        ['tock', 'tock']
    """
    words = list(context)
    while len(words) - len(context) < limit:
        p = next_word(words)
        with np.errstate(divide="ignore"):  # log 0 = −inf: impossible at every temperature
            logits = np.log(checked_distribution(list(p.values())))
        word = list(p)[sample(softmax(logits, temperature=temperature), rng)]
        if word == end:
            break
        words.append(word)
    return words[len(context) :]
