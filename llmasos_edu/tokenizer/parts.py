"""What a tokenizer is made of, and what must be true of it."""

from __future__ import annotations

from typing import NamedTuple

from llmasos_edu.tokenizer.merging import Pair
from llmasos_edu.tokenizer.patterns import compiled

__all__ = ["Parts", "check_parts"]


class Parts(NamedTuple):
    """Vocabulary, merges, special tokens, pattern, normalization: everything a file must restore."""

    vocab: dict[bytes, int]
    merges: list[Pair]
    special_tokens: dict[str, int]
    pattern: str | None
    normalization: str | None = None


def check_parts(parts: Parts) -> None:
    """Refuse parts that do not fit together.

    Raises:
        ValueError: Names the first thing that is wrong.
    """
    if not parts.vocab:
        raise ValueError("vocab must hold at least one token; got none")
    if parts.pattern is not None:
        compiled(parts.pattern)
    if parts.normalization not in (None, "NFC"):
        raise ValueError(f'normalization must be None or "NFC"; got {parts.normalization!r}')
    used: dict[int, bytes | str] = {}
    everything: list[tuple[bytes | str, int]] = [*parts.vocab.items(), *parts.special_tokens.items()]
    for token, i in everything:
        if not token:
            raise ValueError(f"a token must have at least one byte; id {i} has none")
        if i < 0 or i in used:
            raise ValueError(
                f"ids must be unique and not negative; {token!r} has {i}, as {used.get(i)!r} has"
            )
        used[i] = token
    for rank, (a, b) in enumerate(parts.merges):
        for token in (a, b, a + b):
            if token not in parts.vocab:
                raise ValueError(
                    f"vocab must hold both parts and the whole of merge {rank}; it lacks {token!r}"
                )
