"""A reader's own words in a world: checked, then added like any other.

Teaches: the floor and the next-word distribution follow from the vocabulary. Lesson 02 explains it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from .vocabulary import Colour, Job, Person, Place, Thing

__all__ = ["FIELDS", "entries"]

#: argument of `World.adding` → (field of the world, its type)
FIELDS: dict[str, tuple[str, Any]] = {
    "person": ("people", Person),
    "place": ("places", Place),
    "thing": ("things", Thing),
    "colour": ("colours", Colour),
    "job": ("jobs", Job),
}


def entries(kind: str, given: Any, taken: set[str]) -> list[Any]:
    """What a reader gave for one kind of word, as entries of the vocabulary.

    Args:
        kind: A key of `FIELDS`.
        given: A word (used in 中文 too), a `Person`, `Place` … with all its forms, or several of them.
        taken: Every word that the world has already.

    Raises:
        ValueError: If a word is taken, or is not one plain word; says which and why.
        TypeError: If `given` is something else.
    """
    _, make = FIELDS[kind]
    several = [given] if isinstance(given, str | make) or not isinstance(given, Iterable) else list(given)
    made: list[Any] = []
    for one in several:
        if isinstance(one, str):
            one = Person(one, one, "they") if make is Person else make(one, one)
        if not isinstance(one, make):
            raise TypeError(f"{kind} must be a word, a {make.__name__}, or several of them; got {one!r}")
        _check(kind, one, taken)
        taken = taken | {one.name, one.zh}
        made.append(one)
    return made


def _check(kind: str, entry: Any, taken: set[str]) -> None:
    first = "A-Z" if kind == "person" else "a-z"
    example = {"person": "Noor", "place": "harbour", "thing": "robot", "colour": "pink", "job": "nurse"}[kind]
    if not re.fullmatch(rf"[{first}][a-z]+", entry.name):
        raise ValueError(f'a {kind} must be one plain English word such as "{example}"; got {entry.name!r}')
    for f in fields(entry):
        value = getattr(entry, f.name)
        if not value and f.name != "side":
            raise ValueError(f"{f.name} of {entry.name!r} must not be empty")
        if re.search(r"[\s.,?。，？|{}<>]", value):
            raise ValueError(f"{f.name} of {entry.name!r} must be one word; got {value!r}")
    for word in (entry.name, entry.zh):
        if word in taken:
            raise ValueError(f"{word!r} is a word of this world already; choose another {kind}")
