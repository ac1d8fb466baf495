"""Whether a reply says what is true and was asked: answers to questions, and the turns of a dialogue.

Teaches: a world with few phrases has few possible replies, so each can be looked up and compared by what it
says: a refusal, a wrong place and an answer to another question are three different errors. Leaves out: the
sentences of stories (`sentences`). Lesson 13 explains it.
"""

from __future__ import annotations

from functools import lru_cache

from llmasos_edu.tinyworld import World
from llmasos_edu.tinyworld.views import say

__all__ = ["error_of", "is_refusal"]

Reply = tuple[str, dict[str, str]]  # the phrase, and what fills it by the English names
#: Phrases that answer the same question; what they say wrong is of this kind.
SAME_QUESTION = (
    ("place", ("at_place", "lost", "holder")), ("person", ("holder", "nobody")),
    ("place", ("person_at",)), ("colour", ("is_colour",)), ("person", ("is_job",)),
    ("name", ("hello_back",)), ("name", ("your_name",)), ("name", ("welcome",)),
)  # fmt: skip
#: Phrases that answer no question.
COURTESY = ("hello_back", "welcome")


@lru_cache(maxsize=8)
def replies(world: World) -> dict[str, Reply]:
    """Every reply that the world has: text → what it says. "Has" and "holds" say the same: the holder."""
    grammar = world.grammar
    people, places = world.names, world.place_names
    found: dict[str, Reply] = {say(grammar, phrase): (phrase, {}) for phrase in ("nobody", "lost", "unknown")}
    for place in places:
        where = grammar.where(place)
        found[say(grammar, "at_place", where=where)] = ("at_place", {"place": place})
        for person in people:
            text = say(grammar, "person_at", person=grammar.name(person), where=where)
            found[text] = ("person_at", {"person": person, "place": place})
    for colour in world.colours:
        found[say(grammar, "is_colour", colour=grammar.name(colour.name))] = (
            "is_colour",
            {"colour": colour.name},
        )
    for person in people:
        for phrase in ("has", "holds", "hello_back", "your_name", "welcome"):
            kind = "holder" if phrase in ("has", "holds") else phrase
            found[say(grammar, phrase, person=grammar.name(person))] = (kind, {"person": person})
        for job in world.jobs:
            text = say(grammar, "is_job", person=grammar.name(person), job=grammar.name(job.name))
            found[text] = ("is_job", {"person": person, "job": job.name})
    return found


def is_refusal(world: World, text: str) -> bool:
    """Whether a reply is that the story does not say."""
    return text.strip() == say(world.grammar, "unknown")


def error_of(world: World, reply: str, reference: str) -> str:
    """What is wrong with a reply.

    Args:
        world: The world, in the reply's language.
        reply: What was said.
        reference: The true reply.

    Returns:
        "" where both say the same; else ``"refused"`` (the story does say), ``"invented"`` (it does not),
        ``"name"``, ``"person"``, ``"place"``, ``"colour"``, ``"job"``, ``"off the point"`` (an answer to
        another question), or ``"no reply"`` (what no reply of the world is).

    Raises:
        ValueError: If the reference is no reply of the world.

    Example:
        >>> error_of(World("en"), "It is in the park.", "It is at the lake.")
        'place'
    """
    known = replies(world)
    right = known.get(reference.strip())
    if right is None:
        raise ValueError(f"the reference must be a reply of this world; got {reference!r}")
    said = known.get(reply.strip())
    if said is None:
        return "no reply"
    if said == right:
        return ""
    if said[0] == "unknown" and right[0] not in COURTESY:
        return "refused"
    if right[0] == "unknown" and said[0] not in COURTESY:
        return "invented"
    return _difference(said, right)


def _difference(said: Reply, right: Reply) -> str:
    """The kind of a reply that says something else."""
    if said[0] == right[0] in ("person_at", "is_job"):
        return next(field for field in right[1] if said[1][field] != right[1][field])
    for kind, phrases in SAME_QUESTION:
        if said[0] in phrases and right[0] in phrases:
            return "person" if said[0] == right[0] == "holder" else kind
    return "off the point"
