"""`llmasos-edu evaluate`: a frozen test set, exact truth, and what it refuses in one line."""

import json

import pytest
from typer.testing import CliRunner

from llmasos_edu import pretrained
from llmasos_edu.batches import Documents
from llmasos_edu.cli import app
from llmasos_edu.cli.finetune import folder_of
from llmasos_edu.finetuning import conversation
from llmasos_edu.tinyworld.tasks import test_items as frozen
from llmasos_edu.training import TrainConfig, train


def evaluate(*arguments):
    return CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, ["evaluate", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that has two test items by heart: the right answers are known."""
    model, tokenizer = pretrained.load(folder_of("tinyworld-base"))
    items = frozen("question_answering", "en")[:2]
    learned = [conversation(item.turns, tokenizer) for item in items]
    end = tokenizer.special_tokens["<|end|>"]
    data = Documents(learned, end_id=end, batch_size=2, context_length=256, seed=0)
    train(model, data, TrainConfig(steps=40, lr=0.003))
    return pretrained.export(tmp_path_factory.mktemp("qa") / "model", model, tokenizer, end_token="<|end|>")


def test_the_answers_by_heart_are_right(folder):
    found = json.loads(evaluate(folder, "--items", 2, "--json", "--device", "cpu").output)
    assert found["answers"] == [item.reference for item in frozen("question_answering", "en")[:2]]
    assert found["numbers"]["right"] == found["numbers"]["exact_match"] == 1
    assert found["errors"] == {}


def test_what_is_wrong_is_counted_and_shown(folder):
    shown = evaluate(folder, "--items", 12, "--device", "cpu").output
    assert "right" in shown
    assert "–" in shown
    assert "what is wrong (12 items):" in shown
    assert "such as (" in shown
    assert "wanted: " in shown


@pytest.mark.parametrize("task", ["translation", "summarization", "dialogue"])
def test_every_task_can_be_asked_in_both_languages(task):
    for language in ("en", "zh"):
        asked = ("tinyworld-base", "--task", task, "--language", language, "--items", 2, "--json")
        found = json.loads(evaluate(*asked, "--device", "cpu").output)
        assert found["numbers"]["right"] == 0  # it has not learned it
        assert len(found["answers"]) == 2


def test_a_folder_that_is_none_is_refused_in_one_line(tmp_path):
    done = evaluate(tmp_path / "nothing")
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert done.output.count("\n") == 1
