import functools
import math
import operator

import numpy as np
import pytest

from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.exercises.start import EXERCISES, text_probability
from tests.bank_contract import hold

VARIANTS = [
    lambda choices: math.prod(p for _, p in choices),
    lambda choices: math.exp(math.fsum(math.log(p) for _, p in choices)),
    lambda choices: np.prod([p for _, p in choices]),
    lambda choices: functools.reduce(operator.mul, (pair[1] for pair in reversed(choices)), 1),
    lambda choices: choices[0][1] * text_probability(choices[1:]) if choices else 1.0,
]


PAIRS = {
    ("sum for product", "each word counted once"): lambda choices: sum(dict(choices).values()),
    ("only the last word", "multiplies what was not chosen"): lambda choices: (
        1 - choices[-1][1] if choices else 1.0
    ),
    ("begins at zero", "each word counted once"): lambda choices: math.prod(dict(choices).values(), start=0),
}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_bank(exercise):
    hold(exercise, VARIANTS, PAIRS)


def running(choices, begin=1.0, step=operator.mul):
    p = begin
    for _word, q in choices:
        p = step(p, q)
    return p


LEARNERS = [
    (lambda choices: running(choices, 0), ["begins at zero"]),
    (lambda choices: running(choices, 1.0, operator.add), ["sum for product"]),
    (lambda choices: running(choices[1:]), ["one word is left out"]),
    (lambda choices: round(running(choices), 2), ["rounded on the way"]),
    (lambda choices: -sum(math.log(p) for _, p in choices), ["sum of logarithms"]),
    (lambda choices: 100 * running(choices), []),
    (lambda choices: min((p for _, p in choices), default=1.0), []),
    (lambda choices: 10 ** sum(math.log(p) for _, p in choices), []),
]


@pytest.mark.parametrize(("wrong", "names"), LEARNERS)
def test_learners_mistakes_get_their_name_or_none(wrong, names):
    result = diagnose(wrong, EXERCISES[0])
    assert result.status == "not yet"
    assert [m.name for m in result.mistakes] == names


def test_the_product_of_all_continuations_is_one():
    """Over every text of two words of a small world the probabilities sum to one."""
    first, second = {"a": 0.75, "b": 0.25}, {"a": {"a": 0.5, "b": 0.5}, "b": {"a": 0.1, "b": 0.9}}
    texts = [[(w, p), (v, q)] for w, p in first.items() for v, q in second[w].items()]
    assert math.fsum(map(text_probability, texts)) == pytest.approx(1, rel=1e-15)
