"""The example widget of base.py, and plain ipywidgets, in JupyterLab and Notebook 7."""

from pathlib import Path

import pytest

SET_UP = f"""
import traitlets, ipywidgets
from pathlib import Path
from llmasos_edu.widgets import keyboard
from llmasos_edu.widgets.base import Widget, assemble
class Dial(Widget):
    _esm = assemble("dial", Path({str(Path(__file__).parent)!r}))
    angle = traitlets.Int(30).tag(sync=True)
    def text(self):
        return f"The dial stands at {{self.angle}} degrees."
dial = Dial()
"""
CELLS = {
    "set-up": SET_UP,
    "dial": "dial",
    "guard": "keyboard.protect()",
    "stock": "ipywidgets.VBox([ipywidgets.IntSlider(), ipywidgets.Button(description='go'),"
    " ipywidgets.Dropdown(options=['x', 'y'])])",
}  # fmt: skip


def test_the_dial_moves_both_ways(notebook):
    dial = notebook.widget("dial")
    rev = notebook.rev(dial)
    dial.get_by_role("slider").press("ArrowRight")
    notebook.wait_rev(dial, rev)
    notebook.settled()
    assert notebook.python("print(dial.angle, dial.summary)") == "31 The dial stands at 31 degrees."
    rev = notebook.rev(dial)
    notebook.python("dial.angle = 70")
    notebook.wait_rev(dial, rev)
    assert dial.get_by_text("///////", exact=True).count() == 1


def test_no_key_leaks_from_our_widget(notebook):
    assert notebook.leaks(notebook.widget("dial").get_by_role("slider")) == ""


def test_no_key_leaks_from_stock_controls(notebook):
    cell = notebook.cell("stock")
    for control in (
        cell.locator(".noUi-handle"),
        cell.get_by_role("button", name="go"),
        cell.locator("select"),
    ):
        assert notebook.leaks(control) == ""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(notebook, theme):
    notebook.theme(theme)
    assert notebook.violations(notebook.widget("dial")) == []


def test_the_checks_can_fail(desk):
    """A bare widget of the kind that leaks keys and has an unnamed control, and a cell that raises."""
    bare = '''
import anywidget
class Bare(anywidget.AnyWidget):
    _esm = """export default { render({ el }) {
        el.innerHTML = '<div class=llmasos-widget data-rev=1><button></button></div>';
    } }"""
Bare()
'''
    with desk.notebook({"bare": bare, "raises": "1 / 0"}) as notebook:
        notebook.run("bare")
        host = notebook.widget("bare")
        assert notebook.leaks(host.locator("button")).startswith("'b' changed")
        assert [v for v in notebook.violations(host) if v.startswith("button-name")]
        with pytest.raises(AssertionError, match="cell raises: ZeroDivisionError"):
            notebook.run("raises")


def test_a_request_to_the_outside_and_an_error_are_noticed(desk):
    with (
        pytest.raises(AssertionError, match=r"asked for.*example\.org"),
        desk.notebook({"a": "1"}) as notebook,
    ):
        notebook.page.evaluate("fetch('https://example.org/x').catch(() => 0)")
        notebook.errors.clear()  # the refused request logs one of its own
    with pytest.raises(AssertionError, match=r"logged errors.*boo"), desk.notebook({"a": "1"}) as notebook:
        notebook.page.evaluate("console.error('boo')")
