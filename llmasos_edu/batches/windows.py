"""Windows of one long stream: drawn at random to train, side by side to validate."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .drawing import IGNORE, check_sizes, random_numbers, rows_of

if TYPE_CHECKING:
    from jaxtyping import Int

    Ids = Int[torch.Tensor, "B T"]

__all__ = ["Windows", "consecutive_windows"]


class Windows:
    """Random windows of one long stream.

    Args:
        tokens: The stream (N,): whole numbers in an array, a memory map, a tensor or a list.
        batch_size: B, windows a batch over all processes.
        context_length: T, tokens a window.
        seed: Chooses the windows, from 0.

    Raises:
        ValueError: If the stream is shorter than one window and its last target, or a size is not positive.

    Example:
        >>> inputs, targets = Windows(range(100), batch_size=2, context_length=3, seed=0).batch(step=5)
        >>> bool((targets == inputs + 1).all()), inputs.shape
        (True, torch.Size([2, 3]))
    """

    def __init__(self, tokens: Any, *, batch_size: int, context_length: int, seed: int) -> None:
        self.tokens = _stream(tokens, context_length)
        check_sizes(batch_size, context_length, seed)
        self.batch_size, self.context_length, self.seed = batch_size, context_length, seed

    def batch(self, step: int, rank: int = 0, ranks: int = 1) -> tuple[Ids, Ids]:
        """The batch of a step.

        Args:
            step: Which, from 0.
            rank: Which process asks.
            ranks: How many there are; each gets its own rows, and together they get the whole batch.

        Returns:
            Inputs and targets (B / ranks, T), int64.

        Raises:
            ValueError: If step or rank is out of range, or the rows do not divide among the processes.
        """
        rows = rows_of(self.batch_size, step, rank, ranks)
        random = random_numbers(self.seed, step)
        starts = random.integers(len(self.tokens) - self.context_length, size=self.batch_size)
        return _windows(self.tokens, starts[rows], self.context_length)


def consecutive_windows(tokens: Any, context_length: int, batch_size: int) -> Iterator[tuple[Ids, Ids]]:
    """Fixed windows side by side, for validation: every token but the first is a target exactly once.

    Args:
        tokens: The stream (N,): whole numbers in an array, a memory map, a tensor or a list.
        context_length: T, tokens a window.
        batch_size: B, windows a batch; the last batch may have fewer.

    Yields:
        Inputs and targets (B, T), int64. Where the last window has no more tokens its inputs are 0 and its
        targets `IGNORE`, so a mean over batches must weigh each by its targets that count.

    Raises:
        ValueError: If the stream is shorter than one window and its last target, or a size is not positive.
    """
    check_sizes(batch_size, context_length, 0)
    stream = _stream(tokens, context_length)
    starts = range(0, len(stream) - 1, context_length)
    return (
        _windows(stream, starts[i : i + batch_size], context_length)
        for i in range(0, len(starts), batch_size)
    )


def _windows(tokens: np.ndarray, starts: Any, context_length: int) -> tuple[Ids, Ids]:
    """Inputs and targets (B, T) of windows that begin at `starts`; past the stream 0 and `IGNORE`."""
    inputs = np.zeros((len(starts), context_length), dtype=np.int64)
    targets = np.full_like(inputs, IGNORE)
    for row, start in enumerate(starts):
        window = tokens[start : start + context_length + 1]
        inputs[row, : len(window) - 1] = window[:-1]
        targets[row, : len(window) - 1] = window[1:]
    _let_go(tokens)
    return torch.from_numpy(inputs), torch.from_numpy(targets)


def _let_go(tokens: np.ndarray) -> None:
    """Give back the pages that a memory map has read, or in time the whole file would stand in memory."""
    base: Any = tokens
    while isinstance(base, np.ndarray):
        base = base.base
    read_only = isinstance(tokens, np.memmap) and tokens.mode == "r"
    if read_only and isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        base.madvise(mmap.MADV_DONTNEED)


def _stream(tokens: Any, context_length: int) -> np.ndarray:
    stream = tokens if isinstance(tokens, np.ndarray) else np.asarray(tokens)
    if stream.ndim != 1 or (stream.dtype.kind not in "iu" and len(stream)):
        raise ValueError(f"tokens must be one row of whole numbers; got {stream.dtype} {stream.shape}")
    if len(stream) <= context_length:
        raise ValueError(
            f"the text is shorter than one context: {len(stream)} tokens, and context_length "
            f"{context_length} needs at least {context_length + 1} (the last is a target). Give more text, "
            "or take a shorter context"
        )
    return stream
