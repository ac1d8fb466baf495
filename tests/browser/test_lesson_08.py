"""Lesson 08 in JupyterLab: the Explorer answers the lesson's question, by its own controls."""

from pathlib import Path

import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "08_inside_a_real_model.ipynb"


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.notebook(LESSON) as opened:
        opened.run("set-up", "explorer")
        yield opened


@pytest.mark.real_llm
def test_a_head_is_idle_once_the_one_below_it_is_off(notebook):
    host = notebook.widget("explorer")

    def head_looks_at():
        """Where layer 17's head 4 looks from the last red, as the kernel computes it."""
        notebook.settled()
        return notebook.python("print(explorer.tokens[explorer.weights(17, 4)[-1].argmax()])").strip()

    assert head_looks_at() == "kite"
    host.get_by_role("combobox", name="layer").select_option("16")
    host.get_by_role("checkbox", name="off: head 0").check()
    assert notebook.until(lambda: notebook.python("print(explorer.off)").strip() == "[[16, 0]]")
    host.get_by_role("combobox", name="layer").select_option("17")
    assert notebook.until(lambda: head_looks_at() == "M")  # the sink: it found no twin
