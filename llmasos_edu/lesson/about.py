"""What a lesson says of itself, and its recall questions: the two things that a `lesson_NN.py` holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Lesson", "Recall", "equal"]


@dataclass(frozen=True)
class Lesson:
    """A lesson's title line.

    Attributes:
        number: Two digits, as in the notebook's name.
        name: The rest of the notebook's name, such as ``"attention"``.
        question: The one question that it answers.
        question_zh: The same in 中文.
        cpu_minutes: The notebook from top to bottom on two CPU cores.
        core_minutes: What a person needs for the core, exercises left out.
        exercise_minutes: And for the exercises.
        exercises: The keys of its checks, such as ``("attention.weights",)``.
    """

    number: str
    name: str
    question: str
    question_zh: str
    cpu_minutes: int | float
    core_minutes: int = 45
    exercise_minutes: int = 45
    exercises: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recall:
    """A short question from an earlier lesson, with its checker.

    Attributes:
        question: As the reader meets it.
        answer: What is right: text (case does not matter), a number, or a list of them.
        because: One sentence, told with the right answer.
        wrong: A frequent wrong answer → the sentence that helps.
        look: Where to look again: "02_probability, the chain rule".
        tolerance: Relative, for numbers.
    """

    question: str
    answer: Any
    because: str
    wrong: Mapping[Any, str]
    look: str
    tolerance: float = 0.01


def equal(given: Any, right: Any, tolerance: float) -> bool:
    """Whether an answer is right: case and spaces of text do not matter, numbers have a `tolerance`."""
    if isinstance(right, str):
        return isinstance(given, str) and " ".join(given.casefold().split()) == " ".join(
            right.casefold().split()
        )
    if isinstance(right, bool):
        return isinstance(given, bool) and given == right
    if isinstance(right, int | float):
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        return is_number and abs(given - right) <= tolerance * abs(right) + 1e-12
    if isinstance(right, list | tuple):
        same_length = isinstance(given, list | tuple) and len(given) == len(right)
        return same_length and all(equal(g, r, tolerance) for g, r in zip(given, right, strict=True))
    return bool(given == right)
