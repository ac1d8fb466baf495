"""Lesson 06 before and after the click: the stored file is what its command makes, and shows what is said."""

import json

import numpy as np
import pytest

from llmasos_edu.files import data_dir
from llmasos_edu.lesson import click, race
from llmasos_edu.widgets.attention_explorer import AttentionExplorer

STORED = click.kept()


@pytest.fixture(scope="module")
def made():
    """The same run, looked at before its first step and after it."""
    return click.run(moments=(0, 1))


def test_the_command_makes_the_stored_form(made):
    assert made.keys() == STORED.keys()
    assert (made["command"], made["tokens"]) == (STORED["command"], STORED["tokens"])
    assert list(STORED["moments"]) == [str(step) for step in click.MOMENTS]
    for moment in (*made["moments"].values(), *STORED["moments"].values()):
        shapes = {name: np.shape(moment[name]) for name in ("weights", "next", "off")}
        assert shapes == {"weights": (4, 4, 17, 17), "next": (17, click.NEXT, 2), "off": (4, 4, 2)}


def test_what_is_kept_is_the_models_own(made):
    """Before the first step the model's last matrix is zero: no word is preferred."""
    moment = made["moments"]["0"]
    first = np.array(moment["weights"])
    assert (first[..., 0, 0] == 1000).all()  # the first token can look at itself alone
    assert np.abs(first.sum(axis=-1) - 1000).max() <= 9  # 17 numbers, each rounded by half at most
    assert (np.triu(first, 1) == 0).all()  # nobody looks ahead
    assert [p for _, p in moment["next"][-1]] == pytest.approx([1 / race.VOCABULARY] * click.NEXT, abs=1e-4)
    assert np.array(moment["off"]) == pytest.approx(np.full((4, 4, 2), 1 / race.VOCABULARY), abs=1e-4)


@pytest.mark.parametrize("step", click.MOMENTS)
def test_the_stored_run_is_the_race_s(step):
    """Both steps are moments of the film, made by another command from the same seeds."""
    film = json.loads((data_dir() / "runs" / "race.json").read_text(encoding="utf-8"))["film"]
    p = dict(zip(film["words"], film["p"][film["steps"].index(step)], strict=True))
    for word, share in STORED["moments"][str(step)]["next"][-1][:2]:
        assert share == pytest.approx(
            p[word.strip()], abs=1e-3
        )  # each is rounded, and sums differ in the end


def test_one_head_lets_go_of_the_drum_and_takes_the_kite():
    """What lesson 06 lets the reader find."""
    was, now = click.readings()
    assert [reading.next_words[-1][0][0] for reading in (was, now)] == [" drum", " kite"]
    last = [np.stack([layer.weights[:, -1] for layer in reading.layers]) for reading in (was, now)]
    drum, kite = was.tokens.index(" drum"), was.tokens.index(" kite")
    moved = (last[0][..., drum] > 0.9) & (last[1][..., kite] > 0.9)
    assert np.argwhere(moved).tolist() == [[3, 0]]
    assert np.argwhere(last[0][..., kite] > 0.9).tolist() == [[2, 1], [2, 3]]
    off = np.array(STORED["moments"]["440"]["off"])[..., 0]
    assert np.unravel_index(off.argmax(), off.shape) == (3, 0)
    shown = AttentionExplorer(reading=now, before=was, layer=3, head=0, row=16)
    assert shown.text().splitlines()[0] == "'·red' attends most to '·kite', 95 %."
    assert any("attends most to '·drum', 99 %" in line for line in shown.text().splitlines())
