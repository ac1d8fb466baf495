"""Lesson 07 in JupyterLab: the bars answer the lesson's question, by keyboard."""

from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "07_generation.ipynb"


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.notebook(LESSON) as opened:
        opened.run("set-up", "strategy-bars", "window")
        yield opened


@pytest.fixture
def host(notebook):
    """The bars, back at their opening state."""
    found = notebook.widget("strategy-bars")
    rev = notebook.rev(found)
    notebook.python("bars.push(temperature=1.0, top_k=5, top_p=1.0)")
    notebook.wait_rev(found, rev)
    return found


def drawable(notebook):
    """How many tokens can be drawn, as the widget's own sentence says."""
    notebook.settled()
    sentence = notebook.python("print(bars.text().splitlines()[0])")
    return int(sentence.split(": ", 1)[1].split(" of ")[0].replace(",", ""))


def heat(notebook, host):
    """Temperature up to its end, by keyboard, until the kernel has it."""
    slider = host.get_by_role("slider", name="temperature")
    slider.focus()
    slider.press("End")
    assert notebook.until(lambda: float(notebook.python("print(bars.temperature)")) >= 2)


def test_top_k_keeps_as_many_words_however_hot(notebook, host):
    assert drawable(notebook) == 5
    heat(notebook, host)
    assert drawable(notebook) == 5


def test_top_p_keeps_more_words_when_it_is_hot(notebook, host):
    rev = notebook.rev(host)
    notebook.python("bars.push(top_k=0, top_p=0.8)")
    notebook.wait_rev(host, rev)
    cold = drawable(notebook)
    heat(notebook, host)
    assert drawable(notebook) > 2 * cold


def test_the_head_loses_sight_of_the_kite_where_the_answer_turns(notebook):
    """Made smaller token by token, the window loses the kite where a model with that window says drum."""
    explorer = notebook.widget("window")
    explorer.get_by_role("combobox", name="mask").select_option("window")
    dial = explorer.get_by_role("slider", name="window")
    dial.press("End")
    sentence, seen = explorer.locator(".sentence").first, {}

    def agree(window):
        """The kernel has that window, and browser and kernel say the same of it."""
        width, said = notebook.python(
            "print(explorer.window, explorer.text().splitlines()[0], sep='|')"
        ).split("|")
        return (int(width), said) == (window, sentence.inner_text())

    for window in range(16, 5, -1):
        assert notebook.until(lambda window=window: agree(window)), (window, sentence.inner_text())
        seen[window] = "kite" in sentence.inner_text()
        dial.press("ArrowLeft")
    says = eval(notebook.python("print(says)"))
    assert {w: word == " kite" for w, word in says.items()} == seen
    assert 1 < sum(seen.values()) < len(seen)
