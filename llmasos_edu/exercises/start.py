"""The exercise of lesson 00: how probable a text is, given what was chosen and with which probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.rounding import number, numbers

__all__ = ["EXERCISES", "text_probability"]


def text_probability(choices: Sequence[tuple[str, float]]) -> float:
    """The probability of a text: the product of the probabilities of its words, each given those before.

    Args:
        choices: ``(word, probability)`` pairs in the order of choosing.

    Returns:
        The product; 1.0 for no choice at all.

    Source:
        The chain rule of probability.

    Example:
        >>> text_probability([(" red", 0.5), (" kite", 0.8)])
        0.4
    """
    p = 1.0
    for _word, probability in choices:
        p *= probability
    return p


def _probes() -> list[Probe]:
    """No two of product, sum, mean, logarithm, first, last, smallest and largest agree on any of them."""
    three = [(" with", 0.8), (" teeth", 0.25), (" and", 0.5)]
    return [
        Probe("three words", (three,)),
        Probe("two words", ([(" red", 0.9), (" kite", 0.7)],)),
        Probe("six words", ([(w, 0.23) for w in (" a", " red", " kite", " in", " the", " park")],)),
        Probe("one word", ([(" full", 0.16)],)),
        Probe("one word twice", ([(" very", 0.3), (" very", 0.6)],)),
        Probe("nothing chosen yet", ([],)),
    ]


def _at_most_the_rarest(probe: Probe, got: Any, expected: Any) -> str | None:
    ps = [p for _, p in probe.args[0]]
    if ps and got > min(ps) * (1 + 1e-9):
        return f"words of {numbers(ps)} made a text of {number(got)}: likelier than its rarest word"
    return None


def _above_zero(probe: Probe, got: Any, expected: Any) -> str | None:
    ps = [p for _, p in probe.args[0]]
    if not 0 < got <= 1:
        return f"words of {numbers(ps)} made a text of {number(got)}: that is not above 0 and at most 1"
    return None


def _probabilities(choices: Sequence[tuple[str, float]]) -> list[float]:
    return [p for _, p in choices]


MISTAKES = (
    Mistake(
        "sum for product",
        why="That both words come is rarer than either: probabilities of one thing after another multiply.",
        where="The line in the loop: + or *?",
        wrong=(
            lambda choices: sum(_probabilities(choices)),
            lambda choices: 1.0 + sum(_probabilities(choices)),  # p = 1.0, then p += …
        ),
    ),
    Mistake(
        "begins at zero",
        why="Zero times anything stays zero.",
        where="The line before the loop: what leaves a product as it is?",
        wrong=lambda choices: math.prod(_probabilities(choices), start=0.0),
    ),
    Mistake(
        "mean for product",
        why="A mean lies between its numbers; the probability of a text lies under all of them.",
        where="What is divided by the number of words?",
        wrong=(
            lambda choices: sum(_probabilities(choices)) / max(1, len(choices)),
            lambda choices: math.prod(_probabilities(choices)) ** (1 / max(1, len(choices))),
        ),
    ),
    Mistake(
        "only the last word",
        why="Each turn of the loop overwrites what the turns before had found.",
        where="The line in the loop: = or *=?",
        wrong=lambda choices: _probabilities(choices)[-1] if choices else 1.0,
    ),
    Mistake(
        "only the first word",
        why="A return inside the loop leaves at its first turn.",
        where="How far is the line with return indented?",
        wrong=lambda choices: _probabilities(choices)[0] if choices else 1.0,
    ),
    Mistake(
        "one word is left out",
        why="Every chosen word makes the text rarer, the first and the last as well.",
        where="Where the loop begins and ends: range(…), [1:] or [:-1].",
        wrong=(
            lambda choices: math.prod(_probabilities(choices)[1:]),
            lambda choices: math.prod(_probabilities(choices)[:-1]),
        ),
    ),
    Mistake(
        "rounded on the way",
        why="A text of a few words is soon rarer than 0.01, and rounds to 0; round only what is shown.",
        where="round(…): let it go.",
        wrong=tuple(
            lambda choices, digits=digits: round(math.prod(_probabilities(choices)), digits)
            for digits in (2, 3, 4)
        ),
    ),
    Mistake(
        "sum of logarithms",
        why="That is the logarithm of the probability, for lesson 02; here the probability itself is asked.",
        where="math.log: multiply the probabilities themselves.",
        wrong=(
            lambda choices: sum(math.log(p) for p in _probabilities(choices)),
            lambda choices: -sum(math.log(p) for p in _probabilities(choices)),
        ),
    ),
    Mistake(
        "multiplies what was not chosen",
        why="1 − p is the probability of all the other words.",
        where="The factor: p, or 1 − p?",
        wrong=lambda choices: math.prod(1 - p for p in _probabilities(choices)),
    ),
    Mistake(
        "each word counted once",
        why="A dict or a set keeps one of two equal words; a text may say one word twice.",
        where="What are the pairs put into before they are multiplied?",
        wrong=lambda choices: math.prod(dict(choices).values()),
    ),
)

EXERCISES = [
    Exercise(
        key="start.text_probability",
        task="Write text_probability(choices): choices is a list of (word, probability) pairs in the order "
        "of choosing; give the probability of the whole text, a number. Nothing chosen gives 1.",
        reference=text_probability,
        probes=_probes,
        properties=(
            Property("a probability is above 0 and at most 1", _above_zero),
            Property("a text is never likelier than its rarest word", _at_most_the_rarest),
        ),
        mistakes=MISTAKES,
        hints=(
            "If a word has 1 in 2, and the one after it 1 in 4, how often do both come?",
            "Begin with p = 1.0, and let each pair change p.",
            "for word, probability in choices: p = p * …",
        ),
        tolerance=1e-9,
    )
]
