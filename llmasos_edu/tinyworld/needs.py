"""What each kind of event needs of a thing: who holds it, where it lies, and what the hold-out rule allows.

Teaches: preconditions. Only who has a thing can give it, only what lies somewhere can be found, and in the
training world nothing happens that would bring a held-out person, thing and place together. Leaves out: how
often each kind happens (`rules`). Lesson 02 explains it.
"""

from __future__ import annotations

from collections.abc import Callable

from .setting import Setting
from .state import PUTTING, State

__all__ = ["NEEDS", "barred", "the_other"]

FINDING = ("found", "picked_up", "saw")


def the_other(state: State, who: str) -> str:
    """The second of a story's two people."""
    return next(p for p in state.at if p != who)


def barred(world: Setting, state: State, who: str, thing: str | None = None) -> set[str]:
    """The places where `who` may not be with what they hold (and `thing`): the hold-out rule."""
    places: set[str] = set()
    if world.held_out:
        for held, holder in state.holder.items():
            if holder == who or held == thing:
                places |= world.held_out_places(who, held)
    return places


def _apart(world: Setting, state: State, thing: str, place: str | None) -> bool:
    """Whether the hold-out rule keeps the thing from one of the two at this place."""
    return any(world.is_held_out(person, thing, str(place)) for person in state.at)


def _just(state: State, thing: str, kinds: tuple[str, ...]) -> bool:
    """Whether the last event did one of these with the thing: nobody undoes at once what was done."""
    return state.last is not None and state.last.thing == thing and state.last.kind in kinds


def _take(world: Setting, state: State, who: str, thing: str) -> bool:
    return state.has(who, thing)


def _use(world: Setting, state: State, who: str, thing: str) -> bool:
    return state.has(who, thing) and not world.is_held_out(who, thing, str(state.at[who]))


def _put(world: Setting, state: State, who: str, thing: str) -> bool:
    return _use(world, state, who, thing) and not _just(state, thing, FINDING)


def _leave(world: Setting, state: State, who: str, thing: str) -> bool:
    """Beside what one has, one may leave somewhere what is the other's and close by."""
    if not state.is_open(thing) or state.has(who, thing):
        return _put(world, state, who, thing)
    able = any(state.has(who, own) for own in state.owner)
    return able and not world.is_held_out(who, thing, str(state.at[who]))


def _look(world: Setting, state: State, who: str, thing: str) -> bool:
    return state.lies[thing] is not None and not _just(state, thing, PUTTING)


def _find(world: Setting, state: State, who: str, thing: str) -> bool:
    return _look(world, state, who, thing) and state.lies[thing] not in barred(world, state, who, thing)


def _want(world: Setting, state: State, who: str, thing: str) -> bool:
    return state.lies[thing] is None and not state.has(who, thing)


def _give(world: Setting, state: State, who: str, thing: str) -> bool:
    return state.has(who, thing) and not _apart(world, state, thing, state.at[who])


def _borrow(world: Setting, state: State, who: str, thing: str) -> bool:
    return _give(world, state, the_other(state, who), thing)


def _ask(world: Setting, state: State, who: str, thing: str) -> bool:
    return state.lies[thing] is not None and not _apart(world, state, thing, state.lies[thing])


#: kind of event → whether this person can do it now with this thing
NEEDS: dict[str, Callable[[Setting, State, str, str], bool]] = {
    "took": _take, "carried": _take, "used": _use, **dict.fromkeys(PUTTING, _put), "left": _leave,
    **dict.fromkeys(FINDING, _find), "looked": _look, "wanted": _want,
    "gave": _give, "showed": _give, "borrowed": _borrow, "asked": _ask,
}  # fmt: skip
