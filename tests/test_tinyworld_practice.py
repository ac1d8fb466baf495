"""Practice: beginnings of stories, several questions about one; every answer is still what the story says."""

import math

import pytest

from llmasos_edu.tinyworld import World
from llmasos_edu.tinyworld.practice import beginning, practice
from llmasos_edu.tinyworld.state import OPENING
from llmasos_edu.tinyworld.tasks import LIMIT, TASKS, training


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("task", TASKS)
def test_plain_practice_is_the_training_items(task, language):
    turns, items = practice(task, language), training(task, language)
    assert [turns(n) for n in range(20)] == [items(n).turns for n in range(20)]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_beginning_is_how_the_story_begins_and_something_happens_in_it(language):
    world, counts = World(language), set()
    for n in range(80):
        story = world.story(n)
        begun = beginning(world, story)
        assert story.text.startswith(begun.text)
        assert story.words[: len(begun.words)] == begun.words
        assert story.events[: len(begun.events)] == begun.events
        assert len(begun.events) == len(begun.sentences) < len(story.events)
        assert begun.events[-1].kind not in OPENING or len(begun.events) > 2
        assert math.isnan(begun.nats)
        counts.add(len(begun.events))
    assert counts == {3, 4, 5}


@pytest.mark.parametrize("beginnings", [False, True])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_several_questions_are_different_and_each_answer_is_the_storys(language, beginnings):
    world = World(language)
    turns = practice("question_answering", language, questions=8, beginnings=beginnings)
    for n in range(40):
        talk = turns(n)
        story = beginning(world, world.story(n)) if beginnings else world.story(n)
        assert talk[0].text.startswith(story.text)
        asked = [t.text for t in (talk[0], *talk[2::2])]
        asked[0] = asked[0].removeprefix(story.text).strip()
        assert len(set(asked)) == len(asked) <= 8
        truth = {q.text: q.answer for q in world.questions(story, n)}
        assert [truth[q] for q in asked] == [t.text for t in talk[1::2]]
        assert sum(len(world.words(t.text)) for t in talk) + len(talk) + 2 <= LIMIT


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_beginning_of_a_translation_ends_at_the_same_event(language):
    world, turns = World(language), practice("translation", language, beginnings=True)
    for n in range(40):
        given, answer = turns(n)
        whole = world.translate(world.story(n))
        count = len(beginning(world, world.story(n)).events)
        assert answer.text == ("" if whole.language == "zh" else " ").join(whole.sentences[:count])
        assert (given.speaker, answer.speaker) == (world.language, whole.language)


def test_summaries_and_talks_of_beginnings_are_of_the_beginning():
    world = World("en")
    for n in range(20):
        begun = beginning(world, world.story(n))
        assert practice("summarization", "en", beginnings=True)(n)[1].text == world.summary(begun)
        talk = practice("dialogue", "en", beginnings=True)(n)
        assert talk[0].text.startswith(begun.text)
        assert talk[1::2] == tuple(t for t in world.dialogue(begun, n) if t.speaker == "assistant")


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match=r"task must be one of translation, .*; got 'poetry', 1"):
        practice("poetry", "en")
    with pytest.raises(ValueError, match="questions at least 1; got 'dialogue', 0"):
        practice("dialogue", "en", questions=0)
