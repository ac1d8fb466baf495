"""Learning merges fast: count every pair once, then only mend the counts around each merge.

Equal pre-tokens are counted once, with their number as weight. All distinct pre-tokens lie in one row of
tokens with links to the neighbours; `where` remembers the places of each pair, and a heap holds the pairs by
count. A count on the heap may be too high, never too low (a pair that gains is pushed again), so the top is
corrected until it is true. Same result as `naive.train_naive`, under each of three rules for ties.

Left out: several processes, a limit on token length. Sources: Sennrich et al. 2016, algorithm 1. The rules
for ties are those of minbpe (first seen), Stanford's CS336 (greater pair of bytes) and Hugging Face's
tokenizers (smaller ids).
"""

from __future__ import annotations

import heapq
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from llmasos_edu.tokenizer.merging import Pair
from llmasos_edu.tokenizer.patterns import GPT2_PATTERN, split

__all__ = ["TIES", "check_request", "documents", "say_if_short", "train"]

TIES = ("first_seen", "greater_pair", "smaller_ids")
_EDGE, _GONE = -1, -2  # between two pre-tokens · merged into the left neighbour

Ids = tuple[int, int]


def train(
    text: str | Iterable[str],
    vocab_size: int | None,
    *,
    pattern: str | None = GPT2_PATTERN,
    ties: str = "first_seen",
    byte_order: Sequence[int] = range(256),
) -> list[Pair]:
    """Learn merges.

    Args:
        text: One text, or documents one after the other (a stream is enough; no pair crosses two documents).
        vocab_size: Single bytes and joined tokens, at least 256; ``None`` merges until no pair is left.
        pattern: How text is cut into pre-tokens; ``None`` for no cut.
        ties: Among the commonest pairs: ``"first_seen"`` in the text as it stands merged so far,
            ``"greater_pair"`` of bytes, or ``"smaller_ids"``.
        byte_order: The 256 bytes in the order of their ids (it matters for ``"smaller_ids"``).

    Returns:
        The merges in order.

    Raises:
        ValueError: If the vocabulary is too small, the rule unknown, or `byte_order` no order of the bytes.
        TypeError: If a document is no str.

    Example:
        >>> train("low low lower lowest", 258)
        [(b'l', b'o'), (b'lo', b'w')]
    """
    check_request(vocab_size, 0, ties, byte_order)
    words: Counter[str] = Counter()
    for document in documents(text):
        if not isinstance(document, str):
            raise TypeError(f"text must be a str, or documents of type str; got {type(document).__name__}")
        words.update(split(document, pattern))
    row = _Row(words, byte_order)
    merges: list[Pair] = []
    heap = [(-n, row.tie_key(ties, pair), pair) for pair, n in row.counts.items()]
    heapq.heapify(heap)
    while (vocab_size is None or len(row.tokens) < vocab_size) and (best := _pop_best(heap, row, ties)):
        merges.append((row.tokens[best[0]], row.tokens[best[1]]))
        for pair in row.merge(best):
            if row.counts[pair] > 0:
                heapq.heappush(heap, (-row.counts[pair], row.tie_key(ties, pair), pair))
    say_if_short(len(merges), len(row.tokens), vocab_size)
    return merges


def _pop_best(heap: list[tuple[int, Any, Ids]], row: _Row, ties: str) -> Ids | None:
    """The commonest pair by true count; entries that were too high go back corrected."""
    while heap:
        count, key, pair = heapq.heappop(heap)
        if row.counts.get(pair, 0) <= 0:
            continue
        true = (-row.counts[pair], row.tie_key(ties, pair), pair)
        if true == (count, key, pair):
            return pair
        heapq.heappush(heap, true)
    return None


class _Row:
    """All distinct pre-tokens in a row of ids, with exact counts of pairs and the places where they stand."""

    def __init__(self, words: Counter[str], byte_order: Sequence[int]):
        self.tokens = [bytes([b]) for b in byte_order]
        self.id_of = {token: i for i, token in enumerate(self.tokens)}
        id_of_byte = [self.id_of[bytes([b])] for b in range(256)]
        self.ids = [_EDGE]
        self.weight = [0]
        for word, n in words.items():  # a Counter keeps the order in which words are first seen
            self.ids += [id_of_byte[b] for b in word.encode("utf-8", "surrogateescape")]
            self.ids.append(_EDGE)
            self.weight += [n] * (len(self.ids) - len(self.weight))
        self.right = list(range(1, len(self.ids) + 1))
        self.left = list(range(-1, len(self.ids) - 1))
        self.counts: dict[Ids, int] = defaultdict(int)
        self.where: dict[Ids, list[int]] = defaultdict(list)
        for place, pair in enumerate(pairwise(self.ids)):
            if _EDGE not in pair:
                self.counts[pair] += self.weight[place]
                self.where[pair].append(place)

    def merge(self, pair: Ids) -> Iterable[Ids]:
        """Join every occurrence of `pair`; returns the pairs that gained occurrences."""
        a, b = pair
        joined = self.id_of.setdefault(self.tokens[a] + self.tokens[b], len(self.tokens))
        if joined == len(self.tokens):
            self.tokens.append(self.tokens[a] + self.tokens[b])
        ids, right, left, counts = self.ids, self.right, self.left, self.counts
        born: dict[Ids, list[int]] = defaultdict(list)
        for place in self.where.pop(pair):
            second = right[place]
            if ids[place] != a or ids[second] != b:
                continue  # an earlier merge has changed this place
            before, after, n = left[place], right[second], self.weight[place]
            ids[place], ids[second] = joined, _GONE
            right[place], left[after] = after, place
            if (x := ids[before]) >= 0:
                counts[x, a] -= n
                counts[x, joined] += n
                born[x, joined].append(before)
            if (y := ids[after]) >= 0:
                counts[b, y] -= n
                counts[joined, y] += n
                born[joined, y].append(place)
        del counts[pair]
        for new, places in born.items():
            self.where[new] = sorted({*self.where[new], *places}) if new in self.where else places
        return born

    def tie_key(self, ties: str, pair: Ids) -> Any:
        """What decides among pairs of equal count; the smallest key wins."""
        if ties == "smaller_ids":
            return pair
        if ties == "greater_pair":
            return [_descending(self.tokens[i]) for i in pair]
        return self._first_place(pair)

    def _first_place(self, pair: Ids) -> int:
        places = self.where[pair]
        for k, place in enumerate(places):
            if self.ids[place] == pair[0] and self.ids[self.right[place]] == pair[1]:
                del places[:k]  # what is stale now stays stale
                return place
        raise AssertionError(f"pair {pair} has a count but no place")


def _descending(token: bytes) -> list[int]:
    """A key by which the greatest bytes come first; a token comes before its own beginning."""
    return [255 - b for b in token] + [256]


def documents(text: str | Iterable[str]) -> Iterable[str]:
    """One text as a list of one document; an iterable as it is."""
    return [text] if isinstance(text, str) else text


def check_request(vocab_size: int | None, n_special: int, ties: str, byte_order: Sequence[int]) -> None:
    """Refuse what training cannot do.

    Raises:
        ValueError: Says what was expected and what came.
    """
    least = 256 + n_special
    if vocab_size is not None and vocab_size < least:
        raise ValueError(
            f"vocab_size must be at least {least} (256 bytes + {n_special} special tokens); got {vocab_size}"
        )
    if ties not in TIES:
        raise ValueError(f"ties must be one of {', '.join(TIES)}; got {ties!r}")
    if sorted(byte_order) != list(range(256)):
        raise ValueError(f"byte_order must hold each of 0 to 255 once; got {len(byte_order)} values")


def say_if_short(n_merges: int, n_tokens: int, asked: int | None) -> None:
    """Warn where the text had fewer pairs than the vocabulary has room for."""
    if asked is not None and n_tokens < asked:
        warnings.warn(
            f"stopped after {n_merges} merges: the text holds no further pair, so there are {n_tokens} tokens"
            f" of the {asked} asked for (vocab_size=None takes all there are)",
            stacklevel=3,
        )
