"""Tasks: items that fit, answers that follow from the text alone, test items that no training story is."""

import json
import re

import pytest

from benchmarks.freeze_tasks import APART, SIZES, items, line
from llmasos_edu.files import data_dir, sha256_of
from llmasos_edu.tinyworld import Story, World, tasks
from llmasos_edu.tinyworld.world import RESERVED
from llmasos_edu.tokenizer import Tokenizer

TOKENIZER = data_dir() / "checkpoints" / "tinyworld-base" / "tokenizer.json"
EACH = [(task, language) for task in tasks.TASKS for language in ("en", "zh")]


def text(item: tasks.Item) -> str:
    return "".join(f"<|{turn.speaker}|>{turn.text}" for turn in item.turns)


@pytest.mark.parametrize(("task", "language"), EACH)
def test_items_fit_into_the_context_of_the_base_model(task, language):
    tokenizer = Tokenizer.from_hugging_face(TOKENIZER)
    make = tasks.training(task, language)
    every = [*map(make, range(100)), *tasks.test_items(task, language)]
    assert max(len(tokenizer.encode(text(item), special="allow")) for item in every) + 2 <= tasks.LIMIT


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_answer_follows_from_the_text_alone(language):
    world = World(language)
    for seed in range(300):
        story = world.story(seed)
        read = Story(story.text, 0.0, language, world.parse(story.text).events, (), (), seed)
        assert read.events == story.events
        for task in ("summarization", "question_answering", "dialogue"):
            assert tasks.make(world, task, read) == tasks.make(world, task, story)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_question_is_asked_and_three_in_ten_are_not_answered(language):
    asked = [tasks.training("question_answering", language)(n) for n in range(1000)]
    # 1,000 draws at 0.3 have a standard deviation of 14
    assert abs(sum(not item.answerable for item in asked) - 300) < 4 * 14
    kinds = [item.kind for item in asked]
    assert all(kinds.count(kind) > 80 for kind in ("where_thing", "where_person", "who_has", "colour", "job"))


@pytest.mark.parametrize(("task", "language"), EACH)
def test_no_training_story_is_a_test_story(task, language):
    found = tasks.test_items(task, language)
    assert len({item.story for item in found}) == len(found) == SIZES[task]
    training, full = World(language), World(language, held_out=False)
    for item in found[::5]:  # parsing is slow, and one in five would show a mistake of the rule
        full.parse(item.story)
        with pytest.raises(ValueError, match="the training world holds out"):
            training.parse(item.story)


@pytest.mark.parametrize(("task", "language"), EACH)
def test_the_files_are_what_the_world_tells(task, language):
    path = data_dir() / task / f"{language}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    numbers = [json.loads(one)["seed"] - RESERVED for one in lines]
    first = APART * (tasks.TASKS.index(task) + 1)
    assert numbers == sorted(set(numbers))
    assert all(first <= number < first + APART for number in numbers)
    made = items(task, language, numbers)
    assert [line(item) for item in made] == lines
    assert made == tasks.test_items(task, language)
    card = (path.parent / "README.md").read_text(encoding="utf-8")
    (told,) = re.findall(rf"\| `{language}\.jsonl` \| ([\d,]+) \| `(\w+)` \|", card)
    assert told == (f"{path.stat().st_size:,}", sha256_of(path))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_test_question_is_answered_and_refused(language):
    kinds = {(item.kind, item.answerable) for item in tasks.test_items("question_answering", language)}
    assert len(kinds) == 2 * 5


@pytest.mark.parametrize("language", ["en", "zh"])
def test_dialogues_have_four_user_turns_and_end_with_the_name(language):
    for item in tasks.test_items("dialogue", language):
        assert len(item.turns) >= 8
        assert len(item.turns) % 2 == 0
        name = re.split(r"[ 叫]", item.turns[-3].text.rstrip(".。"))[-1]
        assert name in item.turns[0].text.removeprefix(item.story)


def test_refuses_what_is_no_task_and_says_how_to_write_missing_items(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="task must be one of translation"):
        tasks.training("poetry", "en")
    with pytest.raises(ValueError, match="language must be one of"):
        tasks.test_items("dialogue", "fr")
    monkeypatch.setattr(tasks, "data_dir", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match="freeze_tasks"):
        tasks.test_items("dialogue", "en")
