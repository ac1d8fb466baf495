"""A model behind the Explorer, in JupyterLab and Notebook 7: it answers, refuses, and the last wish wins."""

import pytest

from tests.browser.driver import REPOSITORY

SET_UP = f"""
import time
from llmasos_edu import pretrained
from llmasos_edu.explore import Source, explore
from llmasos_edu.widgets.attention_explorer import AttentionExplorer
model, tokenizer = pretrained.load({str(REPOSITORY / "data/checkpoints/tinyworld-base")!r})
shown = explore(model, tokenizer, "Mia had a red kite.", layer=3, head=2, views=("heads", "table", "next"))
source, asked = Source(model, tokenizer), []

def slowly(text, off):
    asked.append(text)
    time.sleep(0.6)
    if "stop" in text:
        raise RuntimeError("out of memory")
    if (0, 3) in off:
        raise ValueError("that head stays on")
    return source(text, off)

slow = AttentionExplorer(reading=source("Mia had a red kite."), answer=slowly, layer=0)
"""
CELLS = {"set-up": SET_UP, "map": "shown", "late": "slow"}
GIFT = "Mia had a red kite. Tom had a drum. Mia gave Tom the"


@pytest.fixture
def shown(notebook):
    """The Explorer, answering to its first sentence with all heads on."""
    host = notebook.widget("map")
    write(host, "Mia had a red kite.")
    notebook.python("shown.off = []")
    assert notebook.until(lambda: tokens(host)[-2:] == ["·kite", "."])
    return host


def write(host, text, enter=True):
    box = host.get_by_role("textbox", name="sentence")
    box.fill(text)
    if enter:
        box.press("Enter")


def tokens(host):
    return host.get_by_role("listbox").first.get_by_role("option").all_inner_texts()


def next_rows(host):
    """The table of next words: [[token, now, before, points], …]."""
    table = host.locator("table", has=host.page.get_by_role("columnheader", name="next token"))
    return [row.split("\t") for row in table.locator("tbody tr").all_inner_texts()]


def test_a_new_sentence(notebook, shown):
    write(shown, GIFT)
    assert notebook.until(lambda: tokens(shown)[-1] == "·the")
    assert tokens(shown)[:4] == ["<|end|>", "Mia", "·had", "·a"]
    read = "print(shown.reading.text == shown.typed, len(shown.tokens))"
    assert notebook.until(lambda: notebook.python(read) == "True 16")
    last = shown.get_by_role("listbox").first.get_by_role("option").last
    last.click()
    assert notebook.until(lambda: next_rows(shown)[0][0] == "·red")
    expected = notebook.python("print([token.replace(' ', '·') for token, _ in shown.next_words[-1]])")
    assert str([row[0] for row in next_rows(shown)]) == expected


def test_a_head_that_is_off_changes_the_next_word(notebook, shown):
    """Layer 3, head 2 of this model looks back for the colour: without it the kite is no longer red."""
    write(shown, GIFT)
    assert notebook.until(lambda: tokens(shown)[-1] == "·the")
    shown.get_by_role("listbox").first.get_by_role("option").last.click()
    assert notebook.until(lambda: next_rows(shown)[0][0] == "·red")
    shown.get_by_role("checkbox", name="off: head 2").check()
    assert notebook.until(lambda: next_rows(shown)[0][0] != "·red")
    kernel = "print(shown.off, shown.next_before[-1][0][0])"
    assert notebook.until(lambda: notebook.python(kernel) == "[[3, 2]]  red")
    assert tokens(shown)[-1] == "·the"  # the same sentence
    shown.get_by_role("checkbox", name="off: head 2").uncheck()
    assert notebook.until(lambda: next_rows(shown)[0][0] == "·red")


def test_a_refusal_is_told_and_the_picture_stays(notebook, shown):
    before = tokens(shown)
    write(shown, "kite " * 300)
    alert = shown.get_by_role("alert")
    alert.wait_for()
    assert "the model reads at most 256 tokens" in alert.inner_text()
    assert tokens(shown) == before
    write(shown, "Tom had a drum.")
    assert notebook.until(lambda: tokens(shown)[-2:] == ["·drum", "."])
    assert notebook.until(lambda: not alert.is_visible())


def test_what_a_model_raises_is_told(notebook):
    host = notebook.widget("late")
    write(host, "Mia had a blue kite.")
    assert notebook.until(lambda: "·blue" in tokens(host))
    write(host, "stop")
    alert = host.get_by_role("alert")
    alert.wait_for()
    assert "RuntimeError: out of memory" in alert.inner_text()
    assert "·blue" in tokens(host)


def test_a_head_that_cannot_be_off_is_shown_as_on(notebook):
    host = notebook.widget("late")
    write(host, "Mia had a map.")
    assert notebook.until(lambda: tokens(host)[1:] == ["Mia", "·had", "·a", "·map", "."])
    switch = host.get_by_role("checkbox", name="off: head 3")
    switch.click()
    alert = host.get_by_role("alert")
    alert.wait_for()
    assert notebook.until(lambda: "that head stays on" in alert.inner_text())
    assert notebook.until(lambda: not switch.is_checked())
    write(host, "Tom had a map.")
    assert notebook.until(lambda: tokens(host)[1:2] == ["Tom"])
    assert notebook.until(lambda: not alert.is_visible())


def test_typing_faster_than_the_model_answers(notebook):
    """The last sentence wins, whatever came between; what is typed is never written over."""
    host = notebook.widget("late")
    box = host.get_by_role("textbox", name="sentence")
    notebook.python("asked.clear()")
    names = ["Tom", "Anna", "Max", "Rosa", "Lily"]
    for name in names:
        write(host, f"{name} had a map.")
        notebook.page.wait_for_timeout(100)
        assert box.input_value() == f"{name} had a map."
    assert notebook.until(lambda: tokens(host)[1:2] == ["Lily"])
    for _ in range(20):  # and no earlier answer follows
        notebook.page.wait_for_timeout(60)
        assert tokens(host)[1] == "Lily"
    assert box.input_value() == "Lily had a map."
    assert "Lily" in notebook.python("print(asked[-1], slow.typed)")


def test_typing_rests_before_the_model_is_asked(notebook):
    host = notebook.widget("late")
    notebook.python("asked.clear()")
    host.get_by_role("textbox", name="sentence").evaluate(TYPES, "Tom had a kite.")
    assert notebook.until(lambda: tokens(host)[-2:] == ["·kite", "."])
    assert notebook.python("print(*asked, sep='|')") == "Tom had a kite."


# a key every 20 ms, by the page's own timers: a busy machine delays keys and rest alike, never their order
TYPES = """async (input, text) => {
  input.value = "";
  for (const character of text) {
    input.value += character;
    input.dispatchEvent(new Event("input"));
    await new Promise((go) => setTimeout(go, 20));
  }
}"""
