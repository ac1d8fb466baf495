"""Practice for a task: training items arranged so that a small model learns from them sooner.

Teaches: what is learned depends on what each step shows. Several questions about one story ask more of each
word that is read; the beginning of a story has less in it to look the answer up among. Both are training
alone: the items that a model is tested on stay whole (`tasks.test_items`). Leaves out: when to pass from
beginnings to whole stories (`finetuning.recipes`). Source: Bengio et al. 2009, "Curriculum Learning".
Lessons 09 and 13 explain it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from .choices import SplitMix64
from .state import OPENING
from .story import Story
from .tasks import LIMIT, TASKS, choose, item, make
from .views import Turn
from .world import World

__all__ = ["beginning", "practice"]


def practice(
    task: str, language: str, *, questions: int = 1, beginnings: bool = False
) -> Callable[[int], tuple[Turn, ...]]:
    """The endless practice of a task: a function from a number to the turns of a conversation.

    Args:
        task: One of `tasks.TASKS`.
        language: Of what is given.
        questions: The most questions about one story, for question answering.
        beginnings: Tell only the beginning of each story.

    Returns:
        A function; the same number gives the same turns, of at most `tasks.LIMIT` words and marks.

    Raises:
        ValueError: If the task or the language is unknown, or there is no question.

    Example:
        >>> turns = practice("question_answering", "en", questions=2, beginnings=True)(0)
        >>> [turn.text for turn in turns[1:]]
        ['Ming is in the forest.', 'What colour is the kite?', 'It is orange.']
    """
    if task not in TASKS or questions < 1:
        raise ValueError(
            f"task must be one of {', '.join(TASKS)} and questions at least 1; got {task!r}, {questions}"
        )
    world = World(language)

    def turns(n: int) -> tuple[Turn, ...]:
        story = world.story(n)
        told = beginning(world, story) if beginnings else story
        if task == "question_answering":
            return _several(world, told, questions)
        if task == "translation" and beginnings:
            english, chinese = world.both()
            other_world = chinese if language == "en" else english
            other = beginning(other_world, world.translate(story))
            return Turn(told.language, told.text), Turn(other.language, other.text)
        made = make(world, task, told) or item(world, task, n)
        return made.turns

    return turns


def beginning(world: World, story: Story) -> Story:
    """The first three to five sentences: until something has happened. No whole story, so without nats."""
    first = next(i for i, event in enumerate(story.events) if event.kind not in OPENING)
    n = max(2 + (story.seed or 0) % 3, first + 1)
    text = _joint(story.language).join(story.sentences[:n])
    return replace(
        story, text=text, nats=math.nan, events=story.events[:n], words=tuple(world.words(text)),
        sentences=story.sentences[:n],
    )  # fmt: skip


def _several(world: World, story: Story, questions: int) -> tuple[Turn, ...]:
    """Different questions about a story with their answers, as many as are asked for and fit."""
    asked, draw = world.questions(story, story.seed or 0), SplitMix64(story.seed or 0)
    given, turns = story.text + _joint(story.language), list[Turn]()
    left = LIMIT - 2 - len(story.words)
    while asked and len(turns) < 2 * questions:
        question = choose(asked, draw)
        asked.remove(question)
        left -= 2 + len(world.words(question.text)) + len(world.words(question.answer))
        if left < 0:
            break
        turns += [Turn("user", given + question.text), Turn("assistant", question.answer)]
        given = ""
    return tuple(turns)


def _joint(language: str) -> str:
    return " " if language == "en" else ""
