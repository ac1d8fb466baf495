"""The bank of lesson 08: the score of an induction head, and heads switched off.

Ties between heads are left out of the probes. Attention weights in the probes are drawn, each row another,
so that a wrong row, column, text, layer or head gives another number; one probe is made by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["EXERCISES", "ablate", "induction_score"]

Pairs = Sequence[tuple[int, int]]


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
                lambda w, n: _at(w, n).sum(axis=-1).mean(axis=1) / 2 / n,
            ),
        ),
        Mistake(
            "the last query is left out",
            why="It has a twin too, and behind the twin stands the second copy's first token.",
            where="The end of the range of queries.",
            wrong=(_score(1, stop=-1), lambda w, n: _at(w, n)[..., :-1].sum(axis=-1).mean(axis=1) / n),
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


def ablate(found: np.ndarray, heads: Pairs, layer: int) -> np.ndarray:
    """What this layer's heads found, (B, H, T, d_head), with zeros where a head of this layer is off."""
    out = found.copy()
    out[:, [head for at, head in heads if at == layer]] = 0
    return out


def _ablate_probes() -> list[Probe]:
    found = np.random.default_rng(3).standard_normal((4, 4, 4, 4))  # all axes alike: a wrong one fits too
    heads = [(1, 2), (0, 1), (1, 0), (2, 3)]
    return [
        Probe("layer 1, of which heads 2 and 0 are off", (found, heads, 1)),
        Probe("layer 2, of which head 3 is off", (found.copy(), list(heads), 2)),
        Probe("layer 3, of which none is off", (found.copy(), list(heads), 3)),
    ]


def _right_ones_are_silent(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    for head in range(got.shape[1]):
        silent, should = not got[:, head].any(), not expected[:, head].any()
        if should and not silent:
            return (
                f"head {head} is off in this layer, and still hands over {number(np.abs(got[:, head]).max())}"
            )
        if silent and not should:
            return f"head {head} is on in this layer, and hands over nothing"
    return None


def _silence(which: Callable[[Pairs, int], list[int]], axis: int = 1) -> Callable[..., np.ndarray]:
    """Zeros at the indices `which(heads, layer)` of an axis."""

    def wrong(found: np.ndarray, heads: Pairs, layer: int) -> np.ndarray:
        out = found.copy()
        out.swapaxes(0, axis)[which(heads, layer)] = 0
        return out

    return wrong


def _here(heads: Pairs, layer: int) -> list[int]:
    return [head for at, head in heads if at == layer]


def _by(change: Callable[[np.ndarray, list[int]], Any]) -> Callable[..., np.ndarray]:
    """`change(out, off)` works on a copy."""

    def wrong(found: np.ndarray, heads: Pairs, layer: int) -> np.ndarray:
        out, off = found.copy(), _here(heads, layer)
        change(out, off)
        return out

    return wrong


def _rescale(out: np.ndarray, off: list[int]) -> None:
    out[:, off] = 0
    out *= out.shape[1] / (out.shape[1] - len(off))


def _to_mean(out: np.ndarray, off: list[int]) -> None:
    out[:, off] = out[:, off].mean(axis=2, keepdims=True)


ABLATE = Exercise(
    key="inside.ablate",
    task=(
        "Write ablate(found, heads, layer): found (B, H, T, d_head) is what the heads of this layer hand "
        "over; heads lists (layer, head) pairs that are off. Give found with zeros for this layer's heads "
        "that are off, and leave found itself as it is."
    ),
    reference=ablate,
    probes=_ablate_probes,
    properties=(Property("those that are off are silent, and no others", _right_ones_are_silent),),
    mistakes=(
        Mistake(
            "layer and head exchanged",
            why="A pair is (layer, head): the first says where, the second who.",
            where="Which of the two is compared with layer?",
            wrong=_silence(lambda heads, layer: [at for at, head in heads if head == layer]),
        ),
        Mistake(
            "the layer is not asked for",
            why="Heads of other layers are switched off here, too.",
            where="Take only the pairs whose layer is this one.",
            wrong=_silence(lambda heads, layer: [head for _, head in heads]),
        ),
        Mistake(
            "zeros along the wrong axis",
            why="Texts, places or numbers are wiped out in every head.",
            where="Axes are (B, H, T, d_head): heads are axis 1.",
            wrong=(_silence(_here, 0), _silence(_here, 2), _silence(_here, 3)),
        ),
        Mistake(
            "all but those are off",
            why="It keeps what should go.",
            where="The condition is the wrong way round.",
            wrong=_silence(lambda heads, layer: [h for h in range(4) if h not in _here(heads, layer)]),
        ),
        Mistake(
            "one head only",
            why="A layer may have several heads that are off.",
            where="Is there a return or a break inside the loop?",
            wrong=(
                _silence(lambda heads, layer: _here(heads, layer)[:1]),
                _silence(lambda heads, layer: _here(heads, layer)[-1:]),
            ),
        ),
        Mistake(
            "the others are made louder",
            why="That is what dropout does in training; here the others must stay as they are.",
            where="Leave out the factor.",
            wrong=_by(_rescale),
        ),
        Mistake(
            "its mean in place of zeros",
            why="Another experiment, and a good one: here zeros are asked for.",
            where="What is written in place of the head.",
            wrong=_by(_to_mean),
        ),
        Mistake(
            "minus infinity in place of zeros",
            why="That hides a score before softmax; this is what comes after.",
            where="Write 0.",
            wrong=_by(lambda out, off: out.__setitem__((slice(None), off), -np.inf)),
        ),
    ),
    hints=(
        "Which of the pairs belong to this layer, and on which axis are heads?",
        "off = the second of each pair whose first is layer; work on a copy.",
        "out = found.copy(); out[:, off] = 0; return out.",
    ),
)


EXERCISES = [SCORE, ABLATE]
