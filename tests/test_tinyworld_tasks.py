"""Tasks: items that fit, answers that follow from the text alone, test items that no training story is."""

import re

import pytest

from benchmarks.freeze_tasks import APART, SIZES
from llmasos_edu.files import data_dir, sha256_of
from llmasos_edu.tinyworld import tasks
from llmasos_edu.tinyworld.world import RESERVED
from llmasos_edu.tokenizer import Tokenizer
from tests.tinyworld_plain import run

TOKENIZER = data_dir() / "checkpoints" / "tinyworld-base" / "tokenizer.json"
EACH = [(task, language) for task in tasks.TASKS for language in ("en", "zh")]


def text(item: tasks.Item) -> str:
    return "".join(f"<|{turn.speaker}|>{turn.text}" for turn in item.turns)


@pytest.mark.parametrize(("task", "language"), EACH)
def test_items_fit_into_the_context_of_the_base_model(task, language):
    tokenizer = Tokenizer.from_hugging_face(TOKENIZER)
    make = tasks.training(task, language)
    every = [*map(make, range(50)), *tasks.test_items(task, language)[::3]]
    assert max(len(tokenizer.encode(text(item), special="allow")) for item in every) + 2 <= tasks.LIMIT


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_answer_follows_from_the_text_alone(language):
    assert run("task_answers", language) == {"wrong": 0}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_question_is_asked_and_three_in_ten_are_not_answered(language):
    asked = [tasks.training("question_answering", language)(n) for n in range(200)]
    # 200 draws at 0.3 have a standard deviation of 6.5
    assert abs(sum(not item.answerable for item in asked) - 60) < 4 * 6.5
    kinds = [item.kind for item in asked]
    assert all(kinds.count(kind) > 16 for kind in ("where_thing", "where_person", "who_has", "colour", "job"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_files_are_what_the_world_tells_and_no_story_is_one_of_training(language):
    assert run("task_files", language) == {"equal": dict.fromkeys(tasks.TASKS, True), "shared": 0}


@pytest.mark.parametrize(("task", "language"), EACH)
def test_seeds_are_reserved_for_the_task_and_the_card_tells_the_checksums(task, language):
    path = data_dir() / task / f"{language}.jsonl"
    numbers = [item.seed - RESERVED for item in tasks.test_items(task, language)]
    first = APART * (tasks.TASKS.index(task) + 1)
    assert numbers == sorted(set(numbers))
    assert all(first <= number < first + APART for number in numbers)
    assert len(numbers) == SIZES[task]
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


GOOD = (data_dir() / "summarization" / "en.jsonl").read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "{",
        "[1]",
        '"Mia"',
        "{}",
        GOOD.replace('"story"', '"tale"'),
        GOOD.replace('"turns": [[', '"turns": [[["a"], '),
    ],
)
def test_a_line_that_is_no_item_is_named(monkeypatch, tmp_path, bad):
    monkeypatch.setattr(tasks, "data_dir", lambda: tmp_path)
    (tmp_path / "summarization").mkdir()
    (tmp_path / "summarization" / "en.jsonl").write_text(f"{GOOD}\n{bad}\n{GOOD}\n", encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"en\.jsonl, line 2: expected a JSON object with seed, kind"
    ) as told:
        tasks.test_items("summarization", "en")
    assert repr(bad[:60]) in str(told.value)
