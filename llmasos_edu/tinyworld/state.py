"""The state of a story: who is where, who has what, and what has just happened.

Teaches: a story is a sequence of events, and a state that the events change. What was not told yet is
open (None); the first event that tells it settles it. Leaves out: which event may come next (`rules`)
and how it is told (`english`, `chinese`). Lesson 02 explains it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["OPENING", "SHORTEST", "Event", "State"]

#: The kinds of event that introduce people and things.
OPENING = ("had", "job", "with", "was")

#: A story ends after 5 events; at the latest after 7 with two people, 5 with three (two jobs: one less).
SHORTEST, LONGEST = 5, 11

#: The kinds after which somebody knows where a thing is.
HANDLING = ("took", "carried", "used", "left", "hid", "picked_up", "found", "gave", "showed", "borrowed")


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

    __slots__ = (
        "at", "colour", "count", "deeds", "done", "echo", "goal", "handled", "holder", "job", "last", "lies",
        "missing", "over", "owner", "reply", "wants",
    )  # fmt: skip

    def __init__(self) -> None:
        self.at: dict[str, str | None] = {}  # person → place, None while nobody has told it
        self.job: dict[str, str] = {}
        self.owner: dict[str, str] = {}  # thing → person
        self.colour: dict[str, str] = {}
        self.holder: dict[str, str | None] = {}  # thing → person, None while it lies somewhere or is open
        self.lies: dict[str, str | None] = {}  # thing → place
        self.missing: dict[str, tuple[str, str]] = {}  # thing → ("lost" or "hid", by whom)
        self.wants: dict[str, str] = {}  # person → thing
        self.goal: dict[str, str] = {}  # person → the place where somebody said that a thing is
        self.done: set[tuple[str | None, ...]] = set()  # what nobody does twice: asking, using, looking here
        self.handled: dict[str, str] = {}  # thing → who handled it last, and so knows where it is
        self.reply: tuple[str, str, str] | None = None  # (who must answer now, about which thing, whom)
        self.echo: tuple[str, str, str | None] | None = None  # (person, "glad" or "sad", whom to thank)
        self.last: Event | None = None
        self.count = 0  # events since the opening
        self.over = False
        self.deeds: tuple[str, Any] | None = None  # a memo of `rules.deeds`: it is asked for twice

    def carried_by(self, who: str | None) -> list[str]:
        """The things that this person holds."""
        return [thing for thing, holder in self.holder.items() if holder == who]

    def is_open(self, thing: str) -> bool:
        """Whether nobody has told yet where a thing is: it is with its owner, or close by."""
        return self.holder[thing] is None and self.lies[thing] is None

    def knows(self, who: str, thing: str) -> bool:
        """Whether this person can say where a thing is: what is lost nobody knows, what is hidden one."""
        if thing in self.missing:
            return self.missing[thing] == ("hid", who)
        return not self.is_open(thing)

    def left(self) -> int:
        """How many more events this story may have before its ending."""
        return LONGEST - 2 * len(self.at) - len(self.job) // 2 - self.count

    def apply(self, event: Event) -> None:
        """Make `event` happen; the rules have seen to it that it can."""
        self.echo = self.deeds = None
        if event.kind in OPENING:
            _introduce(self, event)
        elif event.kind == "ending":
            self.over = True
        else:
            self.count += 1
            if event.place is not None and event.kind not in ("said_place",):
                self.at[str(event.who)] = event.place
                if self.goal.get(str(event.who)) == event.place:
                    del self.goal[str(event.who)]
            if event.kind in ("used", "looked"):
                self.done.add((event.kind, event.who, event.thing, event.place))
            elif event.kind == "asked":
                self.done.add((event.kind, event.who, event.thing))
            if event.kind in HANDLING:
                self.handled[str(event.thing)] = str(event.who)
            effect = EFFECTS.get(event.kind)
            if effect:
                effect(self, event)
        self.last = event


def _introduce(state: State, event: Event) -> None:
    who, kind, thing, _, place, detail = event
    assert who is not None
    state.at.setdefault(who, place)
    if kind == "job":
        state.job[who] = str(detail)
    elif thing is not None:
        state.owner[thing], state.colour[thing] = who, str(detail)
        state.holder[thing] = who if kind == "with" else None
        state.lies[thing] = None


def _hold(state: State, event: Event) -> None:
    """The person now holds the thing: took, used, showed."""
    state.holder[str(event.thing)], state.lies[str(event.thing)] = event.who, None


def _put(state: State, event: Event) -> None:
    state.holder[str(event.thing)], state.lies[str(event.thing)] = None, event.place


def _miss(state: State, event: Event) -> None:
    """Lost or hid: the thing lies there, and others do not know it. Who lost it is sad."""
    _put(state, event)
    state.missing[str(event.thing)] = (event.kind, str(event.who))
    if event.kind == "lost":
        state.echo = (str(event.who), "sad", None)


def _get(state: State, event: Event) -> None:
    """Picked up or found: the person holds the thing, and it is missing no more."""
    who, thing = str(event.who), str(event.thing)
    _hold(state, event)
    state.missing.pop(thing, None)
    if event.kind == "found" or state.wants.get(who) == thing:
        state.echo = (who, "glad", None)
    _content(state, who, thing)


def _content(state: State, who: str, thing: str) -> None:
    """Who has what they wanted wants it no more."""
    if state.wants.get(who) == thing:
        del state.wants[who]


def _gave(state: State, event: Event) -> None:
    state.holder[str(event.thing)] = event.other
    state.at[str(event.other)] = event.place
    state.echo = (str(event.other), "glad", event.who)
    _content(state, str(event.other), str(event.thing))


def _borrowed(state: State, event: Event) -> None:
    _hold(state, event)
    state.at[str(event.other)] = event.place
    state.echo = (str(event.who), "glad", event.other)
    _content(state, str(event.who), str(event.thing))


def _showed(state: State, event: Event) -> None:
    _hold(state, event)
    state.at[str(event.other)] = event.place
    state.echo = (str(event.other), "glad", None)


def _wanted(state: State, event: Event) -> None:
    state.wants[str(event.who)] = str(event.thing)


def _met(state: State, event: Event) -> None:
    state.at[str(event.other)] = event.place


def _helped(state: State, event: Event) -> None:
    state.echo = (str(event.other), "glad", event.who)


def _asked(state: State, event: Event) -> None:
    state.at[str(event.other)] = event.place
    state.reply = (str(event.other), str(event.thing), str(event.who))


def _said(state: State, event: Event) -> None:
    assert state.reply is not None
    teller, _, asker = state.reply
    state.reply = None
    if event.kind == "said_place":
        if state.at[asker] != event.place:
            state.goal[asker] = str(event.place)
        state.echo = (asker, "glad", teller)


EFFECTS: dict[str, Callable[[State, Event], None]] = {
    "took": _hold, "carried": _hold, "used": _hold, "left": _put, "lost": _miss, "hid": _miss,
    "picked_up": _get, "found": _get, "gave": _gave, "borrowed": _borrowed, "showed": _showed,
    "wanted": _wanted, "met": _met, "helped": _helped, "asked": _asked,
    "said_place": _said, "said_has": _said, "said_self": _said, "not_know": _said,
}  # fmt: skip
