"""Exercise attention.weights: who looks at whom, `softmax(QKᵀ/√d_k)` with a mask.

The probes have entries of standard deviation 2 (with the usual 0.02 a missing √d_k does not show), no two
equal axes that a wrong axis could hide behind, and one probe where T = d_k, so that a forgotten transpose
runs. Large scores and a query that may look nowhere are edges: judged once everything else is right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from llmasos_edu import attention as package
from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["WEIGHTS"]

Arrays = np.ndarray


def weights(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    """The right answer: the package's own."""
    return package.attention_weights(q, k, mask)


# --- probes -------------------------------------------------------------------------------------------------


def probes() -> list[Probe]:
    """Designed calls, made anew each time."""
    rng = np.random.default_rng(4)

    def words(*shape: int) -> Arrays:
        return 2 * rng.standard_normal(shape)

    holes = rng.random((2, 1, 5, 5)) < 0.5
    holes[..., range(5), range(5)] = True  # everybody may look at itself, so no row is empty
    nowhere = package.causal_mask(4)
    nowhere[2] = False
    return [
        Probe("four words, d_k = 4", (words(4, 4), words(4, 4))),
        Probe("two queries, five keys, d_k = 3", (words(2, 3), words(5, 3))),
        Probe("two texts, three heads", (words(2, 3, 5, 7), words(2, 3, 5, 7))),
        Probe("a causal mask", (words(4, 6), words(4, 6)), {"mask": package.causal_mask(4)}),
        Probe("a mask with holes, three heads", (words(2, 3, 5, 7), words(2, 3, 5, 7)), {"mask": holes}),
        Probe("scores up to 2,000", (1000 * np.eye(3)[:, :2], 4 * np.eye(2) - 2), edge=True),
        Probe("a query that may look nowhere", (words(4, 6), words(4, 6)), {"mask": nowhere}, edge=True),
    ]


# --- properties, in the order in which they are told --------------------------------------------------------


def _where(index: Any) -> str:
    return "[" + ", ".join(str(int(i)) for i in index) + "]"


def _not_negative(probe: Probe, got: Arrays, expected: Arrays) -> str | None:
    place = np.unravel_index(np.argmin(got), got.shape)
    return f"the weight at {_where(place)} is {number(got[place])}, below 0" if got[place] < -1e-6 else None


def _rows_sum_to_one(probe: Probe, got: Arrays, expected: Arrays) -> str | None:
    sums, right = got.sum(axis=-1), expected.sum(axis=-1)
    place = np.unravel_index(np.argmax(abs(sums - right)), sums.shape)
    if abs(sums[place] - right[place]) < 1e-4:
        return None
    return f"row {_where(place)} sums to {number(sums[place])}; it should sum to {number(right[place])}"


def _hidden_gets_nothing(probe: Probe, got: Arrays, expected: Arrays) -> str | None:
    if "mask" not in probe.kwargs:
        return None
    hidden = np.where(np.broadcast_to(probe.kwargs["mask"], got.shape), 0, got)
    place = np.unravel_index(np.argmax(hidden), got.shape)
    if hidden[place] < 1e-6:
        return None
    return f"query and key {_where(place)} are hidden from each other, and the weight is {number(got[place])}"


def _sharpness(probe: Probe, got: Arrays, expected: Arrays) -> str | None:
    """Rows that rank the keys rightly, but are too sharp or too flat: the scale's own symptom."""
    if not (np.argsort(got, axis=-1) == np.argsort(expected, axis=-1)).all():
        return None
    ours, right = (float(x.max(axis=-1).mean()) for x in (got, expected))
    if abs(ours - right) < 1e-3:
        return None
    kind = "sharper" if ours > right else "flatter"
    return (
        f"the order of the weights is right, but they are {kind} than they should be: "
        f"the largest of each row is {number(ours)} on average, expected {number(right)}"
    )


# --- mistakes: the reference with one part replaced ---------------------------------------------------------


def _softmax(scores: Arrays, axis: Any = -1) -> Arrays:
    parts = np.exp(scores - scores.max(axis=axis, keepdims=True))
    return parts / parts.sum(axis=axis, keepdims=True)


def _scores(q: Arrays, k: Arrays) -> Arrays:
    return q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])


def _hide(scores: Arrays, mask: Arrays | None, value: float = -np.inf) -> Arrays:
    return scores if mask is None else np.where(mask, scores, value)


def _finish(scores: Arrays, mask: Arrays | None, axis: Any = -1, value: float = -np.inf) -> Arrays:
    """The right end, zeros for a row without keys, unless a part is replaced."""
    hidden = _hide(scores, mask, value)
    nowhere = (hidden == -np.inf).all(axis=-1, keepdims=True)
    return np.where(nowhere, 0, _softmax(np.where(nowhere, 0, hidden), axis))


def _scaled(factor: Callable[[Arrays, Arrays], float]) -> Callable[..., Arrays]:
    """Another scale: `factor` multiplies q·k."""

    def wrong(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
        return _finish(q @ np.swapaxes(k, -1, -2) * factor(q, k), mask)

    return wrong


def _over(axis: Any) -> tuple[Callable[..., Arrays], ...]:
    """Softmax over another axis: with -inf, with NaN turned into 0, with -1e9 for the hidden."""

    def wrong(q: Arrays, k: Arrays, mask: Arrays | None = None, hidden: float = -np.inf) -> Arrays:
        return _softmax(_hide(_scores(q, k), mask, hidden), axis)

    return (
        wrong,
        lambda q, k, mask=None: np.nan_to_num(wrong(q, k, mask)),
        lambda q, k, mask=None: wrong(q, k, mask, -1e9),
    )


def _masked(change: Callable[[Arrays], Any], value: float = -np.inf) -> Callable[..., Arrays]:
    """Another mask."""

    def wrong(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
        return _finish(_scores(q, k), None if mask is None else change(mask), value=value)

    return wrong


def _no_max(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    parts = np.exp(_hide(_scores(q, k), mask))
    total = parts.sum(axis=-1, keepdims=True)
    return parts / np.where(total == 0, 1, total)


def _no_max_and_nan(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    parts = np.exp(_hide(_scores(q, k), mask))
    return parts / parts.sum(axis=-1, keepdims=True)


def _one_max(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    scores = _hide(_scores(q, k), mask)
    parts = np.exp(scores - scores.max())
    return parts / parts.sum(axis=-1, keepdims=True)


def _after(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    return _hide(_softmax(_scores(q, k)), mask, 0.0)


def _zero_scores(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    return _softmax(_hide(_scores(q, k), mask, 0.0))


def _no_softmax(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    return _hide(_scores(q, k), mask)


def _no_exponential(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    scores = _hide(_scores(q, k), mask, 0.0)
    return scores / scores.sum(axis=-1, keepdims=True)


def _twice(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    return _softmax(_finish(_scores(q, k), mask))


def _with_keys(turn: Callable[[Arrays], Arrays]) -> Callable[..., Arrays]:
    """Another way to turn K."""

    def wrong(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
        return _finish(q @ turn(k) / math.sqrt(q.shape[-1]), mask)

    return wrong


def _swapped(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    return _finish(_scores(k, q), mask)


def _uniform(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    return _softmax(_hide(_scores(q, k), mask, -1e9))


def _shifted(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    return _softmax(_scores(q, k) + (0 if mask is None else np.where(mask, 0, -1e9)))


MISTAKES = (
    Mistake(
        "no scale",
        why="q·k grows like √d_k; softmax of such scores nearly picks one key, and its gradient vanishes.",
        where="The scores: what divides q·k?",
        wrong=_scaled(lambda q, k: 1.0),
    ),
    Mistake(
        "scaled by d_k instead of its root",
        why="q·k has standard deviation √d_k; dividing by d_k makes the scores small and the weights flat.",
        where="The scale: a root is missing.",
        wrong=_scaled(lambda q, k: 1 / q.shape[-1]),
    ),
    Mistake(
        "multiplied by √d_k instead of divided",
        why="The scores grow where they should shrink: one key gets nearly everything.",
        where="The scale: * or / ?",
        wrong=_scaled(lambda q, k: math.sqrt(q.shape[-1])),
    ),
    Mistake(
        "scaled by the number of words",
        why="The scale belongs to the length of the vectors (d_k); the number of keys has no part in it.",
        where="The scale: which axis does it take? d_k is the last one.",
        wrong=(_scaled(lambda q, k: k.shape[-2] ** -0.5), _scaled(lambda q, k: q.shape[-2] ** -0.5)),
    ),
    Mistake(
        "softmax over the queries",
        why="The columns sum to one: each key shares itself out, where each query should.",
        where="Softmax: which axis are the keys? The last one.",
        wrong=_over(-2),
    ),
    Mistake(
        "softmax over axis 1: right for one matrix, the heads of four axes",
        why="With (B, H, Tq, Tk) axis 1 is the heads: one word's weights then depend on the other heads.",
        where="Softmax: count the axis from the end, -1.",
        wrong=_over(1),
    ),
    Mistake(
        "softmax over axis 0",
        why="Axis 0 is the queries of one matrix, and the texts of a batch: one text changes the other.",
        where="Softmax: count the axis from the end, -1.",
        wrong=_over(0),
    ),
    Mistake(
        "softmax over the whole array at once",
        why="All weights together sum to one; each row should.",
        where="Softmax: give sum (and max) axis=-1, keepdims=True.",
        wrong=_over(None),
    ),
    Mistake(
        "no softmax",
        why="Scores are any numbers; weights are at least 0 and sum to one a row.",
        where="The last line: what turns scores into shares?",
        wrong=_no_softmax,
    ),
    Mistake(
        "divided by the sum without the exponential",
        why="Scores may be negative, and their sum near 0; the exponential makes all of them positive first.",
        where="Between scores and shares: np.exp.",
        wrong=_no_exponential,
    ),
    Mistake(
        "softmax twice",
        why="Weights lie between 0 and 1; as scores they are nearly equal, so the result is nearly flat.",
        where="Is there a softmax already in something that you call?",
        wrong=_twice,
    ),
    Mistake(
        "masked after the softmax",
        why="The hidden keys have already taken their share; what is left sums to less than one.",
        where="The order: hide scores before the softmax, or divide by the new sum after it.",
        wrong=_after,
    ),
    Mistake(
        "0 instead of -inf",
        why="A score of 0 is an ordinary score: e⁰ = 1. Only -inf gets weight 0.",
        where="The value that a hidden score is set to.",
        wrong=_zero_scores,
    ),
    Mistake(
        "mask inverted",
        why="Here True means may look; this shows what should be hidden and hides the rest.",
        where="The condition: which side of it gets -inf?",
        wrong=(
            _masked(lambda m: ~m),
            lambda q, k, mask=None: _softmax(_hide(_scores(q, k), None if mask is None else ~mask)),
        ),
    ),
    Mistake(
        "mask transposed",
        why="Row and column change places: a causal mask then shows the future and hides the past.",
        where="The mask is (Tq, Tk), as the scores are; it needs no transpose.",
        wrong=_masked(lambda m: np.swapaxes(m, -1, -2)),
    ),
    Mistake(
        "the mask is not used",
        why="Every query looks everywhere, at the future too.",
        where="Between the scores and the softmax.",
        wrong=_masked(lambda m: None),
    ),
    Mistake(
        "K not transposed",
        why="A score is one query with one key, summed over d_k; q @ k runs only where T = d_k, wrongly.",
        where="The product of q and k.",
        wrong=_with_keys(lambda k: k),
    ),
    Mistake(
        "K reshaped instead of transposed",
        why="A reshape keeps the order in memory: the numbers of one key are spread over several.",
        where="np.swapaxes(k, -1, -2), not reshape.",
        wrong=_with_keys(lambda k: k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])),
    ),
    Mistake(
        "k.T turns all axes",
        why="With texts and heads in front, .T reverses all axes; only the last two should change places.",
        where="np.swapaxes(k, -1, -2), or k.mT.",
        wrong=_with_keys(lambda k: k.T),
    ),
    Mistake(
        "Q and K swapped",
        why="Row i then holds what looks at word i, not what word i looks at.",
        where="The product: queries first, so that rows are queries.",
        wrong=_swapped,
    ),
    Mistake(
        "large scores overflow",
        why="e¹⁰⁰⁰ is infinite in float64. Subtracting the row's maximum first changes nothing else.",
        where="Before np.exp: subtract scores.max(axis=-1, keepdims=True).",
        wrong=(_no_max, _no_max_and_nan),
    ),
    Mistake(
        "one maximum for all rows",
        why="A row far below the largest score of the array becomes e⁻²⁰⁰⁰ = 0 everywhere, and then 0/0.",
        where="max: give it axis=-1, keepdims=True.",
        wrong=_one_max,
    ),
    Mistake(
        "a query that may look nowhere does not get zeros",
        why="Softmax of -inf alone is 0/0, NaN, which spreads; of -1e9 alone it is a mix of hidden words.",
        where="A row whose mask is all False: set its weights to 0.",
        wrong=(lambda q, k, mask=None: _softmax(_hide(_scores(q, k), mask)), _uniform, _shifted),
    ),
)

WEIGHTS = Exercise(
    key="attention.weights",
    task=(
        "Write attention_weights(q, k, mask=None): q (..., Tq, d_k) and k (..., Tk, d_k) give weights "
        "(..., Tq, Tk). mask is boolean, True = may look, and broadcasts to the weights; a query that may "
        "look nowhere gets zeros."
    ),
    reference=weights,
    probes=probes,
    properties=(
        Property("weights are at least 0", _not_negative),
        Property("each row sums to one", _rows_sum_to_one),
        Property("what is hidden gets weight 0", _hidden_gets_nothing),
        Property("rows are as sharp as they should be", _sharpness),
    ),
    mistakes=MISTAKES,
    hints=(
        "Three steps: a score for every query and key; hide what the mask hides; shares that sum to 1 a row. "
        "Which axis of the scores are the keys?",
        "q @ np.swapaxes(k, -1, -2) / √d_k gives the scores; np.where(mask, scores, -np.inf) hides; then "
        "softmax over axis -1, with the row's maximum subtracted first.",
        "top = scores.max(axis=-1, keepdims=True); top = np.where(top == -np.inf, 0, top); parts = "
        "np.exp(scores - top); total = parts.sum(axis=-1, keepdims=True); "
        "return parts / np.where(total == 0, 1, total)",
    ),
    solution=(package.attention_weights, package._softmax, package._additive),
)
