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
    notebook.python("bars.push(temperature=0.7, top_k=50, top_p=1.0)")
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


def test_one_slider_reaches_greedy_and_one_comes_near(notebook, host):
    slider = host.get_by_role("slider", name="temperature")
    slider.focus()
    slider.press("Home")
    assert notebook.until(lambda: float(notebook.python("print(bars.temperature)")) < 0.3)
    assert "50 of 1,112 tokens can be drawn" in sentence(notebook)
    rev = notebook.rev(host)
    notebook.python("bars.push(temperature=0.7, top_k=1)")
    notebook.wait_rev(host, rev)
    assert notebook.until(lambda: "1 of 1,112 tokens can be drawn" in sentence(notebook))
