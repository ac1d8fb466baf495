"""The exercises' checks: `check(my_function, "attention.weights")`, its hints and its solution.

Each topic's exercises stand in a bank, `exercises/<topic>.py`, found by the first part of the key and
imported when it is asked for. `engine` says what a bank holds.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import pkgutil
from typing import Any

from llmasos_edu import progress
from llmasos_edu.exercises.diagnosing import diagnose
from llmasos_edu.exercises.engine import Exercise, Mistake, Probe, Property
from llmasos_edu.exercises.results import Result, Source
from llmasos_edu.rounding import Text

__all__ = ["Exercise", "Mistake", "Probe", "Property", "check", "find", "topics"]

MACHINERY = {"engine", "diagnosing", "running", "comparing", "results"}


def topics() -> list[str]:
    """The banks that there are."""
    return sorted({m.name for m in pkgutil.iter_modules(__path__)} - MACHINERY)


def find(key: Any) -> Exercise:
    """The exercise of a key such as ``"attention.weights"``.

    Raises:
        ValueError: If there is none; lists what there is.
    """
    if not isinstance(key, str):
        raise TypeError(
            f'an exercise is named by text, as in check(my_function, "attention.weights"); got {key!r}'
        )
    topic = key.partition(".")[0]
    if topic not in topics():
        raise ValueError(f"there is no exercise {key!r}: {_nearest(topic, topics(), 'topics')}")
    bank = {e.key: e for e in importlib.import_module(f"{__name__}.{topic}").EXERCISES}
    if key not in bank:
        raise ValueError(f"there is no exercise {key!r}: {_nearest(key, list(bank), 'exercises')}")
    return bank[key]


def _nearest(word: str, known: list[str], what: str) -> str:
    close = difflib.get_close_matches(word, known, 1)
    did_you = f"did you mean {close[0]!r}? " if close else ""
    return f"{did_you}The {what} are: {', '.join(known) or 'none yet'}."


class _Check:
    """Checks a function of the reader's; `hint` and `solution` belong to it."""

    def __init__(self) -> None:
        self._hints_given: dict[str, int] = {}

    def __call__(self, function: Any, key: Any) -> Result:
        """Run `function` on the exercise's probes and name what is wrong, if anything is.

        Args:
            function: The reader's function itself, not a call of it.
            key: The exercise, such as ``"attention.weights"``.

        Returns:
            A result that shows itself as the last line of a cell, or printed.

        Raises:
            ValueError: If there is no such exercise.
        """
        if isinstance(function, str) and callable(key):
            function, key = key, function
        result = diagnose(function, find(key))
        if result.status != "not attempted yet":
            names = [m.name for m in result.mistakes]
            progress.record({"kind": "check", "key": key, "passed": result.passed, "mistakes": names})
        return result

    def hint(self, key: str) -> Text:
        """Give the next of the three hints; after the last it starts again.

        Args:
            key: The exercise.

        Returns:
            The hint, which shows itself as the last line of a cell, or printed.

        Raises:
            ValueError: If there is no such exercise.
        """
        hints = find(key).hints
        step = self._hints_given.get(key, 0) % len(hints)
        self._hints_given[key] = step + 1
        progress.record({"kind": "hint", "key": key, "step": step + 1})
        return Text(f"Hint {step + 1} of {len(hints)}: {hints[step]}")

    def solution(self, key: str) -> Source:
        """Show the source of the tested function that the exercise is about.

        Args:
            key: The exercise.

        Returns:
            The live source, shown as code.

        Raises:
            ValueError: If there is no such exercise.
        """
        exercise = find(key)
        shown = exercise.solution or (exercise.reference,)
        progress.record({"kind": "solution", "key": key})
        return Source("\n\n".join(inspect.getsource(inspect.unwrap(o)).rstrip() for o in shown))

    def __repr__(self) -> str:
        return 'check(my_function, "topic.what"), check.hint("topic.what"), check.solution("topic.what")'


check = _Check()
