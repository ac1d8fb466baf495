"""The recipes: each task has one, and beginnings come first, for any seed's documents."""

import pytest

from llmasos_edu.batches import STRIDE
from llmasos_edu.finetuning import RECIPES, Practice, lasting, lessons_of
from llmasos_edu.tinyworld.practice import practice
from llmasos_edu.tinyworld.tasks import TASKS


def test_every_task_has_one_and_ends_with_whole_stories():
    assert set(RECIPES) == set(TASKS)
    for shown, config in RECIPES.values():
        assert shown.beginnings < config.steps


@pytest.mark.parametrize("seed", [0, 3])
def test_beginnings_come_first(seed):
    talks = lessons_of("question_answering", "en", Practice(batch_size=4, questions=2, beginnings=5))
    begun = practice("question_answering", "en", questions=2, beginnings=True)
    whole = practice("question_answering", "en", questions=2)
    first = seed * STRIDE
    assert [talks(first + n) for n in range(20)] == [begun(first + n) for n in range(20)]
    assert [talks(first + n) for n in range(20, 30)] == [whole(first + n) for n in range(20, 30)]
    assert talks(first + 19) != whole(first + 19)


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="task must be one of translation"):
        lessons_of("poetry", "en", Practice())


def test_a_shorter_run_warms_up_within_its_steps():
    _, config = RECIPES["dialogue"]
    assert (lasting(config, 3).steps, lasting(config, 3).warmup) == (3, 3)
    assert lasting(config, 900).warmup == config.warmup > 3
