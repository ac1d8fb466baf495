"""Baselines on stories of one's own, where the answer is plain; the scores of a task, by counting."""

import math
from dataclasses import replace

import pytest

from llmasos_edu.evaluation import baselines
from llmasos_edu.evaluation.scores import scores
from llmasos_edu.tinyworld.tasks import Item, test_items, training
from llmasos_edu.tinyworld.views import Turn
from tests.tinyworld_plain import run

FIRST = {
    task: test_items(task, "en")[:6]
    for task in ("translation", "summarization", "question_answering", "dialogue")
}
STORY = "Mia had a red kite. Mia left the red kite in the park. Tom sang. In the end and so on and so on."


def summary(story: str, answer: str) -> Item:
    return Item(
        "summarization", "en", 0, (Turn("user", story), Turn("assistant", answer)), "", "", True, story
    )


def asked(kind: str, question: str, answer: str, story: str = "Mia sang.") -> Item:
    turns = (Turn("user", f"{story} {question}"), Turn("assistant", answer))
    return Item("question_answering", "en", 0, turns, kind, "", True, story)


def test_one_sentence_of_the_story_as_its_summary():
    item = summary(STORY, "")
    assert baselines.lead_sentence(item) == "Mia had a red kite."
    assert baselines.longest_sentence(item) == "Mia left the red kite in the park."


def test_the_dictionary_finds_names_things_and_verbs():
    pairs = [training("translation", "en")(n) for n in range(300)]
    known = baselines.dictionary(pairs)
    for word, other in (
        (" Mia", "米娅"),
        (" kite", "风筝"),
        (" lamp", "灯"),
        (" red", "红色的"),
        (" sang", "唱起了歌"),
    ):
        assert known[word] == other
    translate = baselines.word_by_word(pairs)
    said = translate(replace(pairs[0], story="Mia sang quickly."))
    assert said.startswith("米娅唱起了歌")
    assert " quickly" in said  # an unknown word stays


def test_the_commonest_answer_to_a_kind_of_question():
    items = [
        asked("colour", "What colour is the kite?", "It is red."),
        asked("colour", "What colour is the hat?", "It is red."),
        asked("colour", "What colour is the drum?", "It is blue."),
        asked("who_has", "Who has the kite?", "Tom has it."),
        asked("who_has", "Who has the hat?", "Mia has it."),
    ]
    answer = baselines.majority_answer(items)
    assert answer(asked("colour", "What colour is the lamp?", "")) == "It is red."
    assert (
        answer(asked("who_has", "Who has the lamp?", "")) == "Mia has it."
    )  # of equals, the alphabet's first


def test_an_n_gram_answers_the_question_and_does_not_read_the_story():
    items = [
        asked("colour", f"What colour is the {thing}?", f"It is {colour}.", f"Mia had a {colour} {thing}.")
        for thing, colour in (("kite", "red"), ("hat", "blue"), ("drum", "white"))
    ]
    answer = baselines.ngram_answer(items)
    said = answer(asked("colour", "What colour is the hat?", "", "Tom had a green hat."))
    assert said == "It is blue."


@pytest.mark.parametrize(
    "learn", [baselines.dictionary, baselines.word_by_word, baselines.majority_answer, baselines.ngram_answer]
)
def test_what_learns_refuses_items_of_another_task_or_none(learn):
    with pytest.raises(ValueError, match="in one language; got none"):
        learn([])
    with pytest.raises(
        ValueError, match=r"training must be items of \w+ in one language; got .*'summarization'"
    ):
        learn([summary(STORY, "")])
    mixed = [*FIRST["translation"], *test_items("translation", "zh")[:1]]
    with pytest.raises(ValueError, match="in one language; got"):
        learn(mixed)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_card_tells_what_the_baselines_reach(language):
    assert run("baselines", language) == {"rows": 2, "stand": 2}


def test_references_score_full_marks():
    for task, items in FIRST.items():
        said = [[t.text for t in i.turns[1::2]] if task == "dialogue" else i.reference for i in items]
        got = scores(items, said)
        points = {"bleu": 100, "chrf": 100, "refused_wrongly": 0}
        assert got == {name: pytest.approx(points.get(name, 1)) for name in got}


def test_scores_count_what_is_right():
    items = [
        asked("colour", "What colour is the kite?", "It is red."),
        asked("colour", "What colour is the hat?", "It is blue."),
        replace(asked("colour", "What colour is the bell?", "The story does not say."), answerable=False),
        replace(asked("colour", "What colour is the map?", "The story does not say."), answerable=False),
    ]
    said = ["It is red.", "The story does not say.", "It is red.", "The story does not say."]
    got = scores(items, said)
    assert {k: v for k, v in got.items() if k != "f1"} == {
        "right": 0.5, "exact": 0.5, "exact_match": 0.5, "refused": 0.5, "refused_wrongly": 0.5,
    }  # fmt: skip
    assert got["f1"] == pytest.approx(0.5)  # red against the refusal: no word is shared
    assert math.isnan(scores(items[:2], said[:2])["refused"])


def test_scores_of_dialogues_are_by_turn():
    items = FIRST["dialogue"]
    right = [[turn.text for turn in item.turns[1::2]] for item in items]
    forgot = [[*each[:3], "?", *each[4:]] for each in right]
    got = scores(items, forgot)
    turns = sum(map(len, right))
    assert (got["turn_4"], got["right"]) == (0, 0)
    assert got["turns"] == pytest.approx((turns - len(items)) / turns)


def test_scores_refuse_other_numbers_and_mixed_tasks():
    items = FIRST["summarization"]
    with pytest.raises(ValueError, match="got 6 and 1"):
        scores(items, ["Mia sang."])
    with pytest.raises(ValueError, match="got 0 and 0"):
        scores([], [])
    with pytest.raises(ValueError, match="of one task and language; got"):
        scores([*items[:1], *FIRST["translation"][:1]], ["", ""])
