"""How the answer of a check reads: in a terminal, in a notebook (light and dark), to a screen reader.

The status is a word, never a colour alone. Text and HTML say the same, in the same order, and depend on
nothing but the result, so that stored outputs can be compared.
"""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Named", "Result", "Source"]

WIDTH = 96
COLOURS = {"passed": "#009E73", "not yet": "#D55E00", "not attempted yet": "#999999"}  # Okabe–Ito


class Named(NamedTuple):
    """A mistake as the reader is told of it."""

    name: str
    why: str
    where: str


@dataclass(frozen=True)
class Result:
    """What a check found.

    Attributes:
        key: The exercise.
        status: ``"passed"``, ``"not yet"`` or ``"not attempted yet"``.
        symptom: What is wrong, with numbers; told first.
        mistakes: The bank's entries that behave the same on every probe; several cannot be told apart.
        notes: Prints and warnings, a sentence each.
        task: What is to be written, where nothing is yet.
        hint: The first hint, where nothing is written yet.
        probes: The names of the probes that were passed.
    """

    key: str
    status: str
    symptom: str = ""
    mistakes: tuple[Named, ...] = ()
    notes: tuple[str, ...] = ()
    task: str = ""
    hint: str = ""
    probes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the exercise is solved."""
        return self.status == "passed"

    def lines(self) -> list[tuple[str, str]]:
        """What is told, as (label, text) in reading order."""
        told = []
        if self.task:
            told.append(("To do", self.task))
        if self.hint:
            told.append(("First hint", self.hint))
        if self.symptom:
            told.append(("What shows", self.symptom))
        if len(self.mistakes) == 1:
            name, why, where = self.mistakes[0]
            told += [("Looks like", name), ("Why", why), ("Where", where)]
        elif self.mistakes:
            told.append(("Looks like", " — or: ".join(m.name for m in self.mistakes)))
            told += [("Why", f"{m.name}: {m.why}") for m in self.mistakes]
            told += [("Where", f"{m.name}: {m.where}") for m in self.mistakes]
        if self.probes:
            told.append(("Tried on", "; ".join(self.probes)))
        told += [("Note", note) for note in self.notes]
        if self.status == "not yet":
            told.append(("For a hint", f'check.hint("{self.key}")'))
        return told

    def __str__(self) -> str:
        head = f"{self.status[0].upper()}{self.status[1:]}: {self.key}"
        rows = [_row(label, text) for label, text in self.lines()]
        return "\n".join([head, *rows])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = f"{self.status[0].upper()}{self.status[1:]}"
        rows = "".join(
            f"<p style='margin:2px 0'><b>{html.escape(label)}:</b> {html.escape(text)}</p>"
            for label, text in self.lines()
        )
        return (
            f"<div style='border-left:4px solid {COLOURS[self.status]};padding:2px 12px;max-width:48em'>"
            f"<p style='margin:2px 0'><b>{head}</b>: <code>{html.escape(self.key)}</code></p>{rows}</div>"
        )


class Source:
    """A solution: the live source of the tested reference, shown as code."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return {"text/plain": self.text, "text/markdown": f"```python\n{self.text}\n```"}


def _row(label: str, text: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=f"  {label + ':':<12}", subsequent_indent=" " * 14, break_long_words=False
    )
