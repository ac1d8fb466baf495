"""What every kind of batch shares: random numbers that belong to a step, and the rows of a process.

Source: counter-based random numbers, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

import numpy as np

__all__ = ["IGNORE", "check_sizes", "random_numbers", "rows_of"]

IGNORE = -100  # a target that counts for nothing; torch's own default


def random_numbers(seed: int, number: int) -> np.random.Generator:
    """The random numbers that belong to (seed, number): a step or an epoch. No two pairs share any."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, number, 0, 0]))


def check_sizes(batch_size: int, context_length: int, seed: int) -> None:
    """Refuse sizes that are not positive."""
    if batch_size < 1 or context_length < 1 or seed < 0:
        raise ValueError(
            "batch_size and context_length must be at least 1 and seed at least 0; "
            f"got {batch_size}, {context_length}, {seed}"
        )


def rows_of(batch_size: int, step: int, rank: int, ranks: int) -> slice:
    """Which rows of a batch belong to a process."""
    if step < 0 or not 0 <= rank < ranks:
        raise ValueError(f"step must be at least 0 and rank from 0 to {ranks - 1}; got {step} and {rank}")
    if batch_size % ranks:
        raise ValueError(f"batch_size {batch_size} must be a multiple of the {ranks} processes")
    each = batch_size // ranks
    return slice(rank * each, (rank + 1) * each)
