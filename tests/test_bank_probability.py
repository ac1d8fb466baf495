import math

import numpy as np
import pytest
import scipy.special

from llmasos_edu import probability
from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.exercises.probability import CROSS_ENTROPY, EXERCISES, SOFTMAX
from llmasos_edu.exercises.probability.cross_entropy import picked
from llmasos_edu.exercises.probability.softmax import stable
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
        lambda logits, targets: np.mean(scipy.special.logsumexp(logits, axis=1) - picked(logits, targets)),
    ],
}
PAIRS = {
    "probability.softmax": {
        ("normalised over the columns", "the temperature changes nothing"): lambda z, temperature: stable(
            z, 0
        ),
        ("multiplied by the temperature", "normalised over the whole table"): lambda z, temperature: stable(
            z * temperature, None
        ),
    },
    "probability.cross_entropy": {
        ("base 2 for e", "sum for mean"): lambda z, t: (
            -picked(probability.log_softmax(z), t).sum() / math.log(2)
        ),
        ("the sign is missing", "softmax twice"): lambda z, t: -probability.cross_entropy(stable(z), t),
        ("mean over all words of the vocabulary", "base 2 for e"): lambda z, t: (
            probability.cross_entropy(z, t) / z.shape[1] / math.log(2)
        ),
    },
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, variants=VARIANTS[exercise.key], pairs=PAIRS[exercise.key])


def log_p(z, axis=-1):
    return (
        z
        - z.max(axis, keepdims=True)
        - np.log(np.exp(z - z.max(axis, keepdims=True)).sum(axis, keepdims=True))
    )


LEARNERS = [
    (SOFTMAX, lambda z, temperature: np.exp(z / temperature), ["not divided by the sum"]),
    (SOFTMAX, lambda z, temperature: log_p(z / temperature), ["log-softmax for softmax"]),
    (SOFTMAX, lambda z, temperature: np.exp(log_p(z - temperature)), ["the temperature changes nothing"]),
    (SOFTMAX, lambda z, temperature: np.exp(log_p(-z / temperature)), []),
    (SOFTMAX, lambda z, temperature: np.eye(z.shape[1])[z.argmax(-1)], []),
    (CROSS_ENTROPY, lambda z, t: -np.exp(log_p(z))[range(len(t)), t].mean(), ["the logarithm is missing"]),
    (CROSS_ENTROPY, lambda z, t: -log_p(z).max(-1).mean(), []),
    (CROSS_ENTROPY, lambda z, t: np.median(-log_p(z)[range(len(t)), t]), []),
]


@pytest.mark.parametrize(("exercise", "wrong", "names"), LEARNERS)
def test_learners_mistakes_get_their_name_or_none(exercise, wrong, names):
    result = diagnose(wrong, exercise)
    assert result.status == "not yet"
    assert [m.name for m in result.mistakes] == names


def test_a_wrong_score_is_not_blamed_on_the_temperature():
    result = diagnose(lambda z, temperature: np.exp(log_p(-z / temperature)), SOFTMAX)
    assert "temperature 1" in result.symptom
    assert "flatter" not in result.symptom
