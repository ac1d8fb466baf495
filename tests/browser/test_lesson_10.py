"""Lesson 10 in JupyterLab: the bars answer the lesson's question about what nobody wrote, by keyboard."""

from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "10_hugging_face.ipynb"


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.notebook(LESSON) as opened:
        opened.run("set-up", "hidden-settings")
        yield opened


@pytest.fixture
def host(notebook):
    """The bars, back at their opening state."""
    found = notebook.widget("hidden-settings")
    rev = notebook.rev(found)
    notebook.python("bars.push(temperature=0.7, top_k=50, top_p=1.0, min_p=0.0)")
    notebook.wait_rev(found, rev)
    return found


def sentence(notebook):
    """What the widget says of itself, as the kernel has it."""
    return notebook.python("print(bars.text().splitlines()[0])")


def test_fifty_words_can_come_however_hot(notebook, host):
    assert "50 of 1,112 tokens can be drawn" in sentence(notebook)
    slider = host.get_by_role("slider", name="temperature")
    slider.focus()
    slider.press("End")
    assert notebook.until(lambda: "temperature 3.00, top-k 50: 50 of 1,112" in sentence(notebook))


def test_the_temperature_only_comes_near_greedy(notebook, host):
    slider = host.get_by_role("slider", name="temperature")
    slider.focus()
    slider.press("Home")
    assert notebook.until(lambda: float(notebook.python("print(bars.temperature)")) < 0.3)
    assert "50 of 1,112 tokens can be drawn" in sentence(notebook)


@pytest.mark.parametrize(
    ("name", "keys"), [("top-k", ["Home", "ArrowRight"]), ("top-p", ["Home"]), ("min-p", ["End"])]
)
def test_three_sliders_reach_greedy(notebook, host, name, keys):
    slider = host.get_by_role("slider", name=name)
    slider.focus()
    for key in keys:
        slider.press(key)
    assert notebook.until(lambda: ": 1 of 1,112 tokens can be drawn" in sentence(notebook))
