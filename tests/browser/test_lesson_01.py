"""Lesson 01 in JupyterLab: set-up and playground, moved by mouse and by keyboard."""

from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "01_tokens.ipynb"


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.notebook(LESSON) as opened:
        opened.run("set-up", "widget")
        yield opened


def kites(notebook):
    """How many tokens of the text are " kite", as Python knows it."""
    notebook.page.wait_for_timeout(400)
    return notebook.python("print(playground.tokens().count(b' kite'))")


def test_the_slider_by_keyboard(notebook):
    host = notebook.widget("widget")
    slider = host.get_by_role("slider", name="merges applied")
    slider.press("Home")
    assert notebook.until(lambda: kites(notebook) == "0")
    slider.press("End")
    assert notebook.until(lambda: kites(notebook) == "2")


def test_the_slider_by_mouse(notebook):
    host = notebook.widget("widget")
    slider = host.get_by_role("slider", name="merges applied")
    box = slider.bounding_box()
    rev = notebook.rev(host)
    notebook.page.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    notebook.page.mouse.down()
    notebook.page.mouse.move(box["x"] + 4, box["y"] + box["height"] / 2, steps=20)
    notebook.page.mouse.up()
    notebook.wait_rev(host, rev)
    assert notebook.until(lambda: kites(notebook) == "0")
    assert host.get_by_text("of 250", exact=False).first.is_visible()


def test_the_birth_of_kite_is_found_by_stepping(notebook):
    host = notebook.widget("widget")
    host.get_by_role("slider", name="merges applied").press("Home")
    while kites(notebook) == "0":
        rev = notebook.rev(host)
        host.get_by_role("button", name="next change").click()
        notebook.wait_rev(host, rev)
    born = notebook.python("print(playground.shown)")
    truth = "print([a + b for a, b in playground.tokenizer.merges].index(b' kite') + 1)"
    assert born == notebook.python(truth)


def test_no_key_leaks(notebook):
    host = notebook.widget("widget")
    assert notebook.leaks(host.get_by_role("textbox")) == ""
    assert notebook.leaks(host.get_by_role("slider")) == ""
