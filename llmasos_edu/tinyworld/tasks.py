"""Four tasks as conversations: translation, summarization, question answering, dialogue.

Teaches: a task is text that is given and text that is wanted. Item number n of a task is made from story
seed n of the training world, so training data never ends; the frozen test items come from the full world,
and each of their stories tells a held-out combination, so no training story is among them. Leaves out: how
a model learns from items (`finetuning`) and how answers are judged (`evaluation`). Lesson 09 explains it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llmasos_edu.files import data_dir

from .choices import SplitMix64
from .story import Story, TinyWorldError
from .views import Question, Turn
from .world import RESERVED, World

__all__ = ["LIMIT", "TASKS", "Item", "held_out_combination", "item", "make", "test_items", "training"]

TASKS = ("translation", "summarization", "question_answering", "dialogue")
#: An item has at most so many words and marks: the base model's context.
LIMIT = 256
#: Where a story gives no item short enough, the seed this much further on is tried.
STRIDE = 10**9
#: Of an item in the files.
FIELDS = ("seed", "kind", "about", "answerable", "story", "turns")
#: Of ten questions, so many are ones that the story does not answer.
UNANSWERABLE = 3


@dataclass(frozen=True)
class Item:
    """One item of a task.

    Attributes:
        task: One of `TASKS`.
        language: Of what is given, ``"en"`` or ``"zh"``.
        seed: Of the story.
        turns: Given, answer, given, answer …; speakers ``"user"`` and ``"assistant"``, for translation
            ``"en"`` and ``"zh"``.
        kind: What is asked, for question answering (`Question.kind`); else the task.
        about: The person, thing or job that is asked about, by its English name; else empty.
        answerable: False where the story does not answer the question.
        story: The story's text in `language`.
    """

    task: str
    language: str
    seed: int
    turns: tuple[Turn, ...]
    kind: str
    about: str
    answerable: bool
    story: str

    @property
    def reference(self) -> str:
        """The last answer."""
        return self.turns[-1].text


def training(task: str, language: str, start: int = 0) -> Callable[[int], Item]:
    """The endless training items of a task: a function from a number to an item.

    Args:
        task: One of `TASKS`.
        language: Of what is given.
        start: Added to each number.

    Returns:
        A function; the same number gives the same item.

    Raises:
        ValueError: If the task or the language is unknown.

    Example:
        >>> training("question_answering", "en")(3).turns[1].text
        'The story does not say.'
    """
    world = _world(task, language, held_out=True)
    return lambda n: item(world, task, start + n)


def item(world: World, task: str, seed: int) -> Item:
    """The item of a story's seed; where the story is too long for the task, of a later seed.

    Args:
        world: The world and language of what is given.
        task: One of `TASKS`.
        seed: A story's seed.

    Returns:
        An item of at most `LIMIT` words and marks.

    Raises:
        ValueError: If the seed is out of range.
    """
    while True:
        story = world.story(seed)
        made = make(world, task, story)
        if made:
            return made
        seed = (seed + STRIDE) % RESERVED


def make(world: World, task: str, story: Story, about: tuple[str, ...] = ()) -> Item | None:
    """A story's item, or None where it does not fit into `LIMIT` words and marks.

    Args:
        world: The world and language of what is given.
        task: One of `TASKS`.
        story: Its story, in the world's language.
        about: People, things and jobs that a question should be about, where one can be.

    Returns:
        The item; a dialogue leaves out its last questions until it fits, and keeps at least one.
    """
    seed, joint = story.seed or 0, " " if world.language == "en" else ""
    if task == "translation":
        other = world.translate(story)
        said = [(story.language, story.text), (other.language, other.text)]
        return _fitting(world, task, story, [Turn(*s) for s in said])
    if task == "summarization":
        return _fitting(world, task, story, _talk(story.text, world.summary(story)))
    if task == "question_answering":
        asked = choose(world.questions(story, seed), SplitMix64(seed), about)
        turns = _talk(f"{story.text}{joint}{asked.text}", asked.answer)
        return _fitting(world, task, story, turns, asked)
    talk = world.dialogue(story, seed)
    talk[0] = Turn("user", f"{story.text}{joint}{talk[0].text}")
    while len(talk) > 8:  # greeting, one question, name, thanks: two turns each
        if found := _fitting(world, task, story, talk):
            return found
        del talk[-6:-4]  # the last question and its answer
    return _fitting(world, task, story, talk)


def choose(asked: list[Question], draw: SplitMix64, about: tuple[str, ...] = ()) -> Question:
    """One question: three in ten that the story does not answer, then each kind that there is as likely.

    Args:
        asked: All questions about a story.
        draw: Draws.
        about: What it should be about, where one can be and the story answers it.

    Returns:
        The question.
    """
    answerable = draw.below(10) >= UNANSWERABLE
    pool = [q for q in asked if q.answerable == answerable] or asked
    if answerable:
        pool = [q for q in pool if q.about in about] or pool
    kinds = sorted({q.kind for q in pool})
    kind = kinds[draw.below(len(kinds))]
    pool = [q for q in pool if q.kind == kind]
    return pool[draw.below(len(pool))]


def held_out_combination(story: Story) -> tuple[str, str, str] | None:
    """The first held-out (person, thing, place) of a story; None where the training world can tell it.

    Args:
        story: A story of the full world.

    Returns:
        Names in English, or None; also None where another consequence of the hold-out rule bars it.
    """
    try:
        World(story.language).parse(story.text)
    except TinyWorldError as error:
        return error.held_out
    return None


def test_items(task: str, language: str) -> list[Item]:
    """The frozen test items of a task, from `data/<task>/<language>.jsonl`.

    Args:
        task: One of `TASKS`.
        language: Of what is given.

    Returns:
        The items, in the file's order.

    Raises:
        FileNotFoundError: If the file is missing; says which command writes it.
        ValueError: If the task or the language is unknown, or a line of the file is no item: says which.
    """
    _world(task, language, held_out=False)
    path = data_dir() / task / f"{language}.jsonl"
    if not path.is_file():
        raise FileNotFoundError(
            f"the test items {path} are missing; write them with: python -m benchmarks.freeze_tasks"
        )
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            found.append(_read(task, language, json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(
                f"{path}, line {number}: expected a JSON object with {', '.join(FIELDS)}, where turns are "
                f"pairs of speaker and text; got {line[:60]!r}. To write it again: "
                "python -m benchmarks.freeze_tasks"
            ) from error
    return found


vars(test_items)["__test__"] = False  # its name is no test's: pytest leaves it alone


def _read(task: str, language: str, line: dict[str, Any]) -> Item:
    (speaker, asked), *said = line.pop("turns")
    given = f"{line['story']}{' ' if asked and language == 'en' else ''}{asked}"
    return Item(task, language, turns=(Turn(speaker, given), *(Turn(*pair) for pair in said)), **line)


def _world(task: str, language: str, held_out: bool) -> World:
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}; got {task!r}")
    return World(language, held_out=held_out)


def _talk(given: str, answer: str) -> list[Turn]:
    return [Turn("user", given), Turn("assistant", answer)]


def _fitting(
    world: World, task: str, story: Story, turns: list[Turn], asked: Question | None = None
) -> Item | None:
    """The item of these turns, if its words, a mark for each turn and both ends fit."""
    worlds = {w.language: w for w in world.both()}
    words = sum(len(worlds.get(t.speaker, world).words(t.text)) for t in turns)
    if words + len(turns) + 2 > LIMIT:
        return None
    kind, about, answerable = (asked.kind, asked.about, asked.answerable) if asked else (task, "", True)
    return Item(task, world.language, story.seed or 0, tuple(turns), kind, about, answerable, story.text)
