"""Exercise learning.gradient: p − one-hot for a batch, by hand.

The probes have more words than places, no symmetric row and no two classes alike, so that each axis and each
sign shows itself; one has padding, and large logits are an edge.
"""

from __future__ import annotations

import numpy as np

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.probability import log_softmax, softmax
from llmasos_edu.rounding import number

__all__ = ["GRADIENT", "gradient"]

PADDING = -100  # a target that counts for nothing


def gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The slope of the mean cross-entropy for every logit: p − one-hot, over the number of targets."""
    counts = targets != PADDING
    slope = softmax(logits)  # (N, V), a fresh array
    slope[np.flatnonzero(counts), targets[counts]] -= 1
    slope[~counts] = 0
    return slope / counts.sum()


def _gradient_probes() -> list[Probe]:
    # No row is symmetric, no two classes alike, more words than places: each axis and each sign shows itself.
    logits = np.array([[2.0, 0.5, -1.0, 0.0], [0.3, 0.1, 1.2, -2.0], [-0.7, 1.5, 0.2, 0.4]])
    return [
        Probe("three places, four words", (logits, np.array([1, 2, 1]))),
        Probe("the middle place is padding", (logits.copy(), np.array([0, PADDING, 3]))),
        Probe("logits near 1,000", (logits[:2] + 1000.0, np.array([3, 0])), edge=True),
    ]


def _mean_nats(logits: np.ndarray, targets: np.ndarray) -> float:
    counts = targets != PADDING
    return float(-log_softmax(logits)[np.flatnonzero(counts), targets[counts]].mean())


def _padding_has_no_slope(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    padded = np.flatnonzero(probe.args[1] == PADDING)
    if np.abs(got[padded]).sum() > 1e-9:
        return (
            f"place {padded[0]} is padding, yet its slopes add up to {number(np.abs(got[padded[0]]).sum())}"
        )
    return None


def _rows_sum_to_zero(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    sums = got.sum(axis=-1)
    row = int(np.abs(sums).argmax())
    if not np.isfinite(got).all():
        return f"there are values that are no numbers: {got[~np.isfinite(got)][0]}"
    if np.abs(sums[row]) > 1e-5:
        return (
            f"row {row} sums to {number(sums[row])}, and must sum to 0: p sums to 1, and so does the one-hot"
        )
    return None


def _right_word_goes_up(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    place, word = 0, int(probe.args[1][0])
    if got[place, word] > 0:
        return (
            f"word {word} came at place {place}, and its slope is {number(got[place, word])}: "
            "a step against that slope makes it rarer"
        )
    return None


def _agrees_with_nudging(probe: Probe, got: np.ndarray, expected: np.ndarray) -> str | None:
    logits, targets = probe.args
    place, word, h = 0, int(targets[0]), 1e-3
    up, down = logits.copy(), logits.copy()
    up[place, word] += h
    down[place, word] -= h
    rise = (_mean_nats(up, targets) - _mean_nats(down, targets)) / (2 * h)
    if abs(got[place, word] - rise) > 1e-5:
        return (
            f"nudging logits[{place}, {word}] makes the loss change {number(rise)} times as much, "
            f"but your slope there is {number(got[place, word])}"
        )
    return None


def _one_hot(targets: np.ndarray, size: int) -> np.ndarray:
    return (targets[:, None] == np.arange(size)).astype(float)


def _counted(targets: np.ndarray) -> np.ndarray:
    return targets != PADDING


def _log_p_for_p(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return (
        (log_softmax(logits) - _one_hot(targets, logits.shape[1]))
        * _counted(targets)[:, None]
        / sum(_counted(targets))
    )


def _over_places(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    p = softmax(logits, axis=0)
    return (p - _one_hot(targets, p.shape[1])) * _counted(targets)[:, None] / _counted(targets).sum()


def _over_everything(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    p = softmax(logits.ravel()).reshape(logits.shape)
    return (p - _one_hot(targets, logits.shape[1])) * _counted(targets)[:, None] / _counted(targets).sum()


def _padding_pulled(logits: np.ndarray, targets: np.ndarray, among: int | None = None) -> np.ndarray:
    return (softmax(logits) - _one_hot(targets, logits.shape[1])) / (among or _counted(targets).sum())


def _padding_as_word_0(logits: np.ndarray, targets: np.ndarray, among: int | None = None) -> np.ndarray:
    return _padding_pulled(logits, np.maximum(targets, 0), among or int(_counted(targets).sum()))


def _without_softmax(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    counts = _counted(targets)
    return (logits - _one_hot(targets, logits.shape[1])) * counts[:, None] / counts.sum()


def _overflow(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    e = np.exp(logits)
    p = e / e.sum(axis=-1, keepdims=True)
    return (p - _one_hot(targets, p.shape[1])) * _counted(targets)[:, None] / _counted(targets).sum()


GRADIENT = Exercise(
    key="learning.gradient",
    task=(
        "Write gradient(logits, targets) in NumPy: logits (N, V), targets (N,) word ids, −100 where a place "
        "is padding. Give the slope of the mean cross-entropy (in nats) for each logit, shape (N, V)."
    ),
    reference=gradient,
    probes=_gradient_probes,
    properties=(
        Property("a padded place has no slope", _padding_has_no_slope),
        Property("every row sums to zero", _rows_sum_to_zero),
        Property("a step downhill makes the right word likelier", _right_word_goes_up),
        Property("the slope is what a nudge measures", _agrees_with_nudging),
    ),
    mistakes=(
        Mistake(
            "the sign is turned round",
            why="This slope points downhill; the loop subtracts it, and so walks uphill.",
            where="p − one-hot, not one-hot − p.",
            wrong=lambda logits, targets: -gradient(logits, targets),
        ),
        Mistake(
            "sum for mean",
            why="The loss is a mean over places, so each place has only its share in it.",
            where="The last line: what divides by the number of places that count?",
            wrong=lambda logits, targets: gradient(logits, targets) * _counted(targets).sum(),
        ),
        Mistake(
            "padding counted in the mean",
            why="Dividing by all places makes steps smaller the more padding a batch happens to have.",
            where="The number you divide by: only targets other than −100 count.",
            wrong=lambda logits, targets: gradient(logits, targets) * _counted(targets).mean(),
        ),
        Mistake(
            "padding still pulls",
            why="Where no word is wanted every word is pushed down, for nothing.",
            where="Set the rows where the target is −100 to zero.",
            wrong=(
                _padding_pulled,
                lambda logits, targets: _padding_pulled(logits, targets, len(targets)),
                _padding_as_word_0,
                lambda logits, targets: _padding_as_word_0(logits, targets, len(targets)),
            ),
        ),
        Mistake(
            "mean over all numbers, not over places",
            why="The loss has one term a place; dividing by places × words makes steps V times too small.",
            where="What divides at the end: the number of places that count, without the words.",
            wrong=(
                lambda logits, targets: gradient(logits, targets) / logits.shape[1],
                lambda logits, targets: gradient(logits, targets) * _counted(targets).sum() / logits.size,
            ),
        ),
        Mistake(
            "no softmax: logits for p",
            why="Logits are any numbers; what the one-hot is taken from is a probability.",
            where="Between the logits and the one-hot: softmax.",
            wrong=_without_softmax,
        ),
        Mistake(
            "log p for p",
            why="The slope needs the probability itself; its logarithm belongs to the loss.",
            where="softmax, not log-softmax, before the one-hot is taken away.",
            wrong=_log_p_for_p,
        ),
        Mistake(
            "softmax over the places",
            why="Each place has a distribution over the words; here the places share one for each word.",
            where="The axis of the softmax: the last one, the words.",
            wrong=_over_places,
        ),
        Mistake(
            "softmax over the whole array at once",
            why="All places together share one distribution; each place should have its own.",
            where="Softmax: give sum axis=-1, keepdims=True.",
            wrong=_over_everything,
        ),
        Mistake(
            "the one-hot is forgotten",
            why="p alone pushes every word down and never hears which word came.",
            where="Subtract 1 at the target of each row.",
            wrong=lambda logits, targets: (
                softmax(logits) * _counted(targets)[:, None] / _counted(targets).sum()
            ),
        ),
        Mistake(
            "only the right word has a slope",
            why="The other words get no push down; but probability must come from somewhere.",
            where="Keep p in all the other columns: they hold p − 0.",
            wrong=lambda logits, targets: gradient(logits, targets) * _one_hot(targets, logits.shape[1]),
        ),
        Mistake(
            "the slope for the probabilities, not for the logits",
            why="−1/p is how the loss moves with p. The softmax stands between p and the logits.",
            where="The chain rule has one more link: how p moves with each logit.",
            wrong=lambda logits, targets: (
                -_one_hot(targets, logits.shape[1]) / softmax(logits) / _counted(targets).sum()
            ),
        ),
        Mistake(
            "exp of a large logit overflows",
            why="e to the 1,000 is more than a float holds: inf / inf is no number.",
            where="Subtract each row's largest logit first; the softmax stays the same.",
            wrong=_overflow,
        ),
    ),
    hints=(
        "For one place: which probability does each word have now, and which should the word that came have?",
        "p = softmax of each row; take 1 away at the target; padding rows become 0; then think of the mean.",
        "slope[rows_that_count, targets[rows_that_count]] -= 1, and at the end / number_that_count",
    ),
)
