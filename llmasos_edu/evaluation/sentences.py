"""Whether one sentence tells one event of a story, in any wording, and if not, what is wrong with it.

Teaches: the same event can be told in many ways ("Mia", "she", "the nurse"; "gave Tom it"), so a sentence is
judged by what it says and not by its letters: it is read in the state just before the event, and what was
read is compared. Leaves out: whole answers (`truth`). Lesson 11 explains it.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmasos_edu.tinyworld import World
from llmasos_edu.tinyworld.reading import broken, search
from llmasos_edu.tinyworld.state import Event, State

from .breaks import FATES, classes, kind_of

__all__ = ["error_in", "sentences_of", "told_by"]

#: What a sentence is compared by where all that it names belongs to the event: who before whom, and so on.
IN_ORDER = ("person", "colour", "thing", "place", "job")
#: Classes of words of which an event has its own.
NAMED = (*IN_ORDER, "act")
#: What is wrong with a sentence in which everything named is right.
FORM = ("other language", "no word", "pronoun")


def sentences_of(world: World, text: str) -> list[list[str]]:
    """The words of each sentence; what follows the last full stop is one more.

    Example:
        >>> sentences_of(World("en"), "Mia smiled. Tom")
        [[' Mia', ' smiled', '.'], [' Tom']]
    """
    if not text.strip():
        return []
    found: list[list[str]] = [[]]
    for word in world.words((" " if world.language == "en" else "") + text.strip()):
        found[-1].append(word)
        if word in (".", "。"):
            found.append([])
    return [sentence for sentence in found if sentence]


def told_by(world: World, words: Sequence[str], state: State) -> Event | None:
    """The event that a whole sentence tells in this state; None where it tells none."""
    if state.over:
        return None
    for event, _, match in search(world.grammar, state, words, 0):
        if match.whole and match.end == len(words):
            return Event(*event)
    return None


def error_in(world: World, words: Sequence[str], event: Event, state: State) -> str:
    """What is wrong with a sentence that should tell an event and does not.

    Args:
        world: The world, in the sentence's language.
        words: Of the sentence.
        event: What it should tell.
        state: What is true just before it.

    Returns:
        The kind of what is named wrongly first (``"person"``, ``"colour"``, ``"thing"``, ``"place"``,
        ``"job"``, ``"act"``); where all is named rightly, what stands in the wrong order; else what is
        wrong with its form (``"measure word"``, ``"article"``, ``"pronoun"``, ``"other language"``,
        ``"no word"``, ``"grammar"``).
    """
    said = classed(world, words)
    wanted = wanted_words(world, event, state)
    for word, kind in said:
        if kind in NAMED and word not in wanted:
            return kind
    right = classed(world, world.grammar.plain(event, state))
    for kind in (*IN_ORDER, "measure word", "article"):
        first, second = ([word for word, k in each if k == kind] for each in (said, right))
        if len(first) == len(second) and first != second:
            return kind
    if told_by(world, words, state):
        return "grammar"
    kind = kind_of(world, broken(world.grammar, words, 0, (), state))
    return kind if kind in FORM else "grammar"


def classed(world: World, words: Sequence[str]) -> list[tuple[str, str]]:
    """(word, its class): as in `breaks.classes`, and articles and 量词."""
    known, found, before = classes(world), [], ""
    for word in words:
        kind = "measure word" if before == "一" else "article" if word in (" a", " an") else ""
        found.append((word, kind or known.get(word, ("",))[0]))
        before = word
    return found


def wanted_words(world: World, event: Event, state: State) -> set[str]:
    """Every word that a sentence may have that tells the event."""
    grammar, (who, kind, thing, other, place, detail) = world.grammar, event
    things = [t for t in (thing, other) if t in world.thing_names]
    names = {who, thing, other, place, detail, state.job.get(str(who)), state.at.get(str(who))}
    names |= {state.colour.get(t) for t in things}
    if kind == "ending":
        for t in things:
            names |= {state.lies[t] or state.holder[t] or state.owner[t]}
    words = {w for template in grammar.templates[kind] for w in template.slots if isinstance(w, str)}
    words |= set(FATES[world.language]) | {grammar.word("was")} if kind == "ending" else set()
    for name in filter(None, names):
        said = grammar.where(name) if name in world.place_names else grammar.name(name)
        words |= {*grammar.words(said), *grammar.words(grammar.name(name)), f"{grammar.name(name)}的"}
    for t in things:
        words |= set(grammar.words(world.thing(t).use if world.language == "en" else world.thing(t).use_zh))
    return words
