"""The Explorer's views are linked: what is done in one shows in all, in the browser and in Python alike."""

import json
import struct

import numpy as np
import pytest

SET_UP = """
import json
import numpy as np
from llmasos_edu.widgets.attention_data import Layer, Reading
from llmasos_edu.widgets.attention_explorer import VIEWS, AttentionExplorer

def answer(text, off):
    words = text.split()
    if not words:
        raise ValueError("type at least one word")
    numbers = np.random.default_rng(len(words)).normal(size=(2, 3, 3, len(words), 4)) * 2
    best, other = (" drum", " kite") if (1, 2) in off else (" kite", " drum")
    next_words = [[(best, 0.625), (other, 0.25)] for _ in words]
    return Reading(words, [Layer(*parts) for parts in numbers], next_words, text=text)

roles = {
    "previous token": np.array([[0.9, 0.1, 0.2], [0.3, 0.2, 0.1]]),
    "induction": np.array([[0.05, 0.1, 0.3], [0.25, 0.15, 0.95]]),
}
def opened():
    reading = answer("Mia had a red kite today", frozenset())
    return AttentionExplorer(reading=reading, answer=answer, roles=roles, layer=1, head=0, row=4, views=VIEWS)

shown, other = opened(), opened()
first = shown.state()
sink = AttentionExplorer(weights=np.tri(4) * [0.7, 0.3, 0.2, 0.1], tokens=list("abcd"), mask="causal")
"""
CELLS = {"set-up": SET_UP, "map": "shown", "twin": "other", "sink": "sink"}
TOKENS = ["Mia", "had", "a", "red", "kite", "today"]


@pytest.fixture(scope="module")
def opening(notebook):
    """What the Explorer with all views says, and what its controls hold, as it opens."""
    host = notebook.widget("map")
    assert notebook.until(lambda: caption(host) == "'kite' (4), pinned")
    notebook.settled()
    return host.evaluate(HELD)


@pytest.fixture
def host(notebook, opening):
    """The Explorer with all views as it opened, whatever the test before left."""
    host = notebook.widget("map")
    notebook.page.mouse.move(2, 2)
    host.evaluate("host => host.shadowRoot.activeElement?.blur()")
    notebook.python("shown.restore(first); shown.seq += 1")
    assert notebook.until(lambda: host.evaluate(HELD) == opening)
    return host


def caption(host):
    return host.locator("caption").inner_text()


def row_table(host):
    """The pinned row's table: [[token, looked at, was, looks back], …]."""
    lines = host.get_by_role("region", name="the row as a table").locator("tbody tr").all_inner_texts()
    return [line.split("\t") for line in lines]


def next_table(host):
    table = host.locator("table", has=host.page.get_by_role("columnheader", name="next token"))
    return [row.split("\t") for row in table.locator("tbody tr").all_inner_texts()]


def why(host):
    return host.locator("p", has_text="Why '").inner_text(), host.locator(".chain").inner_text()


def pixels(host, name=".map"):
    """All that a canvas holds, for comparisons."""
    return host.locator(f"{name} canvas").evaluate("c => c.toDataURL()")


def cell(host, js, i, j):
    """Where the map has that cell, in the page; the map is scrolled into view."""
    host.locator(".map").scroll_into_view_if_needed()
    box = host.locator(".map").bounding_box()
    place = js("attention_draw", "layout", TOKENS, TOKENS, box["width"], True)
    x, y = (place[side] + (n + 0.5) * place["cell"] for side, n in (("left", j), ("top", i)))
    return box["x"] + x, box["y"] + y


def weights(notebook):
    """What Python says the map shows."""
    notebook.settled()
    return np.array(json.loads(notebook.python("print(json.dumps(shown.weights().tolist()))")))


def shown_percents(host, js, row):
    """The table's column "looked at" is this row, in percent."""
    looked = [line[1] for line in row_table(host)]
    return looked == [js("attention_math", "percent", w) if w > 0 else "may not" for w in row.tolist()]


def test_all_views_are_open_and_show_something(notebook, host):
    assert host.get_by_role("listbox", name="heads of this layer").get_by_role("option").count() == 3
    assert host.get_by_role("listbox", name="heads with the most of it").get_by_role("option").count() == 6
    assert host.locator(".lines .hint").last.inner_text().startswith("'kite' looks at '")
    assert why(host)[0].startswith("Why 'kite' (4) looks at '")
    assert next_table(host)[0][:2] == ["·kite", "63 %"]
    for surface in host.locator("canvas").all():
        colours = surface.evaluate(
            "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height)"
            ".data.buffer)).size"
        )
        assert colours > 4  # a blank one has one
    axes = host.locator(".axes").inner_text()
    assert "looks (query) ↓" in axes
    assert "is looked at (key) →" in axes


def test_a_view_opens_and_closes(notebook, host):
    button = host.get_by_role("button", name="lines")
    button.click()
    assert notebook.until(lambda: not host.locator(".lines").is_visible())
    assert notebook.until(lambda: "lines" not in notebook.python("print(shown.views)"))
    button.click()
    assert notebook.until(lambda: host.locator(".lines").is_visible())
    assert button.get_attribute("aria-pressed") == "true"


def test_hovering_the_map_moves_every_view(notebook, host, js):
    before = why(host), caption(host)
    notebook.page.mouse.move(*cell(host, js, 3, 1))
    assert notebook.until(lambda: caption(host) == "'red' (3), in hand")
    assert why(host)[0] == "Why 'red' (3) looks at 'had' (1):"
    assert host.locator(".lines .hint").last.inner_text().startswith("'red' looks at '")
    assert (
        host.locator("p", has_text="Position 3, 'red', predicts; the text goes on with 'kite'").count() == 1
    )
    assert shown_percents(host, js, weights(notebook)[3])
    assert host.locator(".sentence").first.inner_text().startswith("'red' attends ")
    notebook.page.mouse.move(2, 2)
    assert notebook.until(lambda: (why(host), caption(host)) == before)  # nothing was pinned
    assert notebook.python("print(shown.row, shown.column)") == "4 -1"


def test_who_looks_and_who_is_looked_at(notebook, host, js):
    """The table says both ways: where the token looks, and how much each looks back at it."""
    found = weights(notebook)
    back = [line[-1] for line in row_table(host)]
    assert back[:4] == ["may not"] * 4
    assert back[4:] == [js("attention_math", "percent", float(w)) for w in found[4:, 4]]


@pytest.mark.parametrize("way", ["the list of heads", "the grid by keys", "the grid's list", "the select"])
def test_a_head_is_chosen_in_any_view(notebook, host, way):
    before = pixels(host)
    if way == "the list of heads":
        host.get_by_role("listbox", name="heads of this layer").get_by_role("option").nth(2).click()
    elif way == "the grid by keys":
        grid = host.get_by_role("application", name="layers and heads")
        for key in ("ArrowUp", "ArrowDown", "ArrowRight", "End", "Enter"):
            grid.press(key)
    elif way == "the grid's list":
        host.get_by_role("combobox", name="sort by").select_option("induction")
        host.get_by_role("listbox", name="heads with the most of it").get_by_role("option").first.click()
    else:
        host.get_by_role("combobox", name="head", exact=True).select_option("2")
    assert notebook.until(lambda: host.get_by_text("label: induction 0.95").is_visible())
    assert notebook.until(lambda: notebook.python("print(shown.layer, shown.head)") == "1 2")
    assert host.get_by_role("combobox", name="head", exact=True).input_value() == "2"
    selected = host.get_by_role("listbox", name="heads of this layer").get_by_role("option", selected=True)
    assert selected.inner_text().splitlines()[-1] == "induction 0.95"
    assert notebook.until(lambda: pixels(host) != before)
    said = "print(shown.summary, shown.text().splitlines()[0], sep='|')"
    sentence = host.locator(".sentence").first
    assert notebook.until(lambda: {*notebook.python(said).split("|")} == {sentence.inner_text()})


def test_a_layer_is_chosen(notebook, host):
    host.get_by_role("combobox", name="layer").select_option("0")
    assert notebook.until(lambda: host.get_by_text("label: previous token 0.90").is_visible())
    assert notebook.until(lambda: host.get_by_text("Layer 0.").is_visible())
    assert notebook.until(lambda: notebook.python("print(shown.layer)") == "0")


def test_heads_are_sorted_by_a_measure(notebook, host):
    best = host.get_by_role("listbox", name="heads with the most of it").get_by_role("option")
    grid = pixels(host, ".beside .canvas")
    host.get_by_role("combobox", name="sort by").select_option("induction")
    assert notebook.until(lambda: best.first.inner_text() == "layer 1 head 2 · induction 0.95")
    assert best.last.inner_text() == "layer 0 head 0 · induction 0.05"
    assert notebook.until(lambda: pixels(host, ".beside .canvas") != grid)
    host.get_by_role("combobox", name="sort by").select_option("entropy of this text, 1 the highest")
    assert notebook.until(lambda: "entropy of this text, 1 the highest" in best.first.inner_text())


@pytest.mark.parametrize("which", ["q", "k", "v"])
def test_an_edited_number_moves_what_hangs_on_it(notebook, host, js, which):
    """An edit of q or k moves its row or column; one of v only what the head brings home."""
    numbers = host.locator(".box tbody tr")
    before, chain, map_before = weights(notebook), why(host)[1], pixels(host)
    place = int(why(host)[0].split("(")[2 if which != "q" else 1].split(")")[0])
    host.get_by_role("spinbutton", name=f"{which}, dimension 1", exact=True).fill("6")
    put_back = host.get_by_role("button", name="put back", exact=True)
    assert notebook.until(put_back.is_enabled)
    edits = f"[[1, 0, '{which}', {place}, 1, 6]]"
    assert notebook.until(lambda: notebook.python("print(shown.edits)") == edits)
    after = weights(notebook)
    assert (before[4] == after[4]).all() == (which == "v")
    assert notebook.until(lambda: shown_percents(host, js, after[4]))
    v = "n = shown.reading.layers[1].v[0].copy()" + (f"; n[{place}, 1] = 6" if which == "v" else "")
    output = json.loads(notebook.python(f"{v}; print(json.dumps((shown.weights()[4] @ n).tolist()))"))
    ours = [float(text.split("\t")[-1].split(" → ")[-1]) for text in numbers.all_inner_texts()]
    np.testing.assert_allclose(ours, output, rtol=6e-3, atol=1e-9)  # three digits are shown
    host.get_by_role("checkbox", name="difference").check()
    assert notebook.until(lambda: pixels(host) != map_before)
    if which != "v":
        assert notebook.until(lambda: "orange: more than the original" in host.locator(".axes").inner_text())
        assert why(host)[1] != chain
        assert "the model's" in why(host)[1]
    put_back.click()
    host.get_by_role("checkbox", name="difference").uncheck()
    assert notebook.until(lambda: why(host)[1] == chain)
    assert notebook.until(lambda: pixels(host) == map_before)
    assert notebook.until(lambda: notebook.python("print(shown.edits)") == "[]")


def test_the_pair_in_hand_stays_while_its_numbers_are_edited(notebook, host):
    host.get_by_role("spinbutton", name="q, dimension 0", exact=True).focus()
    title = why(host)[0]
    for key in ("Control+a", "-", "3", "0", "Enter"):
        notebook.page.keyboard.press(key)
    assert notebook.until(lambda: host.locator(".chain").inner_text().count("the model's") == 1)
    assert why(host)[0] == title
    focused = "host => host.shadowRoot.activeElement.ariaLabel"
    assert host.evaluate(focused) == "q, dimension 1"  # Enter goes down
    notebook.page.keyboard.press("Shift+Enter")
    assert host.evaluate(focused) == "q, dimension 0"


def test_a_head_that_is_off_changes_the_next_word(notebook, host):
    assert [row[0] for row in next_table(host)] == ["·kite", "·drum"]
    host.get_by_role("checkbox", name="off: head 2").check()
    assert notebook.until(lambda: next_table(host)[0][0] == "·drum")
    is_, was = next_table(host)[0], next_table(host)[1]
    assert (is_[1], is_[-2], is_[-1]) == ("63 %", "25 %", "37.5")
    assert (was[1], was[-2], was[-1]) == ("25 %", "63 %", "-37.5")
    heads = host.get_by_role("listbox", name="heads of this layer")
    assert notebook.until(lambda: "(off)" in heads.inner_text())
    host.get_by_role("button", name="put all back").click()
    assert notebook.until(lambda: next_table(host)[0][0] == "·kite")
    assert notebook.until(lambda: notebook.python("print(shown.off)") == "[]")


def test_scale_on_and_off(notebook, host, js):
    natural = weights(notebook)
    switch = host.get_by_role("checkbox", name="√d_head")
    assert switch.is_checked()
    switch.uncheck()
    assert notebook.until(lambda: notebook.python("print(shown.scale)") == "1.0")
    raw = weights(notebook)
    assert raw.max(axis=-1).sum() > natural.max(axis=-1).sum()  # larger scores, sharper rows
    assert notebook.until(lambda: shown_percents(host, js, raw[4]))
    switch.check()
    assert notebook.until(lambda: notebook.python("print(shown.scale)") == "0.5")
    np.testing.assert_array_equal(weights(notebook), natural)


def test_masks(notebook, host, js):
    mask = host.get_by_role("combobox", name="mask")
    mask.select_option("none")
    assert notebook.until(lambda: (weights(notebook) > 0).all())
    mask.select_option("window")
    width = host.get_by_role("slider", name="window")
    width.press("Home")
    width.press("ArrowRight")
    assert notebook.until(lambda: notebook.python("print(shown.mask, shown.window)") == "window 2")
    found = weights(notebook)
    assert ((found > 0) == np.tri(6, dtype=bool) & ~np.tri(6, k=-2, dtype=bool)).all()
    assert notebook.until(lambda: shown_percents(host, js, found[4]))
    mask.select_option("causal")
    assert notebook.until(lambda: not width.is_visible())


def test_the_sink_is_named_and_can_be_hidden(notebook):
    host = notebook.widget("sink")
    named = host.get_by_text("token 0, 'a', is a sink")
    assert named.is_visible()
    host.get_by_role("checkbox", name="hide token 0").check()
    assert notebook.until(lambda: row_table(host)[0][1] == "may not")
    assert notebook.until(named.is_visible)  # hidden, it still is one
    assert notebook.until(lambda: notebook.python("print(sink.hide_first)") == "True")
    found = np.array(json.loads(notebook.python("print(json.dumps(sink.weights().tolist()))")))
    np.testing.assert_allclose(
        found[3], np.array([0, 3, 2, 1]) / 6 * 1.3, atol=1e-9
    )  # the row adds up to 1.3
    host.get_by_role("checkbox", name="hide token 0").uncheck()


def test_a_picture_is_saved(notebook, host, tmp_path):
    size = host.locator(".map canvas").evaluate("c => [c.width, c.height + 26 * devicePixelRatio]")
    with notebook.page.expect_download() as download:
        host.get_by_role("button", name="save picture").click()
    assert download.value.suggested_filename == "attention.png"
    download.value.save_as(tmp_path / "picture.png")
    data = (tmp_path / "picture.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert list(struct.unpack(">II", data[16:24])) == size
    image = pytest.importorskip("matplotlib.image").imread(tmp_path / "picture.png")
    assert len(np.unique(image.reshape(-1, image.shape[-1]), axis=0)) > 20


def test_put_all_back(notebook, host):
    before, start = notebook.python("print(shown.text())"), pixels(host)
    host.get_by_role("slider", name="temperature").press("ArrowRight")
    host.get_by_role("slider", name="scale").press("ArrowLeft")
    host.get_by_role("combobox", name="mask").select_option("none")
    host.get_by_role("spinbutton", name="k, dimension 2", exact=True).fill("-4")
    host.get_by_role("checkbox", name="hide token 0").check()
    host.get_by_role("checkbox", name="off: head 1").check()
    for told in ("Off (layer.head): 1.1", "1 edited number"):
        assert notebook.until(lambda told=told: told in notebook.python("print(shown.text())"))
    host.get_by_role("button", name="put all back").click()
    assert notebook.until(lambda: notebook.python("print(shown.text())") == before)
    notebook.page.mouse.move(2, 2)
    assert notebook.until(lambda: pixels(host) == start)
    assert notebook.until(host.get_by_role("button", name="put all back").is_disabled)


def test_a_state_brings_the_view_back(notebook, host):
    """What one Explorer's reader did, another shows after `restore`: the same words and the same picture."""
    box = host.get_by_role("textbox", name="sentence")
    box.fill("Tom has one blue drum here")
    box.press("Enter")
    assert notebook.until(lambda: host.get_by_role("option", name="drum").first.is_visible())
    host.get_by_role("checkbox", name="off: head 2").check()
    assert notebook.until(lambda: next_table(host)[0][0] == "·drum")
    host.get_by_role("slider", name="temperature").press("ArrowLeft")
    host.get_by_role("combobox", name="colours").select_option("viridis")
    host.get_by_role("combobox", name="sort by").select_option("induction")
    host.get_by_role("spinbutton", name="q, dimension 3", exact=True).fill("2.5")
    host.get_by_role("checkbox", name="difference").check()
    host.get_by_role("button", name="lines").click()
    notebook.page.mouse.move(2, 2)
    done = "print(len(shown.edits), shown.difference, 'lines' in shown.views, shown.palette, shown.measure)"
    assert notebook.until(lambda: notebook.python(done) == "1 True False viridis induction")
    twin = notebook.widget("twin")
    words = "host => host.shadowRoot.querySelector('div').innerText"
    assert twin.evaluate(words) != host.evaluate(words)
    notebook.python("other.restore(json.loads(json.dumps(shown.state())))")
    assert notebook.until(lambda: twin.evaluate(words) == host.evaluate(words))
    assert notebook.until(lambda: pixels(twin) == pixels(host))
    equal = "print(shown.text() == other.text(), shown.state() == other.state())"
    assert notebook.until(lambda: notebook.python(equal) == "True True")


KINDS = {
    "textbox": "sentence", "combobox": "head", "slider": "temperature", "checkbox": "hide token 0",
    "button": "lines", "application": "Attention map", "region": "the row as a table",
    "spinbutton": "q, dimension 0",
}  # fmt: skip


def test_the_keyboard_alone_reaches_every_control(notebook, host):
    """Tab visits, in the order of the page, everything that can be used; each stop has a name."""
    stops = host.evaluate(STOPS)
    assert len(stops) > 25
    assert [stop for stop in stops if not stop.split(": ", 1)[1].strip()] == []
    host.get_by_role("textbox", name="sentence").focus()
    visited = [host.evaluate(FOCUSED)]
    while len(visited) < len(stops) + 5:
        notebook.page.keyboard.press("Tab")
        if not (here := host.evaluate(FOCUSED)):
            break
        visited.append(here)
    assert visited == stops
    for role, name in KINDS.items():
        assert any(stop.startswith(f"{role}: ") and name in stop for stop in stops), (role, name)
    for view in ("heads of this layer", "heads with the most of it", "The token that looks"):
        assert host.get_by_role("listbox", name=view).locator("[tabindex='0']").count() == 1
    assert any("layers and heads" in stop for stop in stops)


def test_no_key_leaks_from_any_view(notebook, host):
    controls = [
        host.get_by_role(role, name=name, exact=role == "spinbutton").first for role, name in KINDS.items()
    ]
    controls += [
        host.get_by_role("application", name="layers and heads"),
        host.get_by_role("checkbox", name="off: head 0"),
        *(host.get_by_role("listbox", name=f"heads {which}").locator("[tabindex='0']")
          for which in ("of this layer", "with the most of it")),
        host.get_by_role("button", name="save picture"),
    ]  # fmt: skip
    for control in controls:
        notebook.python("shown.restore(first)")
        assert notebook.leaks(control) == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_with_all_views_open(notebook, host, theme):
    notebook.theme(theme)
    scheme = "host => getComputedStyle(host).colorScheme"
    assert notebook.until(lambda: host.evaluate(scheme) == theme)
    assert notebook.violations(host) == []


# the words of the page, without those that are only spoken, and what the controls hold
HELD = """host => {
  const body = host.shadowRoot.querySelector("div");
  const spoken = [...body.querySelectorAll("[role=status]")].map((e) => e.innerText);
  const words = spoken.reduce((text, said) => text.replace(said, ""), body.innerText);
  const held = [...host.shadowRoot.querySelectorAll("select, input")].map((e) => [e.value, e.checked]);
  return JSON.stringify([words, held]);
}"""
STOPS = """host => {
  const named = (e) => `${e.role || e.getAttribute("role") || roles(e)}: ` + (e.ariaLabel || label(e));
  const label = (e) => (e.labels?.[0] ?? e).innerText;
  const types = { range: "slider", number: "spinbutton", text: "textbox", "select-one": "combobox" };
  const roles = (e) => types[e.type] ?? e.type ?? e.tagName;
  return [...host.shadowRoot.querySelectorAll("*")]
    .filter((e) => e.tabIndex >= 0 && e.checkVisibility() && !e.disabled).map(named);
}"""
FOCUSED = STOPS[: STOPS.index("return [")] + (
    "const e = host.shadowRoot.activeElement; return e ? named(e) : ''; }"
)
