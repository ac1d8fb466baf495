"""Every lesson in a real JupyterLab: its set-up and its widget cells run, and its widgets can be used.

A widget cell is tagged `widget` and depends on the set-up alone. What one widget does is tested beside it.
"""

import json
import os
from pathlib import Path

import pytest

from llmasos_edu import real_llm

LESSONS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))
CONTROLS = "select, input, textarea, button, [tabindex='0'], .noUi-handle"


def tagged(lesson, tag):
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    return [cell["id"] for cell in cells if tag in cell["metadata"].get("tags", [])]


def stored_forms(lesson):
    """Ids of the widget cells whose stored output holds a static form."""
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    outputs = {cell["id"]: json.dumps(cell.get("outputs", [])) for cell in cells}
    return [id for id in tagged(lesson, "widget") if "<figure>" in outputs[id]]


@pytest.fixture(scope="module", params=LESSONS, ids=[lesson.stem for lesson in LESSONS])
def lesson(request, desk):
    """An open lesson and the ids of its widget cells, not yet run."""
    ids = tagged(request.param, "widget")
    assert ids, f"{request.param.name} has no cell tagged widget"
    if not real_llm.present() and (needing := set(ids) & set(tagged(request.param, "real-llm"))):
        if os.environ.get("CI"):
            pytest.fail("the real LLM is not here: run `llmasos-edu fetch smollm2`")
        ids = [id for id in ids if id not in needing]
        if not ids:
            pytest.skip("its widgets need the real LLM: run `llmasos-edu fetch smollm2`")
    with desk.notebook(request.param) as notebook:
        yield notebook, ids, stored_forms(request.param)


def test_it_opens_with_its_static_forms(lesson):
    notebook, _, stored = lesson
    for id in stored:
        assert notebook.cell(id).locator("figure").count() >= 1
    assert notebook.page.get_by_text("Error displaying widget").count() == 0


def test_set_up_and_widget_cells_run(lesson):
    notebook, ids, _ = lesson
    notebook.run("set-up", *ids)
    for id in ids:
        output = notebook.cell(id).locator(".jp-OutputArea")
        output.locator(CONTROLS).locator("visible=true").first.wait_for()  # a view comes after the reply
        for host in output.locator(".llmasos-widget").all():
            host.scroll_into_view_if_needed()
            notebook.wait_rev(host)
            assert not [a.inner_text() for a in host.locator("[role=alert]").all() if a.is_visible()]


def test_no_key_leaks(lesson):
    notebook, ids, _ = lesson
    for id in ids:
        controls = notebook.cell(id).locator(".jp-OutputArea").locator(CONTROLS)
        usable = [c for c in controls.all() if c.is_visible() and c.is_enabled()]
        assert usable, f"{id} shows no control that a keyboard reaches"
        for control in usable[:8]:  # the first of each kind come early
            if control.is_visible() and control.is_enabled():
                assert notebook.leaks(control) == ""


def test_it_follows_the_mouse(lesson):
    notebook, ids, _ = lesson
    for id in ids:
        output = notebook.cell(id).locator(".jp-OutputArea")
        output.scroll_into_view_if_needed()
        box = output.bounding_box()
        for part in (0.2, 0.4, 0.6, 0.8):
            notebook.page.mouse.move(box["x"] + part * box["width"], box["y"] + part * box["height"])
    notebook.settled()
    assert notebook.errors == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(lesson, theme):
    notebook, ids, _ = lesson
    notebook.theme(theme)
    notebook.page.wait_for_timeout(400)
    for id in ids:
        for host in notebook.cell(id).locator(".llmasos-widget").all():
            assert notebook.violations(host) == []
