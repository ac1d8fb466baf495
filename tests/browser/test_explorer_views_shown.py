"""The Explorer's views in Lab and Notebook 7: what a reader does in one shows in the others and in Python."""

import json

import numpy as np
import pytest

SET_UP = """
import numpy as np
from llmasos_edu.widgets.attention_data import Layer, Reading
from llmasos_edu.widgets.attention_explorer import AttentionExplorer

rng = np.random.default_rng(3)
q, k, v = rng.normal(size=(3, 2, 6, 5, 4)) * 1.5
tokens = ["<s>", "the", "cat", "sat", "<i>down</i>"]
roles = {"previous token": rng.random((2, 6)), "self": rng.random((2, 6))}

def answer(text, off):
    p = 0.6 if not off else 0.2
    words = [[("mat", p), ("it" if off else "dog", 0.1)] for _ in tokens]
    return Reading(tokens, [Layer(*layer) for layer in zip(q, k, v)], next_words=words)

views = ("heads", "glance", "lines", "why", "table", "next")
shown = AttentionExplorer(
    reading=answer(None, ()), answer=answer, roles=roles, views=views, layer=1, head=2, row=3)
given = AttentionExplorer(weights=np.full((3, 3), 1 / 3), tokens=["a", "b", "c"], mask="none",
                          views=("why", "next", "lines"))

sharp = np.tril(np.ones((2, 130, 130)))  # each head uniform, and one of them sharp in its last row
sharp /= sharp.sum(axis=-1, keepdims=True)
sharp[1, 129] = np.eye(130)[77]
names = [str(i) for i in range(130)]
long = AttentionExplorer(weights=sharp, tokens=names, views=("heads", "lines"), row=129)
"""


CELLS = {"set-up": SET_UP, "all": "shown", "given": "given", "long": "long"}


@pytest.fixture
def host(notebook):
    """The Explorer as it opened, whatever the test before left."""
    host = notebook.widget("all")
    notebook.page.mouse.move(2, 2)
    rev = notebook.rev(host)
    notebook.python(
        "shown.set_trait('off', []); shown.edits, shown.layer, shown.head, shown.row, shown.column = "
        "[], 1, 2, 3, -1; shown.measure = 'previous token'; shown.temperature = 1.0; shown.seq += 1"
    )
    notebook.wait_rev(host, rev)
    notebook.settled()
    opened = "print(shown.layer, shown.head, shown.row, shown.edits, shown.off)"
    assert notebook.until(lambda: notebook.python(opened) == "1 2 3 [] []")
    assert notebook.until(lambda: host.locator("caption").inner_text() == "'sat' (3), pinned")
    return host


def value(notebook, expression):
    return json.loads(notebook.python(f"import json; print(json.dumps({expression}))"))


def becomes(notebook, expression, expected):
    assert notebook.until(lambda: value(notebook, expression) == expected), value(notebook, expression)


def heads(host):
    return host.get_by_role("listbox", name="heads of this layer").get_by_role("option")


def test_heads_side_by_side(notebook, host):
    assert heads(host).count() == 6
    name, role = heads(host).nth(2).inner_text().split("\n")[::2]
    best = value(notebook, "max((float(roles[r][1, 2]), r) for r in roles)[::-1]")
    assert name == "head 2"
    assert role == (f"{best[0]} {best[1]:.2f}" if best[1] >= 0.5 else f"mixed {best[1]:.2f}")
    drawn = "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, 64, 64).data.buffer)).size"
    surfaces = [heads(host).nth(n).locator("canvas") for n in range(6)]  # drawn one after the other
    assert notebook.until(lambda: all(surface.evaluate(drawn) > 4 for surface in surfaces))
    heads(host).nth(4).click()
    becomes(notebook, "[shown.layer, shown.head]", [1, 4])
    heads(host).nth(4).press("ArrowRight")
    host.page.keyboard.press("Enter")
    becomes(notebook, "[shown.layer, shown.head]", [1, 5])


def test_a_thumbnail_keeps_the_one_large_weight(notebook):
    long = notebook.widget("long")
    last = "c => [...c.getContext('2d').getImageData(0, 63, 64, 1).data]"

    def brightest(head):
        colours = np.reshape(heads(long).nth(head).locator("canvas").evaluate(last), (64, 4))[:, :3]
        return max(colours.tolist(), key=sum)

    # cividis at 1; a mean of 3 × 3 weights would be near the other end
    assert notebook.until(lambda: brightest(1) == [254, 232, 56])
    assert notebook.until(lambda: 0 < sum(brightest(0)) < 250)  # 1/130


def test_a_long_text_shows_forty_tokens_and_says_so(notebook):
    long = notebook.widget("long")
    heads(long).nth(1).click()
    told = long.locator(".lines p").first
    assert notebook.until(lambda: "shown are 90 to 129 of 130, with 0 % of" in told.inner_text())
    said = long.locator(".lines p").last
    assert notebook.until(lambda: said.inner_text() == "'129' looks at '77' 100 %.")


def test_a_head_that_is_off_changes_the_next_word(notebook, host):
    table = host.locator("table", has_text="next token")
    assert "before" not in table.inner_text()
    assert "60 %" in table.inner_text()
    host.get_by_label("off: head 0").check()
    becomes(notebook, "shown.off", [[1, 0]])
    assert notebook.until(lambda: "before" in table.inner_text())
    rows = [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]
    assert [[cell for cell in row if cell.strip()] for row in rows] == [
        ["mat", "20 %", "60 %", "-40.0"],
        ["it", "10 %", "< 10 %"],
        ["dog", "< 10 %", "10 %"],
    ]
    assert notebook.until(lambda: "(off)" in heads(host).nth(0).inner_text())
    host.get_by_label("off: head 0").uncheck()
    becomes(notebook, "shown.off", [])


def test_layers_and_heads_at_a_glance(notebook, host):
    best = host.get_by_role("listbox", name="heads with the most of it").get_by_role("option")
    host.get_by_label("colour and sort by").select_option("self")
    becomes(notebook, "shown.measure", "self")
    scores = np.array(value(notebook, "roles['self'].tolist()"))
    for n, at in enumerate(np.argsort(-scores.ravel())[:8]):
        layer, head = divmod(int(at), 6)
        assert best.nth(n).inner_text() == f"layer {layer} head {head} · self {scores[layer, head]:.2f}"
    cells = host.get_by_role("application", name="layers and heads")
    cells.focus()
    for key in ("ArrowUp", "Home", "ArrowRight"):
        cells.press(key)
    said = host.get_by_role("status").filter(has_text="label:")
    assert notebook.until(lambda: "layer 0 head 1 · self" in said.inner_text())
    cells.press("Enter")
    becomes(notebook, "[shown.layer, shown.head]", [0, 1])
    best.nth(0).click()
    becomes(notebook, "[shown.layer, shown.head]", list(divmod(int(scores.argmax()), 6)))


def test_lines_say_the_strongest_and_a_click_pins(notebook, host):
    row = np.array(value(notebook, "shown.weights()[3].tolist()"))
    tokens = value(notebook, "tokens")
    said = host.locator(".lines p").last.inner_text()
    assert said.startswith(f"'{tokens[3]}' looks at '{tokens[int(row.argmax())]}' ")
    assert said.count("%") == 3
    host.locator(".lines .canvas").click(position={"x": 40, "y": 24 * 4.5})
    becomes(notebook, "shown.row", 4)


def test_why_this_weight_while_it_is_edited(notebook, host):
    field = host.get_by_label("k, dimension 2", exact=True)
    title = host.locator(".sentence", has_text="Why")
    column = int(title.inner_text().rpartition("(")[2].partition(")")[0])
    field.click()
    host.page.keyboard.press("Control+a")
    host.page.keyboard.type("-1.25", delay=40)
    assert field.input_value() == "-1.25"
    becomes(notebook, "shown.edits", [[1, 2, "k", column, 2, -1.25]])
    host.page.keyboard.press("ArrowLeft")  # the caret stays where it is through the frames
    host.page.keyboard.type("0")
    assert field.input_value() == "-1.205"
    becomes(notebook, "shown.edits", [[1, 2, "k", column, 2, -1.205]])
    weight = value(notebook, f"float(shown.weights()[3, {column}])")
    products = np.array(value(notebook, f"(q[1, 2, 3] * k[1, 2, {column}]).tolist()"))
    products[2] = value(notebook, "float(q[1, 2, 3, 2])") * -1.205
    chain = host.locator(".chain").inner_text().splitlines()
    assert float(chain[0].rpartition("= ")[2]) == pytest.approx(products.sum(), rel=0.006)  # 3 digits
    assert float(chain[-1].split()[2]) == pytest.approx(100 * weight, abs=0.51)  # whole per cent
    assert "the model's" in chain[-1]
    host.page.keyboard.press("Enter")
    assert host.get_by_label("k, dimension 3", exact=True).evaluate("e => e.matches(':focus')")
    host.get_by_role("button", name="put back").click()
    becomes(notebook, "shown.edits", [])
    assert notebook.until(host.get_by_role("button", name="put back").is_disabled)


def test_an_empty_field_is_the_models_own_number(notebook, host):
    field = host.get_by_label("q, dimension 0", exact=True)
    field.fill("3")
    assert notebook.until(lambda: len(value(notebook, "shown.edits")) == 1)
    field.fill("")
    becomes(notebook, "shown.edits", [])


def test_where_only_weights_are_known(notebook):
    given = notebook.widget("given")
    assert given.locator(".chain").inner_text().startswith("only weights are known")
    assert given.locator(".chain").inner_text().endswith("weight = 33 %")
    assert given.get_by_role("spinbutton").locator("visible=true").count() == 0
    assert "looks at 'a' 33 %, 'b' 33 %, 'c' 33 %." in given.locator(".lines p").last.inner_text()


def test_views_close_and_open(notebook, host):
    titles = ("why this weight", "heads side by side", "layers × heads", "lines")
    for n, title in enumerate(titles):
        view = host.locator(".views ~ div").nth(n)
        assert view.is_visible()
        host.get_by_role("button", name=title).click()
        assert notebook.until(lambda view=view: not view.is_visible())
        host.get_by_role("button", name=title).click()
        assert notebook.until(view.is_visible)


def test_no_key_leaks_from_a_view(notebook, host):
    for control in (
        heads(host).first,
        host.get_by_label("off: head 1"),
        host.get_by_label("colour and sort by"),
        host.get_by_role("application", name="layers and heads"),
        host.get_by_label("q, dimension 0", exact=True),
    ):
        assert notebook.leaks(control) == ""


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_in_the_views(notebook, host, theme):
    notebook.theme(theme)
    scheme = "host => getComputedStyle(host).colorScheme"
    assert notebook.until(lambda: host.evaluate(scheme) == theme)
    assert notebook.violations(host) == []
