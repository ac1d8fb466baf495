"""A step from several parts of a batch: gather, cut, move."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["STEP", "accumulated_step"]

Slope = Callable[[np.ndarray, np.ndarray], np.ndarray]


def accumulated_step(
    weight: np.ndarray, slope: Slope, parts: Sequence[np.ndarray], lr: float, longest: float
) -> np.ndarray:
    """One step of gradient descent from several parts of a batch: mean gradient, clipped, followed."""
    gradient = sum(slope(weight, part) for part in parts) / len(parts)
    length = np.sqrt(np.square(gradient).sum())
    return weight - lr * gradient * min(1.0, longest / length)


def _toward(weight: np.ndarray, part: np.ndarray) -> np.ndarray:
    """The slope of ½ · |weight − row|², averaged over the part's rows; more where a weight is large."""
    return (weight - part).mean(axis=0) + 0.1 * weight**3


def _step_probes() -> list[Probe]:
    weight = np.array([1.0, -2.0, 0.5])
    one, two = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, -1.0]]), np.array([[0.0, 5.0, 4.0], [-2.0, 0.0, 1.0]])
    return [
        Probe("two parts, a gradient that is too long", (weight, _toward, [one, two], 0.1, 1.0)),
        Probe("two parts, a gradient that is short enough", (weight.copy(), _toward, [one, two], 0.1, 100.0)),
        Probe("one part", (weight.copy(), _toward, [two.copy()], 0.5, 3.5)),
    ]


def _moved_at_most(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    weight, _, _, lr, longest = probe.args
    moved = float(np.sqrt(np.square(got - weight).sum()))
    if moved > lr * longest * (1 + 1e-6):
        return (
            f"the weights moved by {number(moved)}; a gradient of length {number(longest)} at most, "
            f"times lr, moves them by {number(lr * longest)}"
        )
    return None


def _cut(gradient: np.ndarray, longest: float) -> np.ndarray:
    return gradient * min(1.0, longest / np.sqrt(np.square(gradient).sum()))


def _all(weight: np.ndarray, slope: Slope, parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.sum([slope(weight, part) for part in parts], axis=0)


def _a_step_a_part(w, slope, parts, lr, longest):  # type: ignore[no-untyped-def]
    for part in parts:
        w = w - lr * _cut(slope(w, part) / len(parts), longest)
    return w


STEP = Exercise(
    key="training.accumulated_step",
    task=(
        "A batch that is too large for the memory comes in equal parts. Write accumulated_step(weight, "
        "slope, parts, lr, longest): slope(weight, part) is the mean gradient of one part. Give the weights "
        "after one step on the mean gradient of all parts, cut to length `longest` if it is longer."
    ),
    reference=accumulated_step,
    probes=_step_probes,
    properties=(Property("the step is no longer than lr · longest", _moved_at_most),),
    mistakes=(
        Mistake(
            "the parts' gradients are summed, not averaged",
            why="The step then grows with the number of parts.",
            where="Divide by len(parts), each part or all together.",
            wrong=lambda w, s, parts, lr, n: w - lr * _cut(_all(w, s, parts), n),
        ),
        Mistake(
            "only the last part counts",
            why="Each part's gradient replaced the one before: gradients zeroed inside the loop.",
            where="Zero once a step, not once a part.",
            wrong=(
                lambda w, s, parts, lr, n: w - lr * _cut(s(w, parts[-1]), n),
                lambda w, s, parts, lr, n: w - lr * _cut(s(w, parts[-1]) / len(parts), n),
            ),
        ),
        Mistake(
            "cut before the division",
            why="The sum is cut, and the result divided: the step is smaller than was allowed.",
            where="First the mean, then its length (as one unscales before clipping in half precision).",
            wrong=lambda w, s, parts, lr, n: w - lr * _cut(_all(w, s, parts), n) / len(parts),
        ),
        Mistake(
            "each part is cut by itself",
            why="A part with a long gradient then weighs less than the others.",
            where="Cut once, after all parts are in.",
            wrong=lambda w, s, parts, lr, n: w - lr * np.mean([_cut(s(w, p), n) for p in parts], axis=0),
        ),
        Mistake(
            "every number is cut by itself",
            why="That changes the direction; a cut length keeps it.",
            where="min(1, longest / length) times the whole gradient.",
            wrong=lambda w, s, parts, lr, n: w - lr * np.clip(_all(w, s, parts) / len(parts), -n, n),
        ),
        Mistake(
            "short gradients are stretched",
            why="Every step gets length `longest`, near the bottom too, where steps should shrink.",
            where="min(1, …).",
            wrong=lambda w, s, parts, lr, n: (lambda g: w - lr * g * n / np.sqrt((g**2).sum()))(
                _all(w, s, parts) / len(parts)
            ),
        ),
        Mistake(
            "nothing is cut",
            why="One odd batch can throw the weights far away.",
            where="The length of the gradient, against `longest`.",
            wrong=lambda w, s, parts, lr, n: w - lr * _all(w, s, parts) / len(parts),
        ),
        Mistake(
            "a step after each part",
            why="The second part's gradient is taken at other weights: these are several small batches.",
            where="Change the weights once, after the loop.",
            wrong=_a_step_a_part,
        ),
    ),
    hints=(
        "Three things in order: gather, cut, move. Which of them stand inside the loop over parts?",
        "Only the gathering. The mean gradient is the sum over parts, divided by their number.",
        "g = sum(…) / len(parts); g * min(1, longest / √Σg²); weight − lr · g.",
    ),
)
