"""Lesson 06 in JupyterLab: moving the film answers the lesson's question, by keyboard."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "06_pretraining.ipynb"


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.notebook(LESSON) as opened:
        opened.run("set-up", "training-film")
        yield opened


@pytest.fixture
def host(notebook):
    """The film, back at its opening state."""
    found = notebook.widget("training-film")
    notebook.python("film.at = opening")
    notebook.settled()
    return found


def test_it_opens_before_the_click(notebook, host):
    """The question is not answered yet: the right word is still one among others."""
    assert float(notebook.python("print(kept['p'][film.at][0])")) < 0.5
    assert host.locator(".now").inner_text() == notebook.python("print(film.summary)")


def test_the_answer_jumps_between_two_moments_and_the_story_holds_longer(notebook, host):
    dial = host.get_by_role("slider")
    dial.press("Home")
    told = []
    for _ in range(int(notebook.python("print(len(film.steps))"))):
        notebook.settled()
        shown = host.locator(".now").inner_text()
        kite, possible = json.loads(
            notebook.python(
                "import json; print(json.dumps([kept['p'][film.at][0], len(film.stories[film.at][0])]))"
            )
        )
        assert shown == notebook.python("print(film.summary)")
        told.append((kite, possible))
        dial.press("ArrowRight")
    kites = [kite for kite, _ in told]
    assert max(b - a for a, b in pairwise(kites)) > 0.25
    assert kites[-1] > 0.9
    assert told[0][1] < told[-1][1]  # the first story breaks sooner than the last


def test_no_key_leaks(notebook, host):
    assert notebook.leaks(host.get_by_role("slider")) == ""
    assert notebook.leaks(host.get_by_role("button", name="play")) == ""
