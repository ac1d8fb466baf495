"""The Explorer without its picture: what a screen reader gets, live and as a file, and the static form."""

import json

from llmasos_edu.widgets.attention_explorer import AttentionExplorer
from tests.browser.driver import NOTEBOOK, write_notebook

SET_UP = """
import numpy as np
from llmasos_edu.widgets.attention_explorer import VIEWS, AttentionExplorer
q = k = v = np.eye(2)
shown = AttentionExplorer(q, k, ["<b>Mia</b>", "had"], v=v, next_words=[[("kite", 0.5)]] * 2, views=VIEWS)
"""
CELLS = {"set-up": SET_UP, "map": "shown"}
SPOKEN = """
- text: scale
- slider "scale": "0"
- checkbox "÷ √d_head" [checked]
- text: ÷ √d_head temperature
- slider "temperature": "0"
- text: mask
- combobox "mask":
  - option "causal" [selected]
  - option "none"
  - option "window"
- checkbox "hide token 0, renormalise"
- text: hide token 0, renormalise
- checkbox "difference from the original"
- text: difference from the original colours
- combobox "colours":
  - option "cividis" [selected]
  - option "viridis"
  - option "grey"
- group "views":
  - button "next word" [pressed]
  - button "row as a table" [pressed]
  - button "why this weight" [pressed]
  - button "lines" [pressed]
- button "put all back" [disabled]
- button "save picture"
- listbox "The token that looks (query)":
  - option "<b>Mia</b>"
  - option "had" [selected]
- paragraph: "'had' attends most to itself, 67 %."
- paragraph: "looks (query) ↓ is looked at (key) → \
hatched: may not be looked at → the next word that the position predicts"
- application "Attention map. Arrow keys move the cell, Home \
and End go to the ends of the row, Enter pins, Escape releases."
- paragraph: the row's entropy is 0.634 nats
- paragraph
- paragraph: "Position 1, 'had', predicts:"
- table:
  - rowgroup:
    - row "next token now":
      - columnheader "next token"
      - columnheader "now"
      - cell
  - rowgroup:
    - row "kite 50 %":
      - rowheader "kite"
      - cell "50 %"
      - cell
- region "the row as a table":
  - table "'had' (1), pinned":
    - caption: "'had' (1), pinned"
    - rowgroup:
      - row "token looked at looks back":
        - columnheader "token"
        - columnheader "looked at"
        - columnheader "looks back"
    - rowgroup:
      - row "0 <b>Mia</b> 33 % may not":
        - rowheader "0 <b>Mia</b>"
        - cell "33 %"
        - cell "may not"
      - row "1 had 67 % 67 %":
        - rowheader "1 had"
        - cell "67 %"
        - cell "67 %"
- paragraph: "Why 'had' (1) looks at 'had' (1):"
- paragraph: "Σ q × k = 1 × scale 0.707 = 0.707 mask: may look; ÷ temperature 1 = 0.707 − the row's largest, \
0.707 (it cancels) = 0 softmax: e^(0) / Σ e^… = 1 / 1.49 weight = 67 %"
- paragraph: "Edit any number; Enter goes down, Shift+Enter up. Bold: the 3 largest products."
- table:
  - rowgroup:
    - row "d q k q × k v weight × v Σ weight × v":
      - columnheader "d"
      - columnheader "q"
      - columnheader "k"
      - columnheader "q × k"
      - columnheader "v"
      - columnheader "weight × v"
      - columnheader "Σ weight × v"
  - rowgroup:
    - row "0 0 0 0.33":
      - rowheader "0"
      - cell:
        - spinbutton "q, dimension 0": "0"
      - cell:
        - spinbutton "k, dimension 0": "0"
      - cell "0"
      - cell:
        - spinbutton "v, dimension 0": "0"
      - cell "0"
      - cell "0.33"
    - row "1 1 0.67 0.67":
      - rowheader "1"
      - cell:
        - spinbutton "q, dimension 1": "1"
      - cell:
        - spinbutton "k, dimension 1": "1"
      - cell "1"
      - cell:
        - spinbutton "v, dimension 1": "1"
      - cell "0.67"
      - cell "0.67"
- button "put back" [disabled]
- paragraph: "left: looks (query); right: is looked at (key)"
- paragraph: "'had' looks at 'had' 67 %, '<b>Mia</b>' 33 %."
"""


def spoken(host):
    """Names, roles, states and numbers in the order in which they are read; not what was said aloud last."""
    return host.aria_snapshot().rpartition("\n- status")[0]


def test_a_screen_reader_gets_all_of_it(notebook):
    host = notebook.widget("map")
    assert notebook.until(lambda: spoken(host) == SPOKEN.strip()), spoken(host)


def test_the_file_says_the_same(notebook, tmp_path):
    scope = {}
    exec(SET_UP, scope)
    page = notebook.page.context.new_page()
    page.goto(scope["shown"].to_html(tmp_path / "page.html").as_uri())
    host = page.locator(".llmasos-widget")
    host.wait_for()
    assert notebook.until(lambda: spoken(host) == SPOKEN.strip()), spoken(host)
    page.close()


def test_a_notebook_that_is_not_trusted_shows_the_static_form(desk, tmp_path):
    """JupyterLab opens no widget there and takes scripts and styles out: the tables and the words stay."""
    given = AttentionExplorer([[0.0], [1.0]], [[0.0], [1.0]], ["<b>Mia</b>", "had"], row=1)
    data, _ = given._repr_mimebundle_()
    file = tmp_path / "stored.ipynb"
    write_notebook(file, {"map": "shown"})
    stored = json.loads(file.read_text())
    stored["cells"][0] |= {
        "execution_count": 1,
        "outputs": [
            {"output_type": "execute_result", "execution_count": 1, "data": data, "metadata": {}},
        ],
    }
    file.write_text(json.dumps(stored))
    with desk.notebook(file) as notebook:
        trusted = f"() => {NOTEBOOK}.content.widgets.some((cell) => cell.model.trusted)"
        assert not notebook.page.evaluate(trusted)
        figure = notebook.cell("map").locator("figure")
        figure.wait_for()
        assert figure.locator("figcaption").inner_text().splitlines() == given.text().splitlines()
        table = figure.locator("table").first
        rows = [row.split("\t") for row in table.locator("tbody tr").all_inner_texts()]
        assert rows == [["0 <b>Mia</b>", "100", ""], ["1 had", "27", "73"]]
        assert figure.locator("b").all_inner_texts() == ["1 had"]
        assert notebook.page.locator(".llmasos-widget").count() == 0
