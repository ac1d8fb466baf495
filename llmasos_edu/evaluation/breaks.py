"""What broke in a text that is no story of the world: the kind of its first wrong word.

Teaches: a model that is wrong is wrong about something. The world says which word cannot stand and what is
true just before it; from these two follows whether the model lost the grammar, a colour, a place, or who has
what. Leaves out: what comes after the first wrong word, since nothing is true there any more. Lesson 07
explains it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from llmasos_edu.tinyworld import END, TinyWorldError, World

__all__ = ["KINDS", "kind_of"]

#: kind → what it means
KINDS = {
    "no word": "letters that are no word of this world",
    "other language": "a word of the other language",
    "grammar": "a word that no sentence has at this place",
    "pronoun": "she, he or it, where it is not clear who or what is meant",
    "introduced twice": "as new: a person, thing, colour or job that the story already has",
    "not in the story": "somebody or something that nobody has introduced",
    "colour": "a thing in another colour than its own",
    "thing": "does with a thing what cannot be done with it now: it is not at hand, or not lying there",
    "place": "a place where the person or the thing is not",
    "person": "somebody of the story whom this sentence cannot be about",
    "act": "something that nobody can do now",
    "ending": "an ending that tells it otherwise than the story",
    "goes on": "words after the ending",
    "no ending": "the text stops before its ending",
    "held out": "possible, but this person, thing and place are kept apart in the training world",
}
#: Words of the templates that say by themselves nothing of what happens.
SMALL = {
    "en": frozenset((".", " the", " to", " from", " down", " up", " for", " where", " it", " not", " know",
                     " with", " In", " end", " and")),
    "zh": frozenset(("。", "，", "它", "哪里", "不", "知道", "最后")),
}  # fmt: skip
#: What can follow a thing in the ending.
FATES = {"en": frozenset((" with", " still", " in", " at", " on", " so", " the")), "zh": frozenset("在还也")}
ARTICLES = frozenset((" a", " an", "一"))


@lru_cache(maxsize=8)
def classes(world: World) -> dict[str, tuple[str, str]]:
    """word → (its class, the English name of what it stands for), for the words that have a class."""
    grammar = world.grammar
    entries: dict[str, tuple[Any, ...]] = {
        "person": world.people, "place": world.places, "thing": world.things,
        "colour": world.colours, "job": world.jobs,
    }  # fmt: skip
    found = {word: ("act", word) for word in grammar.literals() - SMALL[world.language]}
    for thing in world.things:
        found[grammar.word(thing.use if world.language == "en" else thing.use_zh)] = ("act", thing.name)
    for word in ("She", "He", "They", "it") if world.language == "en" else ("她", "他", "TA", "它"):
        found[grammar.word(word)] = ("pronoun", word)
    for preposition in {f" {place.preposition}" for place in world.places if world.language == "en"}:
        found[preposition] = ("place", preposition)  # in where only at can follow: another place was meant
    for kind, members in entries.items():
        for entry in members:
            name = grammar.name(entry.name) + ("的" if kind == "colour" and world.language == "zh" else "")
            found[grammar.word(name)] = (kind, entry.name)
    return found


def kind_of(world: World, error: TinyWorldError) -> str:
    """The kind of the first wrong word.

    Args:
        world: The world that refused the text.
        error: What it said.

    Returns:
        One of `KINDS`.

    Example:
        >>> world = World("en")
        >>> try:
        ...     world.parse("Mia had a red kite. Tom had a red drum.")
        ... except ValueError as error:
        ...     print(kind_of(world, error))
        introduced twice
    """
    word = error.word
    if error.held_out:
        return "held out"
    if word == END:
        return "no ending"
    if error.expected == (END,):
        return "goes on"
    if word not in world.lexicon:
        return "other language" if _of_the_other(world, word) else "no word"
    if not error.begun:
        return _subject(world, error)
    if error.begun[0] in (" In", "最后"):
        return _in_ending(world, error)
    return _within(world, error)


def _of_the_other(world: World, word: str) -> bool:
    """Whether a word is one of the other language, or 中文 grown onto an English one, which has no space."""
    other = world.both()[world.language == "en"]
    if word.isspace():
        return other.language == "en"  # 中文 has no spaces
    return any(word.strip() == w.strip() or (other.language == "zh" and w in word) for w in other.lexicon)


def _subject(world: World, error: TinyWorldError) -> str:
    """A sentence that begins with the wrong word."""
    state, (kind, entry) = error.before.state, classes(world).get(error.word, ("", ""))
    if error.word in (" In", "最后"):
        return "act"  # the ending, before its time
    if kind == "person":
        return "person" if entry in state.at else "not in the story"
    if kind == "job":
        return "person" if entry in state.job.values() else "not in the story"
    if error.word == " The":
        return "person" if state.job else "not in the story"
    return "pronoun" if kind == "pronoun" else "grammar"


def _in_ending(world: World, error: TinyWorldError) -> str:
    """The ending names each thing, in the order of the story, and says what became of it."""
    fates, known = FATES[world.language], classes(world)

    def part(word: str) -> str:
        kind = "fate" if word in fates else known.get(word, ("",))[0]
        return "where" if kind in ("person", "place") else kind

    told = part(error.word) in ("fate", "where", "thing", "colour")
    return "ending" if told and part(error.word) in map(part, error.expected) else "grammar"


def _within(world: World, error: TinyWorldError) -> str:
    """A wrong word inside a sentence."""
    kind, entry = classes(world).get(error.word, ("", ""))
    state = error.before.state
    if kind == "pronoun" and any(
        word in (" the", " The") or _is_thing(world, word) for word in error.expected
    ):
        return "pronoun"
    if {error.word, *error.expected} == {" a", " an"}:
        return "introduced twice"  # no colour or job is left that the other article could announce
    if error.begun[-1] == "一":
        measures = [world.thing(thing).measure for thing in state.owner]
        return "introduced twice" if error.word in measures else "grammar"
    if ARTICLES & set(error.begun) and kind in ("thing", "colour", "job"):
        taken = (*state.owner, *state.colour.values(), *state.job.values())
        return "introduced twice" if entry in taken and _same_class(world, error) else "grammar"
    if not _same_class(world, error):
        return "grammar"
    if kind in ("person", "job"):
        return "person" if entry in (*state.at, *state.job.values()) else "not in the story"
    if kind == "colour":
        return "thing" if entry in state.colour.values() else "colour"
    if kind == "thing":
        return "colour" if entry in state.owner else "not in the story"
    return kind  # place or act


def _is_thing(world: World, word: str) -> bool:
    return classes(world).get(word, ("",))[0] in ("thing", "colour")


def _same_class(world: World, error: TinyWorldError) -> bool:
    """Whether a word of the same class could have stood there."""
    known = classes(world)
    kind = known.get(error.word, ("", ""))[0]
    return bool(kind) and any(known.get(word, ("", ""))[0] == kind for word in error.expected)
