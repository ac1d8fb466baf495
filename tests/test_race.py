"""Lesson 06's runs: the stored files are what their commands make, and show what the lesson says."""

import json
from itertools import pairwise

import pytest

from llmasos_edu import costs
from llmasos_edu.files import data_dir
from llmasos_edu.lesson import race
from llmasos_edu.tinyworld import END, World
from llmasos_edu.training import Event
from llmasos_edu.widgets.training_film import TrainingFilm

RACE, DIALS = (
    json.loads((data_dir() / "runs" / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("race", "dials")
)


def test_a_whole_story_is_possible_and_ends():
    world = World("en")
    for seed in range(4):
        story = world.story(seed)
        assert race.split(world, [*story.words, END]) == (story.text, "")


def test_a_story_breaks_at_its_first_impossible_word():
    world = World("en")
    words = world.story(3).words
    for n in (0, 4, len(words) - 1):
        before, after = race.split(world, [*words[:n], " oak", *words[n:]])
        assert (before, after) == ("".join(words[:n]), "".join([" oak", *words[n:]]))
    assert race.split(world, [*words[:-3], END]) == ("".join(words[:-3]), " (the end)")


def test_sizes_are_alike_and_the_stories_fit():
    ground = race.Ground(validation=5)
    assert ground.tokenizer.vocab_size == race.VOCABULARY
    gpt2, today = costs.parameters(race.GPT2), costs.parameters(race.TODAY)
    assert today <= gpt2


def test_the_command_makes_the_stored_form():
    made = race.race(share=0.002, validation=3)
    assert made.keys() == RACE.keys()
    assert made["film"].keys() == RACE["film"].keys()
    assert made["film"]["words"] == RACE["film"]["words"]
    for name, run in made["runs"].items():
        stored = RACE["runs"][name]
        assert run.keys() == stored.keys()
        for settings in ("model", "training"):  # a setting that came later stands at its default
            assert stored[settings].items() <= run[settings].items()
    # before training nothing depends on the machine's arithmetic but the last digits
    assert made["film"]["p"][0] == pytest.approx(RACE["film"]["p"][0], abs=1e-4)


def test_the_stored_race_shows_what_the_lesson_says():
    runs, film = RACE["runs"], RACE["film"]
    assert [runs[name]["step"][-1] for name in runs] == [
        race.TODAY_TRAINING.steps, race.LONGER * race.TODAY_TRAINING.steps,
    ]  # fmt: skip
    assert film["steps"] == list(race.MOMENTS)
    kite = [row[0] for row in film["p"]]
    most = max(b - a for a, b in pairwise(kite))
    at = next(i for i, (a, b) in enumerate(pairwise(kite)) if b - a == most)
    fell = 1 - film["losses"][at + 1] / film["losses"][at]
    assert kite[-1] > 0.9 > 0.5 > kite[at]
    assert most > 0.25 > fell  # the answer jumps where the loss glides
    stories = [(possible, rest) for possible, rest in film["stories"]]
    TrainingFilm(film["steps"], film["above"], film["words"], film["p"], stories, "Mia left the red")


SETTINGS = ("lr", "warmup", "steps", "weight_decay", "clip", "optimizer", "decay_from", "schedule")


def test_every_dial_turns_one_setting():
    for dial, values in race.DIALS.items():
        for value in values:
            training, batch = race.turned(dial, value)
            changed = [name for name in SETTINGS if getattr(training, name) != getattr(race.BASE, name)]
            assert len(changed) + (batch != race.BATCH) <= (2 if dial == "lr, no warm-up" else 1)


def test_the_grid_is_stored():
    asked = [(dial, value) for dial, values in race.DIALS.items() for value in values]
    assert [(row["dial"], row["value"]) for row in DIALS["rows"]] == asked
    assert DIALS["training"].items() <= json.loads(race.BASE.to_json()).items()


def test_a_film_keeps_only_its_moments():
    ground = race.Ground(validation=2)
    film = race.Film(ground, moments=(3,))
    model = race.build(race.SMALL)
    for step in (2, 3, 4):
        film(Event(step, 9, 6.5, 1.0, 0.1, 0.0, 0, {}, model))
    assert film.kept["steps"] == [3]
    assert set(film.kept["words"]) == {thing.name for thing in ground.world.things}
    assert film.kept["words"][:2] == ["kite", "drum"]
