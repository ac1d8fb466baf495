"""The LoRA layer: what is added to W x, how much of it, and with which numbers it begins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number

__all__ = ["FIRST_PAIR", "LORA_LINEAR", "first_pair", "lora_linear"]

Draw = Callable[[int, int], np.ndarray]


def lora_linear(x: np.ndarray, W: np.ndarray, A: np.ndarray, B: np.ndarray, alpha: float) -> np.ndarray:
    """A frozen matrix W, and beside it B·A, which counts alpha / rank times."""
    rank = A.shape[0]
    return x @ W.T + alpha / rank * (x @ A.T @ B.T)


def _linear_probes() -> list[Probe]:
    x = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])  # (T 2, in 3)
    W = np.array([[0.5, 1.0, -1.0], [2.0, 0.0, 1.0], [1.0, -1.0, 3.0], [0.0, 0.25, 1.0], [1.5, -0.5, 0.0]])
    A = np.array([[1.0, 0.5, -1.0], [0.0, 2.0, 1.0]])  # (rank 2, in 3)
    B = np.array([[1.0, 0.0], [-1.0, 2.0], [0.5, 1.0], [0.0, -3.0], [2.0, 1.0]])  # (out 5, rank 2)
    square = np.array([[1.0, 2.0], [0.5, -1.0]])
    return [
        Probe("rank 2, alpha 6", (x, W, A, B, 6.0)),
        Probe("B all zero", (x.copy(), W.copy(), A.copy(), np.zeros((5, 2)), 6.0)),
        Probe("rank 1, two texts", (np.stack([x, 2 * x[::-1]]), W.copy(), A[1:], B[:, :1].copy(), 0.5)),
        Probe(
            "in, out and rank all 2",
            (
                x[:, :2].copy(),
                square,
                np.array([[0.0, 1.0], [3.0, -2.0]]),
                np.array([[2.0, -1.0], [0.0, 1.0]]),
                6.0,
            ),
        ),
    ]


def _base_stays(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    x, W, _, B, _ = probe.args
    off = np.abs(got - x @ W.T).max()
    if not B.any() and off > 1e-6:
        return f"B is all zero, so the answer must be the base's; it differs by up to {number(off)}"
    return None


def _how_much(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    """Where the right thing is added in the wrong amount, how much of it."""
    base = probe.args[0] @ probe.args[1].T
    added, wanted = got - base, expected - base
    if not wanted.any():
        return None
    times = float((added * wanted).sum() / np.square(wanted).sum())
    if np.abs(added - times * wanted).max() < 1e-6 and not np.isclose(times, 1):
        return f"what is added to the base's answer is {number(times)} times what it should be"
    return None


def _scaled(scale: Callable[[float, np.ndarray], float]) -> Callable[..., np.ndarray]:
    """The layer with another factor than alpha / rank."""
    return lambda x, W, A, B, alpha: x @ W.T + scale(alpha, A) * (x @ A.T @ B.T)


LORA_LINEAR = Exercise(
    key="finetuning.lora_linear",
    task=(
        "Write lora_linear(x, W, A, B, alpha): x (…, in), W (out, in), A (rank, in), B (out, rank). Give "
        "what a linear layer W without a bias answers with the adapter B·A beside it, which counts "
        "alpha / rank times: (…, out)."
    ),
    reference=lora_linear,
    probes=_linear_probes,
    properties=(
        Property("an adapter whose B is zero changes nothing", _base_stays),
        Property("B·A x is added alpha / rank times", _how_much),
    ),
    mistakes=(
        Mistake(
            "alpha is missing",
            why="The product counts 1 / rank times, whatever alpha says.",
            where="The factor before the product: alpha / rank.",
            wrong=_scaled(lambda alpha, A: 1 / len(A)),
        ),
        Mistake(
            "not divided by the rank",
            why="A higher rank then adds more terms at full size; each rank needs another learning rate.",
            where="The factor before the product: alpha / rank.",
            wrong=_scaled(lambda alpha, A: alpha),
        ),
        Mistake(
            "no scale at all",
            why="Neither alpha nor the rank has any effect.",
            where="The factor before the product: alpha / rank.",
            wrong=_scaled(lambda alpha, A: 1.0),
        ),
        Mistake(
            "divided by the rank's root",
            why="That is rsLoRA (2023), a variant; LoRA divides by the rank itself.",
            where="alpha / rank, no root.",
            wrong=_scaled(lambda alpha, A: alpha / len(A) ** 0.5),
        ),
        Mistake(
            "divided by a width, not by the rank",
            why="A has rank rows and as many columns as x has numbers.",
            where="rank = A.shape[0], or B.shape[1].",
            wrong=(
                _scaled(lambda alpha, A: alpha / A.shape[1]),
                lambda x, W, A, B, alpha: x @ W.T + alpha / B.shape[0] * (x @ A.T @ B.T),
            ),
        ),
        Mistake(
            "the base is gone",
            why="Only the adapter answers; all that the model knew before is in W.",
            where="x @ W.T + …",
            wrong=lambda x, W, A, B, alpha: alpha / len(A) * (x @ A.T @ B.T),
        ),
        Mistake(
            "the base is scaled too",
            why="alpha / rank belongs to the adapter alone; with B at zero the model would change already.",
            where="Where do the brackets around the sum stand?",
            wrong=lambda x, W, A, B, alpha: alpha / len(A) * (x @ W.T + x @ A.T @ B.T),
        ),
        Mistake(
            "the adapter counts twice",
            why="It was merged into W and is added beside it as well (or merged twice).",
            where="Either W + alpha / rank · B·A, or the sum of two answers, not both.",
            wrong=_scaled(lambda alpha, A: 2 * alpha / len(A)),
        ),
        Mistake(
            "A·B for B·A",
            why="x goes through A first, down to rank numbers, then through B.",
            where="The order: x @ A.T @ B.T, or x @ (B @ A).T.",
            wrong=(
                lambda x, W, A, B, alpha: x @ W.T + alpha / len(A) * (x @ (A @ B).T),
                lambda x, W, A, B, alpha: x @ W.T + alpha / len(A) * (x @ B.T @ A.T),
            ),
        ),
        Mistake(
            "the adapter is not transposed",
            why="A's rows are its outputs, as W's are, so rows of x meet rows of A: x @ A.T.",
            where=".T behind A and behind B.",
            wrong=(
                lambda x, W, A, B, alpha: x @ W.T + alpha / len(A) * (x @ A @ B),
                lambda x, W, A, B, alpha: x @ W.T + alpha / len(A) * (x @ A @ B.T),
                lambda x, W, A, B, alpha: x @ W.T + alpha / len(A) * (x @ A.T @ B),
                lambda x, W, A, B, alpha: x @ W.T + alpha / len(A) * (x @ (B @ A)),
            ),
        ),
        Mistake(
            "the adapter reads the base's answer",
            why="It stands beside W and reads the same x, not behind it.",
            where="x @ A.T, with the x that came in.",
            wrong=lambda x, W, A, B, alpha: (lambda y: y + alpha / len(A) * (y @ A.T @ B.T))(x @ W.T),
        ),
    ),
    hints=(
        "Two answers are added. Which matrices does x go through in each, and what is the second's share?",
        "x @ W.T is the first. For the second x goes down to rank numbers by A, and up again by B.",
        "x @ W.T + alpha / A.shape[0] * (x @ A.T @ B.T)",
    ),
)


def first_pair(d_in: int, d_out: int, rank: int, draw: Draw) -> tuple[np.ndarray, np.ndarray]:
    """A and B before the first step: A drawn, B zero, so that B·A changes nothing and can learn."""
    return draw(rank, d_in), np.zeros((d_out, rank))


def _drawn(rows: int, columns: int) -> np.ndarray:
    """Numbers as if drawn, the same whichever way round they are asked for."""
    i, j = np.ogrid[1 : rows + 1, 1 : columns + 1]
    return np.asarray(np.sin(i * j * 2.3) + 0.1 * (i + j))


def _pair_probes() -> list[Probe]:
    return [
        Probe("5 numbers in, 4 out, rank 2", (5, 4, 2, _drawn)),
        Probe("3 numbers in, 3 out, rank 3", (3, 3, 3, _drawn)),
    ]


def _nothing_changes(probe: Probe, got: tuple[np.ndarray, np.ndarray], expected: object) -> str | None:
    size = float(np.abs(got[1] @ got[0]).max())
    return (
        f"B·A has numbers up to {number(size)} before the first step, so the model is changed"
        if size
        else None
    )


def _something_learns(probe: Probe, got: tuple[np.ndarray, np.ndarray], expected: object) -> str | None:
    if not (got[0].any() or got[1].any()):
        return (
            "A and B are all zero: A's gradient is B times something and B's is A times something, so both "
            "are 0 at this and at every later step"
        )
    return None


FIRST_PAIR = Exercise(
    key="finetuning.first_pair",
    task=(
        "Write first_pair(d_in, d_out, rank, draw): draw(rows, columns) gives an array of random numbers "
        "of the right size. Give (A, B), A (rank, d_in) and B (d_out, rank), as LoRA has them before "
        "the first step."
    ),
    reference=first_pair,
    probes=_pair_probes,
    properties=(
        Property("a new adapter changes nothing", _nothing_changes),
        Property("a new adapter can learn", _something_learns),
    ),
    mistakes=(
        Mistake(
            "both zero",
            why="The gradient of each is a product with the other: neither will ever move.",
            where="A: draw(…).",
            wrong=lambda i, o, r, draw: (np.zeros((r, i)), np.zeros((o, r))),
        ),
        Mistake(
            "both drawn",
            why="B·A is then noise on top of W: the model has changed before it has learned anything.",
            where="B: np.zeros(…).",
            wrong=(
                lambda i, o, r, draw: (draw(r, i), draw(o, r)),
                lambda i, o, r, draw: (draw(r, i), 0.01 * draw(o, r)),
            ),
        ),
        Mistake(
            "A zero and B drawn",
            why="That changes nothing and can learn, too; but the paper draws A, and so does peft.",
            where="Exchange the two.",
            wrong=lambda i, o, r, draw: (np.zeros((r, i)), draw(o, r)),
        ),
        Mistake(
            "all rows of A alike",
            why="Rows that begin alike get the same gradient and stay alike: rank 1, whatever you paid for.",
            where="draw(rank, d_in) gives each row numbers of its own.",
            wrong=(
                lambda i, o, r, draw: (np.ones((r, i)), np.zeros((o, r))),
                lambda i, o, r, draw: (np.tile(draw(1, i), (r, 1)), np.zeros((o, r))),
            ),
        ),
    ),
    hints=(
        "What must B·A be before the first step? And what happens to the gradients if both are zero?",
        "One of the two is zero. In the paper it is the one that x meets last.",
        "draw(rank, d_in), np.zeros((d_out, rank))",
    ),
)
