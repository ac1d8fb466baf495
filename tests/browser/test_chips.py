"""The chips game in real JupyterLab: by mouse, by keyboard, and what its JavaScript computes."""

import math
import random

import pytest

CELLS = {
    "game": """
from llmasos_edu.widgets.chips import ChipsGame, rounds_of
words = ["The", " cat", " sat", "."]
coin = lambda words: {" cat": 0.5, " dog": 0.25, " sat": 0.125, ".": 0.125}
game = ChipsGame(rounds_of(words, [1, 2, 3], {"coin": coin}))
game
"""
}


@pytest.fixture
def notebook(desk):
    with desk.notebook(CELLS) as opened:
        opened.run("game")
        yield opened


def text(game):
    return game.evaluate("host => host.shadowRoot.textContent")


def test_the_word_that_came_is_shown_also_where_no_candidate_named_it(js):
    other = {"candidates": [" a", "(another word)"], "answer": 1, "word": " kite"}
    assert js("chips", "came", other) == "kite"
    assert js("chips", "came", {"candidates": [" a", " b"], "answer": 0, "word": ""}) == "a"


def test_chips_stay_on_the_table(js):
    draw = random.Random(0)
    for _ in range(30):
        n = draw.randint(2, 8)
        chips, held = js("chips", "evenly", 100, n), [False] * n
        for _ in range(12):
            i, value = draw.randrange(n), draw.choice([draw.randint(-5, 110), chips[0]])
            before, chips = chips, js("chips", "moved", chips, held, i, value)
            held[i] = True
            assert sum(chips) == 100
            assert min(chips) >= 1
            assert chips[i] == min(100 - (n - 1), max(1, value))
            rest = sum(c for c, h in zip(chips, held, strict=True) if not h)
            free = [c for c, h in zip(chips, held, strict=True) if not h]
            if free:
                assert max(free) - min(free) <= 1  # those not set share evenly
            if free and rest > len(free):  # nothing was short, so what was set stays
                assert all(
                    a == b for j, (a, b) in enumerate(zip(before, chips, strict=True)) if held[j] and j != i
                )


def test_evenly_and_price(js):
    assert js("chips", "evenly", 100, 7) == [15, 15, 14, 14, 14, 14, 14]
    assert js("chips", "evenly", 0, 0) == []
    assert js("chips", "price", 0.2) == pytest.approx(math.log(5), rel=1e-12)  # two float64 logarithms


def test_played_by_keyboard(notebook):
    game = notebook.widget("game")
    slider = game.get_by_role("slider", name="chips on cat")
    slider.focus()
    slider.press("Home")
    for _ in range(3):
        slider.press("ArrowRight")
    assert notebook.until(lambda: slider.get_attribute("aria-valuetext") == "4 of 100 chips")
    slider.press("End")
    assert notebook.until(lambda: slider.get_attribute("aria-valuetext") == "96 of 100 chips")
    slider.press("Enter")
    game.get_by_role("button", name="Next word").wait_for()
    status = game.get_by_role("status")  # the sentence waits for rest, and so does the live region
    assert notebook.until(lambda: status.text_content().startswith("It was cat. You pay 0.0 nats, coin 0.7."))
    paid = "After 1 of 3 words you paid 0.0 nats; coin 0.7."
    assert notebook.until(lambda: notebook.python("print(game.summary)") == paid)
    assert notebook.python("print(game.text().splitlines()[0] == game.summary)") == "True"
    notebook.page.keyboard.press("Enter")  # the focus went to the button
    game.get_by_text("Word 2 of 3").wait_for()
    focused = game.evaluate("host => host.shadowRoot.activeElement.getAttribute('aria-label')")
    assert focused == "chips on cat"
    assert notebook.leaks(slider) == ""


def test_played_by_mouse(notebook):
    game = notebook.widget("game")
    more = game.get_by_role("button", name="5 chips more on cat")
    for _ in range(4):
        more.click()
    slider = game.get_by_role("slider", name="chips on cat")
    assert notebook.until(lambda: slider.get_attribute("aria-valuetext") == "40 of 100 chips")
    assert "Total 100 chips: 40 placed by you, 60 spread evenly" in text(game)
    for i in range(3):
        game.get_by_role("button", name="Show the word").click()
        game.get_by_role("button", name="Next word" if i < 2 else "Play again").click()
    assert notebook.until(lambda: "Paid for 0 of 3 words" in text(game))
    assert notebook.leaks(more) == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(notebook, theme):
    notebook.theme(theme)
    game = notebook.widget("game")
    assert notebook.violations(game) == []
    game.get_by_role("button", name="Show the word").click()
    notebook.page.wait_for_timeout(200)
    assert notebook.violations(game) == []
