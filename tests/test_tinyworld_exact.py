"""TinyWorld in both languages: exact nats, exact next words, errors that name what is wrong, the blank."""

import pytest

from llmasos_edu.tinyworld import BLANK, END, TWIN, TinyWorldError, World
from tests.tinyworld_plain import run

WORLD = World("en")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_5000_stories_cost_what_the_generator_kept(language):
    got = run("nats", language)
    assert got["wrong"] == 0
    assert got["worst"] <= 1e-9  # a sum of about 60 logarithms: rounding stays far below
    assert got["types"] >= 120
    assert (40 if language == "en" else 36) <= got["shortest"] < got["longest"] <= 90


@pytest.mark.parametrize("language", ["en", "zh"])
def test_next_word_sums_to_one_and_multiplies_to_the_probability(language):
    got = run("next_word", language)
    assert got["sums"] <= 1e-12  # a few thousand shares, summed in double precision
    assert got["products"] <= 1e-9


@pytest.mark.parametrize("language", ["en", "zh"])
def test_5000_mutated_words_give_another_story_or_an_error_that_names_them(language):
    got = run("mutations", language)
    assert got["bad"] == 0
    assert got["stories"] > 10
    assert got["stories"] + got["errors"] == 5000


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_annotations_are_true(language):
    world = World(language)
    for seed in range(20):  # in this process, where every annotation is checked
        story = world.story(seed)
        assert world.parse(story.text).events == story.events


@pytest.mark.parametrize(
    ("language", "blank", "answer"),
    [("en", BLANK, " kite"), ("en", TWIN, " drum"), ("zh", BLANK, "风筝"), ("zh", TWIN, "鼓")],
)
def test_the_blank_has_one_answer(language, blank, answer):
    assert World(language).next_word(blank[language]) == {answer: 1.0}


def test_the_first_word_is_a_name_without_a_space():
    assert WORLD.next_word("") == pytest.approx({p.name: 1 / 10 for p in WORLD.people})


def test_after_a_story_comes_the_end():
    assert WORLD.next_word(WORLD.story(3).text) == {END: 1.0}


def test_an_impossible_word_is_named_with_what_could_stand_there():
    with pytest.raises(TinyWorldError, match="cannot stand here; expected 'kite'") as caught:
        WORLD.parse("Mia had a red kite. Tom had a blue drum. Mia left the red drum in the park.")
    assert caught.value.sentence == 3
    assert caught.value.word == " drum"
    assert caught.value.expected == (" kite",)


def test_a_word_of_no_lexicon_and_a_text_that_stops_are_named():
    with pytest.raises(TinyWorldError, match="'dragon'"):
        WORLD.parse("Mia had a red dragon.")
    with pytest.raises(TinyWorldError) as caught:
        WORLD.parse("Mia had a red kite. Tom had")
    assert caught.value.word == END
    assert caught.value.expected == (" a", " an")


def test_a_chinese_error_names_the_word_too():
    with pytest.raises(TinyWorldError, match="'灯' cannot stand here; expected '风筝'") as caught:
        World("zh").parse("米娅有一只红色的灯。")
    assert caught.value.sentence == 1


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="language must be one of"):
        World("fr")
    with pytest.raises(ValueError, match="seed must be from 0"):
        WORLD.story(-1)
