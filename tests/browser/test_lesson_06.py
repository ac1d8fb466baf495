"""Lesson 06 in JupyterLab: moving the film and the Explorer answers the lesson's questions, by keyboard."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "06_pretraining.ipynb"


@pytest.fixture(scope="module")
def notebook(desk):
    with desk.notebook(LESSON) as opened:
        opened.run("set-up", "training-film", "before-and-after")
        yield opened


@pytest.fixture
def host(notebook):
    """The film, back at its opening state."""
    found = notebook.widget("training-film")
    notebook.python("film.at = opening")
    notebook.settled()
    return found


def test_it_opens_before_the_click(notebook, host):
    """The question is not answered yet: the right word is still one among others."""
    assert float(notebook.python("print(kept['p'][film.at][0])")) < 0.5
    assert host.locator(".now").inner_text() == notebook.python("print(film.summary)")


def test_the_answer_jumps_between_two_moments_and_the_story_holds_longer(notebook, host):
    dial = host.get_by_role("slider")
    dial.press("Home")
    told = []
    for _ in range(int(notebook.python("print(len(film.steps))"))):
        notebook.settled()
        shown = host.locator(".now").inner_text()
        kite, possible = json.loads(
            notebook.python(
                "import json; print(json.dumps([kept['p'][film.at][0], len(film.stories[film.at][0])]))"
            )
        )
        assert shown == notebook.python("print(film.summary)")
        told.append((kite, possible))
        dial.press("ArrowRight")
    kites = [kite for kite, _ in told]
    assert max(b - a for a, b in pairwise(kites)) > 0.25
    assert kites[-1] > 0.9
    assert told[0][1] < told[-1][1]  # the first story breaks sooner than the last


def test_no_key_leaks(notebook, host):
    assert notebook.leaks(host.get_by_role("slider")) == ""
    assert notebook.leaks(host.get_by_role("button", name="play")) == ""


KEPT = """
import json
looks = [reading.weights(explorer.layer)[explorer.head][-1] for reading in (now, was)]
told = [[100 * look[at] for look in looks] for at in (kite, drum)]
print(json.dumps([explorer.layer, explorer.head, *told]))
"""


def test_going_through_the_heads_one_lets_go_of_the_drum(notebook):
    """In 16 heads the reader meets two that looked at the kite before, and one that changed its mind."""
    explorer = notebook.widget("before-and-after")
    layer, head = (explorer.get_by_role("combobox", name=name, exact=True) for name in ("layer", "head"))
    rows = explorer.get_by_role("region", name="the row as a table").locator("tbody tr")

    def told():
        """What the table says of the kite and of the drum: per cent now, and before."""
        pairs = [rows.nth(at).locator("td").all_inner_texts()[:2] for at in (5, 11)]
        return [[float(text.strip("< %")) for text in pair] for pair in pairs]

    def kept(*place):
        *at, kite, drum = json.loads(notebook.python(KEPT))
        rounded = np.allclose(told(), [kite, drum], atol=0.51)  # to whole per cent
        return at == [*place] and rounded

    found = {}
    for place in [(n // 4, n % 4) for n in range(16)]:
        layer.select_option(str(place[0]))
        head.select_option(str(place[1]))
        assert notebook.until(lambda place=place: kept(*place)), (place, told())
        found[place] = told()
    assert [at for at, (kite, _) in found.items() if kite[1] > 90] == [(2, 1), (2, 3)]
    assert [at for at, (kite, drum) in found.items() if kite[0] > 90 and drum[1] > 90] == [(3, 0)]


def test_the_blank_before_and_after_stands_beside_it(notebook):
    explorer = notebook.widget("before-and-after")
    table = explorer.locator("table", has_text="next token")
    first = table.locator("tbody tr").first
    assert notebook.until(lambda: first.inner_text().split("\t")[:2] == ["·kite", "99 %"])
    assert "before" in table.locator("thead").inner_text()
    explorer.get_by_role("checkbox", name="difference").check()
    legend = explorer.locator(".axes")
    assert notebook.until(lambda: "orange: more than the original" in legend.inner_text())
    explorer.get_by_role("checkbox", name="difference").uncheck()
    assert notebook.until(lambda: "orange" not in legend.inner_text())
