"""The run behind lesson 04's chart: what it asks, and that the stored file is this world's."""

import json
from itertools import pairwise

import pytest

from llmasos_edu.files import data_dir
from llmasos_edu.first_models import distance
from llmasos_edu.tinyworld import World

STORED = json.loads((data_dir() / "runs" / "distance.json").read_text(encoding="utf-8"))


def test_places_are_where_a_named_thing_comes_again():
    stories = [
        [" a", " red", " kite", ".", " the", " red", " kite"],
        [" red", " hat", " red", " map", " red", " map"],
    ]
    found = distance.places(stories, {" red"})
    assert [(p.story, p.position, p.distance, p.thing) for p in found] == [
        (0, 5, 4, " kite"),
        (1, 4, 2, " map"),
    ]


def test_the_truth_is_certain_there():
    """At such a place the world itself leaves one thing alone."""
    setting = distance.Setting(stories=1, held_back=20)
    world = World("en")
    for place in setting.places[:10]:
        before = "".join(setting.asked[place.story][: place.position + 1]).strip()
        assert world.next_word(before)[place.thing] == pytest.approx(1)


def test_a_short_run_has_the_stored_form():
    made = distance.run(distance.Setting(stories=40, held_back=100), steps=1)
    assert set(made) == set(STORED) - {"seconds", "machine"}  # which the command adds
    assert set(made["models"]) == set(STORED["models"])
    for name, model in made["models"].items():
        assert set(model) == set(STORED["models"][name])


def test_the_stored_run_is_of_this_world():
    stories = World("en").validation(distance.HELD_BACK)
    assert STORED["floor"] == pytest.approx(sum(s.nats for s in stories) / len(stories)), STORED["command"]
    assert STORED["heads"]["tokens"][-1] == " red"


def test_bins_follow_each_other():
    assert all(high + 1 == low for (_, high), (low, _) in pairwise(distance.BINS))
