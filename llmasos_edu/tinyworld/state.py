"""The state of a story: who is where, who has what, and what has just happened.

Teaches: a story is a sequence of events, and a state that the events change. What was not told yet is
open (None); the first event that tells it settles it. Leaves out: which event may come next (`rules`)
and how it is told (`english`, `chinese`). Lesson 02 explains it.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["OPENING", "PUTTING", "Event", "State"]

#: The kinds of event that introduce people and things.
OPENING = ("had", "job", "with")
PUTTING = ("left", "put", "hid", "dropped", "lost")
HOLDING = ("took", "carried", "used", "showed", "picked_up", "found", "borrowed")


class Event(NamedTuple):
    """One thing that happens; the fields stand in the order in which they are chosen.

    `who` does `kind` with `thing`, to or with `other` (in an ending: a second thing), at `place`;
    `detail` is a colour or a job. Names are the English ones, in every language.
    """

    who: str | None
    kind: str
    thing: str | None = None
    other: str | None = None
    place: str | None = None
    detail: str | None = None


class State:
    """What is true at one moment of a story. People and things stand in the order of their introduction."""

    __slots__ = ("at", "colour", "count", "holder", "job", "last", "lies", "lost", "over", "owner")

    def __init__(self) -> None:
        self.at: dict[str, str | None] = {}  # person → place, None while nobody has told it
        self.job: dict[str, str] = {}
        self.owner: dict[str, str] = {}  # thing → person
        self.colour: dict[str, str] = {}
        self.holder: dict[str, str | None] = {}  # thing → person, None while it lies somewhere or is open
        self.lies: dict[str, str | None] = {}  # thing → place
        self.lost: set[str] = set()  # nobody knows where these lie
        self.last: Event | None = None
        self.count = 0  # events since the opening
        self.over = False

    def is_open(self, thing: str) -> bool:
        """Whether nobody has told yet where a thing is: it is with its owner, or close by."""
        return self.holder[thing] is None and self.lies[thing] is None

    def has(self, who: str, thing: str) -> bool:
        """Whether this person can give the thing away: they hold it, or own it while it is open."""
        return self.holder[thing] == who or (self.is_open(thing) and self.owner[thing] == who)

    def apply(self, event: Event) -> None:
        """Make `event` happen; the rules have seen to it that it can."""
        self.last = event
        who, kind, thing, other, place, _ = event
        if kind == "ending":
            self.over = True
        elif kind in OPENING:
            self._introduce(event)
        else:
            self.count += 1
            if place and kind != "said_place":
                self.at[str(who)] = place
                if other:
                    self.at[other] = place
            if thing:
                self._move(kind, thing, who, other, place)

    def _introduce(self, event: Event) -> None:
        who, kind, thing, _, place, detail = event
        self.at.setdefault(str(who), place)
        if kind == "job":
            self.job[str(who)] = str(detail)
        elif thing:
            self.owner[thing], self.colour[thing] = str(who), str(detail)
            self.holder[thing], self.lies[thing] = who if kind == "with" else None, None

    def _move(self, kind: str, thing: str, who: str | None, other: str | None, place: str | None) -> None:
        """What becomes of the thing; seeing, wanting and asking leave it where it is."""
        if kind in PUTTING:
            self.holder[thing], self.lies[thing] = None, place
            if kind == "lost":
                self.lost.add(thing)
        elif kind in HOLDING or kind == "gave":
            self.holder[thing], self.lies[thing] = other if kind == "gave" else who, None
            self.lost.discard(thing)
