"""N-grams: predict the next word by counting what followed the last n − 1 words.

Teaches that counting is a language model, and why counts need smoothing: every text holds word sequences
that the training text did not. Two ways: add k to every count, or take a discount from every count and give
it to the shorter context. Leaves out Kneser–Ney's continuation counts and pruning (see kenlm). Counts lie in
sorted arrays, so a million words are counted in seconds. Explained in lesson 02.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float, Int

__all__ = ["NGram"]


class NGram:
    """An n-gram model over a closed vocabulary.

    ``add_k``:    P(w | h) = (c(hw) + k) / (c(h) + k V)
    ``back_off``: P(w | h) = max(c(hw) − d, 0) / c(h) + d t(h) / c(h) · P(w | h′), and P(w | h′) alone where h
    was never seen; h′ is h without its first word, t(h) how many different words followed h, and below
    the unigram stands 1/V. Both sum to one over the vocabulary.

    A document begins after n − 1 start marks, which are never predicted.

    Source:
        Lidstone (1920) for add-k. Ney, Essen and Kneser (1994) for interpolated absolute discounting; both as
        in Chen and Goodman (1998), TR-10-98, sections 2.1 and 2.6.

    Differs from source:
        One discount for all orders, given by the caller rather than estimated.

    Example:
        >>> model = NGram(2, ["a", "b", "."], "add_k", k=1).fit([["a", "b", "."], ["a", "a", "."]])
        >>> model.next(["a"])
        {'a': 0.3333333333333333, 'b': 0.3333333333333333, '.': 0.3333333333333333}
    """

    def __init__(
        self,
        n: int,
        vocab: Iterable[str],
        smoothing: Literal["add_k", "back_off"] = "back_off",
        *,
        k: float | int = 1.0,
        discount: float = 0.75,
    ) -> None:
        """Set up an empty model.

        Args:
            n: Length of the sequences counted; the context is n − 1 words.
            vocab: Every word that may come, the end mark included.
            smoothing: How unseen sequences get their share.
            k: What ``add_k`` adds to every count, above 0.
            discount: What ``back_off`` takes from every count, between 0 and 1.

        Raises:
            ValueError: If an argument is outside its range, or a word stands twice in `vocab`.
        """
        if n < 1:
            raise ValueError(f"n must be at least 1; got {n}")
        if smoothing not in ("add_k", "back_off"):
            raise ValueError(f'smoothing must be "add_k" or "back_off"; got {smoothing!r}')
        if not 0 < k < np.inf:
            raise ValueError(f"k must be a number above 0; got {k}")
        if not 0 < discount < 1:
            raise ValueError(f"discount must lie between 0 and 1; got {discount}")
        self.n, self.smoothing, self.k, self.discount = n, smoothing, k, discount
        self.vocab = tuple(vocab)
        self._id = {word: i for i, word in enumerate(self.vocab)}
        if not self.vocab or len(self._id) != len(self.vocab):
            raise ValueError(f"vocab must hold different words, at least one; got {len(self.vocab)} words")
        self._start = len(self.vocab)  # the id of the start mark
        self._orders: list[_Counts] = []

    def fit(self, docs: Iterable[Sequence[str]]) -> NGram:
        """Count; what was counted before is forgotten.

        Args:
            docs: Documents, each a sequence of words of the vocabulary; end marks are words like others.

        Returns:
            The model itself.

        Raises:
            ValueError: If there is no word at all, or one outside the vocabulary.
        """
        pad = [self._start] * (self.n - 1)
        stream: list[int] = []
        for doc in docs:
            stream += pad
            stream += self._encode(doc)
        words = np.array(stream, dtype=np.int64)  # (N,) with start marks between documents
        if not (words != self._start).any():
            raise ValueError("empty text: there is no word to count")
        self._orders = []
        history = np.zeros(len(words), dtype=np.int64)  # the id of the sequence before each position
        for _ in range(self.n):
            counts, gram = _Counts.of(history, words, self._start)
            self._orders.append(counts)
            history = _shifted(gram)
        return self

    def next(self, context: Sequence[str]) -> dict[str, float]:
        """The distribution of the next word.

        Args:
            context: The document so far, from its beginning; the last n − 1 words are used.

        Returns:
            Probability of every word of the vocabulary; they sum to one.

        Raises:
            ValueError: If the model has counted nothing yet, or a word is outside the vocabulary.
        """
        return dict(zip(self.vocab, self.probabilities(context).tolist(), strict=True))

    def probabilities(self, context: Sequence[str]) -> Float[np.ndarray, " V"]:
        """As `next`, as an array in the order of `vocab`."""
        self._must_have_counted()
        used = self._encode(context[max(0, len(context) - self.n + 1) :])
        words = np.array([self._start] * (self.n - len(used)) + used, dtype=np.int64)  # (n,)
        words = np.roll(words, -1)  # the last place is the one to predict; what stands there is not used
        p = np.full(len(self.vocab), 1 / len(self.vocab))
        for counts, history in self._orders_used(words):
            followers, c = counts.after(int(history[-1]))
            if self.smoothing == "add_k":
                p[:] = self.k
                p[followers] += c
                p /= c.sum() + self.k * len(p)
            elif len(c):
                p *= self.discount * len(c) / c.sum()
                p[followers] += (c - self.discount) / c.sum()
        return p

    def nats(self, doc: Sequence[str]) -> Float[np.ndarray, " n"]:
        """What each word of a document costs: −log P(wordᵢ | the n − 1 words before it).

        Args:
            doc: A whole document, from its beginning; end it with the end mark to pay for the end as well.

        Returns:
            Nats a word, shape (len(doc),); their sum is the document's (the chain rule).

        Raises:
            ValueError: If the document is empty, or holds a word outside the vocabulary.
        """
        self._must_have_counted()
        if not len(doc):
            raise ValueError("empty text: a document needs at least one word")
        words = np.array([self._start] * (self.n - 1) + self._encode(doc), dtype=np.int64)
        after_start = slice(self.n - 1, None)
        p = np.full(len(doc), 1 / len(self.vocab))
        for counts, history in self._orders_used(words):
            c, total, types = counts.look_up(history[after_start], words[after_start])
            if self.smoothing == "add_k":
                p = (c + self.k) / (total + self.k * len(self.vocab))
            else:
                d, seen = self.discount, total > 0
                p[seen] = (np.maximum(c - d, 0) + d * types * p)[seen] / total[seen]
        return -np.log(p)

    def _orders_used(self, words: Int[np.ndarray, " n"]) -> list[tuple[_Counts, Int[np.ndarray, " n"]]]:
        """The counts of each length, shortest first, with the id of the history before each position."""
        pairs, history = [], np.zeros_like(words)
        for counts in self._orders:
            pairs.append((counts, history))
            history = _shifted(counts.find(history, words))
        return pairs[-1:] if self.smoothing == "add_k" else pairs

    def _encode(self, words: Sequence[str]) -> list[int]:
        try:
            return [self._id[word] for word in words]
        except KeyError as missing:
            raise ValueError(
                f"{missing.args[0]!r} is not among the {len(self.vocab)} words of the vocabulary; "
                "put it there, or replace it in the text by a word such as '<|other|>' that is"
            ) from None

    def _must_have_counted(self) -> None:
        if not self._orders:
            raise ValueError("the model has counted nothing yet; call fit(docs) first")


def _shifted(ids: np.ndarray) -> np.ndarray:
    """What ends at a position stands before the next one; −1: nothing known."""
    return np.concatenate(([-1], ids[:-1]))


class _Counts:
    """How often each word followed each history; a history is the id of the sequence one word shorter."""

    def __init__(self, keys: np.ndarray, counts: np.ndarray, base: int) -> None:
        self.keys, self.counts, self.base = keys, counts, base  # keys = history · base + word, sorted
        history = keys // base
        self.total = np.bincount(history, weights=counts)  # c(h)
        self.types = np.bincount(history, weights=counts > 0)  # t(h)

    @classmethod
    def of(cls, history: np.ndarray, words: np.ndarray, start: int) -> tuple[_Counts, np.ndarray]:
        """Count, and give each position the id of its sequence; start marks get an id but no count."""
        base = start + 1
        keys = np.maximum(history, 0) * base + words
        unique, ids = np.unique(keys, return_inverse=True)
        counts = np.bincount(ids, weights=words != start, minlength=len(unique))
        return cls(unique, counts, base), ids

    def find(self, history: np.ndarray, words: np.ndarray) -> np.ndarray:
        """The id of (history, word); −1 where it was never seen."""
        wanted = history * self.base + words
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((history >= 0) & (self.keys[at] == wanted), at, -1)

    def look_up(self, history: np.ndarray, words: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """c(hw), c(h), t(h) for each position; zeros where never seen."""
        at = self.find(history, words)
        known = (history >= 0) & (history < len(self.total))
        h = np.where(known, history, 0)
        return np.where(at >= 0, self.counts[at], 0), self.total[h] * known, self.types[h] * known

    def after(self, history: int) -> tuple[np.ndarray, np.ndarray]:
        """The words that followed a history, and how often each."""
        low, high = np.searchsorted(self.keys, [history * self.base, (history + 1) * self.base])
        counted = slice(low, high) if history >= 0 else slice(0, 0)
        words, c = self.keys[counted] % self.base, self.counts[counted]
        return words[c > 0], c[c > 0]
