"""The Attention Explorer on plain arrays, in JupyterLab and Notebook 7, by mouse and by keyboard alone."""

import numpy as np
import pytest

SET_UP = """
import numpy as np
from llmasos_edu.widgets.attention_explorer import AttentionExplorer
rng = np.random.default_rng(0)
q, k = rng.normal(size=(2, 3, 6, 4)) * 2
tokens = ["the", "cat", "<b>sat</b>", "on", "x" * 500, "\\n\\u200b\\u202e"]
shown = AttentionExplorer(q, k, tokens, head=0, row=5)
given = AttentionExplorer(weights=np.eye(1), tokens=["one"])
"""
CELLS = {"set-up": SET_UP, "map": "shown", "one": "given"}


@pytest.fixture
def shown(notebook):
    """The map as it opened, whatever the test before left."""
    host = notebook.widget("map")
    notebook.page.mouse.move(2, 2)
    the_map(host).press("Escape")
    notebook.python(
        "shown.head, shown.row, shown.temperature, shown.mask, shown.hide_first, shown.scale ="
        " 0, 5, 1.0, 'causal', False, 0.5; shown.seq += 1"
    )
    opened = ("0", "causal", False, ["1", "0.5 = 1 × 0.5"], "'⏎‹200B›‹202E›' (5), pinned")
    assert notebook.until(lambda: settings(host) == opened), settings(host)
    return host


def settings(host):
    """What the controls and the caption say: head, mask, hide token 0, [temperature, scale], caption."""
    head, mask = (host.get_by_role("combobox", name=name) for name in ("head", "mask"))
    sliders = [host.get_by_role("slider", name=name) for name in ("temperature", "scale")]
    return (
        head.input_value() if head.count() else "",
        mask.input_value(),
        host.get_by_role("checkbox", name="hide token 0").is_checked(),
        [slider.get_attribute("aria-valuetext") for slider in sliders],
        row(host).locator("caption").inner_text(),
    )


def options(host):
    return host.get_by_role("listbox", name="The token that looks").get_by_role("option")


def the_map(host):
    return host.get_by_role("application", name="Attention map")


def row(host):
    return host.get_by_role("region", name="the row as a table")


def same_words(notebook):
    """The browser's sentence and Python's own, for the state that both hold."""
    notebook.settled()
    said = "print(shown.summary, shown.text().splitlines()[0], sep='|')"
    assert notebook.until(lambda: len(set(notebook.python(said).split("|"))) == 1)


def ink(host):
    """How many colours the canvas holds: 1 is an empty one."""
    return host.locator(".map canvas").evaluate(
        "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height)"
        ".data.buffer)).size"
    )


def test_it_draws(notebook, shown):
    assert ink(shown) > 10
    assert ink(notebook.widget("one")) > 2
    same_words(notebook)


def test_markup_and_odd_tokens_show_as_text(shown):
    assert options(shown).nth(2).inner_text() == "<b>sat</b>"
    assert options(shown).nth(4).inner_text() == "x" * 39 + "…"
    assert options(shown).nth(5).inner_text() == "⏎‹200B›‹202E›"
    assert shown.locator("b").count() == 0


@pytest.mark.parametrize(("label", "trait"), [("scale", "scale"), ("temperature", "temperature")])
def test_sliders_follow_the_hand(notebook, shown, label, trait):
    before = row(shown).locator("tbody").inner_text()
    slider = shown.get_by_role("slider", name=label)
    slider.press("ArrowRight")
    slider.press("ArrowRight")
    assert notebook.until(lambda: row(shown).locator("tbody").inner_text() != before)
    expected = pytest.approx((0.5 if trait == "scale" else 1.0) * 2**0.5)
    assert notebook.until(lambda: float(notebook.python(f"print(shown.{trait})")) == expected)
    same_words(notebook)


def test_mask_and_hidden_first_token(notebook, shown):
    shown.get_by_role("combobox", name="mask").select_option("none")
    shown.get_by_role("checkbox", name="hide token 0").check()
    assert notebook.until(lambda: notebook.python("print(shown.mask, shown.hide_first)") == "none True")
    same_words(notebook)
    weights = np.array(eval(notebook.python("print(shown.weights().tolist())")))
    assert (weights[0, 1:] > 0).all()
    assert (weights[:, 0] == 0).all()
    first = row(shown).locator("tbody tr").first
    assert notebook.until(lambda: first.inner_text().split("\t")[1] == "may not")


def test_hover_previews_and_a_click_pins(notebook, shown):
    picture = shown.locator(".map canvas")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    left, top = min(120, box["width"] / 3), 96  # the names are long, so their strips are as wide as they get
    side = (box["height"] - top - 2) / 6
    caption = row(shown).locator("caption")
    x, y = box["x"] + left + 1.5 * side, box["y"] + top + 3.5 * side
    notebook.page.mouse.move(x, y)
    shown.get_by_text("in hand").wait_for()
    hovered = caption.inner_text()
    notebook.page.mouse.click(x, y)
    assert notebook.until(lambda: caption.inner_text() == hovered.replace("in hand", "pinned"))
    assert notebook.until(lambda: notebook.python("print(shown.row)") == "3")
    notebook.page.mouse.move(2, 2)
    notebook.page.wait_for_timeout(100)
    assert caption.inner_text().endswith("pinned")
    same_words(notebook)


def test_the_map_by_keyboard_alone(notebook, shown):
    the_map(shown).focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowRight"):
        notebook.page.keyboard.press(key)
    status = shown.get_by_role("status")  # it speaks at most twice a second
    assert notebook.until(lambda: status.inner_text().startswith("'on' looks at 'cat': "))
    notebook.page.keyboard.press("Enter")
    assert notebook.until(lambda: notebook.python("print(shown.row)") == "3")
    notebook.page.keyboard.press("End")
    notebook.page.keyboard.press("Escape")
    assert notebook.until(lambda: row(shown).locator("caption").inner_text() == "'on' (3), pinned")


def test_tokens_by_keyboard_alone(notebook, shown):
    tokens = options(shown)
    assert tokens.evaluate_all("all => all.filter(o => o.tabIndex === 0).length") == 1  # roving tabindex
    tokens.nth(5).focus()
    for key in ("Home", "ArrowRight", "Enter"):
        notebook.page.keyboard.press(key)
    assert notebook.until(lambda: notebook.python("print(shown.row)") == "1")
    assert notebook.until(lambda: tokens.nth(1).get_attribute("aria-selected") == "true")
    same_words(notebook)


def test_heads_and_new_arrays(notebook, shown):
    shown.get_by_role("combobox", name="head").select_option("2")
    assert notebook.until(lambda: notebook.python("print(shown.head)") == "2")
    same_words(notebook)
    notebook.python("shown.update(q[:1, :4] * 0, k[:1, :4], tokens[:4]); shown.row = 3")
    evenly = "'on' attends equally to 4 tokens, 25 % each."
    assert notebook.until(lambda: shown.locator(".sentence").first.inner_text() == evenly)
    assert notebook.until(lambda: shown.get_by_role("combobox", name="head").count() == 0)
    notebook.python("shown.update(q, k, tokens)")


def test_no_key_leaks(notebook, shown):
    for control in (
        shown.get_by_role("slider").first, shown.get_by_role("combobox").first,
        shown.get_by_role("checkbox").first, options(shown).nth(5),
        the_map(shown), row(shown),
    ):  # fmt: skip
        assert notebook.leaks(control) == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_themes_and_axe(notebook, shown, theme):
    notebook.theme(theme)
    scheme = "host => getComputedStyle(host).colorScheme"
    assert notebook.until(lambda: shown.evaluate(scheme) == theme)
    assert notebook.until(lambda: ink(shown) > 10)
    assert notebook.violations(shown) == []


def test_targets_are_large_enough(shown):
    sizes = shown.locator("select, input, [role=option]").evaluate_all(
        "all => all.filter(e => e.offsetParent).map(e => [e.offsetWidth, e.offsetHeight])"
    )
    assert min(min(size) for size in sizes) >= 24  # WCAG 2.2, 2.5.8
