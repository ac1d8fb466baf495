"""The film of a training run in JupyterLab: slider, play, themes, keys; its JavaScript against Python."""

import pytest

from llmasos_edu.rounding import number

SET_UP = """
from llmasos_edu.widgets.training_film import TrainingFilm
steps = list(range(0, 220, 20))
above = [300 * 0.55**i for i in range(11)]
p = [[0.005, 0.004]] * 4 + [[0.2, 0.3]] + [[0.99, 0.001]] * 6
good = "Mia had a red kite."
stories = [("", "the a")] * 5 + [(good, " Tom kite.")] * 3 + [(good, "")] * 3
film = TrainingFilm(steps, above, ["kite", "drum"], p, stories, "Mia left the red")
"""


@pytest.fixture(scope="module", params=["lab", "notebook"])
def notebook(request, desk):
    with desk.notebook({"set-up": SET_UP, "w": "film"}, request.param) as opened:
        opened.run("set-up", "w")
        yield opened


def test_the_slider_runs_through_the_moments(notebook):
    host = notebook.widget("w")
    dial = host.get_by_role("slider")
    rev = notebook.rev(host)
    dial.press("Home")
    notebook.wait_rev(host, rev)
    assert host.locator(".now").inner_text().startswith("Step 0: 300 nats above the floor")
    dial.press("ArrowRight")
    notebook.settled()
    told = notebook.python("print(film.at, film.summary == film.text().splitlines()[0])")
    assert told == "1 True"
    box = dial.bounding_box()
    notebook.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    notebook.settled()
    assert notebook.python("print(film.summary)") == host.locator(".now").inner_text()
    assert host.locator(".broken").inner_text().strip() == "Tom kite."
    assert host.locator(".bar").first.bounding_box()["width"] > 200


def test_play_runs_to_the_end(notebook):
    host = notebook.widget("w")
    notebook.python("film.at = 8")
    host.get_by_role("button", name="play").click()
    host.get_by_text("Step 200:").wait_for(timeout=5_000)
    host.get_by_role("button", name="play").wait_for(timeout=5_000)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(notebook, theme):
    notebook.theme(theme)
    notebook.python("film.at = 5")
    assert notebook.violations(notebook.widget("w")) == []


def test_no_key_leaks(notebook):
    host = notebook.widget("w")
    for control in (host.get_by_role("slider"), host.get_by_role("button")):
        assert notebook.leaks(control) == ""


def test_javascript_writes_numbers_as_python_does(js):
    for value in (0.0, 0.994, 0.005, 0.00012, 3e-7, 1.25, 21.5, 299.7, 320.0, 12345.6, 0.9996):
        assert js("training_film", "three", value) == number(value)


def test_the_curve_is_logarithmic(js):
    assert js("training_film", "decades", [300, 0.9]) == [-1, 3]
    (x0, y0), (x1, y1), (x2, y2) = js("training_film", "curve", [0, 10, 20], [100, 10, 1], 400, 200)
    assert (x1 - x0) == pytest.approx(x2 - x1)
    assert (y1 - y0) == pytest.approx(y2 - y1)
    assert 0 <= x0 < x2 <= 400
    assert 0 <= y0 < y2 <= 200
