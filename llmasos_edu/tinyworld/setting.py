"""The setting of a world: its language and words, what is held out, and a bias put there on purpose.

Teaches: a hold-out as a rule of the world. A combination of a person, a thing and a place that is held out
is never offered, and the choices that remain share its probability, so nats stay exact; throwing whole
stories away would not. Lesson 02 explains it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .dirt import Dirt
from .vocabulary import COLOURS, JOBS, PEOPLE, PLACES, PRONOUNS, THINGS, Colour, Job, Person, Place, Thing

__all__ = ["LANGUAGES", "Bias", "Setting"]

LANGUAGES = ("en", "zh")
NOWHERE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Bias:
    """A bias of a known size: people with one pronoun have a job, or a colour, more often.

    Args:
        pronoun: ``"she"``, ``"he"`` or ``"they"``.
        value: The job or colour that they have more often.
        odds: How many times as often as each other job or colour; whole, at least 1 (no bias).

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> Bias("he", "doctor", odds=4)
        Bias(pronoun='he', value='doctor', odds=4)
    """

    pronoun: str
    value: str
    odds: int = 4

    def __post_init__(self) -> None:
        if self.pronoun not in PRONOUNS:
            raise ValueError(f"a bias's pronoun must be one of {sorted(PRONOUNS)}; got {self.pronoun!r}")
        if not isinstance(self.odds, int) or self.odds < 1:
            raise ValueError(f"a bias's odds must be a whole number, at least 1; got {self.odds!r}")


@dataclass(frozen=True)
class Setting:
    """What the rules and the grammars of a world need to know; `World` adds what it can do.

    The arguments are those of `World`.
    """

    language: str = "en"
    held_out: bool = field(default=True, kw_only=True)
    bias: Bias | None = field(default=None, kw_only=True)
    dirt: Dirt | None = field(default=None, kw_only=True)
    people: tuple[Person, ...] = field(default=PEOPLE, kw_only=True, repr=False)
    places: tuple[Place, ...] = field(default=PLACES, kw_only=True, repr=False)
    things: tuple[Thing, ...] = field(default=THINGS, kw_only=True, repr=False)
    colours: tuple[Colour, ...] = field(default=COLOURS, kw_only=True, repr=False)
    jobs: tuple[Job, ...] = field(default=JOBS, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            raise ValueError(f"language must be one of {list(LANGUAGES)}; got {self.language!r}")
        values = [*(c.name for c in self.colours), *(j.name for j in self.jobs)]
        if self.bias is not None and self.bias.value not in values:
            raise ValueError(f"a bias's value must be a job or colour, {values}; got {self.bias.value!r}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The people's names."""
        return tuple(p.name for p in self.people)

    @cached_property
    def place_names(self) -> tuple[str, ...]:
        """The places' names."""
        return tuple(p.name for p in self.places)

    @cached_property
    def thing_names(self) -> tuple[str, ...]:
        """The things' names."""
        return tuple(t.name for t in self.things)

    @cached_property
    def entries(self) -> dict[str, Any]:
        """Name → entry of the vocabulary, whatever its kind."""
        every: tuple[Any, ...] = (*self.people, *self.places, *self.things, *self.colours, *self.jobs)
        return {entry.name: entry for entry in every}

    def pronoun(self, person: str) -> str:
        """she, he or they."""
        return self.entries[person].pronoun

    def place(self, name: str) -> Place:
        """The vocabulary's entry of a place."""
        return self.entries[name]

    def thing(self, name: str) -> Thing:
        """The vocabulary's entry of a thing."""
        return self.entries[name]

    @cached_property
    def held_out_table(self) -> dict[tuple[str, str], frozenset[str]]:
        """(person, thing) → the one place where the training world never brings the two together.

        Two places for each person and for each thing, and each place twice, so that every pair of words is
        still seen. A reader's own words are never held out.
        """
        if not self.held_out:
            return {}
        return {
            (person.name, THINGS[(i + j) % 10].name): frozenset([PLACES[(3 * i + j + 3) % 10].name])
            for i, person in enumerate(PEOPLE)
            for j in (0, 5)
        }

    def held_out_places(self, person: str, thing: str) -> frozenset[str]:
        """Where this world never brings a person and a thing together; empty in the full world."""
        return self.held_out_table.get((person, thing), NOWHERE)

    def is_held_out(self, person: str, thing: str, place: str) -> bool:
        """Whether this world never brings these three together."""
        return place in self.held_out_places(person, thing)

    def weights_of(self, kind: str, person: str) -> list[tuple[int, str]]:
        """(weight, name) of every ``"colour"`` or ``"job"``, for what this person has or does."""
        bias = self.bias if self.bias and self.bias.pronoun == self.pronoun(person) else None
        entries: tuple[Colour | Job, ...] = self.colours if kind == "colour" else self.jobs
        return [(bias.odds if bias and e.name == bias.value else 1, e.name) for e in entries]
