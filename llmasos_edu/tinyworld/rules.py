"""What can happen next: for each state, the choices that make one event, with their weights.

Teaches: a grammar of events. An event is chosen field by field (who, what kind, which thing and with
whom, where, which colour or job), and `options` offers at each step only what the state allows. So every
sequence of choices ends in a possible event, and its probability is a product of whole-number fractions.
Leaves out: the words, and what one person can do at one moment (`deeds`). Lesson 02 explains it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .deeds import GOING, HERE, TAKING, barred, deeds
from .setting import Setting
from .state import SHORTEST, State

__all__ = ["Options", "options"]

Options = Sequence[tuple[int, tuple[Any, ...]]]

NOBODY: Options = [(1, (None, None))]
NOWHERE: Options = [(1, (None,))]

#: How readily each kind of event happens, beside the others that the state allows.
WEIGHTS = {
    "went": 8, "walked": 4, "ran": 2, "hurried": 2, "took": 2, "carried": 1, "left": 4, "lost": 3, "hid": 3,
    "picked_up": 6, "found": 8, "saw": 3, "gave": 6, "showed": 4, "borrowed": 6, "used": 4, "wanted": 4,
    "looked": 6, "asked": 9, "met": 6, "helped": 3, "thanked": 16, "smiled": 6, "laughed": 4, "danced": 3,
    "cheered": 3, "sighed": 6, "cried": 4, "frowned": 4,
    "waited": 1, "sang": 1, "slept": 1, "rested": 1, "sat": 1, "whistled": 1,
}  # fmt: skip


def options(world: Setting, state: State, partial: tuple[Any, ...]) -> Options:
    """The next choice of an event that is decided up to here.

    Args:
        world: Its vocabulary, hold-out rule and bias.
        state: What is true now; the story is not over.
        partial: The fields decided so far, in the order of `Event`.

    Returns:
        (weight, fields) pairs: `partial + fields` goes on. Empty once all six fields are decided.
    """
    return LEVELS[len(partial)](world, state, *partial)


def _who(world: Setting, state: State) -> Options:
    """Who comes next: a newcomer, somebody present, or (None) the ending."""
    last = state.last
    if state.reply:
        return [(1, (state.reply[0],))]
    if last is not None and last.kind == "job":
        return [(1, (last.who,))]
    if state.left() <= 0:
        return NOWHERE
    if len(state.at) < 2:
        return [(1, (p,)) for p in world.names if p not in state.at]
    echo = state.echo[0] if state.echo else None
    present = [(3 if p == echo else 2 if last and p == last.who else 1, (p,)) for p in state.at]
    if state.count == 0 and len(state.at) == 2:  # a third person, in two stories of five
        newcomers = [p for p in world.names if p not in state.at]
        return [(w * len(newcomers), p) for w, p in present] + [(2, (p,)) for p in newcomers]
    if state.count >= SHORTEST and not echo:
        return [*present, (2, (None,))]
    return present


def _kinds(world: Setting, state: State, who: str | None) -> Options:
    if who is None:
        return [(1, ("ending",))]
    if who not in state.at:
        third = len(state.at) == 2  # told briefly
        return [(5, ("had",)), (3, ("was",))] if third else [(5, ("had",)), (3, ("job",)), (2, ("with",))]
    if state.reply:
        return [(1, (_reply(state),))]
    last = state.last
    if last and last.kind == "job":
        return [(1, ("had",))]
    able = deeds(world, state, who)
    again = last is not None and last.who == who
    found = [(WEIGHTS[kind] * max(w for w, _ in pairs), (kind,)) for kind, pairs in able.items()]
    if not (again and last and (last.kind in GOING or last.kind in TAKING)):
        hurry = 4 if who in state.goal else 1
        found += [(WEIGHTS[kind] * hurry, (kind,)) for kind in GOING]
    if not (again and last and last.kind in HERE):
        found += [(WEIGHTS[kind], (kind,)) for kind in HERE]
    return found


def _reply(state: State) -> str:
    """The only true answer to the question that was asked."""
    assert state.reply is not None
    teller, thing, _ = state.reply
    if not state.knows(teller, thing):
        return "not_know"
    if state.lies[thing] is not None:
        return "said_place"
    return "said_self" if state.holder[thing] == teller else "said_has"


def _things(world: Setting, state: State, who: str | None, kind: str) -> Options:
    """Which thing, and with whom: (thing, other)."""
    if kind in ("had", "with"):
        return [(1, (t, None)) for t in world.thing_names if t not in state.owner]
    if kind == "ending":
        things = list(state.owner)
        return [(1, (a, b)) for a in things for b in things if a != b]
    if state.reply:
        thing = state.reply[1]
        return [(1, (thing, state.holder[thing] if kind == "said_has" else None))]
    if kind in GOING or kind in HERE or kind in ("job", "was"):
        return NOBODY
    return deeds(world, state, str(who))[kind]


def _places(
    world: Setting, state: State, who: str | None, kind: str, thing: str | None, other: str | None
) -> Options:
    """Where: what the state says, or any place while it says nothing."""
    if kind in NO_PLACE or who is None:
        return NOWHERE
    if kind in ("with", "was"):
        far = world.held_out_places(who, thing) if thing else frozenset()
        return [(1, (p,)) for p in world.place_names if p not in far]
    if kind in ("picked_up", "found", "saw", "said_place"):
        return [(1, (state.lies[str(thing)],))]
    if kind in GOING or kind in TAKING:
        return _destinations(world, state, who, thing)
    here = state.at[who] or (other and state.at[other])
    if here or kind == "used":
        return [(1, (here,))]
    out = barred(world, state, who, thing)
    return [(1, (p,)) for p in world.place_names if p not in out]


#: Kinds of event that happen wherever one is, told without a place.
NO_PLACE = frozenset((
    "had", "job", "wanted", "thanked", "smiled", "laughed", "danced", "cheered", "sighed", "cried", "frowned",
    "ending", "said_has", "said_self", "not_know",
))  # fmt: skip


def _destinations(world: Setting, state: State, who: str, thing: str | None) -> Options:
    here, goal = state.at[who], state.goal.get(who)
    people = {place for person, place in state.at.items() if person != who}
    out = barred(world, state, who, thing)
    return [
        (12 if place == goal else 5 if place in people else 1, (place,))
        for place in world.place_names
        if place != here and place not in out
    ]


def _details(world: Setting, state: State, who: str | None, kind: str, *rest: Any) -> Options:
    """A colour that no other thing has, or a job that nobody else has."""
    if who is None:
        return NOWHERE
    if kind in ("had", "with"):
        taken = state.colour.values()
        return [(w, (c,)) for w, c in world.weights_of("colour", who) if c not in taken]
    if kind == "job":
        return [(w, (j,)) for w, j in world.weights_of("job", who) if j not in state.job.values()]
    return NOWHERE


def _nothing(*_: Any) -> Options:
    return ()


#: One function for each number of fields that are decided; thing and other are decided together.
LEVELS: tuple[Callable[..., Options], ...] = (_who, _kinds, _things, _nothing, _places, _details, _nothing)
