"""Exercise attention.weights: who looks at whom, `softmax(QKᵀ/√d_k)` with a mask.

The probes have entries of standard deviation 2 (with the usual 0.02 a missing √d_k does not show), no two
equal axes that a wrong axis could hide behind, and one probe where T = d_k, so that a forgotten transpose
runs. Large scores and a query that may look nowhere are edges: judged once everything else is right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from llmasos_edu import attention as package
from llmasos_edu.attention.ladder import softmax
from llmasos_edu.attention.masks import additive
from llmasos_edu.exercises.attention.weights_mistakes import MISTAKES
from llmasos_edu.exercises.engine import Exercise, Probe, Property
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
        Probe("scores up to 100,000", (50_000 * np.eye(3)[:, :2], 4 * np.eye(2) - 2), edge=True),
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
    if abs(sums[place] - right[place]) < max(1e-4, 4 * np.finfo(got.dtype).eps):  # float16 rounds a sum
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
    solution=(package.attention_weights, softmax, additive),
)
