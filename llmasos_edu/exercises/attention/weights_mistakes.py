"""The mistakes of exercise attention.weights: each is the right answer with one part replaced."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from llmasos_edu.exercises.engine import Mistake

__all__ = ["MISTAKES"]

Arrays = np.ndarray


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


def _inverted() -> tuple[Callable[..., Arrays], ...]:
    """The mask inverted, by the ways in which a row that is hidden whole comes out differently."""

    def other(mask: Arrays | None) -> Arrays | None:
        return None if mask is None else ~mask

    return (
        lambda q, k, mask=None: _softmax(_hide(_scores(q, k), other(mask))),
        lambda q, k, mask=None: _softmax(_hide(_scores(q, k), other(mask), -1e9)),
        lambda q, k, mask=None: _shifted(q, k, other(mask)),
    )


def _without_keepdims(largest_too: bool) -> Callable[..., Arrays]:
    def wrong(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
        scores = _hide(_scores(q, k), mask)
        parts = np.exp(scores - scores.max(axis=-1, keepdims=not largest_too))
        return parts / parts.sum(axis=-1)

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


def _half(q: Arrays, k: Arrays, mask: Arrays | None = None) -> Arrays:
    q, k = q.astype(np.float16), k.astype(np.float16)
    return _finish(_scores(q, k), mask)


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
        "scaled by another axis than d_k",
        why="The scale belongs to the length of the vectors (d_k), not to the number of words or texts.",
        where="The scale: which axis does it take? d_k is the last one, shape[-1]; len() is the first.",
        wrong=(
            _scaled(lambda q, k: k.shape[-2] ** -0.5),
            _scaled(lambda q, k: q.shape[-2] ** -0.5),
            _scaled(lambda q, k: len(k) ** -0.5),
            _scaled(lambda q, k: len(q) ** -0.5),
            _scaled(lambda q, k: q.shape[1] ** -0.5),
        ),
    ),
    Mistake(
        "divided after the softmax",
        why="The scale must make the scores smaller; dividing the weights only makes each row sum to 1/√d_k.",
        where="The order: divide q·k by √d_k, then take the softmax.",
        wrong=lambda q, k, mask=None: _scaled(lambda q, k: 1.0)(q, k, mask) / math.sqrt(q.shape[-1]),
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
        wrong=(_masked(np.invert), *_inverted()),
    ),
    Mistake(
        "sum or maximum without keepdims",
        why="A row's sum then meets a column, not its own row; with two unlike axes the shapes do not fit.",
        where="max and sum over axis -1: add keepdims=True.",
        wrong=(_without_keepdims(True), _without_keepdims(False)),
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
        "half precision",
        why="float16 keeps three digits and ends at 65,504: scores are rounded, large ones infinite.",
        where="The dtype: .astype(np.float16), .half(). Scores and softmax want float32 or more.",
        wrong=(_half, lambda q, k, mask=None: _half(q, k, mask).astype(q.dtype)),
    ),
    Mistake(
        "large scores overflow",
        why="e¹⁰⁰⁰ is infinite in float64. Subtracting the row's maximum first changes nothing else.",
        where="Before np.exp: subtract scores.max(axis=-1, keepdims=True).",
        wrong=(_no_max, _no_max_and_nan),
    ),
    Mistake(
        "one maximum for all rows",
        why="A row far below the largest score of the array becomes e⁻⁷⁰⁰⁰⁰ = 0 everywhere, and then 0/0.",
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
