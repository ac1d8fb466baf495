"""Truth of answers: other wordings are right, each designed mistake has its kind, in both languages."""

import random

import pytest

from llmasos_edu.evaluation import truth as judging
from llmasos_edu.evaluation.truth import Truth, error_counts, truth
from llmasos_edu.tinyworld import World
from llmasos_edu.tinyworld.tasks import Item, make, test_items
from llmasos_edu.tinyworld.views import Turn
from tests.tinyworld_plain import run

EN = (
    "Mia had an orange kite. Tom was a nurse. The nurse had a blue umbrella. "
    "Mia left the orange kite in the park. Tom went to the park. He met Mia in the park. "
    "Tom gave the blue umbrella to Mia. Mia thanked Tom. "
    "In the end the orange kite was in the park and the blue umbrella was with Mia."
)
WORLDS = {language: World(language, held_out=False) for language in ("en", "zh")}


def story(language: str):
    events = WORLDS["en"].parse(EN).events
    return WORLDS[language].tell(events, 7)


def translation(to: str) -> Item:
    """The story above; its translation in one fixed wording."""
    given = "zh" if to == "en" else "en"
    told = (story(given).text, EN if to == "en" else ZH)
    turns = (Turn(given, told[0]), Turn(to, told[1]))
    return Item("translation", given, 0, turns, "translation", "", True, told[0])


ZH = (
    "米娅有一只橙色的风筝。汤姆是一位护士。护士有一把蓝色的伞。米娅把橙色的风筝留在了公园里。汤姆去了公园。"
    "他在公园里遇见了米娅。汤姆把蓝色的伞送给了米娅。米娅感谢了汤姆。最后，橙色的风筝在公园里，蓝色的伞在米娅那里。"
)


def first(kinds: tuple[str, ...]) -> tuple[int, str]:
    """(number from 1, kind) of the only wrong sentence."""
    (found,) = [(n, kind) for n, kind in enumerate(kinds, 1) if kind]
    return found


@pytest.mark.parametrize(
    ("was", "said", "n", "kind"),
    [
        ("Mia had an orange", "Mia had a orange", 1, "article"),
        ("an orange kite. Tom", "an orange drum. Tom", 1, "thing"),
        ("an orange kite. Tom", "a red kite. Tom", 1, "colour"),
        ("Tom was", "Max was", 2, "person"),
        ("was a nurse", "was a baker", 2, "job"),
        ("left the orange kite in the park", "left the orange kite at the beach", 4, "place"),
        ("Mia left the orange", "Mia left the blue", 4, "colour"),
        ("left the orange kite", "hid the orange kite", 4, "act"),
        ("Tom went to the park", "Tom went to the farm", 5, "place"),
        ("He met", "She met", 6, "pronoun"),
        ("gave the blue umbrella to Mia", "gave Mia it", 7, "pronoun"),
        ("Tom gave the blue umbrella to Mia", "Mia gave the blue umbrella to Tom", 7, "person"),
        ("Mia thanked Tom", "Tom thanked Mia", 8, "person"),
        ("Mia thanked Tom", "Mia left the orange kite in the park", 8, "order"),
        ("Mia thanked Tom", "Mia thanked thanked Tom", 8, "grammar"),
        ("Mia thanked Tom", "Mia thankked Tom", 8, "no word"),
        ("Mia thanked Tom", "Mia 感谢了 Tom", 8, "other language"),
        ("with Mia.", "with Tom.", 9, "person"),
        (
            "the orange kite was in the park and the blue",
            "the blue kite was in the park and the orange",
            9,
            "colour",
        ),
    ],
)
def test_english_mistakes_have_their_kind(was, said, n, kind):
    assert EN.count(was) == 1
    found = truth(translation("en"), EN.replace(was, said))
    assert first(found.kinds) == (n, kind)
    assert found.share == pytest.approx(8 / 9)
    assert (found.right, found.exact) == (False, False)


@pytest.mark.parametrize(
    ("was", "said", "n", "kind"),
    [
        ("一只橙色的风筝", "一把橙色的风筝", 1, "measure word"),
        ("一位护士", "一个护士", 2, "measure word"),
        ("一只橙色的风筝", "一面橙色的鼓", 1, "thing"),
        ("一把蓝色的伞", "一把红色的伞", 3, "colour"),
        ("米娅把橙色的风筝留在了公园里", "米娅把橙色的风筝留在了海滩上", 4, "place"),
        ("米娅把橙色的风筝留在了", "米娅把橙色的风筝藏在了", 4, "act"),
        ("他在公园里遇见了", "她在公园里遇见了", 6, "pronoun"),
        ("汤姆把蓝色的伞送给了米娅", "米娅把蓝色的伞送给了汤姆", 7, "person"),
        ("汤姆把蓝色的伞送给了米娅", "汤姆送给了米娅蓝色的伞", 7, "grammar"),
        ("米娅感谢了汤姆", "米娅 thanked 汤姆", 8, "other language"),
        ("蓝色的伞在米娅那里", "蓝色的伞在汤姆那里", 9, "person"),
    ],
)
def test_mistakes_in_chinese_have_their_kind(was, said, n, kind):
    assert ZH.count(was) == 1
    assert first(truth(translation("zh"), ZH.replace(was, said)).kinds) == (n, kind)


def test_sentences_that_are_missing_or_too_many_are_counted():
    item = translation("en")
    assert truth(item, "").kinds == ("missing",) * 9
    assert truth(item, EN + " Mia smiled.").kinds == ("",) * 9 + ("extra",)
    assert truth(item, EN + " Mia smiled.").share == pytest.approx(9 / 10)
    second = EN.replace(" Tom was a nurse.", "")
    assert truth(item, second).kinds == ("", *["order"] * 7, "missing")
    assert truth(item, EN[: EN.index(" Mia thanked")]).kinds == ("",) * 7 + ("missing",) * 2
    assert set(truth(item, story("zh").text).kinds) == {"other language"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_wording_of_a_story_is_right_and_few_are_equal(language):
    found = run("truth", language)
    assert found["references"] == found["wordings"] == 1.0
    assert found["equal"] < 0.2


def summary(answer: str) -> Truth:
    given = story("en").text
    right = "Tom gave the blue umbrella to Mia."
    return truth(
        Item("summarization", "en", 0, (Turn("user", given), Turn("assistant", right)), "", "", True, given),
        answer,
    )


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("Tom gave the blue umbrella to Mia.", ""),
        ("The nurse gave Mia the blue umbrella.", ""),
        ("Mia left the orange kite in the park.", "another event"),
        ("Mia had an orange kite.", "another event"),
        ("Tom gave the orange umbrella to Mia.", "colour"),
        ("Tom gave the orange kite to Mia.", "colour"),
        ("Mia gave the blue umbrella to Tom.", "person"),
        ("Anna gave the blue umbrella to Mia.", "person"),
        ("Tom gave the blue drum to Mia.", "thing"),
        ("Mia left the orange kite on the farm.", "place"),
        ("Mia hid the orange kite in the park.", "act"),
        ("He met Mia in the park.", "pronoun"),
        ("", "missing"),
        ("Mia smiled. Tom smiled.", "extra"),
        ("Tom gave.", "grammar"),
    ],
)
def test_summaries_are_right_faithful_or_lie_in_some_way(answer, kind):
    found = summary(answer)
    assert found.kinds == (kind,)
    assert found.right == (kind == "")
    assert found.faithful == (kind in ("", "another event"))
    assert found.exact == (answer == "Tom gave the blue umbrella to Mia.")


@pytest.mark.parametrize(
    ("reference", "answer", "kind"),
    [
        ("It is in the park.", "It is in the park.", ""),
        ("It is in the park.", "It is at the lake.", "place"),
        ("It is in the park.", "It is lost.", "place"),
        ("It is in the park.", "Mia has it.", "place"),
        ("It is in the park.", "It is red.", "off the point"),
        ("It is in the park.", "The story does not say.", "refused"),
        ("It is in the park.", "It is at the park.", "no reply"),
        ("It is in the park.", "", "no reply"),
        ("The story does not say.", "Nobody has it.", "invented"),
        ("Mia has it.", "Tom has it.", "person"),
        ("Mia has it.", "Nobody has it.", "person"),
        ("It is red.", "It is blue.", "colour"),
        ("Mia is the nurse.", "Tom is the nurse.", "person"),
        ("Mia is the nurse.", "Mia is the baker.", "job"),
        ("Mia is in the park.", "Tom is in the park.", "person"),
        ("Mia is in the park.", "Mia is at the lake.", "place"),
        ("它在汤姆那里。", "汤姆拿着它。", ""),
        ("它在汤姆那里。", "它在公园里。", "place"),
        ("它是红色的。", "它是蓝色的。", "colour"),
        ("它是红色的。", "故事里没说。", "refused"),
    ],
)
def test_answers_are_judged_by_what_they_say(reference, answer, kind):
    language = "en" if reference.isascii() else "zh"
    item = Item(
        "question_answering", language, 0, (Turn("user", ""), Turn("assistant", reference)), "", "", True, ""
    )
    found = truth(item, answer)
    assert found.kinds == (kind,)
    assert found.exact == (answer == reference)
    assert found.refused == (answer in ("The story does not say.", "故事里没说。"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_dialogues_are_judged_turn_by_turn(language):
    item = test_items("dialogue", language)[0]
    right = [turn.text for turn in item.turns[1::2]]
    assert truth(item, right).kinds == ("",) * len(right)
    assert truth(item, right).exact
    other = test_items("dialogue", language)[1].turns
    assert truth(item, [*right[:-2], other[-3].text, right[-1]]).kinds[-2:] == ("name", "")
    assert truth(item, right[:-1]).kinds[-1] == "missing"
    assert truth(item, [*right, "?"]).kinds[-1] == "extra"
    assert truth(item, ["", *right[1:]]).kinds[0] == "missing"
    assert truth(item, [right[1], *right[1:]]).kinds[0] == "off the point"


def test_all_kinds_are_explained_and_counted():
    draw = random.Random(1)
    item = translation("en")
    words = EN.split(" ")
    found = []
    for _ in range(15):
        a, b = draw.randrange(len(words)), draw.randrange(len(words))
        said = [*words]
        said[a], said[b] = said[b], said[a]
        found.append(truth(item, " ".join(said)))
    counts = error_counts(found)
    assert set(counts) <= set(judging.ERRORS)
    assert sum(counts.values()) == sum(len(each.kinds) - each.kinds.count("") for each in found)
    assert list(counts.values()) == sorted(counts.values(), reverse=True)


def test_a_reader_s_own_words_are_judged_in_their_world():
    world = World("en", held_out=False).adding(thing="robot")
    told = next(s for s in map(world.story, range(100)) if "robot" in s.text)
    item = make(world, "summarization", told)
    assert truth(item, item.reference, world).right


def test_refuses_one_text_for_a_dialogue_and_several_for_others():
    with pytest.raises(TypeError, match="must be a list of texts, one a turn; got str"):
        truth(test_items("dialogue", "en")[0], "Hello.")
    with pytest.raises(TypeError, match="must be one text; got list"):
        truth(test_items("summarization", "en")[0], ["Mia smiled."])
    item = Item(
        "question_answering", "en", 0, (Turn("user", ""), Turn("assistant", "Yes.")), "", "", True, ""
    )
    with pytest.raises(ValueError, match="must be a reply of this world"):
        truth(item, "It is red.")
