"""What can happen next: for each state, the choices that make one event, with their weights.

Teaches: a grammar of events. An event is chosen field by field (who, what kind, which thing and with
whom, where, which colour or job), and `options` offers at each step only what the state allows. So every
sequence of choices ends in a possible event, and its probability is a product of whole-number fractions.
What comes next depends on the last event and on where each thing is, and on no other memory: that is why
a small model learns this world in minutes. Leaves out: what each kind needs
(`needs`), and the words. Lesson 02 explains it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .needs import NEEDS, barred, the_other
from .setting import Setting
from .state import State

__all__ = ["Options", "options"]

Options = Sequence[tuple[int, tuple[Any, ...]]]

NOBODY: Options = [(1, (None, None))]
NOWHERE: Options = [(1, (None,))]

GOING = {"went": 6, "walked": 3, "ran": 2, "hurried": 2, "wandered": 1}
RESTING = {"waited": 1, "sang": 1, "slept": 1, "rested": 1, "sat": 1, "whistled": 1, "danced": 1}
TAKING = {"took": 3, "carried": 2}
#: What one does with a thing that is at hand or lies somewhere; else one wants what somebody has.
DOING = {
    **TAKING, "used": 4, "left": 4, "put": 2, "hid": 2, "dropped": 1, "lost": 3,
    "found": 3, "picked_up": 3, "saw": 1, "looked": 1,
}  # fmt: skip
WANTING = {"wanted": 1}
#: What two do who have just met: the rest depends on who has what.
MEETING = {"gave": 4, "showed": 2, "borrowed": 3, "asked": 5, "helped": 2}
GLAD = {"smiled": 3, "laughed": 2, "cheered": 1}
#: What follows at once from what has just happened, and who does it: the one who did, or the other one.
REACTIONS: dict[str, tuple[str, dict[str, int]]] = {
    "gave": ("other", {"thanked": 6, **GLAD}),
    "borrowed": ("who", {"thanked": 6, **GLAD}),
    "helped": ("other", {"thanked": 6, **GLAD}),
    "showed": ("other", GLAD),
    "lost": ("who", {"sighed": 2, "cried": 2, "frowned": 1}),
}
GO, REST, DO, MEET = 4, 2, 8, 14  # how often one goes, rests, does something, meets somebody on arrival
#: A story may end after so many events and ends after one more, but a reaction still follows.
ENOUGH = 4


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
    """Who comes next: a newcomer, one of the two, or (None) the ending."""
    last = state.last
    if last is not None and last.kind == "job":
        return [(1, (last.who,))]
    if len(state.at) < 2:
        return [(1, (p,)) for p in world.names if p not in state.at]
    assert last is not None
    if last.kind in REACTIONS:
        return [(1, (getattr(last, REACTIONS[last.kind][0]),))]
    if last.kind == "asked":
        return [(1, (last.other,))]
    if last.kind == "met":
        return [(1, (p,)) for p in state.at]
    if state.count > ENOUGH:
        return NOWHERE
    present: list[tuple[int, tuple[Any, ...]]] = [(3 if p == last.who else 1, (p,)) for p in state.at]
    return [*present, (3, (None,))] if state.count == ENOUGH else present


def _kinds(world: Setting, state: State, who: str | None) -> Options:
    last = state.last
    if who is None:
        return [(1, ("ending",))]
    if who not in state.at:
        return [(5, ("had",)), (3, ("job",)), (2, ("with",))]
    assert last is not None
    if last.kind == "job":
        return [(1, ("had",))]
    if last.kind in REACTIONS:
        return _weighed(REACTIONS[last.kind][1])
    if last.kind == "asked":
        return [(1, ("not_know" if last.thing in state.lost else "said_place",))]
    if last.kind == "met":
        return _weighed(_able(world, state, who, MEETING))
    return _free(world, state, who, last.kind)


def _weighed(kinds: dict[str, int], scale: int = 1) -> list[tuple[int, tuple[Any, ...]]]:
    return [(weight * scale, (kind,)) for kind, weight in kinds.items()]


def _free(world: Setting, state: State, who: str, before: str) -> Options:
    """Going, resting, doing something with a thing, meeting: each as often whatever the state allows."""
    going = {} if before in GOING else GOING
    doing = _able(world, state, who, DOING) or _able(world, state, who, WANTING)
    arrived = state.last is not None and state.last.who == who and (before in GOING or before in TAKING)
    meeting = arrived and state.at[who] not in barred(world, state, the_other(state, who))
    classes = [(GO, going), (REST, RESTING), (DO, doing), (MEET, {"met": 1} if meeting else {})]
    kept = [(w, {k: n for k, n in kinds.items() if k != before}) for w, kinds in classes]
    sums = [sum(kinds.values()) or 1 for _, kinds in kept]
    whole = math.prod(sums)
    return [p for (w, kinds), n in zip(kept, sums, strict=True) for p in _weighed(kinds, w * whole // n)]


def _able(world: Setting, state: State, who: str, kinds: dict[str, int]) -> dict[str, int]:
    """Those of the kinds that `who` can do now with one of the things; helping needs none."""
    fit = {need for need in EVERY if any(need(world, state, who, thing) for thing in state.owner)}
    return {kind: w for kind, w in kinds.items() if kind not in NEEDS or NEEDS[kind] in fit}


def _things(world: Setting, state: State, who: str | None, kind: str) -> Options:
    """Which thing, and with whom: (thing, other)."""
    if kind in ("had", "with"):
        return [(1, (t, None)) for t in world.thing_names if t not in state.owner]
    if kind == "ending":
        return [(1, tuple(state.owner))]
    if kind in ("said_place", "not_know"):
        return [(1, (state.last.thing if state.last else None, None))]
    if who is None or not (kind in NEEDS or kind in TOGETHER):
        return NOBODY
    other = the_other(state, who) if kind in TOGETHER else None
    if kind not in NEEDS:
        return [(1, (None, other))]
    need = NEEDS[kind]
    return [(_weight(state, who, t), (t, other)) for t in state.owner if need(world, state, who, t)]


def _weight(state: State, who: str, thing: str) -> int:
    """What is somebody else's is seldom left somewhere."""
    return 1 if state.is_open(thing) and state.owner[thing] != who else 6


EVERY = tuple(dict.fromkeys(NEEDS.values()))
#: Kinds of event that name the other person.
TOGETHER = frozenset((*MEETING, "met", "thanked"))
#: Kinds of event that are told with a place: that of the thing, or else the person's.
AT_THING = frozenset(("found", "picked_up", "saw", "said_place"))
PLACED = frozenset((*GOING, *RESTING, *DOING, "with", "said_place", "met")) - {"looked"}


def _places(
    world: Setting, state: State, who: str | None, kind: str, thing: str | None, other: str | None
) -> Options:
    """Where: what the state says, or any place while it says nothing."""
    if who is None or kind not in PLACED:
        return NOWHERE
    if kind == "with":
        far = world.held_out_places(who, str(thing))
        return [(1, (p,)) for p in world.place_names if p not in far]
    if kind in AT_THING:
        return [(1, (state.lies[str(thing)],))]
    here, moves = state.at[who], kind in GOING or kind in TAKING
    if here and not moves:
        return [(1, (here,))]
    out = barred(world, state, who, thing)
    return [(1, (p,)) for p in world.place_names if p not in out and not (moves and p == here)]


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
