"""Merging inside one pre-token: again and again the known pair with the lowest rank, leftmost first.

Three forms with one result: `apply_merges` on bytes (readable; lesson 01), `merge_film` which keeps every
step, and `merge_ids` on ids (fast; a heap and a linked list for long pre-tokens, so that a million equal
characters take n log n steps). Source: Sennrich, Haddow, Birch 2016, "Neural Machine Translation of Rare
Words with Subword Units", section 3.2; the order by rank is that of GPT-2's encoder.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["MergeStep", "apply_merges", "merge_film", "merge_ids", "ranks_of"]

Pair = tuple[bytes, bytes]
LONG = 48  # ids; from here on the heap is faster than searching for the minimum anew (measured)


class MergeStep(NamedTuple):
    """One frame of a merge film: the tokens after a merge, and which merge it was (0-based rank)."""

    rank: int
    pair: Pair
    tokens: list[bytes]


def ranks_of(merges: Iterable[Pair]) -> dict[Pair, int]:
    """Pair → its place in the list of merges; the first where one stands twice."""
    ranks: dict[Pair, int] = {}
    for rank, pair in enumerate(merges):
        ranks.setdefault(pair, rank)
    return ranks


def merge_film(piece: bytes, merges: Sequence[Pair] | Mapping[Pair, int]) -> list[MergeStep]:
    """Every step in which the merges change one pre-token.

    Args:
        piece: The bytes of one pre-token.
        merges: Pairs in the order in which they were learned, or their ranks (`ranks_of`).

    Returns:
        The steps in the order in which they happen; the last one holds the final tokens. Empty where no merge
        applies.

    Example:
        >>> [step.tokens for step in merge_film(b"aab", [(b"a", b"b"), (b"a", b"ab")])]
        [[b'a', b'ab'], [b'aab']]
    """
    ranks = merges if isinstance(merges, Mapping) else ranks_of(merges)
    tokens = [bytes([b]) for b in piece]
    film: list[MergeStep] = []
    while True:
        known = [(ranks[pair], i) for i, pair in enumerate(pairwise(tokens)) if pair in ranks]
        if not known:
            return film
        rank, i = min(known)
        pair = (tokens[i], tokens[i + 1])
        tokens = [*tokens[:i], tokens[i] + tokens[i + 1], *tokens[i + 2 :]]
        film.append(MergeStep(rank, pair, tokens))


def apply_merges(piece: bytes, merges: Sequence[Pair] | Mapping[Pair, int]) -> list[bytes]:
    """The tokens of one pre-token: `merge_film`'s last frame.

    Args:
        piece: The bytes of one pre-token.
        merges: Pairs in the order in which they were learned, or their ranks (`ranks_of`).

    Returns:
        Tokens; joined they give `piece` again.

    Example:
        >>> apply_merges(b"aaab", [(b"a", b"a")])
        [b'aa', b'a', b'b']
    """
    film = merge_film(piece, merges)
    return film[-1].tokens if film else [bytes([b]) for b in piece]


def merge_ids(ids: list[int], merges: Mapping[tuple[int, int], tuple[int, int]]) -> list[int]:
    """Merge the ids of one pre-token.

    Args:
        ids: Ids of its single bytes; may be changed.
        merges: Pair of ids → (rank, id of the joined token).

    Returns:
        The ids that are left.
    """
    if len(ids) >= LONG:
        return _merge_long(ids, merges)
    while True:
        lowest, place, joined = _NEVER, -1, -1
        for i, pair in enumerate(pairwise(ids)):
            found = merges.get(pair)
            if found is not None and found[0] < lowest:
                lowest, place, joined = found[0], i, found[1]
        if place < 0:
            return ids
        ids[place : place + 2] = [joined]


_NEVER = 1 << 62  # a rank beyond every merge
_GONE = -1  # a place whose id was merged into its left neighbour


def _merge_long(ids: list[int], merges: Mapping[tuple[int, int], tuple[int, int]]) -> list[int]:
    """The same in n log n steps: a heap by rank and place, and links from each place to its neighbours."""
    right = list(range(1, len(ids) + 1))
    left = list(range(-1, len(ids) - 1))
    n = len(ids)  # a heap entry is the one number rank · n + place: by rank, then leftmost
    heap = [found[0] * n + i for i, pair in enumerate(pairwise(ids)) if (found := merges.get(pair))]
    heapq.heapify(heap)
    while heap:
        rank, i = divmod(heapq.heappop(heap), n)
        j = right[i]
        if ids[i] == _GONE or j == n:
            continue
        found = merges.get((ids[i], ids[j]))
        if found is None or found[0] != rank:
            continue  # this place has changed since it was put on the heap
        ids[i], ids[j] = found[1], _GONE
        right[i] = right[j]
        if right[i] < n:
            left[right[i]] = i
        for a, b in ((left[i], i), (i, right[i])):
            if a >= 0 and b < n and (found := merges.get((ids[a], ids[b]))):
                heapq.heappush(heap, found[0] * n + a)
    return [i for i in ids if i != _GONE]
