"""Lesson 04 in JupyterLab: the map answers the lesson's question, by mouse and by keyboard."""

from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "04_attention.ipynb"


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.notebook(LESSON) as opened:
        opened.run("set-up", "attention-map")
        yield opened


@pytest.fixture
def host(notebook):
    """The map, back at its opening state."""
    found = notebook.widget("attention-map")
    notebook.page.mouse.move(2, 2)
    rev = notebook.rev(found)
    notebook.python("explorer.head, explorer.row, explorer.scale = 0, last, 0.25; explorer.seq += 1")
    notebook.wait_rev(found, rev)
    return found


def summary(notebook):
    notebook.settled()
    return notebook.python("print(explorer.summary)")


def test_it_opens_on_the_last_red(notebook, host):
    assert summary(notebook).startswith("'·red' attends most to")
    assert "kite" not in summary(notebook)  # the question is not answered yet


def test_one_head_answers_the_blank_by_keyboard(notebook, host):
    """Going through the heads with the arrow keys, exactly one looks back at the kite."""
    choose = host.get_by_role("combobox", name="head")
    told = [summary(notebook)]
    for _ in range(3):
        choose.press("ArrowDown")
        told.append(summary(notebook))
    assert notebook.python("print(explorer.head)") == "3"
    found = [t for t in told if t.startswith("'·red' attends most to '·kite'")]
    assert len(found) == 1, told


def test_a_word_is_pinned_by_mouse(notebook, host):
    host.get_by_role("listbox", name="The token that looks").get_by_role("option").nth(4).click()
    assert summary(notebook).startswith("'·red' attends")
    assert notebook.python("print(explorer.row)") == "4"


def test_the_words_are_walked_by_keyboard(notebook, host):
    pinned = host.get_by_role("listbox", name="The token that looks").get_by_role("option").nth(16)
    pinned.focus()
    notebook.page.keyboard.press("ArrowLeft")
    notebook.page.keyboard.press("Enter")
    notebook.settled()
    assert notebook.python("print(explorer.row)") == "15"


def test_the_slider_brings_the_experiment_near(notebook, host):
    """Between two neighbouring stops of the scale the kite has half of the weight."""
    head = notebook.python("print(max(range(4), key=lambda h: explorer.weights(head=h)[last, 5]))")
    host.get_by_role("combobox", name="head").select_option(head)
    notebook.settled()
    slider = host.get_by_role("slider", name="scale")
    shares = []
    for _ in range(12):
        shares.append(float(notebook.python("print(explorer.weights()[last, 5])")))
        slider.press("ArrowLeft")
        notebook.settled()
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.9
    assert shares[-1] < 0.5


def test_no_key_leaks(notebook, host):
    assert notebook.leaks(host.get_by_role("slider", name="scale")) == ""
    assert notebook.leaks(host.get_by_role("combobox", name="head")) == ""
