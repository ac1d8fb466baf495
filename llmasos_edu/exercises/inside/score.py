"""The score of an induction head, on tokens that come twice.

Weights in the probes are drawn, each row another, so that a wrong row, column, text, layer or head gives
another number; one probe is made by hand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["SCORE", "induction_score"]


def induction_score(weights: np.ndarray, n: int) -> np.ndarray:
    """Mean weight on the token behind the earlier twin, over the queries of the second copy and the texts."""
    query = np.arange(n, 2 * n)  # the second copy
    return weights[..., query, query - n + 1].mean(axis=(1, -1))  # (L, B, H, n) → (L, H)


def _drawn_weights(shape: tuple[int, ...], T: int, seed: int) -> np.ndarray:
    """Causal rows, each another: (…, T, T)."""
    parts = np.random.default_rng(seed).gamma(0.7, size=(*shape, T, T)) * np.tri(T)
    return parts / parts.sum(axis=-1, keepdims=True)


def _by_hand() -> np.ndarray:
    """(1, 1, 3, 6, 6): behind the twin, the twin itself, the token before; the first copy looks at itself."""
    weights = np.broadcast_to(np.eye(6), (3, 6, 6)).copy()
    for head, offset in enumerate((-2, -3, -1)):
        weights[head, 3:] = np.eye(6)[np.arange(3, 6) + offset]
    return weights[None, None]


def _score_probes() -> list[Probe]:
    return [
        Probe("three heads made by hand: behind the twin, the twin, the token before", (_by_hand(), 3)),
        Probe("two layers, three texts, three heads", (_drawn_weights((2, 3, 3), 8, 1), 4)),
        Probe("one layer, two texts, five heads", (_drawn_weights((1, 2, 5), 10, 2), 5)),
    ]


def _only_behind_the_twin(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    if not probe.name.startswith("three heads made by hand"):
        return None
    names = "the token behind the twin", "the twin itself", "the token before"
    for head, name in enumerate(names):
        if abs(got[0, head] - expected[0, head]) > 1e-6:
            has = f"head {head} puts all its weight on {name}"
            return f"{has} and scores {number(got[0, head])}, not {number(expected[0, head])}"
    return None


def _is_a_share(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    if got.min() < -1e-9 or got.max() > 1 + 1e-6:
        odd = got.max() if got.max() > 1 + 1e-6 else got.min()
        return f"a mean of weights lies between 0 and 1; one score is {number(float(odd))}"
    return None


def _score(offset: int, start: int = 0, stop: int = 0) -> Callable[[np.ndarray, int], np.ndarray]:
    """The score at another key, or over other queries: from n + start to 2n + stop."""

    def wrong(weights: np.ndarray, n: int) -> np.ndarray:
        query = np.arange(n + start, 2 * n + stop)
        key = query - 1 if offset == -1 else query - n + offset
        return weights[..., query, key].mean(axis=(1, -1))

    return wrong


def _at(weights: np.ndarray, n: int) -> np.ndarray:
    """(L, B, H, n): what is averaged."""
    query = np.arange(n, 2 * n)
    return weights[..., query, query - n + 1]


def _future(weights: np.ndarray, n: int) -> np.ndarray:
    return induction_score(weights.swapaxes(-1, -2), n)


def _whole_text(weights: np.ndarray, n: int) -> np.ndarray:
    query = np.arange(2 * n)
    return weights[..., query, query - n + 1].mean(axis=(1, -1))


def _counted(weights: np.ndarray, n: int) -> np.ndarray:
    query = np.arange(n, 2 * n)
    return (weights[..., query, :].argmax(axis=-1) == query - n + 1).mean(axis=(1, -1))


def _softmax_again(weights: np.ndarray, n: int) -> np.ndarray:
    parts = np.exp(weights)
    return induction_score(parts / parts.sum(axis=-1, keepdims=True), n)


SCORE = Exercise(
    key="inside.induction_score",
    task=(
        "Write induction_score(weights, n): weights (L, B, H, T, T), query before key, of B texts in which "
        "n tokens come twice, T = 2n. Give (L, H): each head's mean weight on the token behind the earlier "
        "twin, over the texts and the queries of the second copy."
    ),
    reference=induction_score,
    probes=_score_probes,
    properties=(
        Property("it is one behind the twin, and nothing else", _only_behind_the_twin),
        Property("a score is a share", _is_a_share),
    ),
    mistakes=(
        Mistake(
            "the twin itself in place of the token behind it",
            why="That finds heads that look at an equal token; the next one is what comes.",
            where="The key's place: the twin of query i stands at i − n.",
            wrong=_score(0),
        ),
        Mistake(
            "two behind the twin",
            why="The token behind the twin of i stands at i − n + 1.",
            where="The key's place.",
            wrong=_score(2),
        ),
        Mistake(
            "the token before",
            why="That is the score of a previous-token head.",
            where="The key's place: it should depend on n.",
            wrong=_score(-1),
        ),
        Mistake(
            "rows and columns exchanged: it looks at the future",
            why="Queries are rows; the other way round all entries are hidden by the mask, and 0.",
            where="weights[…, query, key], in this order.",
            wrong=_future,
        ),
        Mistake(
            "the first copy counts too",
            why="No token of it has an earlier twin, so it can only dilute the mean.",
            where="The queries: from n, not from 0 or n − 1 (np.diagonal with an offset starts at n − 1).",
            wrong=(
                _whole_text,
                _score(1, start=-1),
                _score(1, start=-1, stop=-1),
                lambda w, n: _at(w, n).sum(axis=-1).mean(axis=1) / 2 / n,
            ),
        ),
        Mistake(
            "a query is left out",
            why="The first and the last have twins too; behind the last one's stands the second copy.",
            where="Both ends of the range of queries: n to 2n − 1.",
            wrong=(
                _score(1, stop=-1),
                _score(1, start=1),
                lambda w, n: _at(w, n)[..., :-1].sum(axis=-1).mean(axis=1) / n,
            ),
        ),
        Mistake(
            "the sum, not the mean",
            why="The sum grows with the length of the copy or the number of texts.",
            where="What divides by n, and by B?",
            wrong=(
                lambda w, n: _at(w, n).sum(axis=-1).mean(axis=1),
                lambda w, n: _at(w, n).mean(axis=-1).sum(axis=1),
                lambda w, n: _at(w, n).sum(axis=(1, -1)),
            ),
        ),
        Mistake(
            "one text only",
            why="The other texts are never looked at.",
            where="The axis of the texts is 1: take its mean.",
            wrong=(lambda w, n: _at(w, n).mean(axis=-1)[:, 0], lambda w, n: _at(w, n).mean(axis=-1)[:, -1]),
        ),
        Mistake(
            "the mean over heads, not over texts",
            why="What is left is a number for each text, and no head can be told from another.",
            where="Axes are (L, B, H, T, T): texts are axis 1, heads axis 2.",
            wrong=lambda w, n: _at(w, n).mean(axis=(2, -1)),
        ),
        Mistake(
            "counted, not averaged",
            why="How often the largest weight lies there is another measure: 0.4 and 0.9 count the same.",
            where="Take the weights themselves, without argmax.",
            wrong=_counted,
        ),
        Mistake(
            "the largest, not the mean",
            why="One lucky place makes a head.",
            where="mean, not max.",
            wrong=(
                lambda w, n: _at(w, n).max(axis=-1).mean(axis=1),
                lambda w, n: _at(w, n).mean(axis=1).max(axis=-1),
                lambda w, n: _at(w, n).max(axis=(1, -1)),
            ),
        ),
        Mistake(
            "all keys behind all twins, not each its own",
            why="weights[…, n:, 1 : n + 1] pairs every query with every key of the first copy.",
            where="Two lists of indices, one pair a query, in place of two slices.",
            wrong=(
                lambda w, n: w[..., n:, 1 : n + 1].mean(axis=(1, -2, -1)),
                lambda w, n: w[..., n:, 1 : n + 1].sum(axis=-1).mean(axis=(1, -1)),
            ),
        ),
        Mistake(
            "softmax once more",
            why="These are weights already; a second softmax makes all of them nearly alike.",
            where="Leave the softmax out.",
            wrong=_softmax_again,
        ),
    ),
    hints=(
        "Query i stands in the second copy. Where is its twin, and what stands behind the twin?",
        "The twin is at i − n, the token behind it at i − n + 1; i runs from n to 2n − 1.",
        "i = np.arange(n, 2 * n); weights[..., i, i - n + 1] is (L, B, H, n): mean over axes 1 and 3.",
    ),
)
