"""Lesson 02 in JupyterLab: set-up, the chips game and the sampler, moved by mouse and by keyboard."""

from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "02_probability.ipynb"


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.notebook(LESSON) as opened:
        opened.run("set-up", "game", "sampler")
        yield opened


def words(host):
    return host.evaluate("host => host.shadowRoot.textContent")


def test_the_game_by_keyboard(notebook):
    game = notebook.widget("game")
    slider, cells = game.get_by_role("slider").first, len(notebook.ids())
    slider.press("Home")
    for _ in range(9):
        slider.press("ArrowRight")
    assert notebook.until(lambda: slider.get_attribute("aria-valuetext") == "10 of 100 chips")
    assert "Total 100 chips: 10 placed by you, 90 spread evenly" in words(game)
    slider.press("Enter")
    game.get_by_role("button", name="Next word").wait_for()
    notebook.page.keyboard.press("b")  # the slider rests now; its focus must not fall to the notebook
    assert len(notebook.ids()) == cells
    status = game.get_by_role("status")  # it waits for rest
    assert notebook.until(lambda: status.text_content().startswith("It was "))
    assert "Paid for 1 of 12 words" in words(game)
    game.get_by_role("button", name="Next word").press("Enter")
    game.get_by_text("Word 2 of 12").wait_for()


def test_the_game_by_mouse(notebook):
    game = notebook.widget("game")
    more = game.get_by_role("button", name="5 chips more on").first
    slider = game.get_by_role("slider").first
    notebook.page.wait_for_timeout(100)
    before = int(slider.get_attribute("aria-valuetext").split()[0])
    more.click()
    assert notebook.until(lambda: slider.get_attribute("aria-valuetext") == f"{before + 5} of 100 chips")
    box = slider.bounding_box()
    notebook.page.mouse.click(box["x"] + box["width"] - 9, box["y"] + box["height"] / 2)
    assert notebook.until(lambda: int(slider.get_attribute("aria-valuetext").split()[0]) > 85)
    game.get_by_role("button", name="Show the word").click()
    game.get_by_text("You had").wait_for()


def test_the_sampler_by_keyboard_and_by_mouse(notebook):
    cell = notebook.cell("sampler")
    text = cell.locator(".widget-html-content p")
    temperature = cell.locator(".noUi-handle").first
    cell.scroll_into_view_if_needed()
    before = cell.locator(".widget-html-content").inner_text()
    temperature.focus()
    for _ in range(3):
        temperature.press("ArrowLeft")
    cell.get_by_text("0.7", exact=True).wait_for()
    notebook.page.wait_for_function(
        "([element, before]) => element.innerText !== before",
        arg=[cell.locator(".widget-html-content").element_handle(), before],
    )
    told = text.inner_text()
    box = cell.locator(".noUi-target").nth(1).bounding_box()
    notebook.page.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + box["height"] / 2)
    notebook.page.wait_for_function(
        "([cell, told]) => cell.querySelector('.widget-html-content p').innerText !== told",
        arg=[cell.element_handle(), told],
    )
    cell.locator("select").select_option("exact")
    cell.get_by_text("1.000", exact=True).wait_for()


def test_no_key_leaks(notebook):
    game = notebook.widget("game")
    if game.get_by_role("button", name="Next word").count():
        game.get_by_role("button", name="Next word").click()
    cell = notebook.cell("sampler")
    for control in (
        game.get_by_role("slider").last,
        game.get_by_role("button").last,
        cell.locator(".noUi-handle").first,
        cell.locator("select"),
    ):
        assert notebook.leaks(control) == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_the_game(notebook, theme):
    notebook.theme(theme)
    assert notebook.violations(notebook.widget("game")) == []
