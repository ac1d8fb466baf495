"""Exact truth of an answer: a translation, a summary, an answer or a dialogue, judged by what it says.

Teaches: string metrics compare letters; a world that is known completely says whether an answer is true, and
if not, what kind of mistake it is. Leaves out: string metrics (`text_metrics`), and how often a number can be
trusted (`intervals`). Lessons 11 to 14 explain it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmasos_edu.tinyworld import World
from llmasos_edu.tinyworld.state import Event, State
from llmasos_edu.tinyworld.tasks import Item
from llmasos_edu.tinyworld.views import key_event

from .replies import error_of, is_refusal
from .sentences import classed, error_in, sentences_of, told_by

__all__ = ["ERRORS", "Truth", "error_counts", "truth"]

#: kind of error → what it means
ERRORS = {
    "person": "somebody else",
    "colour": "another colour",
    "thing": "another thing",
    "place": "another place",
    "job": "another job",
    "act": "something else happens",
    "order": "an event of the story, told at another place",
    "missing": "a sentence or turn that does not come",
    "extra": "a sentence or turn too many",
    "measure word": "another 量词 than the thing's",
    "article": "a for an, or an for a",
    "pronoun": "she, he or it, where it is not clear who or what is meant",
    "other language": "a word of the other language",
    "no word": "letters that are no word of this world",
    "grammar": "a sentence that the world does not make",
    "another event": "true, and not the key event (a summary)",
    "refused": "says that the story does not say, and it does",
    "invented": "an answer where the story does not say",
    "name": "another name than the user's",
    "off the point": "an answer to another question",
    "no reply": "no reply of this world",
}


@dataclass(frozen=True)
class Truth:
    """What is true of one answer.

    Attributes:
        exact: Whether it equals the reference, letter by letter.
        kinds: For each sentence of a translation, each turn of a dialogue, or the one sentence of a summary
            or answer, what is wrong with it: one of `ERRORS`, or "" where it is right. What stands beyond
            the reference is ``"extra"``.
        refused: Whether it says that the story does not say (question answering).
    """

    exact: bool
    kinds: tuple[str, ...]
    refused: bool = False

    @property
    def right(self) -> bool:
        """Whether all of it is right."""
        return not any(self.kinds)

    @property
    def share(self) -> float:
        """The share of its sentences or turns that are right, between 0 and 1; what is too many counts."""
        return self.kinds.count("") / len(self.kinds)

    @property
    def faithful(self) -> bool:
        """Whether it tells nothing but what the story tells (a summary)."""
        return set(self.kinds) <= {"", "another event"}


def truth(item: Item, answer: str | Sequence[str], world: World | None = None) -> Truth:
    """Judge the answer to an item by the world.

    Args:
        item: What was asked.
        answer: What was answered; for a dialogue all answers in order, one a turn.
        world: The item's world, where it is not `World(item.language, held_out=False)`.

    Returns:
        What is true of the answer.

    Raises:
        TypeError: If a dialogue's answer is one text, or another task's several.
        ValueError: If an item's reference is no reply of the world (questions, dialogues), or its story is
            none of the world (translations, summaries).

    Example:
        >>> from llmasos_edu.tinyworld.tasks import training
        >>> item = training("question_answering", "en")(3)  # the story does not say
        >>> truth(item, "It is in the park.").kinds
        ('invented',)
    """
    several = item.task == "dialogue"
    if isinstance(answer, str) == several:
        wanted = "a list of texts, one a turn" if several else "one text"
        raise TypeError(f"the answer to {item.task} must be {wanted}; got {type(answer).__name__}")
    world = world or World(item.language, held_out=False)
    if several:
        return _talked(item, list(answer), world)
    text = str(answer).strip()
    exact = text == item.reference
    if item.task == "translation":
        return Truth(exact, _translated(item, text, world))
    if item.task == "summarization":
        return Truth(exact, (_summarized(item, text, world),))
    return Truth(exact, (error_of(world, text, item.reference),), is_refusal(world, text))


def error_counts(truths: Iterable[Truth]) -> dict[str, int]:
    """How often each kind of error occurs, the most frequent first.

    Example:
        >>> error_counts([Truth(False, ("", "place", "place")), Truth(True, ("",)), Truth(False, ("act",))])
        {'place': 2, 'act': 1}
    """
    counts = Counter(kind for each in truths for kind in each.kinds if kind)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _states(events: Sequence[Event]) -> list[State]:
    """The state before each event."""
    found = []
    for n in range(len(events)):
        state = State()
        for event in events[:n]:
            state.apply(event)
        found.append(state)
    return found


def _translated(item: Item, text: str, world: World) -> tuple[str, ...]:
    """Sentence n of the answer is right if, in the state before event n, it tells event n."""
    events = world.parse(item.story).events
    target = next(w for w in world.both() if w.language == item.turns[-1].speaker)
    told = sentences_of(target, text)
    story = list(zip(events, _states(events), strict=True))
    kinds = []
    for (event, state), words in zip(story, told, strict=False):
        if told_by(target, words, state) == event:
            kinds.append("")
        elif _told(target, words, story):
            kinds.append("order")
        else:
            kinds.append(error_in(target, words, event, state))
    missing, extra = len(events) - len(told), len(told) - len(events)
    return (*kinds, *["missing"] * missing, *["extra"] * extra)


def _told(world: World, words: Sequence[str], story: list[tuple[Event, State]]) -> set[Event]:
    """The events of a story that a sentence tells, each read where it stands."""
    return {event for event, state in story if told_by(world, words, state) == event}


def _summarized(item: Item, text: str, world: World) -> str:
    """A summary is right if it tells the key event, and faithful if it tells any event of the story."""
    events = world.parse(item.story).events
    said = sentences_of(world, text)
    if len(said) != 1:
        return "extra" if said else "missing"
    (words,) = said
    key, story = key_event(events), list(zip(events, _states(events), strict=True))
    told = _told(world, words, story)
    if told and any(kind == "pronoun" for _, kind in classed(world, words)):
        return "pronoun"
    if told:
        return "" if key in told else "another event"
    return _nearest(world, words, key, story)


def _nearest(world: World, words: Sequence[str], key: Event, story: list[tuple[Event, State]]) -> str:
    """What is wrong with a false summary: compared with the event that shares most words with it."""

    def alike(pair: tuple[Event, State]) -> tuple[int, bool]:
        return len(set(words) & set(world.grammar.plain(*pair))), pair[0] == key

    return error_in(world, words, *max(story, key=alike))


def _talked(item: Item, answers: list[str], world: World) -> Truth:
    """Each turn is right if it says what the reference says."""
    references = [turn.text for turn in item.turns[1::2]]
    kinds = [
        error_of(world, said, right) if said.strip() else "missing"
        for said, right in zip(answers, references, strict=False)
    ]
    kinds += ["missing"] * (len(references) - len(answers)) + ["extra"] * (len(answers) - len(references))
    return Truth([a.strip() for a in answers] == references, tuple(kinds))
