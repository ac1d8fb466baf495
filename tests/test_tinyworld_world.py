"""What TinyWorld promises of its world: grammar by eye, hold-out, bias, own words, dirt, views."""

import math
import re
from collections import Counter

import pytest

from llmasos_edu.tinyworld import Bias, Dirt, Event, Person, Thing, TinyWorldError, World

ENGLISH, CHINESE = World("en"), World("zh")
FULL = World("en", held_out=False)


def test_english_articles_and_prepositions():
    prepositions = {p.name: p.preposition for p in ENGLISH.places}
    for seed in range(60):
        text = ENGLISH.story(seed).text
        assert not re.search(r"\ba [aeiou]", text)
        assert not re.search(r"\ban [^aeiou]", text)
        for preposition, place in re.findall(r"\b(in|at|on) the (\w+)", text):
            assert place == "end" or prepositions[place] == preposition


def test_chinese_measure_words_and_no_spaces():
    measures = {t.zh: t.measure for t in CHINESE.things}
    for seed in range(60):
        text = CHINESE.story(seed).text
        assert not re.search(r"\s", text)
        for measure, thing in re.findall(r"[有着]一(.)..的(.+?)。", text):
            assert measures[thing] == measure


def test_pronouns_follow_their_person():
    her = {p.name for p in ENGLISH.people if p.pronoun == "she"}
    for seed in range(60):
        story = ENGLISH.story(seed)
        for event, sentence in zip(story.events, story.sentences, strict=True):
            if sentence.startswith("She "):
                assert event.who in her
            if sentence.startswith("He "):
                assert event.who not in her


def brings_together(events) -> set[tuple[str, str, str]]:
    """(person, thing, place) that the events bring together, found again without the rules."""
    at, holds, found = {}, {}, set()
    for e in events:
        if e.kind == "ending":
            continue
        place = e.place if e.kind != "said_place" else None
        if place:
            at[e.who] = place
            if e.kind == "met":
                at[e.other] = place
        if e.kind in ("left", "put", "hid", "dropped", "lost"):
            holds.pop(e.thing, None)
        elif e.kind == "gave":
            holds[e.thing] = e.other
        elif e.kind in ("with", "took", "carried", "used", "found", "picked_up", "showed", "borrowed"):
            holds[e.thing] = e.who
        if e.kind == "showed":
            found.add((e.other, e.thing, at[e.other]))
        if e.kind == "asked":
            asked = e
        if e.kind == "said_place":
            found |= {(who, e.thing, e.place) for who in (asked.who, asked.other)}
        if place and e.thing:
            found.add((e.who, e.thing, place))
        found |= {(who, thing, at[who]) for thing, who in holds.items() if at.get(who)}
    return found


def test_the_training_world_never_brings_a_held_out_combination_together():
    held = {(p, t, place) for (p, t), places in ENGLISH.held_out_table.items() for place in places}
    assert len(held) == 20
    assert Counter(place for *_, place in held) == dict.fromkeys(ENGLISH.place_names, 2)
    trained, full = set(), set()
    for seed in range(600):
        trained |= brings_together(ENGLISH.story(seed).events)
        full |= brings_together(FULL.story(seed).events)
    assert not trained & held
    assert len(full & held) > 10


def test_the_hold_out_renormalises_and_says_so():
    person, thing = "Mia", "kite"
    (place,) = ENGLISH.held_out_places(person, thing)
    prefix = "Mia had a red kite. Tom had a blue drum. Mia left the red kite"
    words = [f" {ENGLISH.place(place).preposition}", " the", f" {place}"]
    inside, outside = FULL.next_word(prefix), ENGLISH.next_word(prefix)
    assert math.isclose(sum(inside.values()), 1)
    assert math.isclose(sum(outside.values()), 1)
    through = prefix + words[0] + words[1]
    assert words[2] in FULL.next_word(through)
    assert words[2] not in ENGLISH.next_word(through)
    with pytest.raises(TinyWorldError, match=f"holds out the {place} from Mia with the kite;") as caught:
        ENGLISH.next_word(through + words[2])
    assert caught.value.held_out == (person, thing, place)


MEETING = "Mia was in the forest with a blue lamp. Tom had a red kite. Tom walked to the forest. Tom met Mia"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Mia was in the forest with a blue kite", " kite"),
        ("Mia was at the lake with a red kite. Tom had a blue drum. Mia ran to the forest", " forest"),
        (f"{MEETING} in the forest. Tom gave", " gave"),
    ],
)
def test_an_error_of_the_hold_out_says_so_whatever_word_breaks(text, word):
    assert FULL.next_word(text)
    with pytest.raises(TinyWorldError) as caught:
        ENGLISH.parse(text)
    assert caught.value.word == word
    assert caught.value.held_out == ("Mia", "kite", "forest")


def test_an_error_that_no_hold_out_explains_names_none():
    with pytest.raises(TinyWorldError) as caught:
        ENGLISH.parse("Mia had a red kite. Tom had a blue drum. Mia left the red drum")
    assert caught.value.held_out is None
    assert "holds out" not in str(caught.value)


def test_a_bias_has_the_size_that_was_asked_for():
    jobs = World("en", bias=Bias("he", "doctor", odds=9))
    told = Counter()
    for first in ("Tom was", "Mia was"):
        articles = jobs.next_word(first)
        for article in (" a", " an"):
            for job, p in jobs.next_word(first + article).items():
                told[first[:3], job] += articles[article] * p / (articles[" a"] + articles[" an"])
    assert math.isclose(told["Tom", " doctor"], 9 / 18)  # 9 against nine others
    assert math.isclose(told["Mia", " doctor"], 1 / 10)
    with pytest.raises(ValueError, match="odds must be a whole number"):
        Bias("he", "doctor", odds=0)
    with pytest.raises(ValueError, match="must be a job or colour"):
        World("en", bias=Bias("he", "dragon"))


def test_a_readers_own_words_join_the_world():
    world = ENGLISH.adding(person=Person("Noor", "努尔", "she"), thing="robot", place="harbour")
    text = "Noor had an orange robot. Tom had a blue drum. Noor left the orange robot in the harbour."
    assert world.next_word(text)
    assert " robot" in world.lexicon
    assert world.next_word("")["Noor"] == pytest.approx(1 / 11)
    with pytest.raises(TinyWorldError, match="'Noor'"):
        ENGLISH.next_word("Noor")
    both = world.story(5)
    assert world.translate(both).events == both.events


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ({"thing": "kite"}, "already"),
        ({"thing": "Red robot"}, "one plain English word"),
        ({"person": "noor"}, "one plain English word"),
        ({"thing": Thing("robot", "")}, "must not be empty"),
    ],
)
def test_own_words_that_do_not_fit_are_refused(words, problem):
    with pytest.raises(ValueError, match=problem):
        ENGLISH.adding(**words)


def test_own_words_of_another_kind_are_refused():
    with pytest.raises(TypeError, match="adding takes person, place"):
        ENGLISH.adding(animal="cat")
    with pytest.raises(TypeError, match="must be a word, a Thing"):
        ENGLISH.adding(thing=3)


def test_one_seed_is_one_story_in_two_languages():
    for seed in range(30):
        story, other = ENGLISH.story(seed), CHINESE.story(seed)
        assert story.events == other.events
        assert ENGLISH.translate(story) == other
        assert CHINESE.translate(other) == story


def test_impossible_events_are_refused():
    events = (Event("Mia", "had", "kite", detail="red"), Event("Tom", "flew", "kite"))
    with pytest.raises(ValueError, match="expected one of"):
        ENGLISH.tell(events)


@pytest.mark.parametrize("world", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_word_of_every_view_is_in_the_lexicon(world):
    lexicon = set(world.lexicon)
    for seed in range(40):
        story = world.story(seed)
        texts = [world.summary(story), *(t.text for t in world.dialogue(story, seed))]
        texts += [text for q in world.questions(story, seed) for text in (q.text, q.answer)]
        for text in texts:
            assert lexicon.issuperset(world.words(text)), text


def test_answers_agree_with_the_ending_of_the_story():
    checked = 0
    for seed in range(60):
        story = ENGLISH.story(seed)
        answers = {(q.kind, q.about): q for q in ENGLISH.questions(story)}
        ending = story.sentences[-1]
        for thing, who in re.findall(r"the \w+ (\w+) was with (\w+)", ending):
            assert answers["who_has", thing].answer == f"{who} has it."
            checked += 1
        for thing, where in re.findall(r"the \w+ (\w+) was ((?:in|at|on) the \w+)", ending):
            assert answers["where_thing", thing].answer == f"It is {where}."
            assert answers["who_has", thing].answer == "Nobody has it."
            checked += 1
        for colour, thing in re.findall(r"\ba[n]? (\w+) (\w+)\.", story.text):
            assert answers["colour", thing].answer == f"It is {colour}."
            assert answers["colour", thing].answerable
        absent = [q for q in answers.values() if q.about not in story.text]
        assert absent
        assert not any(q.answerable for q in absent)
        assert {q.answer for q in absent} == {"The story does not say."}
    assert checked > 60


def test_a_summary_is_the_key_event():
    story = ENGLISH.story(0)
    text = ENGLISH.summary(story)
    assert text.endswith(".")
    assert any(e.kind == "gave" for e in story.events) == (" gave " in text)


def test_a_dialogue_takes_turns_and_remembers_the_name():
    turns = ENGLISH.dialogue(ENGLISH.story(4), seed=9)
    assert [t.speaker for t in turns[:3]] == ["user", "assistant", "user"]
    (name,) = re.findall(r"My name is (\w+)\.", turns[0].text)
    assert f"Your name is {name}." in [t.text for t in turns]


def test_dirt_comes_as_often_as_asked_and_is_labelled():
    world = World("en", dirt=Dirt(duplicate=0.2, near_duplicate=0.0, markup=0.1))
    documents = list(world.documents(600))
    kinds = Counter(d.dirt for d in documents)
    assert abs(kinds["duplicate"] - 120) < 40  # four standard deviations of a binomial count
    assert kinds["near_duplicate"] == 0
    seen = {}
    for d in documents:
        if d.dirt is None:
            assert ENGLISH.log_prob(d.text) < 0 if d.seed < 20 else True
            assert d.text not in seen or seen[d.text] == "duplicate"
        if d.dirt == "markup":
            assert d.text.startswith("<div")
        seen[d.text] = d.dirt
    assert list(world.documents(5, start=100)) == documents[100:105]
    assert all(d.dirt is None for d in ENGLISH.documents(50))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_canary_stands_in_as_many_documents_as_asked(language):
    copies = (1, 2, 4, 8, 16)
    world = World(language, dirt=Dirt(canaries=copies, canaries_among=400))
    documents = list(world.documents(500))
    canaries = [world.canary(i) for i in range(len(copies))]
    assert len(set(canaries)) == len(copies)
    assert [sum(c in d.text for d in documents) for c in canaries] == list(copies)
    planted = [d for d in documents if d.dirt == "canary"]
    assert len(planted) == sum(copies)
    assert max(d.seed for d in planted) < 400
    clean = World(language)
    for d in planted:
        assert d.text.startswith(clean.story(d.seed).text)
        assert set(clean.words(" " + d.text)) <= set(clean.lexicon) | {" "}
        with pytest.raises(TinyWorldError):
            clean.log_prob(d.text)
    assert next(world.documents(1, start=planted[0].seed)) == planted[0]


def test_contamination_slips_validation_stories_in():
    documents = list(World("en", dirt=Dirt(contamination=0.1)).documents(400))
    slipped = [d.text for d in documents if d.dirt == "contamination"]
    assert abs(len(slipped) - 40) < 24  # four standard deviations of a binomial count
    frozen = {s.text for s in ENGLISH.validation()}
    assert frozen.issuperset(slipped)
    assert len(set(slipped)) > 1
    assert not frozen & {d.text for d in documents if d.dirt is None}


def test_dirt_out_of_range_is_refused():
    with pytest.raises(ValueError, match="share of markup must be from 0 to 1"):
        Dirt(markup=-0.1)
    with pytest.raises(ValueError, match="sum to at most 1"):
        Dirt(markup=0.9, duplicate=0.9)
    with pytest.raises(ValueError, match="canaries must be at least 1 copy each"):
        Dirt(canaries=(1, 0))
    with pytest.raises(ValueError, match="together at most 9"):
        Dirt(canaries=(5, 5), canaries_among=9)
