"""What one person can do with the things and people of a story, at one moment.

Teaches: preconditions. Only who holds a thing can give it, only what lies here can be picked up, and in
the training world nothing is offered that would bring a held-out person, thing and place together.
Lesson 02 explains it.
"""

from __future__ import annotations

from .setting import Setting
from .state import State

__all__ = ["GOING", "HERE", "TAKING", "barred", "deeds"]

GOING = ("went", "walked", "ran", "hurried")
TAKING = ("took", "carried")
PUTTING = ("left", "lost", "hid")
HERE = ("waited", "sang", "slept", "rested", "sat", "whistled")  # what one can always do, anywhere
MOODS = {"glad": ("smiled", "laughed", "danced", "cheered"), "sad": ("sighed", "cried", "frowned")}

Pairs = dict[str, list[tuple[int, tuple[str | None, str | None]]]]  # kind → (weight, (thing, other))


def barred(world: Setting, state: State, who: str, thing: str | None = None) -> set[str]:
    """The places where `who` may not be with what they hold (and `thing`): the hold-out rule."""
    places: set[str] = set()
    if world.held_out:
        for held, holder in state.holder.items():
            if holder == who or held == thing:
                places |= world.held_out_places(who, held)
    return places


def may_be(world: Setting, state: State, who: str, place: str) -> bool:
    """Whether `who` may be at `place` with all that they hold."""
    return place not in barred(world, state, who)


def deeds(world: Setting, state: State, who: str) -> Pairs:
    """What `who` can do now, going and resting aside: for each kind of event, with which thing and whom.

    Returns:
        kind → (weight, (thing, other)) pairs, none empty. What suits somebody's wishes weighs more.
    """
    if state.deeds and state.deeds[0] == who:
        return state.deeds[1]
    able: Pairs = {}
    company = _company(world, state, who)
    for thing, holder in state.holder.items():
        lies = state.lies[thing]
        if holder == who or (holder is None and lies is None):
            _at_hand(world, state, who, thing, company, able)
        elif lies is not None:
            _lying(world, state, who, thing, lies, able)
        if holder != who and (holder or lies is None):
            _borrowing(world, state, who, thing, company, able)
        if state.owner[thing] != who and holder != who and who not in state.wants:
            able.setdefault("wanted", []).append((1, (thing, None)))
        _seeking(world, state, who, thing, company, able)
    _feeling(state, who, company, able)
    last = state.last
    if last and last.who == who and last.kind in able:  # nobody does the same twice running
        able[last.kind] = [pair for pair in able[last.kind] if pair[1][0] != last.thing]
        if not able[last.kind]:
            del able[last.kind]
    state.deeds = (who, able)
    return able


def _company(world: Setting, state: State, who: str) -> list[tuple[str, str]]:
    """(person, place) of those who are here, or who may be, where nobody has told one of the two places."""
    here = state.at[who]
    found = []
    for person, there in state.at.items():
        if person == who:
            continue
        if here is not None and (there == here or (there is None and may_be(world, state, person, here))):
            found.append((person, here))
        elif here is None and there is not None and may_be(world, state, who, there):
            found.append((person, there))
    return found


def _at_hand(
    world: Setting, state: State, who: str, thing: str, company: list[tuple[str, str]], able: Pairs
) -> None:
    """What one does with a thing that one holds, or that is still close by."""
    here, own = state.at[who], state.owner[thing] == who
    mine = own or state.holder[thing] == who
    weight = 2 if mine else 1
    for kind in TAKING:
        able.setdefault(kind, []).append((weight, (thing, None)))
    if here is not None and world.is_held_out(who, thing, here):
        return
    if ("used", who, thing, here) not in state.done:
        able.setdefault("used", []).append((weight, (thing, None)))
    last = state.last
    if not (last and last.who == who and last.thing == thing and last.kind in ("picked_up", "found")):
        for kind in PUTTING:
            able.setdefault(kind, []).append((weight, (thing, None)))
    for person, place in company if mine else ():
        if world.is_held_out(who, thing, place) or world.is_held_out(person, thing, place):
            continue
        if last and last.thing == thing and last.kind in ("gave", "borrowed"):
            continue  # nobody gives back at once
        wish = state.owner[thing] == person or state.wants.get(person) == thing
        able.setdefault("gave", []).append((4 if wish else 1, (thing, person)))
        if state.owner[thing] != person:
            able.setdefault("showed", []).append((1, (thing, person)))


def _lying(world: Setting, state: State, who: str, thing: str, lies: str, able: Pairs) -> None:
    """What one does with a thing that lies where one is, or may be."""
    here, last = state.at[who], state.last
    if here != lies and not (here is None and may_be(world, state, who, lies)):
        return
    just_put = last is not None and last.who == who and last.thing == thing and last.kind in PUTTING
    if just_put or world.is_held_out(who, thing, lies):
        return
    keen = state.owner[thing] == who or state.wants.get(who) == thing
    lost = thing in state.missing and state.missing[thing] != ("hid", who)
    able.setdefault("found" if lost else "picked_up", []).append((3 if keen else 1, (thing, None)))
    if not lost:
        able.setdefault("saw", []).append((1, (thing, None)))


def _borrowing(
    world: Setting, state: State, who: str, thing: str, company: list[tuple[str, str]], able: Pairs
) -> None:
    """Somebody here has it: holds it, or owns it while it is open."""
    if state.owner[thing] == who:
        return
    keeper = state.holder[thing] or state.owner[thing]
    for person, place in company:
        if person == keeper and not (
            world.is_held_out(who, thing, place) or world.is_held_out(person, thing, place)
        ):
            wish = state.wants.get(who) == thing
            able.setdefault("borrowed", []).append((4 if wish else 1, (thing, person)))


def _seeking(
    world: Setting, state: State, who: str, thing: str, company: list[tuple[str, str]], able: Pairs
) -> None:
    """Looking for a thing, asking for it: for who owns or wants it and does not see it."""
    here, lies = state.at[who], state.lies[thing]
    keen = state.owner[thing] == who or state.wants.get(who) == thing
    if not keen or state.holder[thing] == who or state.is_open(thing) or (here is not None and lies == here):
        return
    gone = thing in state.missing and state.missing[thing] != ("hid", who)
    searched = ("looked", who, thing, here) in state.done or world.is_held_out(who, thing, str(here))
    if gone and here is not None and not searched:
        able.setdefault("looked", []).append((3, (thing, None)))
    if ("asked", who, thing) in state.done or state.handled.get(thing) == who:
        return  # nobody asks twice, or for what they know
    for person, _ in company if state.left() > 1 else ():  # an answer must still follow
        told = lies if state.knows(person, thing) else None
        if told and (world.is_held_out(who, thing, told) or world.is_held_out(person, thing, told)):
            continue
        able.setdefault("asked", []).append((2, (thing, person)))


def _feeling(state: State, who: str, company: list[tuple[str, str]], able: Pairs) -> None:
    """Meeting, and what follows at once from what has just happened."""
    last, here = state.last, state.at[who]
    arrived = last is not None and last.who == who and last.kind in (*GOING, *TAKING)
    for person, _ in company:
        if arrived or state.at[person] is None or here is None:
            able.setdefault("met", []).append((1, (None, person)))
        else:
            able.setdefault("helped", []).append((1, (None, person)))
    if state.echo and state.echo[0] == who:
        _, mood, giver = state.echo
        for kind in MOODS[mood]:
            able[kind] = [(1, (None, None))]
        if giver:
            able["thanked"] = [(1, (None, giver))]
