"""The model's budget in JupyterLab: sliders by keyboard and mouse, themes; its JavaScript against Python."""

import pytest

from llmasos_edu.widgets.model_budget import budget, percent, short

SET_UP = """
from llmasos_edu.widgets.model_budget import ModelBudget
model_budget = ModelBudget({"TinyWorld": 607, "GPT-2": 50257}, vocabulary="GPT-2")
"""


@pytest.fixture(scope="module", params=["lab", "notebook"])
def notebook(request, desk):
    with desk.notebook({"set-up": SET_UP, "w": "model_budget"}, request.param) as opened:
        opened.run("set-up", "w")
        yield opened


def test_sliders_and_vocabulary_move_the_sums(notebook):
    host = notebook.widget("w")
    width = host.get_by_role("slider", name="width")
    rev = notebook.rev(host)
    width.press("ArrowRight")
    notebook.wait_rev(host, rev)
    assert width.get_attribute("aria-valuetext") == "1,024"
    host.get_by_role("combobox").select_option(label="TinyWorld (607)")
    box = host.get_by_role("slider", name="layers").bounding_box()
    notebook.page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    notebook.settled()
    told = notebook.python("print(model_budget.d_model, model_budget.n_layers, model_budget.chosen)")
    assert told == "1024 1 0"
    assert notebook.python("print(model_budget.summary == model_budget.text().splitlines()[0])") == "True"
    assert host.get_by_text("parameters", exact=False).first.is_visible()


def test_the_bars_are_the_shares(notebook):
    host = notebook.widget("w")
    bars = host.locator(".bar").evaluate_all(
        "bars => bars.map(b => b.offsetWidth / b.parentElement.offsetWidth)"
    )
    assert sum(bars) == pytest.approx(1, abs=0.01)  # a pixel a bar


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(notebook, theme):
    notebook.theme(theme)
    assert notebook.violations(notebook.widget("w")) == []


def test_no_key_leaks(notebook):
    host = notebook.widget("w")
    for control in (host.get_by_role("slider").first, host.get_by_role("combobox")):
        assert notebook.leaks(control) == ""


def test_javascript_counts_as_python_does(js):
    for shape in ((64, 1, 607, 64), (768, 12, 50257, 1024), (1600, 48, 151936, 32768)):
        assert js("model_budget", "budget", *shape) == budget(*shape)
    for count in (0, 7, 999, 999_499, 999_999, 1_234_567, 9_995_000, 124_439_808, 3 * 10**12):
        assert js("model_budget", "short", count) == short(count)
    for share in (0.0, 0.004, 0.005, 0.125, 0.995, 1.0):
        assert js("model_budget", "percent", share) == percent(share)
