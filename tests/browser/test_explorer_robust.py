"""The Explorer where it is hard: many heads, long texts, odd rows, a kernel begun anew, narrow windows."""

import pytest

SET_UP = """
import numpy as np
from llmasos_edu.widgets.attention_explorer import VIEWS, AttentionExplorer
rng = np.random.default_rng(0)
many = AttentionExplorer(*rng.normal(size=(2, 48, 64, 4, 4)), list("abcd"), views=VIEWS)
long = AttentionExplorer(*rng.normal(size=(2, 9, 1024, 4)), [str(n) for n in range(1024)], views=("table",))
single = AttentionExplorer(*rng.normal(size=(2, 1, 1, 4)), ["one"], v=np.ones((1, 1, 4)), views=VIEWS)
mixed = AttentionExplorer(*rng.normal(size=(2, 2, 4, 4)), ["Mia", "قمر", "אור", "kite"], views=VIEWS, row=1)
odd = AttentionExplorer(weights=np.array([[0.5, 0.0], [2.0, 1.0]]), tokens=["a", "b"], row=1)
tokens = ["the", "cat", "<b>sat</b>", "on", "x" * 500, "\\n\\u200b\\u202e"]
q, k, v = rng.normal(size=(3, 2, 3, 6, 4))
roles = {"self": rng.random((2, 3))}
words = [[("mat", 0.5), ("<i>dog</i>", 0.25)]] * 6
one, two = (
    AttentionExplorer(q, k, tokens, v=v, roles=roles, next_words=words, views=VIEWS, row=4) for _ in range(2)
)
"""
PROBE = """
import anywidget
class Probe(anywidget.AnyWidget):
    _esm = "export default { render({ model }) { window.widgetManager = model.widget_manager; } }"
Probe()
"""
SHOWN = ("many", "long", "single", "mixed", "odd", "one", "two")
CELLS = {"set-up": SET_UP, **{name: name for name in SHOWN}, "probe": PROBE}


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
    tokens = host.get_by_role("listbox", name="The token that looks")
    assert tokens.evaluate("e => e.offsetHeight") <= 300  # the map is not pushed out of sight
    left = "1,024 tokens: thumbnails show the largest of "
    assert notebook.until(lambda: host.locator(".picture p").last.inner_text().startswith(left))


def test_rows_that_do_not_add_up_to_one_are_shown_as_they_are(notebook):
    host = notebook.widget("odd")
    assert notebook.until(lambda: caption(host) == "'b' (1), pinned")
    lines = host.get_by_role("region", name="the row as a table").locator("tbody tr").all_inner_texts()
    assert [line.split("\t")[1] for line in lines] == ["200 %", "100 %"]


def test_one_token_and_one_head(notebook):
    """Nothing to choose, and nothing that stands empty: views that compare heads are not offered."""
    host = notebook.widget("single")
    assert notebook.until(lambda: colours(host) > 2)
    assert host.locator(".sentence").first.inner_text() == "'one' attends most to itself, 100 %."
    assert host.locator(".lines p").last.inner_text() == "'one' looks at 'one' 100 %."
    assert host.locator(".chain").inner_text().endswith("weight = 100 %")
    offered = host.get_by_role("group", name="views").get_by_role("button").all_inner_texts()
    assert offered == ["row as a table", "why this weight", "lines"]
    assert host.get_by_role("combobox", name="head").count() == 0
    the_map = host.get_by_role("application", name="Attention map")
    for key in ("ArrowRight", "ArrowDown", "Home", "End", "Enter"):
        the_map.press(key)
    assert notebook.until(lambda: caption(host) == "'one' (0), pinned")
    host.get_by_role("checkbox", name="hide token 0").check()
    assert notebook.until(lambda: "attends to nothing" in host.locator(".sentence").first.inner_text())


def test_right_to_left_tokens_keep_their_place(notebook):
    """Position 0 stands at the left, whatever is written in it, and each token reads as it is."""
    host = notebook.widget("mixed")
    options = host.get_by_role("listbox", name="The token that looks").get_by_role("option")
    assert options.all_inner_texts() == ["Mia", "قمر", "אור", "kite"]
    left = options.evaluate_all("all => all.map((e) => e.getBoundingClientRect().left)")
    assert left == sorted(left)
    assert caption(host) == "'قمر' (1), pinned"
    rows = host.get_by_role("region", name="the row as a table").locator("tbody th").all_inner_texts()
    assert rows == ["0 Mia", "1 قمر", "2 אור", "3 kite"]


def test_two_explorers_do_not_disturb_each_other(notebook):
    first, second = notebook.widget("one"), notebook.widget("two")
    before = second.evaluate("host => host.shadowRoot.querySelector('div').innerText")
    first.get_by_role("combobox", name="head", exact=True).select_option("2")
    first.get_by_role("combobox", name="mask").select_option("none")
    first.get_by_role("spinbutton", name="q, dimension 0", exact=True).fill("3")
    state = "print(one.mask, len(one.edits), two.mask, len(two.edits), one.head == 2)"
    assert notebook.until(lambda: notebook.python(state) == "none 1 causal 0 True")
    assert second.evaluate("host => host.shadowRoot.querySelector('div').innerText") == before


@pytest.mark.parametrize(("width", "ratio"), [(600, 1), (640, 2)])
def test_narrow_windows(notebook, width, ratio):
    """600 px; and 1,280 px at 200 % zoom, which is half as many CSS pixels, two device pixels each.

    All views are open: nothing sticks out sideways, targets stay large, the picture is sharp.
    """
    devtools = notebook.page.context.new_cdp_session(notebook.page)
    screen = {"width": width, "height": 900 // ratio, "deviceScaleFactor": ratio, "mobile": False}
    devtools.send("Emulation.setDeviceMetricsOverride", screen)
    host = notebook.widget("two")
    assert notebook.until(lambda: host.evaluate(SHARP) == [ratio] * 3), host.evaluate(SHARP)
    assert notebook.until(lambda: host.evaluate(STICKS_OUT) == []), host.evaluate(STICKS_OUT)
    assert notebook.until(lambda: host.evaluate(SMALL) == []), host.evaluate(SMALL)
    devtools.send("Emulation.clearDeviceMetricsOverride")


def test_nothing_moves_by_itself(notebook):
    notebook.page.emulate_media(reduced_motion="reduce")
    host = notebook.widget("two")
    host.get_by_role("combobox", name="head", exact=True).select_option("1")
    assert notebook.until(lambda: notebook.python("print(two.head)") == "1")
    assert host.evaluate("host => host.shadowRoot.getAnimations().length") == 0
    notebook.page.emulate_media(reduced_motion="no-preference")


def test_forced_colours(notebook):
    """Where the system sets the colours, an open view's button still looks unlike a closed one's."""
    notebook.page.emulate_media(forced_colors="active")
    group = notebook.widget("two").get_by_role("group", name="views")
    group.get_by_role("button", name="lines").click()
    paper = "e => getComputedStyle(e).backgroundColor"
    opened, closed = (group.get_by_role("button", name=name) for name in ("next word", "lines"))
    assert notebook.until(lambda: closed.get_attribute("aria-pressed") == "false")
    assert notebook.until(lambda: opened.evaluate(paper) != closed.evaluate(paper))
    group.get_by_role("button", name="lines").click()
    notebook.page.emulate_media(forced_colors="none")


def test_a_cell_run_again_and_again_leaves_nothing_behind(notebook):
    """50 runs: what an Explorer makes, it ends: listeners on the model, observers, hosts, nodes."""
    devtools = notebook.page.context.new_cdp_session(notebook.page)
    devtools.send("Performance.enable")

    def alive(prototype, where="true"):
        """How many objects of that kind the page still holds."""
        asked = devtools.send("Runtime.evaluate", {"expression": f"{prototype}.prototype"})["result"]
        found = devtools.send("Runtime.queryObjects", {"prototypeObjectId": asked["objectId"]})["objects"]
        count = f"function() {{ return this.filter((e) => {where}).length; }}"
        asked = {"objectId": found["objectId"], "functionDeclaration": count, "returnByValue": True}
        held = devtools.send("Runtime.callFunctionOn", asked)["result"]["value"]
        devtools.send("Runtime.releaseObject", {"objectId": found["objectId"]})
        return held

    def counted():
        devtools.send("HeapProfiler.collectGarbage")
        metrics = {m["name"]: m["value"] for m in devtools.send("Performance.getMetrics")["metrics"]}
        return {
            "listeners on the model": notebook.page.evaluate(ON_MODEL, model),
            "resize observers": alive("ResizeObserver"),
            "mutation observers": alive("MutationObserver"),
            "hosts that are gone": alive("HTMLDivElement", "e.dataset.rev && !e.isConnected"),
            "nodes": metrics["Nodes"],
            "listeners": metrics["JSEventListeners"],
        }

    model = notebook.python("print(odd.model_id)")
    for name in SHOWN:  # all are drawn, and the first runs fill what is kept once
        notebook.widget(name)
        notebook.run("odd")
    notebook.settled()
    before = counted()
    assert before["listeners on the model"] > 20
    for _ in range(50):
        notebook.run("odd")
    notebook.widget("odd")
    # One Explorer more may be held by what goes on in the page: 3 observers, 300 nodes, 40 listeners.
    # JupyterLab itself takes 133 listeners more, once, when plain cells are run as often; 50 Explorers
    # would have 2,000.
    slack = {"resize observers": 5, "mutation observers": 5, "hosts that are gone": 1}
    slack |= {"nodes": 1000, "listeners": 200, "listeners on the model": 0}

    def grown():
        return {name: n for name, n in counted().items() if n > before[name] + slack[name]}

    assert notebook.until(lambda: grown() == {}), f"{grown()} from {before}"
    assert notebook.page.locator(".llmasos-widget").count() == len(SHOWN)


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


ON_MODEL = """async (id) => {
  const model = await window.widgetManager.get_model(id);
  const ours = Object.entries(model._events).filter(([name]) => name !== "msg:custom"); // ipywidgets' own
  return ours.flatMap(([, listeners]) => listeners).length;
}"""
STICKS_OUT = """host => {
  const right = host.getBoundingClientRect().right;
  const inScroll = (e) => { for (let p = e.parentElement; p; p = p.parentElement)
    if (getComputedStyle(p).overflowX !== "visible") return true; return false; };
  const wide = [...host.shadowRoot.querySelectorAll("*")].filter((e) => e.checkVisibility() && !inScroll(e)
    && e.getBoundingClientRect().width > 0 && e.getBoundingClientRect().right > right + 1);
  return wide.map((e) => `${e.tagName}.${e.className} ${e.getBoundingClientRect().right - right}`);
}"""
SHARP = """host => [...host.shadowRoot.querySelectorAll(".canvas canvas")]
  .map((c) => Math.round((10 * c.width) / c.getBoundingClientRect().width) / 10)"""
SMALL = """host => [...host.shadowRoot.querySelectorAll("select, input, button, [role=option]")]
  .filter((e) => e.checkVisibility()).map((e) => [e.outerHTML.slice(0, 80), e.offsetWidth, e.offsetHeight])
  .filter(([, w, h]) => Math.min(w, h) < 24 && w > 0)"""
