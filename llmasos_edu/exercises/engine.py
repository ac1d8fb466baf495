"""Checks that name the mistake: the symptom with its numbers first, then the mistake, why, and where.

A bank entry is the reference with one part replaced. The reader's function and every entry run on the same
designed probes; whose outputs agree on all of them has the reader's mistake. Entries that no probe can tell
apart are named together, and a mistake that no entry knows gets the symptom alone: a wrong name is worse
than none.

A bank file, `exercises/<topic>.py`, holds a list EXERCISES. The smallest useful one:

    def mean_of_rows(x):                      # often imported from the package instead
        return x.mean(axis=-1)

    def probes():                             # designed: no two of rows, columns and all have one mean
        return [
            Probe("two rows", (np.array([[1.0, 2.0, 6.0], [4.0, 4.0, 7.0]]),)),
            Probe("one row", (np.array([[2.0, 4.0]]),)),
        ]

    def stays_in_range(call, got, expected):  # says what is wrong, with numbers, or None
        x = call.args[0]
        if not (x.min() <= got.min() and got.max() <= x.max()):
            return f"a mean is {number(got.max())}, but the largest value is {number(x.max())}"

    EXERCISES = [
        Exercise(
            key="rows.mean",                  # <this file's name>.<what it is>
            task="Write mean_of_rows(x): the mean of each row of x (R, C), shape (R,).",
            reference=mean_of_rows,
            probes=probes,
            properties=(Property("a mean lies between the values", stays_in_range),),
            mistakes=(
                Mistake(
                    "sum for mean",
                    why="The sum grows with the length of a row; the mean does not.",
                    where="The last line: what divides by the number of columns?",
                    wrong=lambda x: x.sum(axis=-1),
                ),
            ),
            hints=("Which axis runs along a row?", "NumPy's mean takes axis=.", "x.mean(axis=…)"),
        )
    ]

Its test calls `tests/bank_contract.py`. `diagnosing` finds the mistake, `running` keeps the reader's code in
bounds, `comparing` words the differences, `results` shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Exercise", "Mistake", "Probe", "Property"]


@dataclass(frozen=True)
class Probe:
    """One designed call of the reader's function.

    Attributes:
        name: What is particular about it, shown to the reader: "three tokens, one far larger".
        args: Positional arguments.
        kwargs: Named arguments; a reader's function needs the parameters named here.
        edge: Judged only once all ordinary probes are right (overflow, an empty row), so that a guard which
            most first answers lack does not hide the mistake that matters more. Edges stand last.
    """

    name: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    edge: bool = False


@dataclass(frozen=True)
class Property:
    """Something every right answer has, and the sentence that says what a wrong one shows.

    Attributes:
        name: The property in words: "every row sums to one".
        test: ``test(probe, got, expected)`` gives None where it holds, else a sentence with numbers. `got`
            has the kind and shape of `expected` by then.
    """

    name: str
    test: Callable[[Probe, Any, Any], str | None]


@dataclass(frozen=True)
class Mistake:
    """A mistake that people really make.

    Attributes:
        name: A few words: "scaled by d_k instead of its root".
        why: One line: what it does to the result.
        where: One line: where to look.
        wrong: The reference with one part replaced; same signature. Several, where the same mistake is
            written in ways that give different numbers.
    """

    name: str
    why: str
    where: str
    wrong: Callable[..., Any] | tuple[Callable[..., Any], ...]

    @property
    def ways(self) -> tuple[Callable[..., Any], ...]:
        """Every way to write it."""
        return self.wrong if isinstance(self.wrong, tuple) else (self.wrong,)


@dataclass(frozen=True)
class Exercise:
    """One function to write, and all that its check knows.

    Attributes:
        key: ``"<topic>.<what>"``; the topic is the bank file's name.
        task: One or two sentences: signature, what it gives, shapes.
        reference: The package's own function, or a short call of it.
        probes: Makes the probes afresh, the same each time; a second call shows whether one was changed.
        properties: In the order in which they are told; the first that fails is the symptom.
        mistakes: Four to ten, each something that people write.
        hints: Three steps, from a question to nearly the line.
        tolerance: Relative and absolute, for float64 and float32; coarser types get what they can hold.
        repeatable: Whether two equal calls must give the same; False for a function that keeps state.
        solution: The objects whose source `check.solution` shows; the reference where empty.
    """

    key: str
    task: str
    reference: Callable[..., Any]
    probes: Callable[[], Sequence[Probe]]
    properties: tuple[Property, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    hints: tuple[str, ...] = ()
    tolerance: float = 1e-5
    repeatable: bool = True
    solution: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        topic, dot, what = self.key.partition(".")
        if not (topic and dot and what):
            raise ValueError(
                f'an exercise\'s key must be "topic.what", as "attention.weights"; got {self.key!r}'
            )
        if len(self.hints) != 3:
            raise ValueError(f"{self.key} must have 3 hints, each a step closer; got {len(self.hints)}")
        names = [m.name for m in self.mistakes]
        if len(set(names)) < len(names):
            raise ValueError(f"{self.key} has two mistakes of one name: {sorted(names)}")
