"""Byte-level BPE, readable: what lesson 01 builds, one idea a function.

Training recounts every pair of the whole text for each merge; encoding searches each pre-token anew. Both are
slow and plain on purpose; `training.py` and `bpe.py` give the same answers fast, and tests hold them equal.
Left out: streaming, files. Source: Sennrich et al. 2016, algorithm 1; on bytes: Radford et al. 2019 (GPT-2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

from llmasos_edu.tokenizer.bpe import Tokenizer
from llmasos_edu.tokenizer.merging import Pair, apply_merges, ranks_of
from llmasos_edu.tokenizer.patterns import GPT2_PATTERN, split
from llmasos_edu.tokenizer.training import check_request, documents, say_if_short

__all__ = ["NaiveTokenizer", "count_pairs", "merge", "train_naive"]


def count_pairs(pieces: Iterable[Sequence[bytes]]) -> Counter[Pair]:
    """How often each pair of neighbouring tokens occurs, within pre-tokens only.

    Args:
        pieces: Pre-tokens, each a sequence of tokens.

    Returns:
        Counts in the order in which the pairs are first seen.

    Example:
        >>> count_pairs([[b"a", b"a", b"a"], [b"a", b"b"]])
        Counter({(b'a', b'a'): 2, (b'a', b'b'): 1})
    """
    return Counter(pair for piece in pieces for pair in pairwise(piece))


def merge(tokens: Sequence[bytes], pair: Pair) -> list[bytes]:
    """Join every occurrence of `pair`, from left to right; no token is used twice.

    Args:
        tokens: The tokens of one pre-token.
        pair: The two neighbours to join.

    Returns:
        A new list.

    Example:
        >>> merge([b"a", b"a", b"a"], (b"a", b"a"))
        [b'aa', b'a']
    """
    merged, i = [], 0
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == pair:
            merged.append(pair[0] + pair[1])
            i += 2
        else:
            merged.append(tokens[i])
            i += 1
    return merged


def train_naive(
    text: str | Iterable[str],
    vocab_size: int | None,
    *,
    pattern: str | None = GPT2_PATTERN,
    ties: str = "first_seen",
    byte_order: Sequence[int] = range(256),
) -> list[Pair]:
    """Learn merges: count all pairs, join the commonest, repeat. Same arguments and result as `train`."""
    check_request(vocab_size, 0, ties, byte_order)
    pieces = [[bytes([b]) for b in piece.encode()] for t in documents(text) for piece in split(t, pattern)]
    ids = {bytes([b]): i for i, b in enumerate(byte_order)}
    merges: list[Pair] = []
    while vocab_size is None or len(ids) < vocab_size:
        counts = count_pairs(pieces)
        if not counts:
            break
        most = max(counts.values())
        best = _choose([pair for pair, n in counts.items() if n == most], ties, ids)
        pieces = [merge(piece, best) for piece in pieces]
        merges.append(best)
        ids.setdefault(best[0] + best[1], len(ids))
    say_if_short(len(merges), len(ids), vocab_size)
    return merges


def _choose(tied: list[Pair], ties: str, ids: dict[bytes, int]) -> Pair:
    """One of the commonest pairs; `tied` stands in the order in which they are first seen."""
    if ties == "greater_pair":
        return max(tied)
    if ties == "smaller_ids":
        return min(tied, key=lambda pair: (ids[pair[0]], ids[pair[1]]))
    return tied[0]


class NaiveTokenizer(Tokenizer):
    """`Tokenizer`'s interface on the readable functions: same ids, much slower."""

    @staticmethod
    def _learn(text: str | Iterable[str], vocab_size: int | None, **how: object) -> list[Pair]:
        return train_naive(text, vocab_size, **how)  # type: ignore[arg-type]

    @cached_property
    def _ranks(self) -> dict[Pair, int]:
        return ranks_of(self.merges)

    def _encode_piece(self, piece: str) -> tuple[int, ...]:
        tokens = apply_merges(piece.encode("utf-8", "surrogateescape"), self._ranks)
        return tuple(self.vocab[token] for token in tokens)
