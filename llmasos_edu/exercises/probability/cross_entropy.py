"""The cross-entropy in nats: mistakes about units (bits, sums), and numbers that a float cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from llmasos_edu import probability
from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.exercises.probability.softmax import (
    SQUARE,
    THOUSANDS,
    UNEVEN,
    UNLIKE_ROWS,
    one_maximum,
    overflowing,
    stable,
)
from llmasos_edu.rounding import number

__all__ = ["CROSS_ENTROPY", "picked"]


def cross_entropy_probes() -> list[Probe]:
    """Uniform scores with a known cost first, then uneven ones, then what a float cannot hold."""
    return [
        Probe("four equally likely words, twice", (np.zeros((2, 4)), np.array([0, 3]))),
        Probe("three positions, four words", (UNEVEN.copy(), np.array([1, 0, 2]))),
        Probe("as many positions as words", (SQUARE.copy(), np.array([2, 1, 1]))),
        Probe("one position", (UNEVEN[1:2].copy(), np.array([3])), edge=True),
        Probe("a word 2,000 below the best", (np.array([[0.0, -2000.0, -1.0]]), np.array([1])), edge=True),
        Probe("scores in the thousands", (THOUSANDS.copy(), np.array([0, 3])), edge=True),
        Probe("one row thousands above the other", (UNLIKE_ROWS.copy(), np.array([1, 0])), edge=True),
    ]


def _known_costs(call: Probe, got: Any, expected: Any) -> str | None:
    logits, got = call.args[0], float(got)
    if got < -1e-9:
        return f"the cost is {number(got)} nats; −log of a probability is never below 0"
    if not logits.any() and abs(got - expected) > 1e-4:
        return (
            f"each of the {logits.shape[1]} words is equally likely, so a word costs log {logits.shape[1]} = "
            f"{number(expected)} nats; got {number(got)}"
        )
    if expected > 1000 > got:
        nats = number(int(expected))
        return f"a word of probability e^−{nats} costs {nats} nats; got {number(got)}"
    return None


def picked(logp: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Of each position the entry of its target."""
    return logp[np.arange(len(targets)), targets]


def _log_of_softmax(floor: float | int) -> Callable[[np.ndarray, np.ndarray], float]:
    return lambda z, t: float(-np.log(picked(stable(z), t) + floor).mean())


def _one_hot_mean(z: np.ndarray, targets: np.ndarray) -> float:
    return float(-(np.eye(z.shape[1])[targets] * probability.log_softmax(z)).mean())


CROSS_ENTROPY = Exercise(
    key="probability.cross_entropy",
    task="Write cross_entropy(logits, targets): from scores (T, V) and the index of the word that came at "
    "each position (T,), the mean nats a word, one number.",
    reference=probability.cross_entropy,
    probes=cross_entropy_probes,
    properties=(Property("costs that are known in advance", _known_costs),),
    mistakes=(
        Mistake(
            "base 2 for e",
            why="Logarithms of base 2 count bits; a nat is 1.44 bits.",
            where="The logarithm: np.log counts nats.",
            wrong=lambda z, t: float(probability.cross_entropy(z, t) / np.log(2)),
        ),
        Mistake(
            "sum for mean",
            why="The sum grows with the length of the text; the mean compares texts of any length.",
            where="The last line: what divides by the number of positions?",
            wrong=lambda z, t: float(-picked(probability.log_softmax(z), t).sum()),
        ),
        Mistake(
            "mean over all words of the vocabulary",
            why="One-hot rows times log P hold one number a row; a mean over T × V divides by V as well.",
            where="The mean: sum over the words first, then the mean over positions.",
            wrong=_one_hot_mean,
        ),
        Mistake(
            "the sign is missing",
            why="The log of a probability is at most 0; a cost is its opposite.",
            where="The minus before the mean.",
            wrong=lambda z, t: float(picked(probability.log_softmax(z), t).mean()),
        ),
        Mistake(
            "perplexity for nats",
            why="exp of the mean nats counts equally likely words; the nats are the mean itself.",
            where="The last line: is there an exp too many?",
            wrong=lambda z, t: float(np.exp(probability.cross_entropy(z, t))),
        ),
        Mistake(
            "scores taken for log-probabilities",
            why="Scores may be anything; only after − log Σ exp do their exps sum to 1.",
            where="Between the scores and the picking: is there a log-softmax?",
            wrong=lambda z, t: float(-picked(z, t).mean()),
        ),
        Mistake(
            "softmax twice",
            why="Probabilities, taken for scores, differ by at most 1: the words come out nearly alike.",
            where="The scores go through one (log-)softmax only.",
            wrong=lambda z, t: probability.cross_entropy(probability.softmax(z), t),
        ),
        Mistake(
            "normalised over the wrong axis",
            why="The words of one position must share the probability 1; here positions share it.",
            where="The axis of the sum in the softmax: the last one, with keepdims.",
            wrong=(
                lambda z, t: float(-picked(probability.log_softmax(z, axis=0), t).mean()),
                lambda z, t: float(probability.logsumexp(z.ravel()) - picked(z, t).mean()),
            ),
        ),
        Mistake(
            "the logarithm is missing",
            why="A price is −log P: a word of P = 0.01 costs 4.6 nats, not 0.99 or −0.01.",
            where="Between the probabilities and the mean.",
            wrong=(
                lambda z, t: float(-picked(stable(z), t).mean()),
                lambda z, t: float((1 - picked(stable(z), t)).mean()),
                lambda z, t: float(picked(stable(z), t).mean()),
            ),
        ),
        Mistake(
            "one maximum for the whole table",
            why="A row far below the table's maximum becomes exp(−3000) = 0 everywhere, and log 0 is −∞.",
            where="The maximum: each row needs its own (axis=-1, keepdims=True).",
            wrong=(
                lambda z, t: float(
                    (np.log(np.exp(z - z.max()).sum(axis=-1)) + z.max() - picked(z, t)).mean()
                ),
                lambda z, t: float(-np.log(picked(one_maximum(z, 1.0), t)).mean()),
            ),
        ),
        Mistake(
            "every position asked for every target",
            why="logp[:, targets] is a table of T × T: each position also answers for the others' words.",
            where="The picking: one row index for each target, np.arange(len(targets)).",
            wrong=lambda z, t: float(-probability.log_softmax(z)[:, t].mean()),
        ),
        Mistake(
            "the log of the mean",
            why="The price of a text is a sum of logs; averaging probabilities first hides the rare words.",
            where="The last lines: the logarithm first, then the mean.",
            wrong=lambda z, t: float(-np.log(picked(stable(z), t).mean())),
        ),
        Mistake(
            "exp of a large score overflows",
            why="exp(1000) is inf in a float, and nothing that is computed with it can be right.",
            where="Before exp: subtract each row's largest score.",
            wrong=(
                lambda z, t: float(-np.log(picked(overflowing(z), t)).mean()),
                lambda z, t: float((np.log(np.exp(z).sum(axis=-1)) - picked(z, t)).mean()),
            ),
        ),
        Mistake(
            "the log of a probability that became 0",
            why="exp(−2000) is 0 in a float. Its log is −inf; a small number added only hides it.",
            where="Do not take np.log of a softmax: z − max − log Σ exp(z − max).",
            wrong=tuple(_log_of_softmax(floor) for floor in (0, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15)),
        ),
        Mistake(
            "off by one: each position is asked for the next target",
            why="Here targets[i] belongs to logits[i]; the shift was made by the caller.",
            where="Slices such as logits[:-1] and targets[1:].",
            wrong=lambda z, t: float(-picked(probability.log_softmax(z)[:-1], t[1:]).mean()),
        ),
    ),
    hints=(
        "For one position: how do you get −log P of one word from the scores, without P itself?",
        "Log-softmax of each row: z − max − log Σ exp(z − max). Then pick the target's number in each row.",
        "logp[np.arange(len(targets)), targets] picks one number a row; −mean of them is the answer.",
    ),
)
