"""A softmax with a temperature: mistakes about axes, and about numbers that a float cannot hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from llmasos_edu import probability
from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["SOFTMAX", "SQUARE", "THOUSANDS", "UNEVEN", "UNLIKE_ROWS", "one_maximum", "overflowing", "stable"]

UNEVEN = np.array([[2.0, 0.5, -1.0, 0.25], [0.0, 3.0, 1.5, -2.0], [1.0, -0.5, 0.75, 2.25]])
SQUARE = np.array([[1.0, 3.0, 0.5], [-2.0, 0.0, 1.25], [2.5, 2.0, -1.0]])
THOUSANDS = np.array([[1000.0, 1002.0, 999.0, 998.5], [1500.0, 1499.0, 1501.0, 1500.5]])
UNLIKE_ROWS = np.array([[0.0, 1.0, 2.5], [3000.0, 3001.0, 2999.5]])


def softmax(logits: np.ndarray, temperature: float) -> np.ndarray:
    """The package's softmax over the last axis."""
    return probability.softmax(logits, axis=-1, temperature=temperature)


def softmax_probes() -> list[Probe]:
    """No two of rows, columns and the whole table have one sum; one table is square, two need care."""
    return [
        Probe("three rows of four scores, temperature 1", (UNEVEN.copy(), 1.0)),
        Probe("a square table, temperature 2", (SQUARE.copy(), 2.0)),
        Probe("temperature 1/2", (UNEVEN[:2].copy(), 0.5)),
        Probe("scores in the thousands", (THOUSANDS.copy(), 1.0), edge=True),
        Probe("one row thousands above the other", (UNLIKE_ROWS.copy(), 1.0), edge=True),
    ]


def _rows_sum_to_one(call: Probe, got: Any, expected: Any) -> str | None:
    sums = np.asarray(got, dtype=np.float64).sum(axis=-1)
    worst = int(np.abs(sums - 1).argmax())
    if abs(sums[worst] - 1) > 1e-3:
        return f"row {worst} sums to {number(sums[worst])}, not to 1"
    return None


def _no_negative(call: Probe, got: Any, expected: Any) -> str | None:
    if np.min(got) < 0:
        return f"a probability is {number(np.min(got))}, below 0"
    return None


def _temperature_shows(call: Probe, got: Any, expected: Any) -> str | None:
    top, right, temperature = float(np.max(got[0])), float(np.max(expected[0])), call.args[1]
    if temperature == 1 or abs(top - right) < 1e-4 or not _some_softmax(call.args[0][0], got[0]):
        return None
    plain = float(np.max(probability.softmax(call.args[0])[0]))
    side = "flatter" if temperature > 1 else "sharper"
    return (
        f"the largest probability of row 0 is {number(top)}; at temperature 1 it is {number(plain)}, and "
        f"temperature {number(temperature)} must make the row {side}: {number(right)}"
    )


def _some_softmax(z: np.ndarray, p: np.ndarray) -> bool:
    """Whether a row is the softmax of its scores at some temperature: log p and z lie on a rising line."""
    if np.min(p) <= 0:
        return False
    centred, logs = z - z.mean(), np.log(p) - np.log(p).mean()
    slope = (centred @ logs) / (centred @ centred)
    return bool(slope > 0 and np.allclose(logs, slope * centred, atol=1e-6))


def stable(z: np.ndarray, axis: int | None = -1) -> np.ndarray:
    """A softmax that no score makes overflow."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _sum_without_keepdims(z: np.ndarray, temperature: float) -> np.ndarray:
    e = np.exp((z - z.max(axis=-1, keepdims=True)) / temperature)
    return e / e.sum(axis=-1)


def _sum_without_keepdims_or_maximum(z: np.ndarray, temperature: float) -> np.ndarray:
    e = np.exp(z / temperature)
    return e / e.sum(axis=-1)


def _rows_over_all(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum()


def _maximum_without_keepdims(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1))
    return e / e.sum(axis=-1, keepdims=True)


def _neither_keeps_dims(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1))
    return e / e.sum(axis=-1)


def _maximum_of_columns(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=-1, keepdims=True)


def one_maximum(z: np.ndarray, temperature: float) -> np.ndarray:
    """A softmax whose rows have one maximum taken away, that of the table."""
    e = np.exp((z - z.max()) / temperature)
    return e / e.sum(axis=-1, keepdims=True)


def overflowing(z: np.ndarray, axis: int = -1) -> np.ndarray:
    """A softmax that takes nothing away before exp."""
    return np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)


SOFTMAX = Exercise(
    key="probability.softmax",
    task="Write softmax(logits, temperature): scores (T, V) to probabilities (T, V), each row summing to 1; "
    "scores are divided by the temperature first. Scores may be in the thousands.",
    reference=softmax,
    probes=softmax_probes,
    properties=(
        Property("no probability is negative", _no_negative),
        Property("every row sums to one", _rows_sum_to_one),
        Property("temperature flattens or sharpens", _temperature_shows),
    ),
    mistakes=(
        Mistake(
            "exp of a large score overflows",
            why="exp(710) no longer fits a float: it is inf, and inf / inf is NaN.",
            where="Before exp: subtract each row's largest score; the probabilities stay the same.",
            wrong=lambda z, temperature: overflowing(z / temperature),
        ),
        Mistake(
            "one maximum for the whole table",
            why="A row far below the table's maximum becomes exp(−3000) = 0 everywhere, and 0 / 0 is NaN.",
            where="The maximum: each row needs its own (axis=-1, keepdims=True).",
            wrong=one_maximum,
        ),
        Mistake(
            "normalised over the columns",
            why="Each column sums to 1: positions compete for a word instead of words for a position.",
            where="The axis of the sum.",
            wrong=lambda z, temperature: stable(z / temperature, axis=0),
        ),
        Mistake(
            "normalised over the whole table",
            why="All numbers together sum to 1, so each row holds only a part of it.",
            where="The sum: does it have an axis?",
            wrong=(
                lambda z, temperature: stable(z / temperature, axis=None),
                lambda z, temperature: _rows_over_all(z / temperature),
            ),
        ),
        Mistake(
            "the sum has lost its axis",
            why="Sums of shape (T,) are laid along the columns: an error, or wrong numbers if it is square.",
            where="The sum: keepdims=True keeps it as a column, (T, 1).",
            wrong=(_sum_without_keepdims, _sum_without_keepdims_or_maximum),
        ),
        Mistake(
            "the maximum lies along the columns",
            why="All scores of a row must lose the same number, or its probabilities change.",
            where="The maximum: z.max(axis=-1, keepdims=True) is a column, (T, 1).",
            wrong=(
                lambda z, temperature: _maximum_without_keepdims(z / temperature),
                lambda z, temperature: _neither_keeps_dims(z / temperature),
                lambda z, temperature: _maximum_of_columns(z / temperature),
            ),
        ),
        Mistake(
            "not divided by the sum",
            why="exp makes the scores positive; only dividing by their sum makes probabilities of them.",
            where="The last line: each row is divided by its own sum.",
            wrong=(
                lambda z, temperature: np.exp(z / temperature),
                lambda z, temperature: np.exp((z - z.max(axis=-1, keepdims=True)) / temperature),
            ),
        ),
        Mistake(
            "log-softmax for softmax",
            why="Logarithms of probabilities are at most 0 and do not sum to 1.",
            where="The last line: is there a log too many?",
            wrong=lambda z, temperature: probability.log_softmax(z / temperature),
        ),
        Mistake(
            "no exp: scores divided by their sum",
            why="Scores may be negative, and their sum anything; exp makes all of them positive first.",
            where="The line that should turn scores into positive numbers.",
            wrong=lambda z, temperature: (z / temperature) / (z / temperature).sum(axis=-1, keepdims=True),
        ),
        Mistake(
            "multiplied by the temperature",
            why="High temperature should make the choice freer; here it makes it stricter.",
            where="The temperature: scores are divided by it. (p to the power of T does the same harm.)",
            wrong=lambda z, temperature: stable(z * temperature),
        ),
        Mistake(
            "temperature after the softmax",
            why="Probabilities divided by T no longer sum to 1.",
            where="The temperature belongs to the scores, before exp.",
            wrong=lambda z, temperature: stable(z) / temperature,
        ),
        Mistake(
            "the temperature changes nothing",
            why="It is unused, or it cancels: taken from all scores, or dividing what its sum divides again.",
            where="Divide the scores by it, before exp.",
            wrong=lambda z, temperature: stable(z),
        ),
    ),
    hints=(
        "What must happen to the scores before exp, so that exp(1000) is never computed?",
        "z = logits / temperature; then take each row's largest score away from the row.",
        "e = np.exp(z - z.max(axis=-1, keepdims=True)); divide e by its sum over the same axis, kept too.",
    ),
    solution=(probability.softmax, probability.log_softmax),
)
