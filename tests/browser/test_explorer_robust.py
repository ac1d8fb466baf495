"""The Explorer where it is hard: many heads, long texts, odd rows, a kernel begun anew, narrow windows."""

import pytest

SET_UP = """
import numpy as np
from llmasos_edu.widgets.attention_data import Layer, Reading
from llmasos_edu.widgets.attention_explorer import VIEWS, AttentionExplorer
rng = np.random.default_rng(0)
many = AttentionExplorer(*rng.normal(size=(2, 48, 64, 4, 4)), list("abcd"), views=VIEWS)
long = AttentionExplorer(*rng.normal(size=(2, 9, 1024, 4)), [str(n) for n in range(1024)], views=("table",))
odd = AttentionExplorer(weights=np.array([[0.5, 0.0], [2.0, 1.0]]), tokens=["a", "b"], row=1)
tokens = ["the", "cat", "<b>sat</b>", "on", "x" * 500, "\\n\\u200b\\u202e"]
q, k, v = rng.normal(size=(3, 2, 3, 6, 4))
roles = {"self": rng.random((2, 3))}
words = [[("mat", 0.5), ("<i>dog</i>", 0.25)]] * 6
one, two = (
    AttentionExplorer(q, k, tokens, v=v, roles=roles, next_words=words, views=VIEWS, row=4) for _ in range(2)
)
"""
CELLS = {"set-up": SET_UP, "many": "many", "long": "long", "odd": "odd", "one": "one", "two": "two"}


@pytest.fixture(scope="module", params=["lab"])
def notebook(request, desk):
    with desk.notebook(CELLS, request.param) as opened:
        opened.run(*CELLS)
        yield opened


def caption(host):
    return host.locator("caption").inner_text()


def colours(host):
    return host.locator(".map canvas").evaluate(
        "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height)"
        ".data.buffer)).size"
    )


def test_64_heads_by_48_layers(notebook):
    host = notebook.widget("many")
    assert notebook.until(lambda: colours(host) > 4)
    layer, head = (host.get_by_role("combobox", name=name, exact=True) for name in ("layer", "head"))
    assert (layer.locator("option").count(), head.locator("option").count()) == (48, 64)
    layer.select_option("47")
    head.select_option("63")
    assert notebook.until(lambda: notebook.python("print(many.layer, many.head)") == "47 63")
    expected = "print(many.text().splitlines()[0])"
    sentence = host.locator(".sentence").first
    assert notebook.until(lambda: sentence.inner_text() == notebook.python(expected))


def test_a_text_of_1024_tokens_opens_and_says_what_it_left_out(notebook):
    host = notebook.widget("long")
    assert notebook.until(lambda: colours(host) > 4)
    left = "1,024 tokens: thumbnails show the largest of "
    assert notebook.until(lambda: host.locator(".picture p").last.inner_text().startswith(left))


def test_rows_that_do_not_add_up_to_one_are_shown_as_they_are(notebook):
    host = notebook.widget("odd")
    assert notebook.until(lambda: caption(host) == "'b' (1), pinned")
    lines = host.get_by_role("region", name="the row as a table").locator("tbody tr").all_inner_texts()
    assert [line.split("\t")[1] for line in lines] == ["200 %", "100 %"]


def test_two_explorers_do_not_disturb_each_other(notebook):
    first, second = notebook.widget("one"), notebook.widget("two")
    before = second.evaluate("host => host.shadowRoot.querySelector('div').innerText")
    first.get_by_role("combobox", name="head", exact=True).select_option("2")
    first.get_by_role("combobox", name="mask").select_option("none")
    first.get_by_role("spinbutton", name="q, dimension 0", exact=True).fill("3")
    state = "print(one.mask, len(one.edits), two.mask, len(two.edits), one.head == 2)"
    assert notebook.until(lambda: notebook.python(state) == "none 1 causal 0 True")
    assert second.evaluate("host => host.shadowRoot.querySelector('div').innerText") == before


@pytest.mark.parametrize("width", [600, 640])
def test_narrow_windows(notebook, width):
    """600 px, and 640: what is left of 1,280 px at 200 % zoom. All views are open, nothing sticks out."""
    notebook.page.set_viewport_size({"width": width, "height": 900})
    host = notebook.widget("two")
    rev = notebook.rev(host)
    notebook.python("two.seq += 1")
    notebook.wait_rev(host, rev)
    assert notebook.until(lambda: host.evaluate(STICKS_OUT) == []), host.evaluate(STICKS_OUT)
    assert notebook.until(lambda: host.evaluate(SMALL) == []), host.evaluate(SMALL)
    notebook.page.set_viewport_size({"width": 1280, "height": 900})


def test_nothing_moves_by_itself(notebook):
    notebook.page.emulate_media(reduced_motion="reduce")
    host = notebook.widget("two")
    host.get_by_role("combobox", name="head", exact=True).select_option("1")
    assert notebook.until(lambda: notebook.python("print(two.head)") == "1")
    assert host.evaluate("host => host.shadowRoot.getAnimations().length") == 0
    notebook.page.emulate_media(reduced_motion="no-preference")


def test_a_cell_run_again_and_again_leaves_nothing_behind(notebook):
    """50 runs: nodes and listeners of the page do not grow by what an Explorer has."""
    devtools = notebook.page.context.new_cdp_session(notebook.page)
    devtools.send("Performance.enable")

    def counted():
        devtools.send("HeapProfiler.collectGarbage")
        found = devtools.send("Performance.getMetrics")["metrics"]
        return {m["name"]: m["value"] for m in found if m["name"] in ("Nodes", "JSEventListeners")}

    for _ in range(3):  # the first runs fill what is kept once
        notebook.run("odd")
    notebook.widget("odd")
    before = counted()
    for _ in range(50):
        notebook.run("odd")
    notebook.widget("odd")
    # an Explorer has over 200 nodes and 30 listeners: 50 of them would be far more than this
    most = {"Nodes": before["Nodes"] + 1000, "JSEventListeners": before["JSEventListeners"] + 100}
    assert notebook.until(lambda: all(n < most[name] for name, n in counted().items())), (before, counted())
    assert notebook.page.locator(".llmasos-widget").count() == 5


def test_the_kernel_starts_anew(notebook):
    """The view goes on in the browser; after the cells are run again, all is as before."""
    host = notebook.widget("one")
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"
    )
    notebook.wait_idle()
    before = host.locator(".sentence").first.inner_text()
    host.get_by_role("slider", name="temperature").press("End")
    assert notebook.until(lambda: host.locator(".sentence").first.inner_text() != before)
    notebook.run("set-up", "one")
    host = notebook.widget("one")
    host.get_by_role("combobox", name="head", exact=True).select_option("1")
    assert notebook.until(lambda: notebook.python("print(one.head)") == "1")


STICKS_OUT = """host => {
  const right = host.getBoundingClientRect().right;
  const inScroll = (e) => { for (let p = e.parentElement; p; p = p.parentElement)
    if (getComputedStyle(p).overflowX !== "visible") return true; return false; };
  const wide = [...host.shadowRoot.querySelectorAll("*")].filter((e) => e.checkVisibility() && !inScroll(e)
    && e.getBoundingClientRect().width > 0 && e.getBoundingClientRect().right > right + 1);
  return wide.map((e) => `${e.tagName}.${e.className} ${e.getBoundingClientRect().right - right}`);
}"""
SMALL = """host => [...host.shadowRoot.querySelectorAll("select, input, button, [role=option]")]
  .filter((e) => e.checkVisibility()).map((e) => [e.outerHTML.slice(0, 80), e.offsetWidth, e.offsetHeight])
  .filter(([, w, h]) => Math.min(w, h) < 24 && w > 0)"""
