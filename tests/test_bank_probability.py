import math

import numpy as np
import pytest
import scipy.special

from llmasos_edu import probability
from llmasos_edu.exercises.probability import EXERCISES, _picked, _stable
from tests.bank_contract import hold


def softmax_by_loops(logits, temperature):
    rows = []
    for row in logits.tolist():
        top = max(row)
        e = [math.exp((z - top) / temperature) for z in row]
        rows.append([x / sum(e) for x in e])
    return np.array(rows)


def softmax_as_power(logits, temperature):
    p = scipy.special.softmax(logits, axis=1) ** (1 / temperature)
    return p / p.sum(axis=1, keepdims=True)


def softmax_transposed(logits, temperature):
    z = (logits / temperature).T
    e = np.exp(z - z.max(0))
    return (e / e.sum(0)).T


def cross_entropy_by_loops(logits, targets):
    total = 0.0
    for row, t in zip(logits.tolist(), targets.tolist(), strict=True):
        top = max(row)
        total += top + math.log(math.fsum(math.exp(z - top) for z in row)) - row[t]
    return total / len(targets)


def cross_entropy_one_hot(logits, targets):
    one_hot = np.eye(logits.shape[1])[targets]
    return -np.einsum("tv,tv->", one_hot, scipy.special.log_softmax(logits, axis=1)) / len(targets)


def cross_entropy_float32(logits, targets):
    z = logits.astype(np.float32)
    shifted = z - np.max(z, axis=1, keepdims=True)
    logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    return -np.mean(np.take_along_axis(logp, targets[:, None], axis=1))


VARIANTS = {
    "probability.softmax": [
        softmax_by_loops,
        softmax_as_power,
        softmax_transposed,
        lambda logits, temperature: softmax_by_loops(logits, temperature).astype(np.float32),
    ],
    "probability.cross_entropy": [
        cross_entropy_by_loops,
        cross_entropy_one_hot,
        cross_entropy_float32,
        lambda logits, targets: np.mean(scipy.special.logsumexp(logits, axis=1) - _picked(logits, targets)),
    ],
}
PAIRS = {
    "probability.softmax": {
        ("normalised over the columns", "the temperature changes nothing"): lambda z, temperature: _stable(
            z, 0
        ),
        ("multiplied by the temperature", "normalised over the whole table"): lambda z, temperature: _stable(
            z * temperature, None
        ),
    },
    "probability.cross_entropy": {
        ("base 2 for e", "sum for mean"): lambda z, t: (
            -_picked(probability.log_softmax(z), t).sum() / math.log(2)
        ),
        ("the sign is missing", "softmax twice"): lambda z, t: -probability.cross_entropy(_stable(z), t),
        ("mean over all words of the vocabulary", "base 2 for e"): lambda z, t: (
            probability.cross_entropy(z, t) / z.shape[1] / math.log(2)
        ),
    },
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS[exercise.key])
