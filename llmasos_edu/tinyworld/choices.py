"""Choosing with exact probabilities: every random choice of TinyWorld goes through `Chooser.choose`.

Teaches: a text's log-probability is the sum of the logs of the choices that made it. Weights are whole
numbers, so a probability is an exact fraction, and one seed makes the same choices everywhere.
Source: SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).
Lesson 02 explains it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

__all__ = ["Chooser", "SplitMix64"]

MASK = (1 << 64) - 1


class SplitMix64:
    """A generator of 64-bit numbers in ten lines: the same on every platform and Python version.

    Args:
        seed: Any whole number; its lowest 64 bits count.

    Example:
        >>> [SplitMix64(7).below(6), SplitMix64(7).below(6)]
        [2, 2]
    """

    __slots__ = ("state",)

    def __init__(self, seed: int) -> None:
        self.state = seed & MASK

    def below(self, n: int) -> int:
        """A whole number from 0 to n - 1; each with probability 1/n (to within 2⁻⁶⁴ · n)."""
        self.state = z = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) * n) >> 64


class Chooser:
    """The one function that chooses, and the nats that its choices have cost so far.

    Args:
        random: Where chance comes from.
    """

    __slots__ = ("nats", "random")

    def __init__(self, random: SplitMix64) -> None:
        self.random = random
        self.nats = 0.0

    def choose(self, options: Sequence[tuple[int, Any]]) -> Any:
        """Draw one option in proportion to its weight and add -ln P(option) to `nats`.

        Args:
            options: (weight, value) pairs, weights whole and positive.

        Returns:
            The value drawn. A single option costs nothing and draws nothing.
        """
        if len(options) == 1:
            return options[0][1]
        total = 0
        for weight, _ in options:
            total += weight
        left = self.random.below(total)
        for weight, value in options:
            left -= weight
            if left < 0:
                self.nats += math.log(total / weight)
                return value
        raise AssertionError("unreachable: below(total) is smaller than total")

    def take(self, options: Sequence[tuple[int, Any]], wanted: Any) -> Any:
        """Take the option whose value is `wanted`, at the price that drawing it would have had.

        Raises:
            ValueError: If `wanted` is not among the options.
        """
        total = 0
        price = 0
        for weight, value in options:
            total += weight
            if value == wanted:
                price = weight
        if not price:
            raise ValueError(f"expected one of {[value for _, value in options]}; got {wanted!r}")
        self.nats += math.log(total / price)
        return wanted
