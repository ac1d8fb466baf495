"""The Explorer as a file: opened from file:// with the network off, it draws and answers."""

import numpy as np
import pytest

from llmasos_edu.widgets.attention_explorer import VIEWS, AttentionExplorer

TOKENS = [f"w{n}" for n in range(31)] + ["</script><b>end</b>"]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """T = 32 and 12 heads, with values, all views open."""
    q, k, v = np.random.default_rng(5).normal(size=(3, 12, 32, 16)) * 1.5
    shown = AttentionExplorer(q, k, TOKENS, v=v, head=3, row=9, views=VIEWS)
    return shown.to_html(tmp_path_factory.mktemp("page") / "page.html")


@pytest.fixture
def page(desk, file):
    """The file in a browser that has no network; what it logs or asks for fails the test."""
    context = desk.browser.new_context(offline=True, viewport={"width": 1280, "height": 1000})
    page, errors, asked = context.new_page(), [], []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_function("() => Number(document.querySelector('.llmasos-widget')?.dataset.rev) > 0")
    yield page
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    context.close()


def until(page, check, seconds=20):
    """Whether `check` comes true."""
    for _ in range(int(seconds / 0.05)):
        if check():
            return True
        page.wait_for_timeout(50)
    return False


def caption(page):
    return page.locator("caption").inner_text()


def percents(page):
    lines = page.get_by_role("region", name="the row as a table").locator("tbody tr").all_inner_texts()
    return [line.split("\t")[1] for line in lines]


def pixels(page):
    return page.locator(".map canvas").evaluate("c => c.toDataURL()")


def test_the_file_is_small(file):
    assert file.stat().st_size <= 150_000


def test_it_draws_and_shows_markup_as_text(page):
    colours = (
        "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height)"
        ".data.buffer)).size"
    )
    assert until(page, lambda: page.locator(".map canvas").evaluate(colours) > 20)
    assert caption(page) == "'w9' (9), pinned"
    last = page.get_by_role("listbox", name="The token that looks").get_by_role("option").last
    assert last.inner_text() == TOKENS[-1]
    assert page.locator("b").count() == 0


def test_nothing_that_needs_a_kernel_is_shown(page):
    assert not page.get_by_role("textbox", name="sentence").is_visible()
    assert page.get_by_role("checkbox", name="off: head").count() == 0
    assert not page.get_by_text("the model reads").is_visible()
    assert not page.get_by_text("on its way from the kernel").is_visible()


def test_hover_mask_slider_and_head(page):
    page.get_by_role("listbox", name="The token that looks").get_by_role("option").nth(20).click()
    assert until(page, lambda: caption(page) == "'w20' (20), pinned")
    box = page.locator(".map").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8)
    assert until(page, lambda: caption(page).endswith("in hand"))
    page.mouse.move(2, 2)
    assert until(page, lambda: caption(page) == "'w20' (20), pinned")
    before, drawn = percents(page), pixels(page)
    assert before[21:] == ["may not"] * 11
    page.get_by_role("combobox", name="mask").select_option("none")
    assert until(page, lambda: "may not" not in percents(page))
    page.get_by_role("combobox", name="mask").select_option("causal")
    assert until(page, lambda: percents(page) == before)
    page.get_by_role("slider", name="temperature").press("ArrowLeft")
    assert until(page, lambda: percents(page) != before)
    page.get_by_role("button", name="put all back").click()
    assert until(page, lambda: percents(page) == before)
    assert until(page, lambda: pixels(page) == drawn)
    page.get_by_role("combobox", name="head", exact=True).select_option("7")
    assert until(page, lambda: pixels(page) != drawn)
    assert until(page, lambda: percents(page) != before)


def test_a_number_is_edited(page):
    chain = page.locator(".chain")
    before = chain.inner_text()
    page.get_by_role("spinbutton", name="q, dimension 0", exact=True).fill("9")
    assert until(page, lambda: "the model's" in chain.inner_text())
    page.get_by_role("button", name="put back", exact=True).click()
    assert until(page, lambda: chain.inner_text() == before)
