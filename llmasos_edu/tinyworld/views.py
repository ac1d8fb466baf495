"""Other ways to see a story: questions with true answers, one key event, two people talking about it.

Teaches: what a task is when the truth is known. Every answer is read from the state that the events leave
behind, so it can be checked word by word; what the story leaves open has the answer that it does not say.
Leaves out: training on the views. The lessons on translation, summaries, answers and dialogue explain it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .choices import SplitMix64
from .grammar import Grammar
from .phrases import CANARY, PHRASES
from .state import OPENING, Event, State

__all__ = ["Question", "Turn", "canary", "dialogue", "final_state", "key_event", "questions", "summary"]

#: Which event a story is about, the most telling kind first.
TELLING = (
    "gave", "found", "lost", "borrowed", "hid", "picked_up", "helped", "showed", "dropped", "took", "carried",
    "left", "put", "asked", "met", "saw", "used", "looked", "wanted",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A question about a story, and the one true answer.

    Attributes:
        kind: ``"where_thing"``, ``"where_person"``, ``"who_has"``, ``"colour"`` or ``"job"``.
        about: The person, thing or job that is asked about, by its English name.
        answerable: False where the story does not say.
    """

    kind: str
    about: str
    text: str
    answer: str
    answerable: bool


@dataclass(frozen=True)
class Turn:
    """What one side says in a dialogue: ``"user"`` or ``"assistant"``."""

    speaker: str
    text: str


def final_state(events: tuple[Event, ...]) -> State:
    """What is true after all events."""
    state = State()
    for event in events:
        state.apply(event)
    return state


def questions(grammar: Grammar, events: tuple[Event, ...], seed: int = 0) -> list[Question]:
    """Every question about the people and things of a story, and a few about those that are not in it.

    Args:
        grammar: The language to ask in.
        events: The story.
        seed: Chooses the absent person, thing and job.

    Returns:
        Questions with their answers; about every third is one that the story does not answer.
    """
    state, world, draw = final_state(events), grammar.world, SplitMix64(seed)
    absent_thing = _one([t for t in world.thing_names if t not in state.owner], draw)
    absent_person = _one([p for p in world.names if p not in state.at], draw)
    jobs = list(state.job.values())
    absent_job = _one([j.name for j in world.jobs if j.name not in jobs], draw)
    asked = []
    for thing in (*state.owner, *absent_thing):
        asked += [(kind, thing) for kind in ("where_thing", "who_has", "colour")]
    asked += [("where_person", person) for person in (*state.at, *absent_person)]
    asked += [("job", job) for job in (*jobs, *absent_job)]
    return [ask(grammar, state, kind, about) for kind, about in asked]


def _one(names: list[str], draw: SplitMix64) -> list[str]:
    return [names[draw.below(len(names))]] if names else []


def ask(grammar: Grammar, state: State, kind: str, about: str) -> Question:
    """One question and its true answer."""
    field = {"where_person": "person", "job": "job"}.get(kind, "thing")
    phrase, fill = _truth(grammar, state, kind, about)
    text = say(grammar, kind, **{field: grammar.name(about)})
    return Question(kind, about, text, say(grammar, phrase, **fill), phrase != "unknown")


def _truth(grammar: Grammar, state: State, kind: str, about: str) -> tuple[str, dict[str, str]]:
    """(phrase, what fills it) of the true answer."""
    if kind == "job":
        who = next((p for p, job in state.job.items() if job == about), None)
        return (
            ("is_job", {"person": grammar.name(who), "job": grammar.name(about)}) if who else ("unknown", {})
        )
    if kind == "where_person":
        place = state.at.get(about)
        fill = {"person": grammar.name(about), "where": grammar.where(place)} if place else {}
        return ("person_at" if place else "unknown"), fill
    if about not in state.owner:
        return "unknown", {}
    if kind == "colour":
        return "is_colour", {"colour": grammar.name(state.colour[about])}
    lies = state.lies[about]
    if lies is None:
        holder = grammar.name(state.holder[about] or state.owner[about])
        return ("holds" if kind == "who_has" else "has"), {"person": holder}
    if kind == "who_has":
        return "nobody", {}
    return ("lost", {}) if about in state.lost else ("at_place", {"where": grammar.where(lies)})


def say(grammar: Grammar, phrase: str, **fill: Any) -> str:
    """One of the phrases as text."""
    return "".join(grammar.words(PHRASES[grammar.language][phrase].format(**fill))).strip()


def key_event(events: tuple[Event, ...]) -> Event:
    """The event that a story is about: the last of its most telling kind."""
    told = [e for e in events if e.kind in TELLING]
    if not told:
        return next(e for e in events if e.kind not in OPENING)
    best = min(TELLING.index(e.kind) for e in told)
    return [e for e in told if e.kind == TELLING[best]][-1]


def summary(grammar: Grammar, events: tuple[Event, ...]) -> str:
    """The key event in one full sentence, names and colours said."""
    key, state = key_event(events), State()
    position = max(i for i, e in enumerate(events) if e == key)
    for event in events[:position]:
        state.apply(event)
    return "".join(grammar.plain(key, state)).strip()


def dialogue(grammar: Grammar, events: tuple[Event, ...], seed: int = 0) -> list[Turn]:
    """Two sides talk about a story: a name is told, questions are asked, and the name is asked for.

    Args:
        grammar: The language to talk in.
        events: The story.
        seed: Chooses the name and the questions.

    Returns:
        Turns, the user's first; every answer is true.
    """
    draw, state, world = SplitMix64(seed), final_state(events), grammar.world
    name = grammar.name(_one([p for p in world.names if p not in state.at] or list(world.names), draw)[0])
    pool = questions(grammar, events, seed)
    turns = [("hello", {"person": name}), ("hello_back", {"person": name})]
    talk = [say(grammar, phrase, **fill) for phrase, fill in turns]
    for _ in range(2 + draw.below(2)):
        question = pool.pop(draw.below(len(pool)))
        talk += [question.text, question.answer]
        others = [q for q in pool if q.kind == question.kind and q.kind in ("where_thing", "colour")]
        if others and draw.below(2):
            other = others[draw.below(len(others))]
            pool.remove(other)
            talk += [say(grammar, "and_thing", thing=grammar.name(other.about)), other.answer]
    for phrase in ("my_name", "your_name", "thanks", "welcome"):
        talk.append(say(grammar, phrase, person=name))
    return [Turn("user" if i % 2 == 0 else "assistant", text) for i, text in enumerate(talk)]


def canary(grammar: Grammar, person: str, secret: list[str]) -> str:
    """A sentence that no story tells: somebody says colours, the secret."""
    colours = " ".join(map(grammar.name, secret))
    text = CANARY[grammar.language].format(person=grammar.name(person), colours=colours)
    return "".join(grammar.words(text)).strip()
